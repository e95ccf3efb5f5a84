/// What the next window may spend so that no run of `span` successive windows spends more than its limit: the choice of
/// setting keeps the mean, this keeps the promise. Fixed size; `post` takes nothing from the heap.
package struct EnergyAccount: Sendable {
  private static let slots = 64

  /// Windows in a run.
  package let span: Int
  /// Largest sum over a run, in any unit.
  package let limit: Double
  private let slotWindows: Int
  private var sums = InlineArray<64, Double>(repeating: 0)
  private var slot = 0
  private var windowsInSlot = 0
  private var total = 0.0

  /// - Parameters:
  ///   - span: > 0.
  ///   - limit: mean a window times `span`, > 0.
  package init(span: Int, limit: Double) {
    precondition(span > 0 && limit > 0)
    self.span = span
    self.limit = limit
    // 63 whole slots and the one being filled always cover a run, and at most one slot more.
    slotWindows = (span + Self.slots - 2) / (Self.slots - 1)
  }

  /// What may be spent on the next window; 0 where nothing may.
  package var allowance: Double { max(0, limit - total) }

  /// What the last `span` windows cost, or up to a slot's more; less while so many have not been posted.
  package var spent: Double { total }

  /// Posts what a window cost.
  package mutating func post(_ cost: Double) {
    if windowsInSlot == slotWindows {
      slot = (slot + 1) % Self.slots
      sums[slot] = 0
      windowsInSlot = 0
      // Anew from the slots, so that no rounding gathers over months.
      total = 0
      for index in 0..<Self.slots { total += sums[index] }
    }
    sums[slot] += cost
    total += cost
    windowsInSlot += 1
  }
}
