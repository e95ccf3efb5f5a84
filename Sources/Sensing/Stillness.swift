import Vocabulary

/// Whether a microphone says always the same. A working one moves its last bit in the quietest room; one that is muted, switched off
/// or broken gives zeros or another constant, which a network would take for a quiet room, and be sure of.
struct Stillness: Sendable {
  /// After one such fault the device is tried again, and has to show sooner that it lives, before it counts as awake.
  private static let doubtedLimit = Nanoseconds.milliseconds(500)

  private let limit: Nanoseconds
  private let rate: SampleRate
  private var value: Int16 = 0
  /// Samples in a row that had this value.
  private var count = 0
  /// The last time it was open it gave one value, and it has given no other since.
  private(set) var isDoubted = false

  /// - Parameter limit: of one value; zero: it is never a fault.
  init(rate: Int, limit: Nanoseconds) {
    self.rate = SampleRate(perSecond: rate)
    self.limit = limit
  }

  /// The device was opened. Many give zeros for the first tenth of a second, which is not held against one that is tried again.
  mutating func begin() { if isDoubted { count = 0 } }

  mutating func observe(_ samples: UnsafeBufferPointer<Int16>) {
    // From the end: sound that lives differs within a few samples.
    guard let last = samples.last else { return }
    var same = 0
    for sample in samples.reversed() {
      if sample != last { break }
      same += 1
    }
    if same == samples.count && (count == 0 || last == value) {
      count += same
    } else {
      // Between two blocks or within one: it moved.
      count = same
      isDoubted = false
    }
    value = last
  }

  /// The fault, once it is one; from then on the device is doubted.
  mutating func fault(_ subject: String) -> SensingError? {
    let allowed = isDoubted ? min(limit, Self.doubtedLimit) : limit
    guard limit > .zero, count >= rate.samples(in: allowed) else { return nil }
    isDoubted = true
    let what = value == 0 ? "silence without any noise" : "the value \(value)"
    return SensingError(subject, .device(.stuck, detail: "\(what) for \(allowed.count / 1_000_000) ms"))
  }
}
