import Vocabulary

/// Every capacity of the server, with its reason.
package struct VarlinkLimits: Sendable {
  /// Connections at a time. Each costs a descriptor (raise RLIMIT_NOFILE accordingly) and, idle, a few hundred bytes.
  package var clients = 1024
  /// Connections beyond these that are told so before they are closed; yet more are closed without waiting.
  package var refusals = 16
  /// A request: parameters here are names and numbers.
  package var messageBytes = 64 << 10
  /// Memory for replies that wait and for requests that are not whole, of all clients together: 64 that pipeline and do
  /// not read, or 1,000 with 4 KiB each.
  package var clientBytes = 4 << 20
  /// An answer: a model's description with every class and exit.
  package var replyBytes = 256 << 10
  /// Stream messages kept for subscribers that do not keep up, for all of them together: 16 s at 4 windows a second.
  package var streamMessages = 64
  /// From a message's first byte to its last.
  package var messageTime = Nanoseconds.seconds(10)
  /// For a client that was told why to read it and close.
  package var closingTime = Nanoseconds.seconds(2)

  package init() {}

  /// Places that one who takes all he can get leaves: half of them to the privileged (root and the daemon's own user),
  /// who can always look at what goes on.
  private var leftOver: Int { min(24, clients / 8) }
  /// Of the connections, those that one process may have: another of the same user still gets a place.
  package var clientsOfProcess: Int { clients - leftOver }
  /// Those that one user may have.
  package func clientsOfUser(privileged: Bool) -> Int {
    privileged ? clients - leftOver / 2 : clients - leftOver
  }
  /// Those that all who are not privileged have together.
  package var clientsOfOthers: Int { clients - (leftOver + 1) / 2 }

  /// Replies that may wait for a client before its further requests do: a pipelining client that does not read
  /// costs this and one reply.
  package static let waitingReplyBytes = 64 << 10
  /// Taken from one client before others get their turn: some 50 of the shortest requests, so that one who reads its
  /// answers waits for no thousand others who only ask.
  static let readBytes = 2 << 10
  /// Time between looks at connections whose time may be up.
  static let sweepInterval = Nanoseconds.seconds(1)
  /// Connections accepted before others get their turn.
  static let acceptsAtOnce = 64
}
