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

  /// Whether a client may talk to a socket that it was not told of. In a folder where anybody may put one (/tmp) it must
  /// be root's or the client's own: else it is somebody's who waits to be told things.
  /// - Parameters:
  ///   - peer: the user who listens, as the kernel says.
  ///   - user: who asks.
  package static func isTrusted(_ path: String, peer: UInt32, user: UInt32 = geteuid()) -> Bool {
    var folder = stat()
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let name = slash.map { $0 == path.utf8.startIndex ? "/" : String(path[..<$0]) } ?? "."
    if stat(name, &folder) == 0 && folder.st_mode & UInt32(S_IWOTH) == 0 { return true }
    var socket = stat()
    return lstat(path, &socket) == 0 && [socket.st_uid, peer].allSatisfy { $0 == 0 || $0 == user }
  }

  package static func notTrusted(_ path: String, peer: UInt32) -> String {
    "\(path): nobody named it, user \(peer) answers there, and anybody may put a socket in that folder; "
      + "name it with --socket or MMEXIT_SOCKET if you trust that user"
  }

  package static let noneFound =
    "no daemon runs here: neither \(installed) (the service) nor \(demonstration) (tools/demo) is there; "
    + "start one (systemctl start mmexitd, or tools/demo) or name its socket with --socket"
}
