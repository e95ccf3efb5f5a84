import Glibc
import JSON
import Linux
import Testing
import Vocabulary

@testable import Varlink

/// A path for a socket, removed with its directory.
final class SocketPath {
  let directory: String
  var path: String { directory + "/socket" }

  init() {
    var template = Array("/tmp/mmexit-varlink-XXXXXX".utf8CString)
    directory = template.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress, let made = mkdtemp(base) else {
        fatalError("no directory for a test in /tmp")
      }
      return String(cString: made)
    }
  }

  deinit {
    unlink(path)
    rmdir(directory)
  }
}

let testInterface = InterfaceDescription(
  """
  # For the tests of the server.
  interface io.mmexit.Test

  method Echo(text: string, times: ?int) -> (text: string)

  method Who() -> (user: int)

  method Watch() -> (number: int, dropped: ?int)

  method Later() -> ()

  error Refused (why: string)

  """)

let information = ServiceInformation(
  vendor: "mmexit", product: "test", version: "0.1", url: "https://example.org")

/// A server and the time it lives in, driven by the test step by step on the test's own thread.
struct Bench: ~Copyable {
  let socket: SocketPath
  var server: Server
  var now = Instant(sinceBoot: 1_000_000_000)
  /// Oneway calls and others that reached the handler.
  var calls: [String] = []

  init(limits: VarlinkLimits = VarlinkLimits()) throws {
    let socket = SocketPath()
    self.socket = socket
    server = try Server(
      UnixListener.listen(at: socket.path), information, interfaces: [testInterface], topics: 1,
      limits: limits)
  }

  static func answer(_ call: Call) -> Reply {
    switch call.member {
    case "Echo":
      do throws(JSONError) {
        let text = try call.parameters.member("text").string()
        let times = try call.parameters.optional("times")?.integer(in: 0...1_000_000) ?? 1
        return .parameters({ json in
          json.key("text")
          json.value(String(repeating: text, count: times))
        })
      } catch {
        return .invalid(error)
      }
    case "Who":
      let user = call.peer.user
      return .parameters({ json in
        json.key("user")
        json.value(Int(user))
      })
    case "Watch":
      return .stream(topic: 0) { json in
        json.key("number")
        json.value(-1)
      }
    default: return .error(.methodNotImplemented(call.method))
    }
  }

  /// Serves until nothing is left to do at once.
  mutating func serve() throws {
    for _ in 0..<50 {
      var calls = self.calls
      try server.serve(at: now) { call in
        calls.append(call.member)
        return Self.answer(call)
      }
      self.calls = calls
    }
  }

  mutating func publish(_ number: Int, padding: Int = 0) {
    server.publish(0, at: now) { json in
      json.key("number")
      json.value(number)
      if padding > 0 {
        json.key("padding")
        json.value(String(repeating: "x", count: padding))
      }
    }
  }

  func connect() throws -> Peer { Peer(try UnixSocket.connect(to: socket.path)) }
}

/// The other side, byte by byte.
final class Peer {
  let descriptor: Descriptor
  private var input: [UInt8] = []

  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

  /// False when the service has closed.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes {
      Glibc.send(descriptor.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    } == bytes.count
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8) + [0]) }

  func endSending() { shutdown(descriptor.number, Int32(SHUT_WR)) }

  /// What has come so far; nil for the end of the stream when nothing is left.
  func receive() throws -> [JSONObject]? {
    var ended = false
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = recv(descriptor.number, &chunk, chunk.count, Int32(MSG_DONTWAIT))
      if count <= 0 {
        // Closed with our bytes unread is closed too.
        ended = count == 0 || errnoNow() == ECONNRESET
        break
      }
      input += chunk[..<count]
    }
    var messages: [JSONObject] = []
    while let end = input.firstIndex(of: 0) {
      messages.append(try JSONPlace(JSONValue.parse(Array(input[..<end]))).object())
      input.removeFirst(end + 1)
    }
    return messages.isEmpty && ended ? nil : messages
  }

  func errors() throws -> [String] {
    try (receive() ?? []).compactMap { if case .string(let name)? = $0["error"] { name } else { nil } }
  }
}

func echo(_ text: String, times: Int = 1) -> String {
  #"{"method":"io.mmexit.Test.Echo","parameters":{"text":"\#(text)","times":\#(times)}}"#
}

let watch = #"{"method":"io.mmexit.Test.Watch","more":true}"#

func echoed(_ text: String) -> JSONObject { ["parameters": ["text": .string(text)]] }

/// Numbers of a stream's messages, and how many it says were lost before each.
func stream(_ messages: [JSONObject]?) -> (numbers: [Int64], dropped: Int64) {
  var numbers: [Int64] = []
  var dropped: Int64 = 0
  for message in messages ?? [] {
    guard case .object(let parameters)? = message["parameters"] else { continue }
    if case .integer(let number)? = parameters["number"] { numbers.append(number) }
    if case .integer(let lost)? = parameters["dropped"] { dropped += lost }
  }
  return (numbers, dropped)
}

/// A thread for what blocks: a client that waits for a server, or several daemons at once.
final class BlockingThread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
  private var thread = pthread_t()

  init(_ body: @escaping @Sendable () -> Void) {
    let argument = Unmanaged.passRetained(Body(body)).toOpaque()
    pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, argument)
  }

  func join() { pthread_join(thread, nil) }
}
