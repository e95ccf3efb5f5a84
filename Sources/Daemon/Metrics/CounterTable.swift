/// Counts by key: a few of each, looked through in order. Unlike a dictionary's, its changes take nothing from the heap once a
/// key is known, in a build without optimization too.
struct CounterTable<Key: Equatable & Sendable>: Sendable {
  private var keys: [Key] = []
  private var counts: [Int64] = []

  init(capacity: Int = 0) {
    keys.reserveCapacity(capacity)
    counts.reserveCapacity(capacity)
  }

  var isEmpty: Bool { keys.isEmpty }
  var entries: [(key: Key, count: Int64)] { keys.indices.map { (keys[$0], counts[$0]) } }

  /// Stays at the end of the scale.
  mutating func add(_ count: Int64, to key: Key) {
    for index in keys.indices where keys[index] == key {
      let (sum, overflow) = counts[index].addingReportingOverflow(count)
      counts[index] = overflow ? .max : sum
      return
    }
    keys.append(key)
    counts.append(count)
  }
}
