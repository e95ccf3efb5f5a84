import Vocabulary

/// The time that the threads which meter and record have been on a core, and what of it has been posted. It is read and
/// posted once a minute: a posting with every decision would make the ledger longer by more than it tells.
struct RecordingTime: Sendable {
  private static let interval = Nanoseconds.seconds(60)

  private let clock: @Sendable () -> Nanoseconds
  private var posted = Nanoseconds.zero
  /// When it was last posted, or the first decision was.
  private var since: Instant?

  init(_ clock: @escaping @Sendable () -> Nanoseconds) { self.clock = clock }

  /// What is to be posted now; nil where nothing is. What comes after the last is in no account.
  mutating func due(at now: Instant, isLast: Bool) -> Nanoseconds? {
    let begun = since ?? now
    since = begun
    guard isLast || now - begun >= Self.interval else { return nil }
    since = now
    let total = max(clock(), posted)
    defer { posted = total }
    return total - posted
  }
}
