import Engine
import Linux
import Policies
import Scheduling
import Vocabulary

/// Labelled windows through the same engine and gate as the daemon's, without sensors and without a clock.
///
/// A file's window stands alone, and all that is there is awake: it is walked by the gate's one rule, as a window of a stream
/// whose sensors are all awake (`GateWalkTests`).
package struct Evaluator: ~Copyable {
  /// How windows are walked.
  package enum Policy: Equatable, Sendable {
    /// In the order that the method finds from the model's figures, with MACs as costs.
    case planned(OrderingMethod)
    /// Everything runs and fusion answers.
    case all
    /// This modality first, the others as planned.
    case first(String)
  }

  package let model: Model
  private var engine: Engine
  private let policy: GatePolicy
  /// Runs everything, in the order the model declares it.
  private let audit: GatePolicy
  package let order: [Int]

  /// - Parameters:
  ///   - threshold: replaces the model's at every exit but fusion's; 0...1.
  ///   - lambda: worth of a right answer in MACs; nil takes the MACs of running everything.
  package init(
    _ model: Model, policy: Policy, threshold: Float?, lambda: Double? = nil
  ) throws(EvaluationError) {
    self.model = model
    let walk = try Self.walk(model, policy, lambda: lambda ?? Double(model.totalMacs))
    order = walk.modalityOrder
    let thresholds = model.thresholdTable(override: threshold)
    self.policy = GatePolicy(
      steps: walk, thresholds: thresholds, noneClass: model.noneClass, overridingClass: model.overridingClass,
      always: policy == .all)
    audit = GatePolicy(steps: model.declaredWalk, thresholds: thresholds, always: true)
    engine = Engine(model)
  }

  private static func walk(
    _ model: Model, _ policy: Policy, lambda: Double
  ) throws(EvaluationError) -> [ExitID] {
    let method: OrderingMethod = if case .planned(let method) = policy { method } else { .exact }
    var walk = model.declaredWalk
    if let problem = model.orderingProblem(lambda: lambda, costs: Costs(macsOf: model)) {
      do {
        walk = try plan(problem, by: method).walk
      } catch {
        throw EvaluationError(.model, "model '\(model.name)'", error.description)
      }
    }
    if case .first(let name) = policy {
      guard let index = model.modalities.firstIndex(where: { $0.name.hasSameBytes(as: name) }) else {
        let names = model.modalities.map(\.name).joined(separator: ", ")
        throw EvaluationError(
          .usage, "", "--policy first:\(name): the model has no such modality; it has \(names)", .usage)
      }
      walk = walk.starting(with: index)
    }
    return walk
  }

  /// Answers one window from the data there is.
  /// - Parameter data: by modality; nil where it is missing.
  package mutating func answer(_ data: [WindowData?]) -> WindowResult {
    let start = bootTimeNanoseconds()
    let (answer, asked) = walk(policy, data)
    return WindowResult(asked: asked, answer: answer, nanoseconds: bootTimeNanoseconds() - start)
  }

  /// Every exit of every modality there is, and fusion: what an audit records.
  package mutating func readAll(_ data: [WindowData?]) -> [Reading] { walk(audit, data).asked }

  private mutating func walk(_ policy: GatePolicy, _ data: [WindowData?]) -> (
    answer: Answer, asked: [Reading]
  ) {
    var window = LabelledWindow(data: data)
    var walk = WindowWalk(policy)
    let answer = walk.run(&engine, in: &window)
    return (answer, walk.trace.indices.map { walk.trace[$0].reading })
  }

  /// MACs and parameters of everything that could run on this window.
  package func everything(_ data: [WindowData?]) -> (macs: Int64, parameters: Int64) {
    var sum = (macs: model.fusion.macs, parameters: model.fusion.parameters)
    for (modality, window) in zip(model.modalities, data) where window != nil {
      for segment in modality.segments {
        sum.macs += segment.macs
        sum.parameters += segment.parameters
      }
    }
    return sum
  }
}

/// A window out of files, as its walk sees it: nothing sleeps, and what is not there cannot be had.
private struct LabelledWindow: WalkEnvironment {
  let data: [WindowData?]

  var now: Instant { .zero }

  func gather(endingAt end: Instant, isDoubted: Bool) -> WindowConditions {
    var present: ModalitySet = []
    for (modality, window) in data.enumerated() where window != nil {
      present.insert(ModalitySet(index: modality))
    }
    return WindowConditions(present: present)
  }

  func setInput(_ modality: Int, of engine: inout Engine) { data[modality]?.give(modality, to: &engine) }
  func didRun(_ reading: Reading, _ engine: borrowing Engine, of modalities: ModalitySet) {}
  func wake(_ modality: Int, for end: Instant, until deadline: Instant, hasReading: Bool) -> WakeResult {
    .outcome(.failed)
  }
  func willRealign(from end: Instant) {}
  func awaitData(upTo end: Instant) {}
  func canFuse(_ modalities: ModalitySet) -> Bool { true }
}

/// What became of one window.
package struct WindowResult: Sendable {
  /// Every exit asked, in the order asked.
  package var asked: [Reading] = []
  package var answer = Answer(
    label: nil, exit: nil, entropy: 1, certainty: 0, threshold: nil, reason: .noData)
  /// Features, network and gate; reading files not included.
  package var nanoseconds: Int64 = 0

  package var macs: Int64 { asked.reduce(0) { $0 + $1.macs } }
  package var parameters: Int64 { asked.reduce(0) { $0 + $1.parameters } }
}
