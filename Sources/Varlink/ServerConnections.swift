import Glibc
import JSON
import Linux
import Vocabulary

// Coming and going.
extension Server {
  mutating func accept(_ now: Instant) {
    for _ in 0..<VarlinkLimits.acceptsAtOnce {
      do throws(LinuxError) {
        guard let descriptor = try listener.accept() else { return }
        let peer = try UnixSocket.peer(of: descriptor.number)
        try admit(descriptor, peer, now)
      } catch {
        // No descriptors or memory left: those that wait are accepted when some are.
        isPaused = true
        try? poll.change(listener.number, [], token: Self.listenerToken)
        return
      }
    }
  }

  mutating func admit(
    _ descriptor: consuming Descriptor, _ peer: PeerCredentials, _ now: Instant
  ) throws(LinuxError) {
    let bound = shares.bound(on: peer, clients, limits)
    if let bound {
      refused += 1
      if bound.has >= bound.limit + limits.refusals { return }
    }
    let slot = freeSlots.popLast() ?? connections.count
    if slot == connections.count { connections.append(nil) }
    generation = (generation + 1) & 0x7FFF_FFFF
    let token = generation << 32 | UInt64(slot)
    let connection = Connection(descriptor, peer, token: token)
    do throws(LinuxError) {
      try poll.add(connection.descriptor.number, .reading, token: token)
    } catch {
      freeSlots.append(slot)
      throw error
    }
    connections[slot] = connection
    clients += 1
    shares.add(peer)
    if let bound {
      end(connection, "TooManyClients", ["limit": .integer(Int64(bound.limit))], now)
      finish(connection, now)
    }
  }

  mutating func close(_ connection: Connection) {
    let slot = Int(connection.token & 0xFFFF_FFFF)
    if let subscription = connection.subscription { topics[subscription.topic].unsubscribe(slot) }
    if connection.isTimed { timed -= 1 }
    if connection.isWatched { closed.append(ConnectionID(token: connection.token)) }
    // The last reference: the descriptor is closed, and leaves the epoll by that.
    connections[slot] = nil
    freeSlots.append(slot)
    clients -= 1
    heldBytes -= connection.counted
    connection.counted = 0
    shares.remove(connection.peer)
    if isPaused { resume() }
  }

  mutating func resume() {
    isPaused = false
    try? poll.change(listener.number, .reading, token: Self.listenerToken)
  }

  /// Tells a client why it is closed.
  mutating func end(
    _ connection: Connection, _ error: String, _ parameters: JSONObject, _ now: Instant
  ) {
    writer.error(ConnectionInterface.error(error, parameters))
    writer.withBytes { connection.queue($0) }
    connection.closing = now + limits.closingTime
  }

  mutating func sweep(_ now: Instant) {
    lastSweep = now
    if isPaused { resume() }
    for connection in connections {
      guard let connection, connection.isTimed else { continue }
      if let closing = connection.closing {
        if now >= closing { close(connection) }
      } else if let since = connection.partialSince, now - since >= limits.messageTime {
        end(
          connection, "MessageTimeout", ["limit_ms": .integer(limits.messageTime.count / 1_000_000)], now)
        finish(connection, now)
      }
    }
  }
}

// What clients cost.
extension Server {
  /// Takes note of the memory that a connection holds now.
  mutating func count(_ connection: Connection) {
    guard connections[Int(connection.token & 0xFFFF_FFFF)] === connection else { return }
    let holds = connection.holds
    heldBytes += holds - connection.counted
    connection.counted = holds
  }

  /// While all clients together hold more than they may, the one that holds most is told so and closed. Whoever reads
  /// its answers holds nothing, so it is one of those who do not.
  mutating func evict(_ now: Instant) {
    while heldBytes > limits.clientBytes {
      var most: Connection?
      for connection in connections {
        guard let connection, connection.counted > most?.counted ?? 0 else { continue }
        most = connection
      }
      guard let most else { return }
      evicted += 1
      let former = most.counted
      if most.closing == nil && most.abandon() {
        end(most, "TooMuchWaiting", ["limit_bytes": .integer(Int64(limits.clientBytes))], now)
        finish(most, now)
        // Gone, or smaller by what it let go.
        if most.counted < former { continue }
      }
      if most.counted > 0 { close(most) }
    }
  }
}
