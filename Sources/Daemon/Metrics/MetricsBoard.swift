import Energy
import Synchronization
import Vocabulary

/// The counts that the recorder keeps and others read, and what the control thread knows of clients.
package final class MetricsBoard: Sendable {
  private let counts = Mutex(MetricCounts())
  private let clientCounts = Mutex(ClientCounts())

  func change(_ body: (inout MetricCounts) -> Void) { counts.withLock { body(&$0) } }
  func read() -> MetricCounts { counts.withLock { $0 } }

  /// All energy that was posted so far.
  var posted: Nanojoules { counts.withLock { $0.posted } }

  /// Of a recorder that does not take them, so many wait; what comes then is left out, as if it had not been measured.
  private static let maximumReadings = 64
  private let readings = Mutex<[MeterReading]>([])

  func put(_ new: [MeterReading]) {
    readings.withLock { $0 += new.prefix(max(0, Self.maximumReadings - $0.count)) }
  }
  func takeReading() -> MeterReading? { readings.withLock { $0.isEmpty ? nil : $0.removeFirst() } }

  func publish(_ clients: ClientCounts) { clientCounts.withLock { $0 = clients } }
  var clients: ClientCounts { clientCounts.withLock { $0 } }
}

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
