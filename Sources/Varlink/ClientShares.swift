import Glibc
import Linux

/// Who has how many of the connections: nobody gets all of them.
struct ClientShares {
  /// Nothing but root and this user is privileged.
  private let owner: UInt32
  private var users: [UInt32: Int] = [:]
  private var processes: [Int32: Int] = [:]
  /// Of those who are not privileged.
  private var others = 0

  /// - Parameter owner: the user who made the socket.
  init(owner: UInt32 = geteuid()) { self.owner = owner }

  private func isPrivileged(_ user: UInt32) -> Bool { user == 0 || user == owner }

  /// The first of the bounds that keeps one more connection of the peer out, and how many there are under it; nil where
  /// it may come in.
  /// - Parameter clients: connections of all.
  func bound(
    on peer: PeerCredentials, _ clients: Int, _ limits: VarlinkLimits
  ) -> (has: Int, limit: Int)? {
    let privileged = isPrivileged(peer.user)
    var bounds = [
      (has: clients, limit: limits.clients),
      (has: users[peer.user, default: 0], limit: limits.clientsOfUser(privileged: privileged)),
      (has: processes[peer.process, default: 0], limit: limits.clientsOfProcess),
    ]
    if !privileged { bounds.append((has: others, limit: limits.clientsOfOthers)) }
    // The one that is exceeded most decides whether the peer is told.
    return bounds.filter { $0.has >= $0.limit }.max { $0.has - $0.limit < $1.has - $1.limit }
  }

  mutating func add(_ peer: PeerCredentials) { change(peer, 1) }
  mutating func remove(_ peer: PeerCredentials) { change(peer, -1) }

  private mutating func change(_ peer: PeerCredentials, _ by: Int) {
    let ofUser = users[peer.user, default: 0] + by
    users[peer.user] = ofUser == 0 ? nil : ofUser
    if !isPrivileged(peer.user) { others += by }
    // One of another PID namespace has no number here, and is none with others.
    guard peer.process > 0 else { return }
    let ofProcess = processes[peer.process, default: 0] + by
    processes[peer.process] = ofProcess == 0 ? nil : ofProcess
  }
}
