import JSON
import Pipeline
import Varlink
import Vocabulary

/// What clients cost, as the server counts it; copied, for the server is in use while it is answered.
struct ClientCounts: Equatable, Sendable {
  var connected = 0
  /// Connections refused because there were too many, and clients closed because of the memory they held.
  var refused = 0
  var evicted = 0
  /// Messages of streams that clients lost because they did not keep up.
  var messagesDropped: UInt64 = 0

  init() {}

  init(_ server: borrowing Server) {
    connected = server.clients
    refused = server.refused
    evicted = server.evicted
    messagesDropped = server.dropped
  }
}

/// All that was lost since the start, over all sensors. Those who watch are told when it grows.
struct LossTotals: Equatable, Sendable {
  private var counts = InlineArray<9, Int64>(repeating: 0)
  /// Belongs to every wake, and is no loss by itself.
  private var settling: Int64 = 0

  static let names: InlineArray<9, StaticString> = [
    "faults", "overruns", "lost_samples", "frames_dropped", "frames_corrupt", "records", "lines", "messages",
    "clients_refused",
  ]

  init() {}

  init(_ status: PipelineStatus, _ ledger: LedgerStatusBoard.Status, _ clients: ClientCounts) {
    for index in 0..<status.sensorCount {
      let sensor = status.sensors[index]
      counts[0] += Int64(clamping: sensor.faults)
      counts[1] += Int64(sensor.counters.overruns)
      counts[2] += Int64(sensor.counters.lostSamples)
      counts[3] += Int64(sensor.counters.framesDropped)
      counts[4] += Int64(sensor.counters.framesCorrupt)
      settling += Int64(sensor.counters.framesSettling)
    }
    counts[5] = Int64(ledger.shed)
    counts[6] = Int64(ledger.unprinted)
    counts[7] = Int64(clamping: clients.messagesDropped)
    counts[8] = Int64(clients.refused + clients.evicted)
  }

  static func == (a: Self, b: Self) -> Bool { a.counts.indices.allSatisfy { a.counts[$0] == b.counts[$0] } }

  /// What is 0 is left out.
  func write(into json: inout JSONWriter) {
    json.beginObject()
    for index in counts.indices where counts[index] > 0 {
      json.key(Self.names[index])
      json.value(counts[index])
    }
    if settling > 0 {
      json.key("frames_settling")
      json.value(settling)
    }
    json.endObject()
  }
}
