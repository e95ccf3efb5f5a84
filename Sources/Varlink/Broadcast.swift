/// The last messages of a stream, encoded once for all subscribers. Each subscriber holds only the number of the
/// message it wants next; one that falls behind the oldest message kept has lost those between, and knows how many.
struct Broadcast {
  private var ring: [[UInt8]]
  /// Number of the message published next, from 0.
  private(set) var next: UInt64 = 0
  /// Slots of the connections that listen.
  private(set) var subscribers: [Int] = []

  init(capacity: Int) { ring = Array(repeating: [], count: max(capacity, 1)) }

  /// Keeps a message in the place of the oldest. Allocates only until every place has held a message as long.
  mutating func publish(_ bytes: UnsafeRawBufferPointer) {
    let place = Int(next % UInt64(ring.count))
    ring[place].removeAll(keepingCapacity: true)
    ring[place].append(contentsOf: bytes)
    next += 1
  }

  /// Number of the oldest message kept.
  var oldest: UInt64 { next > UInt64(ring.count) ? next - UInt64(ring.count) : 0 }

  /// - Precondition: `number` is in `oldest..<next`.
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
