import CLinux
import Glibc
import Vocabulary

/// Why a Unix socket cannot be had. One line each: what, where, and what to do.
package enum UnixSocketError: Error, Equatable, CustomStringConvertible, Sendable {
  case emptyPath
  /// sockaddr_un takes no more than `limit` bytes.
  case pathTooLong(path: String, limit: Int)
  /// Somebody answers there.
  case taken(path: String)
  case notASocket(path: String)
  /// A socket of another user, alive or not.
  case anotherUsers(path: String)
  /// A socket of another program, of datagrams or packets.
  case notAStreamSocket(path: String)
  /// The kernel does not let us make a socket there.
  case cannotListen(path: String, errno: Int32)
  /// Nobody listens there (connecting).
  case nobodyThere(path: String)
  /// What is there is a file or another program's socket (connecting).
  case notTheDaemons(path: String)
  /// The socket is somebody else's (connecting).
  case mayNotConnect(path: String)
  /// A descriptor handed over by socket activation is not what it should be.
  case notAdoptable(number: Int32, why: String)
  case failed(LinuxError)

  package var description: String {
    switch self {
    case .emptyPath: "the socket's path is empty; name one"
    case .pathTooLong(let path, let limit):
      "\(path): the socket's path is longer than the \(limit) bytes that Linux allows; choose a shorter one"
    case .taken(let path):
      "\(path): socket path taken by a running daemon: stop it or choose another socket"
    case .notASocket(let path):
      "\(path): is there already and is no socket; move it away or choose another socket"
    case .notAStreamSocket(let path):
      "\(path): is there already and is another program's socket; stop that program or choose another socket"
    case .anotherUsers(let path):
      "\(path): is there already and is another user's; have that user remove it or choose another socket"
    case .cannotListen(let path, let errno): Self.refusal(path, errno)
    case .nobodyThere(let path):
      "\(path): no daemon answers there; start it, or name its socket"
    case .notTheDaemons(let path): "\(path): is no daemon's socket; name the right one"
    case .mayNotConnect(let path):
      "\(path): this user may not connect to the socket; become its owner or join its group (ls -l)"
    case .notAdoptable(let number, let why):
      "descriptor \(number): handed over as a socket, but \(why); check the socket unit"
    case .failed(let error): "\(error); give the system what it lacks and start again"
    }
  }

  private static func refusal(_ path: String, _ errno: Int32) -> String {
    let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
    let shown = folder.isEmpty ? "/" : folder
    switch errno {
    case ENOENT where access(shown, F_OK) == 0:
      return "\(path): \(shown) takes no sockets; choose another socket"
    case ENOENT:
      return "\(path): its folder \(shown) does not exist; make it (mkdir -p) or choose another socket"
    case ENOTDIR: return "\(path): \(shown) is no folder; choose another socket"
    case EACCES, EPERM:
      return
        "\(path): this user may not make a socket in \(shown); give it the right or choose another socket"
    case EWOULDBLOCK:
      return "\(path): another program holds the lock of \(shown); end it or choose another socket"
    case EROFS: return "\(path): \(shown) is read-only; choose another socket"
    default:
      return "\(LinuxError("bind", path, errno: errno)); choose another socket"
    }
  }

  package var exitCode: ExitCode {
    switch self {
    case .emptyPath, .pathTooLong, .notAdoptable: .configuration
    case .taken, .notASocket, .notAStreamSocket: .cannotCreate
    case .cannotListen(_, let errno): errno == EACCES || errno == EPERM ? .noPermission : .cannotCreate
    case .nobodyThere, .notTheDaemons: .unavailable
    case .mayNotConnect, .anotherUsers: .noPermission
    case .failed: .osError
    }
  }
}
