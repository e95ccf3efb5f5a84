import Linux
import Testing

/// The shipped unit and its user, as far as can be read without systemd: what kept it from starting once, and what
/// has to agree between the files.
@Suite struct ShippedUnitTests {
  private func lines(_ name: String) throws -> [String] {
    let folder = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let text = String(decoding: try readFile("\(folder)/systemd/\(name)", limit: 65536), as: UTF8.self)
    return text.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
  }

  private func values(_ key: String, of lines: [String]) -> [String] {
    lines.compactMap { $0.hasPrefix(key + "=") ? String($0.dropFirst(key.count + 1)) : nil }
  }

  @Test func theBootIDIsNotHidden() throws {
    // ProcSubset=pid hides /proc/sys.
    #expect(values("ProcSubset", of: try lines("mmexitd.service")).allSatisfy { $0 == "all" })
  }

  @Test func devicesAreAllowedByNumber() throws {
    // A driver's name is looked up in /proc/devices once, when the service starts.
    let allowed = values("DeviceAllow", of: try lines("mmexitd.service"))
    #expect(allowed.contains("char-81 rw") && allowed.contains("char-116 rw"))
    #expect(allowed.allSatisfy { $0.dropFirst(5).first?.isNumber == true })
  }

  @Test func theUserAndGroupAreMade() throws {
    let unit = try lines("mmexitd.service")
    let made = try lines("mmexitd.sysusers").map { $0.split(separator: " ").map(String.init) }
    let user = try #require(values("User", of: unit).first)
    let group = try #require(values("Group", of: unit).first)
    #expect(made.contains { $0[0] == "u" && $0[1] == user })
    #expect(made.contains { $0[0] == "g" && $0[1] == group })
    for other in values("SupplementaryGroups", of: unit).flatMap({ $0.split(separator: " ") }) {
      #expect(made.contains { $0[0] == "m" && $0[1] == user && $0[2] == other })
    }
    // The socket's folder: the group may pass, others may not.
    #expect(values("RuntimeDirectoryMode", of: unit) == ["0750"])
  }
}
