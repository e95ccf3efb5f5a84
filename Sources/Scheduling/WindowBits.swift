/// How one modality treats up to 64 recorded windows, a bit each.
struct WindowBits {
  private struct Exit {
    /// Windows that leave here, and those of them answered right.
    var answered: UInt64
    var correct: UInt64
    /// Cost from the modality's start up to and including this exit.
    var paid: Double
  }

  private var exits: [Exit] = []
  /// Windows that no exit of the modality answers.
  private(set) var passed: UInt64
  private var total = 0.0

  /// - Parameter start: the first window of the 64, bit 0.
  init(_ problem: EmpiricalProblem, modality: Int, from start: Int) {
    let end = min(start + 64, problem.windows.count)
    passed = Self.mask(end - start)
    for (index, exit) in problem.modalities[modality].exits.enumerated() {
      total += exit.cost
      var bits = Exit(answered: 0, correct: 0, paid: total)
      for window in start..<end {
        let reading = problem.windows[window].readings[modality][index]
        let bit: UInt64 = 1 << UInt64(window - start)
        guard passed & bit != 0, exit.answers(reading.entropy) else { continue }
        bits.answered |= bit
        if reading.correct { bits.correct |= bit }
      }
      passed &= ~bits.answered
      exits.append(bits)
    }
  }

  /// The lowest `count` bits, 0...64.
  static func mask(_ count: Int) -> UInt64 { count >= 64 ? .max : (1 << UInt64(count)) - 1 }

  /// Sum over these windows of lambda x correct minus the cost paid in this modality.
  func gain(over windows: UInt64, lambda: Double, wakeCost: Double) -> Double {
    var gain = -wakeCost * Double(windows.nonzeroBitCount)
    for exit in exits {
      gain += lambda * Double((windows & exit.correct).nonzeroBitCount)
      gain -= exit.paid * Double((windows & exit.answered).nonzeroBitCount)
    }
    return gain - total * Double((windows & passed).nonzeroBitCount)
  }
}
