import Engine
import JSON
import Linux
import Metrics
import Pipeline
import Sensing
import Varlink
import Vocabulary

/// Answers the calls of `io.mmexit.Daemon` (docs/varlink/io.mmexit.Daemon.varlink).
struct Queries {
  static let watchTopic = 0
  static let eventTopic = 1

  private let facts: DaemonFacts
  private let desk: CommandDesk
  private let started: Instant
  /// The newest decision as an object, and its number: a client that begins to watch gets it at once.
  var last: [UInt8] = []
  var lastNumber: UInt64 = 0
  /// As of this turn of the control thread.
  var clients = ClientCounts() {
    didSet { if clients != oldValue { facts.metrics.board.publish(clients) } }
  }
  /// What those who watch have been told of losses.
  private var told = LossTotals()
  /// Events so far.
  var lastEvent: UInt64 = 0

  init(_ facts: DaemonFacts, _ desk: CommandDesk) {
    self.facts = facts
    self.desk = desk
    started = Instant(sinceBoot: bootTimeNanoseconds())
  }

  func answer(_ call: Call, at now: Instant) -> Reply {
    switch call.method {
    case "io.mmexit.Daemon.GetStatus": .parameters { json in writeStatus(into: &json) }
    case "io.mmexit.Daemon.GetModel": .parameters { json in ModelReply.write(desk.generation, into: &json) }
    case "io.mmexit.Daemon.GetOrder":
      .parameters { json in
        OrderReply.write(facts.order.read(), facts.status.read(), desk.generation, into: &json)
      }
    case "io.mmexit.Daemon.GetMetrics":
      .parameters { json in MetricsRecord.write(facts.metrics.families(), into: &json) }
    case "io.mmexit.Daemon.Watch": watch(call)
    default: desk.answer(call, at: now) ?? .error(.methodNotImplemented(call.method))
    }
  }

  private func watch(_ call: Call) -> Reply {
    do throws(JSONError) {
      let wantsEvents = try call.parameters.optional("events")?.bool() ?? false
      return wantsEvents
        ? .stream(topic: Self.eventTopic) : .stream(topic: Self.watchTopic, first: firstDecision)
    } catch {
      return .invalid(error)
    }
  }

  private var firstDecision: Reply.Members? {
    guard lastNumber > 0 else { return nil }
    let losses = losses
    return { json in writeLast(into: &json, losses == LossTotals() ? nil : losses) }
  }

  private var losses: LossTotals { LossTotals(facts.status.read(), facts.ledger.read(), clients) }

  /// - Parameter losses: to be told with it.
  func writeLast(into json: inout JSONWriter, _ losses: LossTotals?) {
    json.key("decision")
    last.withUnsafeBytes { json.raw($0) }
    guard let losses else { return }
    json.key("losses")
    losses.write(into: &json)
  }

  /// What was lost, where that has grown since this was asked.
  mutating func news() -> LossTotals? {
    let losses = losses
    guard losses != told else { return nil }
    told = losses
    return losses
  }

  private func writeStatus(into json: inout JSONWriter) {
    let status = facts.status.read()
    let generation = desk.generation
    let now = bootTimeNanoseconds()
    json.key("version")
    json.value(Version.text)
    json.key("state")
    json.value(desk.isPaused ? "paused" : "running")
    json.key("model")
    json.value(generation.model.model.name)
    json.key("generation")
    json.value(generation.number)
    json.key("lambda")
    json.value(generation.lambda)
    json.key("order")
    json.beginArray()
    for place in 0..<status.sensorCount { json.value(generation.names.modalities[status.order[place]]) }
    json.endArray()
    json.key("sensors")
    json.beginArray()
    for index in 0..<status.sensorCount { writeSensor(index, status, into: &json) }
    json.endArray()
    json.key("windows")
    json.value(status.decisions + status.joined)
    json.key("decisions")
    json.value(status.decisions)
    json.key("joined")
    json.value(status.joined)
    json.key("full_checks")
    json.value(status.looks)
    json.key("unsure")
    json.value(status.unsure)
    json.key("audits")
    json.value(status.audits)
    json.key("energy")
    json.beginObject()
    json.key("audit_nanojoules")
    json.value(status.auditEnergy.count)
    json.key("total_nanojoules")
    json.value(status.energy.count)
    json.key("always_on_nanojoules")
    json.value(status.alwaysOn.count)
    json.endObject()
    writeBounds(status.spending, into: &json)
    json.key("uptime_ns")
    json.value(now - started.sinceBoot)
    writeLedger(into: &json)
    json.key("clients")
    json.beginObject()
    for (key, value) in [
      ("connected", clients.connected), ("refused", clients.refused), ("evicted", clients.evicted),
      ("messages_dropped", Int(clamping: clients.messagesDropped)),
      ("lines_left_out", facts.ledger.read().unprinted),
      ("journal_lines_lost", facts.journal.queue.lost),
    ] as [(StaticString, Int)] {
      json.key(key)
      json.value(value)
    }
    json.endObject()
  }

  private func writeBounds(_ spending: SpendingFigures?, into json: inout JSONWriter) {
    if let spending {
      json.key("budget")
      json.beginObject()
      json.key("watts")
      json.value(spending.watts)
      for (key, value) in [
        ("period_ns", SpendingFigures.period.count), ("elapsed_ns", spending.elapsed.count),
        ("used_nanojoules", spending.used.count),
      ] as [(StaticString, Int64)] {
        json.key(key)
        json.value(value)
      }
      json.key("kept")
      json.value(spending.isKept)
      json.key("frugal")
      json.value(spending.isFrugal)
      json.endObject()
    }
    let bounds = facts.order.read().bounds
    guard let bound = bounds.riskBound else { return }
    json.key("risk_bound")
    json.beginObject()
    json.key("share")
    json.value(bound)
    if let risk = bounds.risk {
      json.key("risk")
      json.value(risk)
    }
    json.key("kept")
    json.value(bounds.isRiskKept)
    json.endObject()
  }

  private func writeSensor(_ index: Int, _ status: PipelineStatus, into json: inout JSONWriter) {
    let sensor = status.sensors[index]
    let time = sensor.durations(at: status.now)
    json.beginObject()
    json.key("name")
    json.value(desk.generation.names.modalities[index])
    json.key("kind")
    let replays = !facts.start.configuration.replay.recording.isEmpty
    if replays {
      json.value("replay")
    } else if case .image = desk.generation.model.model.modalities[index].features {
      json.value("camera")
    } else {
      json.value("microphone")
    }
    json.key("state")
    json.value(sensor.state.name)
    if case .failed(let fault, _) = sensor.state {
      json.key("fault")
      json.value("\(fault.meaning); \(replays ? fault.remedyInReplay : fault.remedy)")
    }
    json.key("sleep_mode")
    json.value(desk.generation.sensors[index].sleepMode.rawValue)
    json.key("wakes")
    json.value(sensor.wakes)
    if desk.holders(of: index) > 0 {
      json.key("acquired_by")
      json.value(desk.holders(of: index))
    }
    json.key("asked")
    json.value(!status.leftOut.contains(index: index))
    json.key("awake_ns")
    json.value(time.awake.count)
    for (key, value) in [
      ("asleep_ns", time.asleep.count), ("waking_ns", time.waking.count), ("failed_ns", time.failed.count),
      ("faults", Int64(clamping: sensor.faults)), ("overruns", Int64(sensor.counters.overruns)),
      ("lost_samples", Int64(sensor.counters.lostSamples)),
      ("frames_dropped", Int64(sensor.counters.framesDropped)),
      ("frames_corrupt", Int64(sensor.counters.framesCorrupt)),
      ("frames_settling", Int64(sensor.counters.framesSettling)),
    ] as [(StaticString, Int64)] {
      json.key(key)
      json.value(value)
    }
    if case .spectrogram = desk.generation.model.model.modalities[index].features {
      json.key("spectrogram_frames")
      json.value(sensor.spectrogram.frames)
      json.key("spectrogram_frames_computed")
      json.value(sensor.spectrogram.computed)
    }
    if let clock = sensor.counters.clockPartsPerMillion {
      json.key("clock_ppm")
      json.value((clock * 10).rounded() / 10)
    }
    json.key("held_awake")
    json.value(sensor.heldAwake)
    writeGains(index, status, into: &json)
    json.endObject()
  }

  private func writeGains(_ sensor: Int, _ status: PipelineStatus, into json: inout JSONWriter) {
    guard desk.generation.model.model.modalities[sensor].segments.contains(where: \.predictsGain) else {
      return
    }
    let gains = status.gains[sensor]
    json.key("gains")
    json.beginObject()
    json.key("predictions")
    json.value(gains.predictions)
    if let mean = gains.mean {
      json.key("mean")
      json.value((mean * 10_000).rounded() / 10_000)
    }
    json.key("answers")
    json.value(gains.answers)
    json.endObject()
  }

  private func writeLedger(into json: inout JSONWriter) {
    let ledger = facts.ledger.read()
    json.key("ledger")
    json.beginObject()
    json.key("path")
    json.value(facts.ledger.path)
    json.key("records")
    json.value(ledger.records)
    json.key("shed")
    json.value(ledger.shed)
    if let failure = ledger.failure {
      json.key("failure")
      json.value(LinuxError("write", facts.ledger.path, errno: failure).description)
    }
    json.endObject()
  }
}
