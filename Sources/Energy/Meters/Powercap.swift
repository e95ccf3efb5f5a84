import Glibc
import Linux
import Vocabulary

/// Intel's and AMD's running average power limit as the kernel's powercap shows it: packages, and the platform where
/// there is such a zone. Subzones (cores, memory) are parts of their package and are left out. Its counter is readable by
/// root alone: a service has it handed over (systemd's `OpenFile=`), or is let read it.
package enum Powercap {
  private static let folder = "class/powercap"

  /// - Parameters:
  ///   - descriptors: open, read-only descriptors that were handed over; those of counters are used for their zone.
  ///   - isReadable: whether this user may read a file at all; tests run as root too.
  package static func meters(
    _ files: SystemFiles, handedOver descriptors: [Int32] = [], isReadable: ((String) -> Bool)? = nil
  ) -> [any Meter] {
    let zones = files.names(folder).filter { zone in
      // One colon: a zone of its own. The same package may stand under intel-rapl-mmio again.
      zone.utf8.count { $0 == UInt8(ascii: ":") } == 1 && zone.hasPrefix("intel-rapl:")
    }
    return zones.compactMap { zone in
      meter(files, "\(folder)/\(zone)", descriptors, isReadable ?? files.isThere)
    }
  }

  private static func meter(
    _ files: SystemFiles, _ zone: String, _ descriptors: [Int32], _ isReadable: (String) -> Bool
  ) -> (any Meter)? {
    guard let name = files.text(zone + "/name"), files.text(zone + "/enabled") != "0" else { return nil }
    let scope: EnergyPosting.Scope
    switch name {
    case "psys": scope = .board
    case _ where name.hasPrefix("package"): scope = .package
    default: return nil
    }
    guard let range = try? files.number(zone + "/max_energy_range_uj"), range > 0 else { return nil }
    let source = MeterSource(name: "rapl:" + name, scope: scope)
    let counter = zone + "/energy_uj"
    if isReadable(counter) {
      return CounterMeter(source, range: range) { () throws(MeterFault) in try files.number(counter) }
    }
    guard let path = try? realPath(files.root + "/" + counter),
      let descriptor = descriptors.first(where: { (try? realPath("/proc/self/fd/\($0)")) == path })
    else { return nil }
    return CounterMeter(source, range: range) { () throws(MeterFault) in try number(descriptor) }
  }

  private static func number(_ descriptor: Int32) throws(MeterFault) -> Int64 {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count >= 0 else { throw MeterFault(gap: .unreadable) }
    return try SystemFiles.number(Array(bytes.prefix(count)))
  }
}
