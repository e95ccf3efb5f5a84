import Glibc
import JSON
import Linux
import Vocabulary

/// Why a call came to nothing.
package enum ClientError: Error, Equatable, CustomStringConvertible, Sendable {
  case connection(UnixSocketError)
  case failed(LinuxError)
  /// The service closed the connection instead of answering.
  case closed
  case timedOut
  /// What came is no Varlink reply.
  case malformed(String)
  /// The service answered with an error.
  case call(CallError)

  package var description: String {
    switch self {
    case .connection(let error): error.description
    case .failed(let error): "\(error): the connection to the daemon failed"
    case .closed: "the daemon closed the connection without an answer; see its log"
    case .timedOut: "the daemon did not answer in time; see its log"
    case .malformed(let what): "the daemon's answer cannot be read: \(what)"
    case .call(let error): "the daemon answered: \(error)"
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .connection(let error): error.exitCode
    case .failed: .ioError
    case .closed, .timedOut: .unavailable
    case .malformed: .software
    case .call(let error):
      error.name == CallError.permissionDenied.name ? .noPermission : .unavailable
    }
  }
}

/// A blocking Varlink client for command line tools.
package struct Client: ~Copyable {
  /// Longer than any reply the daemon sends.
  package static let maximumReplyBytes = 4 << 20

  private let descriptor: Descriptor
  private var input = MessageBuffer()

  /// - Parameter timeout: for each answer to wait; nil waits for ever. Streams are best waited for for ever.
  package init(connectingTo path: String, timeout: Nanoseconds? = nil) throws(ClientError) {
    let descriptor: Descriptor
    do throws(UnixSocketError) {
      descriptor = try UnixSocket.connect(to: path)
    } catch {
      throw .connection(error)
    }
    if let timeout {
      do throws(LinuxError) {
        try UnixSocket.setTimeout(descriptor.number, timeout)
      } catch {
        throw .failed(error)
      }
    }
    self.descriptor = descriptor
  }

  /// Who listens on the socket.
  package func peer() throws(ClientError) -> PeerCredentials {
    do throws(LinuxError) {
      return try UnixSocket.peer(of: descriptor.number)
    } catch {
      throw .failed(error)
    }
  }

  /// Calls a method, e.g. `io.mmexit.Daemon.GetStatus`, and gives back the reply's parameters.
  package mutating func call(_ method: String, _ parameters: JSONObject = [:]) throws(ClientError)
    -> JSONObject
  {
    try send(method, parameters)
    return try receive().parameters
  }

  /// Calls a method that is not answered.
  package mutating func callOneway(_ method: String, _ parameters: JSONObject = [:]) throws(ClientError) {
    try send(method, parameters, flag: "oneway")
  }

  /// Calls a method that answers with a stream; every reply goes to `body` until it says false or the stream ends.
  package mutating func callMore(
    _ method: String, _ parameters: JSONObject = [:], _ body: (JSONObject) -> Bool
  ) throws(ClientError) {
    try send(method, parameters, flag: "more")
    while true {
      let reply = try receive()
      guard body(reply.parameters), reply.continues else { return }
    }
  }

  /// Sends a call without waiting: for pipelining, and for streams that are read by `receive`.
  /// - Parameter flag: `more`, `oneway` or nil.
  package mutating func send(
    _ method: String, _ parameters: JSONObject = [:], flag: String? = nil
  ) throws(ClientError) {
    var message: JSONObject = ["method": .string(method)]
    if parameters.count > 0 { message.append("parameters", .object(parameters)) }
    if let flag { message.append(flag, true) }
    let bytes = Array(JSONValue.object(message).text.utf8) + [0]
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(
          descriptor.number, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        sent += count
        continue
      }
      switch errnoNow() {
      case EINTR: continue
      case EAGAIN: throw .timedOut
      // The service is gone, but what it said before may still be read.
      case EPIPE: return
      default: throw .failed(LinuxError("send", errno: errnoNow()))
      }
    }
  }

  /// Waits for the next reply.
  package mutating func receive() throws(ClientError) -> (parameters: JSONObject, continues: Bool) {
    while true {
      let reply = input.next { bytes -> Result<JSONValue, JSONError> in
        do throws(JSONError) {
          return .success(try JSONValue.parse(bytes, maximumBytes: Self.maximumReplyBytes))
        } catch {
          return .failure(error)
        }
      }
      if let reply {
        input.compact()
        return try Self.read(reply)
      }
      guard input.count <= Self.maximumReplyBytes else {
        throw .malformed("longer than \(Self.maximumReplyBytes) bytes")
      }
      try fill()
    }
  }

  private mutating func fill() throws(ClientError) {
    let number = descriptor.number
    let code = withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 1) { buffer -> Int32 in
      while true {
        let count = recv(number, buffer.baseAddress, buffer.count, 0)
        if count > 0 {
          input.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          return 0
        }
        // An end within a reply and one between two are the same to a caller who waits.
        if count == 0 { return ECONNRESET }
        if errnoNow() != EINTR { return errnoNow() }
      }
    }
    switch code {
    case 0: return
    case EAGAIN: throw .timedOut
    case ECONNRESET: throw .closed
    default: throw .failed(LinuxError("recv", errno: code))
    }
  }

  private static func read(
    _ reply: Result<JSONValue, JSONError>
  ) throws(ClientError) -> (parameters: JSONObject, continues: Bool) {
    let parameters: JSONObject
    let name: String?
    let continues: Bool
    do throws(JSONError) {
      let place = JSONPlace(try reply.get())
      name = try place.optional("error")?.string()
      parameters = try place.optional("parameters")?.object() ?? [:]
      continues = try place.optional("continues")?.bool() ?? false
    } catch {
      throw .malformed(error.description)
    }
    if let name { throw .call(CallError(name, parameters)) }
    return (parameters, continues)
  }
}
