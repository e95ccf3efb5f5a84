import Vocabulary

/// How windows are walked: fixed from one reordering to the next, shared by all windows in between.
package struct GatePolicy: Sendable {
  /// Every exit of every modality once, each modality's in rising order, without fusion (`ExitPlan.walk`).
  package let steps: [ExitID]
  package let thresholds: ThresholdTable
  /// Index of the class that means "nothing"; nil if there is none. Then nothing is ever provisional, looks are
  /// not due, and activity checks cannot answer.
  package let noneClass: Int?
  /// Index of the class that overrides what another sensor is sure of; nil if there is none.
  package let overridingClass: Int?
  /// What giving up is weighed by; nil switches it off.
  package let continuation: ContinuationValue?
  /// Whether activity checks may answer.
  package let useActivity: Bool
  /// Certainty reported for an activity check's `none`, 0...1: the share of its answers that are right.
  package let activityCertainty: Float
  /// Policy `all`: every modality that can be had runs to its end, and fusion answers.
  package let always: Bool
  /// By modality: how long after a wake its data must be there.
  package let wakeDeadlines: [Nanoseconds]

  package var modalityCount: Int { thresholds.exitCounts.count }

  /// - Parameter wakeDeadlines: one a modality; needed only where a sensor may be asleep.
  package init(
    steps: [ExitID], thresholds: ThresholdTable, noneClass: Int? = nil, overridingClass: Int? = nil,
    continuation: ContinuationValue? = nil,
    useActivity: Bool = false, activityCertainty: Float = 1, always: Bool = false,
    wakeDeadlines: [Nanoseconds] = []
  ) {
    precondition(Self.isComplete(steps, thresholds.exitCounts), "a walk asks every exit once, in order")
    precondition(
      continuation.map { $0.exitCounts == thresholds.exitCounts } ?? true, "figures of another model")
    precondition(noneClass.map { (0..<thresholds.classCount).contains($0) } ?? true)
    precondition(
      overridingClass.map { (0..<thresholds.classCount).contains($0) && $0 != noneClass } ?? true)
    let count = thresholds.exitCounts.count
    precondition(wakeDeadlines.isEmpty || wakeDeadlines.count == count)
    self.steps = steps
    self.thresholds = thresholds
    self.noneClass = noneClass
    self.overridingClass = overridingClass
    self.continuation = continuation?.without(exitsOff: thresholds)
    self.useActivity = useActivity
    self.activityCertainty = activityCertainty
    self.always = always
    self.wakeDeadlines =
      wakeDeadlines.isEmpty ? [Nanoseconds](repeating: .zero, count: count) : wakeDeadlines
  }

  /// The same, with every modality that can be had run to its end, and fused.
  package var full: GatePolicy {
    GatePolicy(
      steps: steps, thresholds: thresholds, noneClass: noneClass, overridingClass: overridingClass,
      activityCertainty: activityCertainty, always: true, wakeDeadlines: wakeDeadlines)
  }

  private static func isComplete(_ steps: [ExitID], _ exitCounts: [Int]) -> Bool {
    var asked = [Int](repeating: 0, count: exitCounts.count)
    for step in steps {
      guard case .encoder(let modality, let exit) = step, exitCounts.indices.contains(modality),
        exit == asked[modality] + 1
      else { return false }
      asked[modality] = exit
    }
    return asked == exitCounts && !exitCounts.isEmpty && !exitCounts.contains(0)
  }
}
