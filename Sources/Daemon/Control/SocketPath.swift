import Glibc

/// Where a client looks for the daemon: what it was told, else `MMEXIT_SOCKET`, else the first socket that is
/// there of the installed service's and the demonstration's.
package enum SocketPath {
  package static let installed = "/run/mmexitd/mmexitd.sock"
  package static let demonstration = "/tmp/mmexit-demo.sock"

  /// - Parameters:
  ///   - told: `--socket`.
  ///   - variable: `MMEXIT_SOCKET`; empty is as if it were not set.
  /// - Returns: nil where nobody said which, and neither of the two is there.
  package static func find(
    _ told: String?, variable: String?, among places: [String] = [installed, demonstration]
  )
    -> String?
  {
    if let told { return told }
    if let variable, !variable.isEmpty { return variable }
    return places.first { access($0, F_OK) == 0 }
  }

  package static let noneFound =
    "no daemon runs here: neither \(installed) (the service) nor \(demonstration) (tools/demo) is there; "
    + "start one (systemctl start mmexitd, or tools/demo) or name its socket with --socket"
}
