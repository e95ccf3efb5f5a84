import Glibc
import Linux
import Vocabulary
import Wire

/// The lines of `--print-decisions`. They are for people: where they cannot be written (a full disk, a reader that
/// went away) that is said once, and the daemon goes on without them; ledger and clients are served as before.
/// Live, lines are left out while nobody reads, and whoever reads again is told how many. In a replay as fast as it goes
/// the recorder waits for the reader; one that takes nothing for a second is given up.
struct DecisionPrinter {
  /// A reader that takes nothing for so long is given up, where it is waited for at all.
  static let patience = Nanoseconds.seconds(1)

  private(set) var isOn: Bool
  /// Lines that were not printed.
  private(set) var leftOut = 0
  private var untold = 0
  private var wasSaid = false
  private var noData = NoDataRun()
  private let queue: OutputQueue
  private let journal: Journal
  /// Waits until the queue has taken something or that time has come; nil where nobody waits.
  private let wait: ((Instant) -> Void)?

  private let patience: Nanoseconds

  init(
    isOn: Bool, queue: OutputQueue, journal: Journal, patience: Nanoseconds = Self.patience,
    waiting wait: ((_ until: Instant) -> Void)?
  ) {
    self.isOn = isOn
    self.queue = queue
    self.journal = journal
    self.wait = wait
    self.patience = patience
  }

  /// Of windows without data that follow each other one line is printed, and behind them how many they were.
  mutating func print(_ line: @autoclosure () -> String, isNoData: Bool) {
    let (before, isShown) = noData.take(isNoData: isNoData)
    if let before { print(before) }
    if isShown { print(line()) }
  }

  /// No further decision comes.
  mutating func end() { if let last = noData.end() { print(last) } }

  mutating func print(_ line: @autoclosure () -> String) {
    guard isOn else {
      leftOut += leftOut > 0 ? 1 : 0
      return
    }
    let text = line().printable
    if untold > 0, queue.put("(\(untold) decisions left out: nobody was reading)") { untold = 0 }
    if untold == 0 && (queue.put(text) || (queue.failure == nil && waitForRoom() && queue.put(text))) {
      return
    }
    leftOut += 1
    if let errno = queue.failure {
      isOn = false
      journal.write(
        .warning,
        "\(LinuxError("write", "standard output", errno: errno)): decisions are printed no more, the ledger goes on; "
          + "read them with 'mmexitctl watch'")
    } else if wait != nil {
      isOn = false
      journal.write(
        .warning,
        "standard output: nobody has read it for a second; decisions are printed no more, the ledger has all")
    } else {
      untold += 1
      guard !wasSaid else { return }
      wasSaid = true
      journal.write(
        .warning,
        "standard output: nobody reads it; decisions are left out there until somebody does, the ledger has all"
      )
    }
  }

  private func waitForRoom() -> Bool {
    guard let wait else { return false }
    var seen = queue.progress
    var limit = Instant(sinceBoot: bootTimeNanoseconds()) + patience
    while true {
      wait(limit)
      if queue.failure != nil { return false }
      if queue.progress != seen { return true }
      seen = queue.progress
      if bootTimeNanoseconds() >= limit.sinceBoot { return false }
      limit = max(limit, Instant(sinceBoot: bootTimeNanoseconds()))
    }
  }
}
