import Vocabulary

/// The battery that feeds the board, while it does: what it gives is what the board draws. Batteries of mice and pens
/// (`scope` Device) are not the board's.
package enum PowerSupplies {
  private static let folder = "class/power_supply"

  package static func meters(_ files: SystemFiles) -> [any Meter] {
    files.names(folder).compactMap { name -> (any Meter)? in
      let place = "\(folder)/\(name)"
      guard files.text(place + "/type") == "Battery", files.text(place + "/scope") != "Device",
        files.text(place + "/present") != "0"
      else { return nil }
      let hasPower = files.isThere(place + "/power_now")
      let hasProduct = files.isThere(place + "/current_now") && files.isThere(place + "/voltage_now")
      guard hasPower || hasProduct else { return nil }
      return PowerMeter(MeterSource(name: "power-supply:" + name, scope: .board)) { () throws(MeterFault) in
        try microwatts(files, place, hasPower: hasPower, hasProduct: hasProduct)
      }
    }
  }

  private static func microwatts(
    _ files: SystemFiles, _ place: String, hasPower: Bool, hasProduct: Bool
  ) throws(MeterFault) -> Int64 {
    guard let status = files.text(place + "/status") else { throw MeterFault(gap: .unreadable) }
    guard status == "Discharging" else { throw MeterFault(gap: .notDischarging) }
    var stated: Int64?
    var product: Int64?
    // Drivers differ in the sign of what a battery gives; the status has said that it gives.
    if hasPower { stated = magnitude(try files.number(place + "/power_now")) }
    if hasProduct {
      do throws(MeterFault) {
        let current = Int128(magnitude(try files.number(place + "/current_now")))
        let voltage = Int128(magnitude(try files.number(place + "/voltage_now")))
        // Microamperes times microvolts are picowatts.
        product = Int64(clamping: (current * voltage + 500_000) / 1_000_000)
      } catch {
        if stated == nil { throw error }
      }
    }
    guard let figure = PowerFigures.microwatts(stated: stated, product: product) else {
      throw MeterFault(gap: .unreadable)
    }
    return figure
  }

  private static func magnitude(_ number: Int64) -> Int64 { Int64(clamping: number.magnitude) }
}
