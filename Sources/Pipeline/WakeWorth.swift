/// Whether full checks that wake a sensor are worth more of them: the share that has found something, against what one costs. A
/// value; nothing takes from the heap.
struct WakeWorth: Sendable {
  /// What a command that is seen is worth, in right answers: 20 s of windows at four a second.
  static let rightAnswersOfCommand = 80.0
  /// Before the first check: 2 of 40 find something, as in streams with three commands a minute, a quarter of them by hand
  /// alone.
  private static let prior = (found: 2.0, checks: 42.0)
  /// What an earlier check counts after each further one: the last 200 count.
  private static let memory = 0.995

  private var found = 0.0
  private var checks = 0.0

  /// A full check that woke a sensor has, or has not, found that something is going on.
  mutating func note(hasFound: Bool) {
    found = found * Self.memory + (hasFound ? 1 : 0)
    checks = checks * Self.memory + 1
  }

  /// Of checks, the share that is expected to find something, 0...1.
  var share: Double { (Self.prior.found + found) / (Self.prior.checks + checks) }

  /// Whether a check of that price, in joules, is expected to be worth it.
  /// - Parameter rightAnswer: joules.
  func pays(_ price: Double, for rightAnswer: Double) -> Bool {
    share * rightAnswer * Self.rightAnswersOfCommand >= price
  }
}
