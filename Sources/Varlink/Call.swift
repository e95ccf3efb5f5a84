import JSON
import Linux

/// One call of a method, as it came in.
package struct Call: Sendable {
  /// Qualified by its interface: `io.mmexit.Daemon.GetStatus`.
  package let method: String
  /// An object; empty when the caller sent none. Errors of reading it name the parameter.
  package let parameters: JSONPlace
  /// The caller takes a stream of replies.
  package let more: Bool
  /// The caller takes no reply at all.
  package let oneway: Bool
  /// Who calls.
  package let peer: PeerCredentials
  /// On which connection.
  package let connection: ConnectionID

  /// `io.mmexit.Daemon` of `io.mmexit.Daemon.GetStatus`.
  package var interface: String {
    method.lastIndex(of: ".").map { String(method[..<$0]) } ?? ""
  }
  /// `GetStatus` of `io.mmexit.Daemon.GetStatus`.
  package var member: String {
    method.lastIndex(of: ".").map { String(method[method.index(after: $0)...]) } ?? method
  }

  /// Reads a message; what is wrong with it is an answer to its sender.
  init(
    _ message: JSONValue, from peer: PeerCredentials, on connection: ConnectionID
  ) throws(CallError) {
    let place = JSONPlace(message)
    func flag(_ name: String) throws(CallError) -> Bool {
      do throws(JSONError) {
        return try place.optional(name)?.bool() ?? false
      } catch {
        throw .invalidParameter(name)
      }
    }
    do throws(JSONError) {
      method = try place.member("method").string()
    } catch {
      throw .invalidParameter("method")
    }
    do throws(JSONError) {
      let given = try place.optional("parameters")
      _ = try given?.object()
      parameters = JSONPlace(given?.value ?? [:])
    } catch {
      throw .invalidParameter("parameters")
    }
    more = try flag("more")
    oneway = try flag("oneway")
    // Handing the connection over to another protocol is nothing that any method here does.
    guard try !flag("upgrade") else { throw .invalidParameter("upgrade") }
    self.peer = peer
    self.connection = connection
  }
}

/// The answer to a call.
package enum Reply {
  /// Writes the members of the reply's `parameters` into an object that is open.
  package typealias Members = (inout JSONWriter) -> Void

  case parameters(Members)
  case error(CallError)
  /// The connection gets what is published on the topic from now on; at once, where given, a first message.
  case stream(topic: Int, first: Members? = nil)
  /// The answer comes later, by `Server.reply(to:)`; the connection's further requests wait for it.
  case deferred

  /// A reply without parameters.
  package static var empty: Reply { .parameters({ _ in }) }

  /// Wrong parameters, from reading them: names the one that is wrong.
  package static func invalid(_ error: JSONError) -> Reply { .error(.invalidParameter(error.path)) }
}
