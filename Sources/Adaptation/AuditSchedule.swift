import Vocabulary

/// Which windows are audited. Each is drawn with the same probability and from the seed alone, before anything is known of
/// it; it is announced so many windows ahead that every sensor can be awake for it.
package struct AuditSchedule: Sendable {
  /// Windows that a draw may lie ahead: one bit each.
  package static let maximumLead = 63

  /// What a window's turn says.
  package struct Turn: Hashable, Sendable {
    /// The window that now comes due is audited.
    package var isAudited: Bool
    /// Windows from this one to the next that is audited, 1...lead; nil where none is announced. Sensors are woken for it
    /// when their expected wake time is all that is left.
    package var windowsToNext: Int?
  }

  /// Probability that a window is audited while energy allows, 0...1.
  package let probability: Double
  /// Largest share of all energy that audits may take, 0...1.
  package let share: Double
  /// Windows between the draw and the audit.
  package let lead: Int
  private var draws: SeededDraws
  /// Audits announced, bit i for the window i turns from now.
  private var announced: UInt64 = 0
  /// Energy that audits may still take: `share` of all spent, less what they took.
  private var credit = 0.0
  /// Of an audit, the largest so far, or as expected by the caller.
  private var expectedCost: Double

  /// - Parameters:
  ///   - longestWake: the longest wake deadline of any sensor.
  ///   - stride: from one window to the next, > 0.
  ///   - expectedCost: what an audit is expected to cost beyond its decision, >= 0; a dearer one replaces it.
  /// - Returns: nil where `longestWake` is more than `maximumLead` windows.
  package init?(
    seed: UInt64, probability: Double, share: Double, longestWake: Nanoseconds, stride: Nanoseconds,
    expectedCost: Nanojoules
  ) {
    precondition((0...1).contains(probability) && (0...1).contains(share) && stride > .zero)
    let lead = (max(longestWake.count, 0) + stride.count - 1) / stride.count
    guard lead <= Self.maximumLead else { return nil }
    self.probability = probability
    self.share = share
    self.lead = Int(lead)
    self.expectedCost = Double(max(expectedCost.count, 1))
    draws = SeededDraws(seed: seed)
  }

  /// The turn of the next window; call once for each, joined ones too. Draws for the window `lead` turns later. A number is
  /// drawn whether energy allows an audit or not, so that what was spent moves no later draw.
  package mutating func next() -> Turn {
    announced >>= 1
    let isDrawn = draws.chance(probability)
    if isDrawn && Double(announced.nonzeroBitCount + 1) * expectedCost <= credit {
      announced |= 1 << UInt64(lead)
    }
    let isAudited = announced & 1 != 0
    let later = announced & ~1
    return Turn(
      isAudited: isAudited, windowsToNext: later == 0 ? nil : later.trailingZeroBitCount)
  }

  /// Posts what a window's decision cost, and its audit where there was one.
  package mutating func post(decision: Nanojoules, audit: Nanojoules = .zero) {
    credit += share * (Double(decision.count) + Double(audit.count)) - Double(audit.count)
    expectedCost = max(expectedCost, Double(audit.count))
    // What a quiet night saved is not spent in one go: room for as many audits as may be announced.
    credit = min(credit, Double(Self.maximumLead) * expectedCost)
  }
}
