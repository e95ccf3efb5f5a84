import Varlink

/// Which clients have which sensors. Counted by connection: a client that acquires twice releases twice, and one that
/// goes away has released. The pipeline is told only when a device has to change hands. Pure.
struct SensorHolds {
  /// Whose a device is.
  private enum Owner { case ours, leaving, theirs, returning }

  private struct Sensor {
    var owner = Owner.ours
    var holders: [ConnectionID: Int] = [:]
    /// Clients that are told when the device is closed, and by when at the latest.
    var waiting: Set<ConnectionID> = []
  }

  /// What the pipeline is to be told.
  enum Order: Equatable { case withhold, giveBack }

  private var sensors: [Sensor]

  init(sensors count: Int) { sensors = Array(repeating: Sensor(), count: count) }

  /// Programs that have the sensor or wait for it.
  func holders(of sensor: Int) -> Int { sensors[sensor].holders.count }

  /// True where the device is closed already; else the client is among those that `isClosed` gives.
  mutating func acquire(_ sensor: Int, by client: ConnectionID) -> Bool {
    sensors[sensor].holders[client, default: 0] += 1
    if sensors[sensor].owner == .theirs { return true }
    sensors[sensor].waiting.insert(client)
    return false
  }

  /// False where the client does not have it.
  mutating func release(_ sensor: Int, by client: ConnectionID) -> Bool {
    guard let count = sensors[sensor].holders[client] else { return false }
    sensors[sensor].holders[client] = count > 1 ? count - 1 : nil
    return true
  }

  /// The client has gone.
  /// - Returns: the sensors that it had.
  mutating func drop(_ client: ConnectionID) -> [Int] {
    sensors.indices.filter { sensor in
      sensors[sensor].waiting.remove(client)
      return sensors[sensor].holders.removeValue(forKey: client) != nil
    }
  }

  /// A wait was in vain.
  mutating func stopWaiting(_ client: ConnectionID, for sensor: Int) {
    guard sensors[sensor].waiting.remove(client) != nil else { return }
    _ = release(sensor, by: client)
  }

  /// What the pipeline is to be told of a sensor now; nil where nothing is, or it has not answered the last yet.
  func order(for sensor: Int) -> Order? {
    switch sensors[sensor].owner {
    case .ours: sensors[sensor].holders.isEmpty ? nil : .withhold
    case .theirs: sensors[sensor].holders.isEmpty ? .giveBack : nil
    case .leaving, .returning: nil
    }
  }

  mutating func sent(_ order: Order, for sensor: Int) {
    sensors[sensor].owner = order == .withhold ? .leaving : .returning
  }

  /// The pipeline has done what it was told.
  /// - Returns: the clients that wait for the device to be closed, and now may open it.
  mutating func answered(for sensor: Int) -> Set<ConnectionID> {
    guard sensors[sensor].owner == .leaving else {
      sensors[sensor].owner = .ours
      return []
    }
    sensors[sensor].owner = .theirs
    defer { sensors[sensor].waiting = [] }
    return sensors[sensor].waiting
  }
}
