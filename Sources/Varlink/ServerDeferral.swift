import JSON
import Linux
import Vocabulary

/// A connection for as long as it lasts; never used again for another.
package struct ConnectionID: Hashable, Sendable {
  let token: UInt64

  init(token: UInt64) { self.token = token }

  /// For tests of what keeps accounts by connection.
  package init(testing number: UInt64) { token = number }
}

// Answers that come later, and connections that somebody keeps an account of.
extension Server {
  /// Answers the call that `Reply.deferred` left open on this connection, and goes on with its next requests. Nothing
  /// where the client has gone meanwhile, or waits for no answer.
  package mutating func reply(
    to identifier: ConnectionID, _ reply: Reply, at now: Instant, _ handler: (Call) -> Reply
  ) {
    guard let connection = connection(identifier), connection.isAwaiting else { return }
    connection.isAwaiting = false
    if !connection.isOneway {
      write(reply)
      writer.withBytes { connection.queue($0) }
    }
    advance(connection, now, handler)
    evict(now)
  }

  /// From now on `takeClosed` tells when this connection is gone. False where it is already.
  package mutating func tellClosing(of identifier: ConnectionID) -> Bool {
    guard let connection = connection(identifier) else { return false }
    connection.isWatched = true
    return true
  }

  /// The next connection that is gone, of those that `tellClosing` was called for.
  package mutating func takeClosed() -> ConnectionID? { closed.popLast() }

  private func connection(_ identifier: ConnectionID) -> Connection? {
    let slot = Int(identifier.token & 0xFFFF_FFFF)
    guard connections.indices.contains(slot), let connection = connections[slot],
      connection.token == identifier.token
    else { return nil }
    return connection
  }
}
