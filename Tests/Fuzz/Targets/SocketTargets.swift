import Glibc
import JSON
import Linux
import Varlink
import Vocabulary

/// Messages of a Varlink client to the daemon, and of whoever answers on its socket to the client.
enum SocketTargets {
  /// Made anew now and then: what a client leaves behind is not to tell the next one's run apart.
  private static let connectionsOfAServer = 1000

  private struct Bench: ~Copyable {
    var server: Server
    let path: String
    var served = 0
    var now = Instant(sinceBoot: 1_000_000_000)

    init() {
      path = Scratch.path("socket")
      guard let listener = try? UnixListener.listen(at: path),
        let server = try? Server(
          listener, ServiceInformation(vendor: "v", product: "p", version: "1", url: "u"),
          interfaces: [DaemonInterface.description], topics: 1)
      else { fatalError("no server") }
      self.server = server
    }

    mutating func serve() { try? server.serve(at: now) { call in SocketTargets.answer(call) } }
  }

  private static func answer(_ call: Call) -> Reply {
    switch call.member {
    case "Watch":
      return .stream(topic: 0) {
        $0.key("decision")
        $0.value(1)
      }
    case "GetStatus":
      let given = call.parameters.value
      return .parameters({ json in
        json.key("given")
        json.value(given)
      })
    default: return .error(.methodNotImplemented(call.method))
    }
  }

  nonisolated(unsafe) private static var bench: Bench? = nil

  static func varlink(_ bytes: UnsafeRawBufferPointer) {
    var current = bench.take() ?? Bench()
    talk(bytes, &current)
    // The client is gone.
    current.serve()
    current.served += 1
    if current.served < connectionsOfAServer { bench = consume current }
  }

  private static func talk(_ bytes: UnsafeRawBufferPointer, _ bench: inout Bench) {
    guard let client = try? UnixSocket.connect(to: bench.path) else { return }
    bench.serve()
    // In two pieces: messages come in any.
    let middle = bytes.count / 3
    for part in [bytes[..<middle], bytes[middle...]] {
      let piece = UnsafeRawBufferPointer(rebasing: part)
      _ = send(client.number, piece.baseAddress, piece.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      for _ in 0..<(2 + piece.count / 1024) { bench.serve() }
    }
    bench.server.publish(0, at: bench.now) {
      $0.key("decision")
      $0.value(2)
    }
    bench.now = bench.now + .seconds(1)
    bench.serve()
    withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 1) { room in
      _ = recv(client.number, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
    }
  }

  static func client(_ bytes: UnsafeRawBufferPointer) {
    let path = Scratch.path("answers")
    do {
      let listener = try UnixListener.listen(at: path)
      var client = try Client(connectingTo: path, timeout: .milliseconds(50))
      guard let peer = try listener.accept() else { fatalError("nobody connects") }
      _ = send(peer.number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
      shutdown(peer.number, Int32(SHUT_RDWR))
      for _ in 0..<100 { _ = JSONValue.object(try client.receive().parameters).text }
    } catch let error as UnixSocketError {
      fatalError("no socket: \(error)")
    } catch {
      // An answer that is refused, or the end.
    }
  }
}
