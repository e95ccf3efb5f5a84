import Vocabulary

/// Chips on a board that measure current, by their drivers' hwmon names. Of each channel the best there is: a counter of
/// energy, else power, else voltage times current.
package enum HardwareMonitors {
  /// Drivers whose channels are what a supply rail draws. Others (fan controllers, processors, disks) have voltages and
  /// currents of their own, which are none.
  package static let drivers: Set<String> = [
    "ina209", "ina219", "ina220", "ina226", "ina228", "ina230", "ina231", "ina233", "ina234", "ina237",
    "ina238",
    "ina239", "ina260", "ina3221", "sy24655", "ltc2945", "ltc2946", "ltc2947", "ltc4151", "ltc4215",
    "ltc4260",
    "ltc4261", "ltc4282", "adm1075", "adm1272", "adm1275", "adm1276", "adm1278", "adm1293", "adm1294",
    "lm25066",
    "max34409", "pac1934", "sq52206", "power_meter", "macsmc_hwmon",
  ]
  private static let folder = "class/hwmon"
  /// Of the INA3221 the fourth current is a sum, and the fourth voltage that of a shunt.
  private static func channels(_ driver: String) -> ClosedRange<Int> { driver == "ina3221" ? 1...3 : 1...32 }
  /// Labels of rails that feed the whole board (NVIDIA's, and what people write into device trees).
  private static let boardLabels = [
    "vdd_in", "pom_5v_in", "vdd_mux", "vdd_5v_in", "vin", "vin_sys_5v0", "5v_in", "input", "main", "total",
    "battery",
    "total system power", "ac input power", "pin",
  ]
  private static let packageWords = ["cpu", "gpu", "soc", "core", "socket"]

  package static func meters(_ files: SystemFiles) -> [any Meter] {
    files.names(folder).flatMap { chip -> [any Meter] in
      // Older kernels have the attributes in the device's own folder.
      for place in ["\(folder)/\(chip)", "\(folder)/\(chip)/device"] {
        if let name = files.text(place + "/name") { return meters(files, chip: chip, place, name) }
      }
      return []
    }
  }

  private static func meters(
    _ files: SystemFiles, chip: String, _ place: String, _ name: String
  ) -> [any Meter] {
    guard drivers.contains(name) else { return [] }
    let found = channels(name).compactMap { channel(files, place, $0) }
    return found.map { channel in
      let rail = channel.label.isEmpty ? "\(channel.kind)\(channel.number)" : channel.label
      let source = MeterSource(
        name: "hwmon:\(name)@\(chip)/\(rail)", scope: scope(channel.label, isAlone: found.count == 1))
      return channel.meter(files, source)
    }
  }

  private static func scope(_ label: String, isAlone: Bool) -> EnergyPosting.Scope {
    let label = label.lowercased()
    if boardLabels.contains(label) { return .board }
    if packageWords.contains(where: { label.contains($0) }) { return .package }
    // A chip with one channel that nobody named sits in the supply; one of many rails is a part of the board.
    return isAlone && label.isEmpty ? .board : .sensor
  }

  private static func channel(_ files: SystemFiles, _ place: String, _ number: Int) -> Channel? {
    func path(_ kind: String, _ attribute: String) -> String { "\(place)/\(kind)\(number)_\(attribute)" }
    func label(_ kinds: [String]) -> String {
      kinds.lazy.compactMap { files.text(path($0, "label")) }.first { !$0.isEmpty } ?? ""
    }
    /// There, and not switched off.
    func has(_ kind: String, _ attribute: String = "input") -> Bool {
      files.text(path(kind, "enable")) != "0" && files.isThere(path(kind, attribute))
    }
    let name = label(["energy", "power", "curr", "in"])
    // The voltage over the shunt is the current's, and no supply.
    if name.lowercased().contains("shunt") { return nil }
    if has("energy") {
      return Channel(number: number, kind: "energy", label: name, energy: path("energy", "input"))
    }
    var channel = Channel(number: number, kind: "power", label: name)
    if has("curr"), has("in"), !(files.text(path("in", "label")) ?? "").lowercased().contains("shunt") {
      channel.product = (path("curr", "input"), path("in", "input"))
    }
    if has("power") {
      channel.power = path("power", "input")
    } else if has("power", "average") {
      channel.power = path("power", "average")
    } else {
      channel.kind = "rail"
    }
    return channel.power == nil && channel.product == nil ? nil : channel
  }

  private struct Channel {
    let number: Int
    var kind: String
    let label: String
    /// Microjoules.
    var energy: String?
    /// Microwatts.
    var power: String?
    /// Milliamperes and millivolts.
    var product: (current: String, voltage: String)?

    func meter(_ files: SystemFiles, _ source: MeterSource) -> any Meter {
      if let energy {
        return CounterMeter(source, range: nil) { () throws(MeterFault) in try files.number(energy) }
      }
      let (power, product) = (self.power, self.product)
      return PowerMeter(source) { () throws(MeterFault) in
        let stated = try power.map { (path) throws(MeterFault) in try files.number(path) }
        var microwatts: Int64?
        if let product {
          do throws(MeterFault) {
            microwatts = try Self.product(
              files.number(product.current), files.number(product.voltage))
          } catch {
            // Beside a stated power it is only a check.
            if stated == nil { throw error }
          }
        }
        guard let figure = PowerFigures.microwatts(stated: stated, product: microwatts) else {
          throw MeterFault(gap: .unreadable)
        }
        return figure
      }
    }

    /// Milliamperes times millivolts are microwatts.
    private static func product(_ current: Int64, _ voltage: Int64) -> Int64 {
      Int64(clamping: Int128(current) * Int128(voltage))
    }
  }
}
