import Glibc
import Linux
import Vocabulary

/// The systemd unit, by its files and by what systemd says.
struct InstalledService {
  private static let folders = [
    "/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
  ]
  private static let unit = "mmexitd.service"

  private let tree: MachineTree
  /// The unit's file; nil where it is not installed.
  let path: String?
  let dropIns: [String]
  /// Lines `Key=value` of the unit and its drop-ins.
  private let lines: [String]

  init(_ tree: MachineTree) {
    self.tree = tree
    path = Self.folders.map { "\($0)/\(Self.unit)" }.first { tree.isThere($0) }
    dropIns = Self.folders.flatMap { folder in
      tree.names("\(folder)/\(Self.unit).d").filter { $0.hasSuffix(".conf") }.map {
        "\(folder)/\(Self.unit).d/\($0)"
      }
    }
    lines = ((path.map { [$0] } ?? []) + dropIns).flatMap { tree.lines($0) }
  }

  var isInstalled: Bool { path != nil }

  /// The last value of a key; drop-ins come after the unit.
  func value(_ key: String) -> String? {
    lines.last { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.utf8.count + 1)) }
  }

  var user: String { value("User") ?? "root" }

  /// With the groups that the unit adds; nil where there is no such user.
  var account: Account? {
    guard var account = Account(user, tree) else { return nil }
    let groups = Group.all(tree)
    let added =
      (value("SupplementaryGroups") ?? "").split(separator: " ")
      + (value("Group") ?? "").split(separator: " ")
    for name in added {
      if let group = groups.first(where: { $0.name == name }) { account.groups.insert(group.number) }
    }
    return account
  }

  func look(_ findings: inout Findings) {
    guard let path else {
      findings.ok("unit", Self.unit, "is not installed; the daemon is started by hand")
      return
    }
    let more = dropIns.isEmpty ? "" : ", with \(dropIns.joined(separator: ", "))"
    findings.ok("unit", path, "is installed\(more)")
    if account == nil {
      findings.wrong("unit", "/etc/passwd", "there is no user '\(user)'", fix: "sudo systemd-sysusers")
    }
    let wanted = ["multi-user.target.wants/mmexitd.service", "sockets.target.wants/mmexitd.socket"]
    if !wanted.contains(where: { tree.isThere("/etc/systemd/system/" + $0) }) {
      findings.warn(
        "unit", path, "is not enabled: it does not start with the machine",
        fix: "sudo systemctl enable --now mmexitd.socket mmexitd.service")
    }
    let folder = "/sys/fs/cgroup/system.slice/\(Self.unit)"
    let state = systemdState
    if let state, state.hasPrefix("failed") {
      findings.wrong(
        "unit", path, "systemd says \(state)",
        fix: "journalctl -u mmexitd -n 20; sudo systemctl restart mmexitd")
    } else if tree.text(folder + "/cgroup.procs").map({ !$0.isEmpty }) ?? false {
      findings.ok("unit", path, "runs")
    } else {
      findings.warn(
        "unit", path, "does not run" + (state.map { " (\($0))" } ?? ""), fix: "sudo systemctl start mmexitd")
    }
  }

  /// "active, running"; nil where no systemd runs, or it does not answer.
  private var systemdState: String? {
    guard tree.isReal, tree.isThere("/run/systemd/system"),
      case .ended(0, let said)? = try? BoundedProcess.ask(
        "/usr/bin/systemctl", ["show", "--property=ActiveState,SubState,Result", "--value", Self.unit],
        within: .seconds(3))
    else { return nil }
    let words = String(decoding: said, as: UTF8.self).split(separator: "\n")
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }
}
