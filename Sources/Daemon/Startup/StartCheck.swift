import Glibc
import Linux
import Sensing
import Startup
import Varlink
import Vocabulary

/// `--check-config`: what a start needs beside configuration and model, as far as that can be seen without touching a device
/// or writing a file.
extension Service {
  /// Folders that systemd makes when it starts the service, and that are not there before.
  private static let madeBySystemd = ["/run/", "/var/run/", "/var/lib/"]

  /// - Returns: lines for people: what is no fault, and keeps this user from starting the daemon by hand.
  package func checkStart() throws(StartupError) -> [String] {
    var remarks: [String] = []
    let places = generation.loaded.places
    do throws(SensingError) {
      if let recording {
        _ = try ReplayRig(
          recording.description, in: recording.directory, sensors: generation.sensors,
          report: { remarks.append($0) })
      } else {
        _ = try DeviceRig(sensors: generation.sensors)
      }
    } catch {
      throw StartupError(error)
    }
    let ledger = generation.configuration.ledger.directory
    try check(
      FolderCheck(ledger, mayBeMade: true), "\(places.place("ledger", "directory")): directory", &remarks)
    let socket = generation.configuration.general.socket
    let place = places.place("daemon", "socket")
    try check(FolderCheck(FolderCheck.parent(of: socket), mayBeMade: false), "\(place): socket", &remarks)
    if let error = UnixSocket.obstacle(at: socket) { throw StartupError(error, at: place) }
    return remarks
  }

  private func check(
    _ folder: FolderCheck, _ place: String, _ remarks: inout [String]
  ) throws(StartupError) {
    guard let errno = folder.errno else { return }
    let error = StartupError(
      LinuxError("access", folder.path, errno: errno), at: place,
      remedy: "make the folder, give this user the right to write it, or name another")
    guard errno == ENOENT, Self.madeBySystemd.contains(where: { folder.path.hasPrefix($0) }) else {
      throw error
    }
    remarks.append(
      "\(place): \(folder.path) is not there; systemd makes it when it starts the service, by hand it is to be made first"
    )
  }
}

/// Whether files can be made in a folder.
private struct FolderCheck {
  let path: String
  /// What keeps them from it.
  let errno: Int32?

  /// - Parameter mayBeMade: where it is not there, its parent counts: the daemon makes it.
  init(_ path: String, mayBeMade: Bool) {
    var status = stat()
    if mayBeMade && stat(path, &status) != 0 && Glibc.errno == ENOENT {
      self = FolderCheck(Self.parent(of: path), mayBeMade: false)
      return
    }
    self.path = path
    if stat(path, &status) != 0 {
      errno = Glibc.errno
    } else if status.st_mode & UInt32(S_IFMT) != UInt32(S_IFDIR) {
      errno = ENOTDIR
    } else {
      errno = access(path, W_OK | X_OK) == 0 ? nil : Glibc.errno
    }
  }

  static func parent(of path: String) -> String {
    var bytes = Array(path.utf8)
    while bytes.count > 1 && bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
    guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
  }
}
