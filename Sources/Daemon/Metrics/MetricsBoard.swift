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
