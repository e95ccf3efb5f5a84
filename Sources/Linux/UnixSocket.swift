import CLinux
import Glibc
import Vocabulary

/// Who is on the other side of a connection, as the kernel saw it when it was made.
package struct PeerCredentials: Equatable, Sendable {
  package let process: Int32
  package let user: UInt32
  package let group: UInt32

  package init(process: Int32, user: UInt32, group: UInt32) {
    self.process = process
    self.user = user
    self.group = group
  }
}

/// A listening Unix stream socket. Made by us, its file goes with it; adopted, the file is its maker's.
package struct UnixListener: ~Copyable, Sendable {
  private let descriptor: Descriptor
  /// Nil for one that was adopted.
  package let path: String?
  /// Which file is ours: another daemon may have put its own in the place since.
  private let inode: UInt

  package var number: Int32 { descriptor.number }

  /// Connections that may wait to be accepted: a burst of clients at the daemon's start.
  private static let backlog: Int32 = 128

  private init(_ descriptor: consuming Descriptor, path: String?, inode: UInt) {
    self.descriptor = descriptor
    self.path = path
    self.inode = inode
  }

  deinit {
    if let path, UnixSocket.status(path)?.st_ino == inode { unlink(path) }
  }

  /// Listens at a path. A socket left there by a daemon that is gone is replaced; one that answers is not.
  /// - Parameters:
  ///   - mode: of the socket's file, whatever the umask is.
  ///   - group: that the file is given to; nil leaves it.
  package static func listen(
    at path: String, mode: UInt32 = 0o660, group: UInt32? = nil
  ) throws(UnixSocketError) -> UnixListener {
    let address = try UnixSocket.address(path)
    let directory = try UnixSocket.lockDirectory(of: path)
    try UnixSocket.clear(path)
    let socket = try UnixSocket.make(nonBlocking: true)
    try refusing(path) { () throws(LinuxError) in
      try system("bind", path) { UnixSocket.with(address) { bind(socket.number, $0, $1) } }
      // Nobody can connect before listen, so the file is never open to more than it should be.
      try system("chmod", path) { chmod(path, mode) }
      if let group { try system("chown", path) { chown(path, .max, group) } }
      try system("listen", path) { Glibc.listen(socket.number, backlog) }
    }
    withExtendedLifetime(directory) {}
    return UnixListener(socket, path: path, inode: UnixSocket.status(path)?.st_ino ?? 0)
  }

  /// Takes over a listening socket that socket activation passed (LISTEN_FDS), and owns it from then on.
  package static func adopt(_ number: Int32) throws(UnixSocketError) -> UnixListener {
    func option(_ name: Int32) -> Int32? {
      var value: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      return getsockopt(number, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }
    guard let domain = option(SO_DOMAIN) else {
      throw .notAdoptable(number: number, why: "it is no open socket")
    }
    guard domain == AF_UNIX else { throw .notAdoptable(number: number, why: "it is no Unix socket") }
    guard option(SO_TYPE) == Int32(SOCK_STREAM.rawValue) else {
      throw .notAdoptable(number: number, why: "it is no stream socket (ListenStream=)")
    }
    guard option(SO_ACCEPTCONN) == 1 else {
      throw .notAdoptable(number: number, why: "it does not listen (Accept=no is needed)")
    }
    try wrapping { () throws(LinuxError) in
      let flags = try system("fcntl") { fcntl(number, F_GETFL) }
      try system("fcntl") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
      try system("fcntl") { fcntl(number, F_SETFD, FD_CLOEXEC) }
    }
    return UnixListener(Descriptor(owning: number), path: nil, inode: 0)
  }

  /// The next connection that waits, non-blocking; nil when there is none (any more).
  package borrowing func accept() throws(LinuxError) -> Descriptor? {
    while true {
      let number = mmx_accept4(descriptor.number, Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue))
      if number >= 0 { return Descriptor(owning: number) }
      switch errnoNow() {
      case EAGAIN: return nil
      // The client went away while it waited.
      case ECONNABORTED, EINTR: continue
      default: throw LinuxError("accept4", path ?? "", errno: errnoNow())
      }
    }
  }
}

/// Unix stream sockets from the other side, and what both sides share.
package enum UnixSocket {
  /// A blocking connection.
  package static func connect(to path: String) throws(UnixSocketError) -> Descriptor {
    let address = try address(path)
    let socket = try make(nonBlocking: false)
    let code = attempt(socket.number, address)
    switch code {
    case 0: return socket
    case ECONNREFUSED where status(path).map(isSocket) == false: throw .notTheDaemons(path: path)
    case ECONNREFUSED, ENOENT: throw .nobodyThere(path: path)
    case ENOTDIR, EPROTOTYPE: throw .notTheDaemons(path: path)
    case EACCES, EPERM: throw .mayNotConnect(path: path)
    default: throw .failed(LinuxError("connect", path, errno: code))
    }
  }

  /// Whether a socket can have this path, without looking at the file system.
  package static func check(_ path: String) throws(UnixSocketError) { _ = try address(path) }

  /// What keeps a socket from being made at `path`, as far as that is seen by a look at what lies there; nil where nothing does.
  package static func obstacle(at path: String) -> UnixSocketError? {
    guard let status = status(path) else { return nil }
    return isSocket(status) ? nil : .notASocket(path: path)
  }

  /// - Parameter number: of a connected socket.
  package static func peer(of number: Int32) throws(LinuxError) -> PeerCredentials {
    var peer = mmx_peer()
    try system("getsockopt") { mmx_peer_credentials(number, &peer) }
    return PeerCredentials(process: peer.pid, user: peer.uid, group: peer.gid)
  }

  /// Bounds how long a blocking socket waits for a read and for a write.
  package static func setTimeout(_ number: Int32, _ timeout: Nanoseconds) throws(LinuxError) {
    var time = timeval(
      tv_sec: Int(timeout.count / 1_000_000_000), tv_usec: Int(timeout.count % 1_000_000_000 / 1000))
    let size = socklen_t(MemoryLayout<timeval>.size)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      try system("setsockopt") { setsockopt(number, SOL_SOCKET, option, &time, size) }
    }
  }

  fileprivate static func make(nonBlocking: Bool) throws(UnixSocketError) -> Descriptor {
    let type = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | (nonBlocking ? SOCK_NONBLOCK.rawValue : 0)
    return Descriptor(
      owning: try wrapping { () throws(LinuxError) in
        try system("socket") { socket(AF_UNIX, Int32(type), 0) }
      })
  }

  /// 0, or the errno.
  private static func attempt(_ number: Int32, _ address: sockaddr_un) -> Int32 {
    while true {
      if with(address, { Glibc.connect(number, $0, $1) }) == 0 { return 0 }
      if errnoNow() != EINTR { return errnoNow() }
    }
  }

  /// Makes room for a socket at `path`, where there is none or a dead one.
  fileprivate static func clear(_ path: String) throws(UnixSocketError) {
    guard let status = status(path) else { return }
    guard isSocket(status) else { throw .notASocket(path: path) }
    // Non-blocking: a daemon whose queue is full answers EAGAIN, and is alive.
    let probe = try make(nonBlocking: true)
    let code = attempt(probe.number, try address(path))
    switch code {
    case ECONNREFUSED:
      if unlink(path) != 0 {
        throw errnoNow() == EPERM ? .anotherUsers(path: path) : .cannotListen(path: path, errno: errnoNow())
      }
    case ENOENT: return
    case 0, EAGAIN: throw .taken(path: path)
    case EPROTOTYPE: throw .notAStreamSocket(path: path)
    case EACCES, EPERM: throw .anotherUsers(path: path)
    default: throw .failed(LinuxError("connect", path, errno: code))
    }
  }

  /// Between looking at a path and taking it nobody else may do the same: the directory serves as the lock, until
  /// what is returned goes.
  fileprivate static func lockDirectory(of path: String) throws(UnixSocketError) -> Descriptor {
    let directory: String
    switch path.utf8.lastIndex(of: UInt8(ascii: "/")) {
    case nil: directory = "."
    case path.utf8.startIndex?: directory = "/"
    case let slash?: directory = String(path[..<slash])
    }
    let descriptor = try refusing(path) { () throws(LinuxError) in
      try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
    }
    // Held for microseconds by daemons; a second says that somebody else holds it for reasons of his own.
    for _ in 0..<100 {
      if flock(descriptor.number, LOCK_EX | LOCK_NB) == 0 { return descriptor }
      usleep(10_000)
    }
    throw .cannotListen(path: path, errno: EWOULDBLOCK)
  }

  fileprivate static func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
  }

  private static func isSocket(_ status: stat) -> Bool {
    status.st_mode & UInt32(Glibc.S_IFMT) == UInt32(Glibc.S_IFSOCK)
  }

  fileprivate static func address(_ path: String) throws(UnixSocketError) -> sockaddr_un {
    // An empty path would bind a name of the kernel's choice, which nobody finds.
    guard !path.isEmpty else { throw .emptyPath }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    // The last byte stays 0.
    let limit = MemoryLayout.size(ofValue: address.sun_path) - 1
    guard path.utf8.count <= limit else { throw .pathTooLong(path: path, limit: limit) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return address
  }

  fileprivate static func with<R>(
    _ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
  ) -> R {
    withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}

private func wrapping<R: ~Copyable>(_ body: () throws(LinuxError) -> R) throws(UnixSocketError) -> R {
  do throws(LinuxError) {
    return try body()
  } catch {
    throw .failed(error)
  }
}

/// For what makes a socket at `path`.
private func refusing<R: ~Copyable>(
  _ path: String, _ body: () throws(LinuxError) -> R
) throws(UnixSocketError) -> R {
  do throws(LinuxError) {
    return try body()
  } catch {
    throw .cannotListen(path: path, errno: error.errno)
  }
}
