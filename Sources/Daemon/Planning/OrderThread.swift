import Adaptation
import Ledger
import Linux
import Pipeline
import Startup
import Vocabulary

/// The planner's thread: gives way to all others, and is the only one that waits for the buffer's disk. A plan that comes
/// late is taken late; nothing else depends on it.
final class OrderThread: Sendable {
  /// Between two writes of the buffer: what a kill loses of it, the ledger still has.
  private static let savePeriod = Nanoseconds.seconds(600)

  let link: OrderLink
  let board = OrderBoard()
  private let start: Generation
  private let journal: Journal
  /// Nil in a replay, which begins with an empty buffer and leaves none.
  private let file: BufferFile?
  private let ended: Bell

  /// - Parameter isReplay: plans take effect at a window that is known beforehand.
  init(_ generation: Generation, isReplay: Bool, journal: Journal) throws(LinuxError) {
    link = try OrderLink(waits: isReplay)
    start = generation
    self.journal = journal
    file = isReplay ? nil : BufferFile(directory: generation.configuration.ledger.directory)
    ended = try Bell()
  }

  /// Works until the pipeline has ended.
  func run() {
    lowerThreadPriority()
    var planner = OrderPlanner(PlannerSetup(start))
    restore(&planner)
    board.publish(planner.report)
    var saved = now
    var isSaved = true
    var announced: String?
    while true {
      while let message = link.take() {
        let goesOn = planner.handle(message, link)
        board.publish(planner.report)
        announce(planner.report.bounds.conflict, &announced)
        isSaved = false
        guard goesOn else {
          save(planner)
          ended.ring()
          return
        }
      }
      if !isSaved && now - saved >= Self.savePeriod {
        save(planner)
        saved = now
        isSaved = true
      }
      link.bell.wait(until: (now + Self.savePeriod).sinceBoot)
    }
  }

  /// Waits until the thread is through, at most for so long: the buffer is written by then, or its former file is there.
  func waitForEnd(within time: Nanoseconds) { ended.wait(until: (now + time).sinceBoot) }

  private var now: Instant { Instant(sinceBoot: bootTimeNanoseconds()) }

  /// Says once that budget and bound cannot both be kept, and once that they can again.
  private func announce(_ text: String?, _ told: inout String?) {
    guard text != told else { return }
    journal.write(text == nil ? .notice : .warning, text ?? "budget and risk-bound can both be kept again")
    told = text
  }

  private func restore(_ planner: inout OrderPlanner) {
    guard let file, let setup = planner.setup else { return }
    let (buffer, outcome) = file.load(setup, at: now)
    switch outcome {
    case .restored: break
    case .missing: break
    case .quarantined(let path, let reason):
      journal.write(
        .warning, "audits of earlier runs: \(reason); the file is \(path) now, look at it and remove it")
    case .unreadable(let reason):
      journal.write(.warning, "audits of earlier runs: \(reason); it is written anew")
    }
    if let buffer { return planner.restore(buffer) }
    let windows = newestAudits(
      in: file.directory, model: start.model.digest, names: start.names, limit: setup.capacity, at: now)
    for window in windows { planner.take(window) }
    if !windows.isEmpty {
      journal.write(.notice, "\(windows.count) audits of earlier runs read from the ledger")
    }
  }

  private func save(_ planner: OrderPlanner) {
    guard let file, let setup = planner.setup, let buffer = planner.buffer, buffer.count > 0 else { return }
    do throws(LinuxError) {
      try file.save(buffer, setup, at: now)
    } catch {
      journal.write(.warning, "the audits could not be kept: \(error); the ledger has them")
    }
  }
}
