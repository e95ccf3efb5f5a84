/// The last messages of a stream, encoded once for all subscribers. Each subscriber holds only the number of the
/// message it wants next; one that falls behind the oldest message kept has lost those between, and knows how many.
struct Broadcast {
  private var ring: [[UInt8]]
  /// The number of the message in each place; numbers that were skipped have none.
  private var numbers: [UInt64?]
  /// Number of the message published next, from 0.
  private(set) var next: UInt64 = 0
  /// Slots of the connections that listen.
  private(set) var subscribers: [Int] = []

  init(capacity: Int) {
    ring = Array(repeating: [], count: max(capacity, 1))
    numbers = Array(repeating: nil, count: max(capacity, 1))
  }

  /// Keeps a message in the place of the oldest. Allocates only until every place has held a message as long.
  mutating func publish(_ bytes: UnsafeRawBufferPointer) {
    let place = Int(next % UInt64(ring.count))
    ring[place].removeAll(keepingCapacity: true)
    ring[place].append(contentsOf: bytes)
    numbers[place] = next
    next += 1
  }

  /// Counts messages that were lost before they came here: every subscriber has lost them.
  mutating func skip(_ count: UInt64) {
    for number in next..<(next + min(count, UInt64(ring.count))) {
      numbers[Int(number % UInt64(ring.count))] = nil
    }
    next += count
  }

  /// Number of the oldest message kept.
  var oldest: UInt64 { next > UInt64(ring.count) ? next - UInt64(ring.count) : 0 }

  /// The first message kept that a subscriber has not had; nil when it has all of them.
  func first(from wanted: UInt64) -> UInt64? {
    var number = max(wanted, oldest)
    while number < next {
      if numbers[Int(number % UInt64(ring.count))] == number { return number }
      number += 1
    }
    return nil
  }

  /// - Precondition: `number` is what `first` gave.
  func withMessage<R>(_ number: UInt64, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    precondition(number >= oldest && number < next)
    return ring[Int(number % UInt64(ring.count))].withUnsafeBytes(body)
  }

  mutating func subscribe(_ slot: Int) { subscribers.append(slot) }

  mutating func unsubscribe(_ slot: Int) {
    guard let place = subscribers.firstIndex(of: slot) else { return }
    subscribers.swapAt(place, subscribers.count - 1)
    subscribers.removeLast()
  }
}
