import Sensing
import Synchronization
import Vocabulary

/// Where the pipeline stands: what `GetStatus` answers. Copied whole under a lock; nothing in it is on the heap.
package struct PipelineStatus: Sendable {
  package var sensors: InlineArray<8, SensorFigures>
  /// What the gain heads of each sensor's exits said.
  package fileprivate(set) var gains = InlineArray<8, GainFigures>(repeating: GainFigures())
  package var sensorCount: Int
  package var sentinel: Int
  /// Sensors in the order they are asked, `sensorCount` of them, and those that are not asked at all.
  package private(set) var order = InlineArray<8, Int>(repeating: 0)
  package fileprivate(set) var leftOut: ModalitySet = []
  package var decisions: UInt64 = 0
  package var joined: UInt64 = 0
  package var looks: UInt64 = 0
  package var unsure: UInt64 = 0
  package var audits: UInt64 = 0
  /// What they took, of `energy`.
  package var auditEnergy = Nanojoules.zero
  package var energy = Nanojoules.zero
  package var alwaysOn = Nanojoules.zero
  /// Nil without a budget.
  package fileprivate(set) var spending: SpendingFigures?
  package var now: Instant

  init(sensors count: Int, order: [Int], start: Instant) {
    sensors = InlineArray(repeating: SensorFigures(start: start))
    sensorCount = count
    sentinel = order[0]
    now = start
    set(order: order)
  }

  fileprivate mutating func set(order list: [Int]) {
    for place in list.indices { order[place] = list[place] }
  }
}

/// What going on was predicted to gain, since the start.
package struct GainFigures: Sendable {
  package fileprivate(set) var predictions: UInt64 = 0
  /// Of all predictions, each -1...1.
  fileprivate var sum = 0.0
  /// Windows that were answered there, as going on was not worth its cost.
  package fileprivate(set) var answers: UInt64 = 0

  /// Nil where nothing was predicted.
  package var mean: Double? { predictions > 0 ? sum / Double(predictions) : nil }

  fileprivate mutating func add(_ more: GainFigures) {
    predictions += more.predictions
    sum += more.sum
    answers += more.answers
  }

  /// By sensor.
  fileprivate static func predicted(in decision: borrowing Decision) -> InlineArray<8, GainFigures> {
    var figures = InlineArray<8, GainFigures>(repeating: GainFigures())
    for index in decision.trace.indices {
      let reading = decision.trace[index].reading
      guard case .encoder(let sensor, _) = reading.exit, let gain = reading.gain else { continue }
      figures[sensor].predictions += 1
      figures[sensor].sum += Double(gain)
      if decision.answer.reason == .sure, decision.answer.exit == reading.exit {
        figures[sensor].answers += 1
      }
    }
    return figures
  }
}

/// The status that one thread writes and others read.
package final class PipelineStatusBoard: Sendable {
  private let status: Mutex<PipelineStatus>

  init(sensors: Int, order: [Int], start: Instant) {
    status = Mutex(PipelineStatus(sensors: sensors, order: order, start: start))
  }

  /// A copy of everything as it stands.
  package func read() -> PipelineStatus { status.withLock { $0 } }

  func publish(_ decision: borrowing Decision, joined: UInt64, at now: Instant) {
    let reason = decision.answer.reason
    let isUnsure = reason != .sure && reason != .fused && reason != .inactive
    let total = decision.totalEnergy
    let alwaysOn = decision.alwaysOn
    let isFullCheck = decision.look
    let gains = GainFigures.predicted(in: decision)
    status.withLock {
      $0.decisions += 1
      $0.joined = joined
      if isFullCheck { $0.looks += 1 }
      if isUnsure { $0.unsure += 1 }
      $0.energy += total
      $0.alwaysOn += alwaysOn
      $0.now = now
      for sensor in 0..<8 { $0.gains[sensor].add(gains[sensor]) }
    }
  }

  func publishAudit(_ energy: Nanojoules) {
    status.withLock {
      $0.audits += 1
      $0.auditEnergy += energy
    }
  }

  func publish(_ spending: SpendingFigures?) { status.withLock { $0.spending = spending } }

  func publish(order: [Int], leftOut: ModalitySet) {
    status.withLock {
      $0.set(order: order)
      $0.leftOut = leftOut
    }
  }

  func publish(sentinel: Int) { status.withLock { $0.sentinel = sentinel } }

  func publish(_ figures: SensorFigures, of sensor: Int) {
    status.withLock { $0.sensors[sensor] = figures }
  }
}
