import Engine
import Glibc
import Ledger
import Linux
import Sensing
import Synchronization
import Vocabulary

/// Where the pipeline's decisions and notes go, in this order: the ledger, then the control thread, then, where it
/// is asked for, a line on standard output. Lives on the pipeline's thread.
final class DecisionSink {
  private var ledger: LedgerWriter
  private let channel: DecisionChannel
  private let model: Model
  private var printer: DecisionPrinter
  /// Nil for the machine's clocks; a replay stamps with its virtual clock alone.
  private let isReplay: Bool
  private var states: [String]
  private var awakeSince: [Instant?]
  /// What was last said of each sensor in the journal; a fault that comes back at every try is said once.
  private var lastFault: [String?]
  /// When the journal was last told that a sensor is held awake; the ledger has every time.
  private var heldSaid: [Instant?]
  let ledgerStatus: LedgerStatusBoard

  init(
    ledger: consuming LedgerWriter, channel: DecisionChannel, model: Model, prints: Bool, isReplay: Bool
  ) {
    ledgerStatus = LedgerStatusBoard(path: ledger.directory)
    self.ledger = ledger
    self.channel = channel
    self.model = model
    printer = DecisionPrinter(isOn: prints, isReady: { isReplay || StandardOutput.isReady() })
    self.isReplay = isReplay
    states = model.modalities.map { _ in "asleep" }
    awakeSince = model.modalities.map { _ in nil }
    lastFault = model.modalities.map { _ in nil }
    heldSaid = model.modalities.map { _ in nil }
  }

  private func stamp(_ now: Instant) -> LedgerStamp {
    if isReplay { return LedgerStamp(boot: now) }
    var wall = timespec()
    clock_gettime(CLOCK_REALTIME, &wall)
    return LedgerStamp(
      boot: now, utc: Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec),
      synced: isWallClockSynchronized())
  }

  func start(order: [Int], at now: Instant) {
    ledger.append(.start(version: Version.text, model: model.name, order: order), at: stamp(now))
    sayLedgerNotices()
  }

  private func sayLedgerNotices() {
    while let notice = ledger.nextNotice() {
      Log.write(notice.isGood ? .notice : .warning, notice.description)
    }
  }

  func deliver(_ decision: borrowing Decision) {
    let decision = copy decision
    ledger.append(decision, at: stamp(decision.decided))
    ledgerStatus.note(ledger.records, shed: ledger.totalShed, failure: ledger.failure)
    sayLedgerNotices()
    channel.put(decision)
    printer.print(
      DecisionLine(decision, classes: model.classes, modalities: model.modalities.map(\.name)).text)
  }

  func note(_ note: PipelineNote) {
    switch note {
    case .state(let sensor, let state, let now, let detail):
      record(sensor, state, now, detail)
    case .heldAwake(let sensor, let now):
      let name = model.modalities[sensor].name
      let message = "\(name): woken too often in a minute; it stays awake until the minute is over"
      ledger.append(.fault(modality: sensor, message: message), at: stamp(now))
      if let said = heldSaid[sensor], now - said < .seconds(3600) { return }
      heldSaid[sensor] = now
      Log.write(
        .notice, message + "; it may be so again without being said for an hour (wakes-per-minute in [gate])")
    case .noSensor(let now):
      let message = "no sensor can be had; windows go unanswered until one is back, and each is tried again"
      ledger.append(.fault(modality: nil, message: message), at: stamp(now))
      Log.write(.error, message)
    case .sentinel(let sensor, let now):
      let message = "\(model.modalities[sensor].name) listens now: the first in the order that can be had"
      ledger.append(.fault(modality: sensor, message: message), at: stamp(now))
      Log.write(.warning, message)
    }
  }

  private func record(_ sensor: Int, _ state: SensorState, _ now: Instant, _ detail: String?) {
    let former = states[sensor]
    states[sensor] = state.name
    switch state {
    case .waking: ledger.append(.wake(modality: sensor, decision: nil), at: stamp(now))
    case .asleep:
      let awake = awakeSince[sensor].map { now - $0 } ?? .zero
      awakeSince[sensor] = nil
      ledger.append(.sleep(modality: sensor, awake: awake), at: stamp(now))
    case .awake:
      awakeSince[sensor] = now
      if lastFault[sensor] != nil {
        lastFault[sensor] = nil
        Log.write(.notice, "\(model.modalities[sensor].name) is back")
      }
      ledger.append(.state(modality: sensor, from: former, to: state.name, reason: nil), at: stamp(now))
    case .failed:
      awakeSince[sensor] = nil
      ledger.append(.state(modality: sensor, from: former, to: state.name, reason: detail), at: stamp(now))
      let fault = detail ?? "\(model.modalities[sensor].name) failed"
      if lastFault[sensor] != fault {
        lastFault[sensor] = fault
        Log.write(.warning, fault)
      }
    }
  }

  /// The last record with what was spent since the last decision, and everything on the disk.
  func finish(reason: String, closing: ClosingEnergy, at now: Instant) {
    ledger.appendStop(reason: reason, closing: closing, at: stamp(now))
    defer { sayLedgerNotices() }
    do {
      try ledger.finish(at: stamp(now))
    } catch {
      Log.write(.error, error.description)
    }
  }
}

extension SensorState {
  /// As in the ledger and the protocol.
  package var name: String {
    switch self {
    case .asleep: "asleep"
    case .waking: "waking"
    case .awake: "awake"
    case .failed: "failed"
    }
  }
}

/// What `GetStatus` says of the ledger.
package final class LedgerStatusBoard: Sendable {
  package struct Status: Sendable {
    package var records = 0
    package var shed = 0
    package var failure: Int32?
  }
  package let path: String
  private let status = Mutex(Status())

  init(path: String) { self.path = path }
  func note(_ records: Int, shed: Int, failure: Int32?) {
    status.withLock { $0 = Status(records: records, shed: shed, failure: failure) }
  }
  package func read() -> Status { status.withLock { $0 } }
}
