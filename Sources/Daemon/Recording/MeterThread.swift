import Energy
import Linux
import Synchronization
import Vocabulary

/// The thread that reads the board's meters: a bus may hang, so neither the pipeline nor the recorder does. Readings go to
/// the recorder by the board; nobody waits for it but the end, for a moment.
final class MeterThread: Sendable {
  /// Between two samples of power, and between two looks at a counter that wraps.
  private static let samplePeriod = Nanoseconds.seconds(10)
  private static let counterPeriod = Nanoseconds.seconds(60)

  private let interval: Nanoseconds
  private let files: SystemFiles
  private let handedOver: [Int32]
  private let board: MetricsBoard
  private let journal: Journal
  /// Rings the recorder.
  private let tell: @Sendable () -> Void
  private let bell: Bell
  private let ended: Bell
  private let isStopped = Atomic<Bool>(false)

  /// - Parameters:
  ///   - interval: of a record.
  ///   - descriptors: what a service manager handed over beside sockets.
  init(
    every interval: Nanoseconds, files: SystemFiles = SystemFiles(), handedOver descriptors: [Int32],
    _ board: MetricsBoard, _ journal: Journal, tell: @escaping @Sendable () -> Void
  ) throws(LinuxError) {
    self.interval = interval
    self.files = files
    handedOver = descriptors
    self.board = board
    self.journal = journal
    self.tell = tell
    bell = try Bell()
    ended = try Bell()
  }

  /// The thread's work: returns when it was told to end, or where there is no meter.
  func run() {
    lowerThreadPriority()
    defer { ended.ring() }
    var meters = MeterSet.found(files, handedOver: handedOver)
    guard !meters.isEmpty else { return }
    journal.write(
      .notice,
      "energy is measured by \(meters.sources.map { "\($0.name) (\($0.scope.rawValue))" }.joined(separator: ", "))"
    )
    var next = now.boot + interval
    var unreadable = 0
    while true {
      let isLast = isStopped.load(ordering: .acquiring)
      deliver(meters.sample(at: now, accounts: board.posted))
      if isLast || now.boot >= next {
        deliver(meters.take())
        next = max(next + interval, now.boot)
        // What was plugged in or out: those that are there begin anew.
        if meters.gaps[.unreadable, default: 0] > unreadable {
          meters = MeterSet.found(files, handedOver: handedOver)
          unreadable = 0
          _ = meters.sample(at: now, accounts: board.posted)
        }
      }
      if isLast { return }
      let period = meters.samples ? min(Self.samplePeriod, interval) : min(Self.counterPeriod, interval)
      bell.wait(until: min(next, now.boot + period).sinceBoot)
    }
  }

  /// Has the last interval closed, and waits for that at most for so long.
  func end(within time: Nanoseconds) {
    isStopped.store(true, ordering: .releasing)
    bell.ring()
    ended.wait(until: bootTimeNanoseconds() + time.count)
  }

  private func deliver(_ readings: [MeterReading]) {
    guard !readings.isEmpty else { return }
    board.put(readings)
    tell()
  }

  private var now: MeterInstant {
    MeterInstant(
      boot: Instant(sinceBoot: bootTimeNanoseconds()), running: Nanoseconds(monotonicNanoseconds()))
  }
}
