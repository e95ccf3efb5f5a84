import Energy
import Engine
import JSON
import Ledger
import Linux
import Startup
import Synchronization
import Vocabulary
import Wire

/// The recorder's thread: takes the pipeline's events, encodes each once, and hands the bytes to the ledger's writing
/// half, to those who watch, and to standard output and journal, each behind a bounded ring of its own. It neither
/// writes nor syncs, and waits for nobody but in a replay as fast as it goes, whose time stands still meanwhile.
package final class Recorder: @unchecked Sendable {
  // Unchecked: what is not safe by itself is used by the recorder's thread alone, from `run` on.

  /// A disk that takes nothing for so long is not waited for any longer, where it is waited for at all.
  private static let diskPatience = Nanoseconds.seconds(30)
  /// From SIGTERM on, in all: the ledger's part of systemd's TimeoutStopSec=5s.
  private static let endPatience = Nanoseconds.milliseconds(3000)
  /// How long the pipeline has for its last event after it was told to stop.
  private static let pipelinePatience = Nanoseconds.milliseconds(1000)
  /// No wait is longer: steps of the wall clock and news of the disk are told without events too.
  private static let longestWait = Nanoseconds.seconds(5)

  private var chain: LedgerChain
  private let link: LedgerLink
  private let events: EventRing
  private let bell: Bell
  private let watch: WatchRing
  private let journal: Journal
  private let beats: Heartbeats
  private var printer: DecisionPrinter
  private var sensors: SensorRecords
  private var clock: UTCClock
  /// By whose names decisions go: changes with the generation.
  private var model: Model
  private var generation = 1
  private let waits: Bool
  /// Time is what the recording says.
  private let isReplay: Bool
  package let ledgerStatus: LedgerStatusBoard
  package let metrics = MetricsBoard()

  private var hasStarted = false
  /// When the last event was: what stamps what has no time of its own.
  private var last: Instant
  private var lost: (decisions: Int, others: Int) = (0, 0)
  /// The disk was waited for in vain; how far it was then.
  private var hungAt: Int?
  /// The last decision found no room on its way to those who watch.
  private var unseen: UInt64?
  /// An event on its way to those who watch.
  private var eventObject = JSONWriter(capacity: 4096)
  private var shown: UInt64 = 0
  private let stopAsked = Atomic<Int64>(0)
  private let outcome = Mutex<(ended: Bool, error: LedgerError?)>((false, nil))

  /// - Parameters:
  ///   - waits: whether the ledger and whoever reads standard output are waited for: a replay as fast as it goes.
  ///   - bell: what wakes the recorder; `events`, `link` and the output thread ring it.
  package init(
    chain: consuming LedgerChain, link: LedgerLink, events: EventRing, bell: Bell, watch: WatchRing,
    output: OutputThread, beats: Heartbeats, model: Model, directory: String, prints: Bool, isReplay: Bool,
    waits: Bool
  ) {
    self.chain = chain
    self.link = link
    self.events = events
    self.bell = bell
    self.watch = watch
    self.beats = beats
    self.model = model
    self.waits = waits
    self.isReplay = isReplay
    journal = Journal(queue: output.journal)
    printer = DecisionPrinter(
      isOn: prints, queue: output.decisions, journal: journal,
      waiting: waits ? { bell.wait(until: $0.sinceBoot) } : nil)
    sensors = SensorRecords(names: model.modalities.map(\.name))
    clock = isReplay ? .none : .machine()
    last = isReplay ? .zero : Instant(sinceBoot: bootTimeNanoseconds())
    ledgerStatus = LedgerStatusBoard(path: directory)
    let digest = self.chain.identity.model.hexString
    metrics.change { $0.adopt(model, digest: digest) }
    let head = self.chain.head
    if head.sequence > 0 { metrics.change { $0.tell(head) } }
  }

  /// From any thread: the end is asked for; from now on nothing is waited for beyond the time that is left.
  package func hurry() {
    _ = stopAsked.compareExchange(
      expected: 0, desired: bootTimeNanoseconds(), ordering: .acquiringAndReleasing)
    bell.ring()
  }

  /// Whether the ledger is closed and all that can be shown is shown.
  package var hasEnded: Bool { outcome.withLock { $0.ended } }
  /// What of the ledger is lost or in doubt, once it has ended.
  package var error: LedgerError? { outcome.withLock { $0.error } }

  /// The thread's work: returns when the ledger is closed.
  package func run() {
    while !takeEvents() {
      if let since = stopSince, now - since >= Self.pipelinePatience {
        journal.write(.error, "the pipeline does not end; the ledger is closed without its last figures")
        end(reason: "signal", closing: nil)
        break
      }
      bell.wait(until: (now + (stopSince == nil ? Self.longestWait : .milliseconds(100))).sinceBoot)
    }
    watch.bell.ring()
  }

  /// Records what waits. True when the last event was among it.
  func takeEvents() -> Bool {
    var isOver = false
    turn()
    while !isOver && events.take({ isOver = take($0) }) { turn() }
    return isOver
  }

  private var now: Instant { Instant(sinceBoot: bootTimeNanoseconds()) }

  private var stopSince: Instant? {
    let time = stopAsked.load(ordering: .acquiring)
    return time == 0 ? nil : Instant(sinceBoot: time)
  }

  /// What is to be seen to whether something happened or not.
  private func turn() {
    beats.beatRecorder()
    // In front of `start` stands no record but `gap`: a step before it is told behind it.
    if hasStarted, let step = clock.step() {
      chain.append(.clock(step: step), at: clock.stamp(now))
      journal.write(
        .notice,
        "the wall clock was set by \(DecisionLine.places(step.seconds, 3)) s; the ledger's t_utc follows it, t_boot_ns does not"
      )
    }
    recordReadings()
    let lost = events.lost
    if lost != self.lost {
      chain.lose(
        decisions: lost.decisions - self.lost.decisions, others: lost.others - self.lost.others,
        at: clock.stamp(last))
      self.lost = lost
    }
    chain.recordSteady(at: isReplay ? last : now)
    chain.settle(at: clock.stamp(last))
    sayNotices()
    publishStatus()
  }

  /// What meters have measured. It stands between `start` and `stop`, as all records of a run do.
  private func recordReadings() {
    guard hasStarted else { return }
    while let reading = metrics.takeReading() {
      chain.append(.meter(reading), at: clock.stamp(now))
      metrics.change { $0.add(reading) }
    }
  }

  private func publishStatus() {
    ledgerStatus.publish(
      chain.records, shed: chain.totalShed, failure: chain.failure, unprinted: printer.leftOut)
  }

  private func sayNotices() {
    while let notice = chain.nextNotice() {
      if case .head(let head) = notice { metrics.change { $0.tell(head) } }
      journal.write(notice.isGood ? .notice : .warning, notice.description)
    }
  }

  /// True for the last event.
  private func take(_ event: PipelineEvent) -> Bool {
    waitForLedger()
    switch event {
    case .start(let order, let instant):
      last = instant
      hasStarted = true
      chain.append(
        .start(version: Version.text, model: model.name, order: order), at: clock.stamp(instant))
    case .decision(let decision):
      last = decision.decided
      record(decision)
    case .note(let note):
      let outcome = sensors.take(note)
      last = outcome.at
      chain.append(outcome.event, at: clock.stamp(outcome.at))
      if let line = outcome.line { journal.write(line.level, line.text, fields(outcome.event)) }
      if case .event(let event) = note {
        journal.tell(text(event), fields(outcome.event))
        metrics.change { $0.add(event) }
        show(event)
      }
    case .command(let record):
      last = record.at
      if case .adopt(let generation) = record.what { adopt(generation) }
      chain.append(record.event, at: clock.stamp(record.at))
      if let line = record.line(names: model.modalities.map(\.name)) {
        journal.write(.notice, line, fields(record.event))
      }
    case .stop(let reason, let closing, let instant):
      last = instant
      end(reason: reason, closing: closing)
      return true
    }
    return false
  }

  private func fields(_ event: LedgerEvent) -> JournalFields {
    JournalFields(event, chain.identity.names, generation: generation)
  }

  private func text(_ event: StreamEvent) -> String {
    let name = model.classes.indices.contains(event.label) ? model.classes[event.label] : "?"
    guard event.end != nil else { return "\(name) begins with decision \(event.firstDecision)" }
    return "\(name) is over: decisions \(event.firstDecision) to \(event.lastDecision)"
  }

  /// What was put into the ring behind it is the generation's.
  private func adopt(_ generation: Generation) {
    self.generation = generation.number
    model = generation.model.model
    chain.adopt(
      LedgerIdentity(
        bootID: chain.identity.bootID, model: generation.model.digest,
        configuration: generation.loaded.digest, names: generation.names))
    metrics.change { $0.adopt(generation.model.model, digest: generation.model.digest.hexString) }
  }

  private func record(_ decision: Decision) {
    chain.append(decision, at: clock.stamp(decision.decided))
    metrics.change { $0.add(decision) }
    let number = decision.number
    let isSeen = chain.withDecision { watch.put(number, $0) }
    unseen = isSeen ? nil : number
    printer.print(
      DecisionLine(
        decision, classes: model.classes, modalities: model.modalities.map(\.name),
        overriding: model.overridingClass
      ).text,
      isNoData: decision.answer.reason == .noData)
  }

  /// To those who watch events. One that finds no room is in the ledger all the same.
  private func show(_ event: StreamEvent) {
    eventObject.reset()
    EventRecord.write(event, chain.identity.names, into: &eventObject)
    guard !eventObject.overflowed else { return }
    // Numbers that do not come tell those who watch that they were lost on the way.
    shown += 1
    let number = WatchRing.eventFlag | shown
    _ = eventObject.withBytes { watch.put(number, $0) }
  }

  /// Where no record may be lost: waits until the ledger has room. A disk that fails or hangs is not waited for.
  private func waitForLedger() {
    guard waits, hungAt != link.progress else { return }
    hungAt = nil
    var seen = link.progress
    var since = now
    while !link.hasRoom && chain.failure == nil && stopSince == nil {
      link.pressForRoom()
      bell.wait(until: (now + .seconds(1)).sinceBoot)
      turn()
      if link.progress != seen {
        seen = link.progress
        since = now
      } else if now - since >= Self.diskPatience {
        hungAt = seen
        journal.write(
          .warning,
          "\(ledgerStatus.path): the ledger's disk has taken nothing for 30 s; records are counted only, until it does; "
            + "check the disk")
        return
      }
    }
  }

  private func end(reason: String, closing: ClosingEnergy?) {
    showLast()
    recordReadings()
    hasStarted = false
    if let closing { metrics.change { $0.add(closing) } }
    let begun = now
    let error = chain.end(reason: reason, closing: closing, at: clock.stamp(last)) { link in
      while true {
        if let answer = link.answer() { return answer }
        let limit = stopSince.map { $0 + Self.endPatience } ?? (begun + Self.diskPatience)
        guard now < limit else { return nil }
        bell.wait(until: min(limit, now + .seconds(1)).sinceBoot)
        beats.beatRecorder()
      }
    }
    sayNotices()
    // The disk has the last record: it was closed without an error.
    if error == nil {
      let head = chain.head
      journal.write(.notice, LedgerNotice.head(head).description)
      metrics.change { $0.tell(head) }
    }
    printer.end()
    if printer.leftOut > 0 {
      journal.write(.notice, "standard output: \(printer.leftOut) decisions were not printed")
    }
    publishStatus()
    outcome.withLock { $0 = (true, error) }
  }

  /// Whoever watches learns by the last decision how many there were: it is waited for, for a moment.
  private func showLast() {
    guard let number = unseen else { return }
    let limit = now + .milliseconds(250)
    watch.wantRoom()
    while !chain.withDecision({ watch.put(number, $0) }) && now < limit {
      bell.wait(until: limit.sinceBoot)
    }
  }
}
