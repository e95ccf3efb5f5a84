import Glibc

/// Where a client looks for the daemon: what it was told, else `MMEXIT_SOCKET`, else the first socket that is
/// there of the installed service's and the demonstration's.
package enum SocketPath {
  package static let installed = "/run/mmexitd/mmexitd.sock"
  package static let demonstration = "/tmp/mmexit-demo.sock"

  package static func find(_ told: String?) -> String {
    if let told { return told }
    if let variable = getenv("MMEXIT_SOCKET") { return String(cString: variable) }
    for path in [installed, demonstration] where access(path, F_OK) == 0 { return path }
    return installed
  }
}
