import Configuration
import Energy
import Glibc
import JSON
import Linux
import Startup
import Vocabulary
import Wire

/// Meters, clock, disk and socket.
enum MachineChecks {
  static func meters(_ tree: MachineTree, _ service: InstalledService, _ findings: inout Findings) {
    let found = MeterSet.found(SystemFiles(root: tree.path("/sys"))).sources.map(\.name)
    if !found.isEmpty {
      findings.ok("meters", "/sys", "read by this user: \(found.joined(separator: ", "))")
    }
    let zones = tree.names("/sys/class/powercap").filter {
      $0.hasPrefix("intel-rapl:") && $0.split(separator: ":").count == 2
    }
    let closed = zones.map { "/sys/class/powercap/\($0)/energy_uj" }.filter {
      tree.isThere($0) && tree.text($0) == nil
    }
    let isHandedOver = service.value("OpenFile") != nil
    if isHandedOver {
      findings.ok("meters", service.path ?? "", "the service has a counter handed over (OpenFile=)")
    } else if let first = closed.first {
      findings.warn(
        "meters", first, "the processor's counter is there and not readable by this user",
        fix: service.isInstalled
          ? "sudo systemctl edit mmexitd, then: [Service] OpenFile=\(first):rapl:read-only,graceful (docs/ledger.md)"
          : "sudo chmod o+r \(first), until the next start")
    } else if found.isEmpty {
      findings.ok("meters", "/sys", "none; joules are those of the board's figures ([energy] board)")
    }
  }

  static func clock(_ tree: MachineTree, _ findings: inout Findings) {
    // A tree has no clock.
    guard tree.isReal else { return }
    if isWallClockSynchronized() {
      findings.ok("clock", "adjtimex", "is synchronized")
    } else {
      findings.warn(
        "clock", "adjtimex", "is not synchronized: times in the ledger may be wrong (durations are not)",
        fix: "sudo timedatectl set-ntp true; timedatectl timesync-status")
    }
  }

  /// Slower than this, and events wait for the disk.
  private static let slowSync = Nanoseconds.milliseconds(500)

  static func disk(_ tree: MachineTree, _ ledger: Configuration.Ledger, _ findings: inout Findings) {
    var folder = ledger.directory
    while !tree.isThere(folder), folder != "/", let slash = folder.lastIndex(of: "/") {
      folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
      if folder == ledger.directory { break }
    }
    if !tree.isThere(folder) { folder = "." }
    let path = folder == "." ? "." : tree.path(folder)
    var state = statvfs()
    guard statvfs(path, &state) == 0 else {
      findings.wrong(
        "disk", folder, String(cString: strerror(errno)),
        fix: "set 'directory' in [ledger] to a folder that is there")
      return
    }
    let free = Double(state.f_bavail) * Double(state.f_frsize)
    let kept = Double(ledger.keepFree ?? 64 << 20)
    let wanted = kept + Double(ledger.segmentBytes)
    let text = "\(Output.fixed(free / 1_048_576, 0)) MiB free"
    if state.f_flag & UInt(ST_RDONLY) != 0 {
      findings.wrong(
        "disk", folder, "is mounted read-only", fix: "sudo mount -o remount,rw \(folder); sudo dmesg | tail")
    } else if free < wanted {
      findings.wrong(
        "disk", folder,
        "\(text); below \(Output.fixed(kept / 1_048_576, 0)) MiB and a segment the oldest records are dropped",
        fix: "df -h \(folder); free some space, or lower keep-free in [ledger]")
    } else {
      findings.ok("disk", folder, text)
    }
    sync(path, folder, &findings)
  }

  private static func sync(_ path: String, _ folder: String, _ findings: inout Findings) {
    // Its owner or root may write there; for another user there is nothing to find out.
    guard access(path, W_OK) == 0 else { return }
    switch Probe.ask(.disk, path) {
    case .said(.object(let answer)):
      guard case .integer(let nanoseconds)? = answer["sync_ns"] else { return }
      let text = "4 KiB reach the disk in \(Output.fixed(Double(nanoseconds) * 1e-6, 1)) ms"
      if nanoseconds > slowSync.count {
        findings.warn(
          "disk", folder, text,
          fix: "put the ledger on another disk ('directory' in [ledger]), or raise flush-interval")
      } else {
        findings.ok("disk", folder, text)
      }
    case .silent:
      findings.wrong("disk", folder, "4 KiB have not reached the disk in 3 s", fix: "sudo dmesg | tail")
    default: break
    }
  }

  static func socket(
    _ tree: MachineTree, _ connection: Connection, _ service: InstalledService,
    _ loaded: LoadedConfiguration?,
    _ findings: inout Findings
  ) {
    guard
      let path = connection.socket ?? loaded?.configuration.general.socket
        ?? SocketPath.find(nil, variable: nil)
    else { return }
    let place = tree.path(path)
    var status = stat()
    guard stat(place, &status) == 0 else {
      if errno == EACCES {
        findings.wrong(
          "socket", path, "this user may not look into its folder",
          fix: "sudo usermod -aG mmexit $USER, and log in again")
      } else {
        findings.warn(
          "socket", path, "is not there: no daemon runs on this configuration",
          fix: service.isInstalled
            ? "sudo systemctl start mmexitd" : "mmexitd --config \(loaded?.path ?? "FILE")")
      }
      return
    }
    let group = Group.name(status.st_gid, tree)
    let who = status.st_mode & 0o006 == 0o006 ? "everybody" : "its owner, root and group \(group)"
    if access(place, R_OK | W_OK) != 0 {
      let mine = Account.mine(tree)
      let isNew = Group.all(tree).contains { $0.name == group && $0.members.contains(mine.name) }
      findings.wrong(
        "socket", path,
        "is for \(who); user \(mine.name) is none of them" + (isNew ? " until the next login" : ""),
        fix: isNew
          ? "log out and in again, or: newgrp \(group)"
          : "sudo usermod -aG \(group) \(mine.name), and log in again")
      return
    }
    do {
      var client = try Connection.parse(["--socket", place]).open(timeout: .seconds(3))
      _ = try client.call("io.mmexit.Daemon.GetStatus")
      findings.ok("socket", path, "the daemon answers; it is for \(who)")
    } catch {
      let text = (error as? CommandFailure)?.message ?? "\(error)"
      findings.wrong(
        "socket", path, "nobody answers: \(text)",
        fix: "journalctl -u mmexitd -n 20; sudo systemctl restart mmexitd")
    }
  }
}
