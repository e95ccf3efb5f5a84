import Glibc

/// Which file it is, whatever it is called.
struct FileIdentity: Equatable, Sendable {
  private let device: UInt
  private let node: UInt

  /// Of an open file; nil where the kernel does not say.
  init?(of file: Int32) {
    var status = stat()
    guard fstat(file, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    device = UInt(status.st_dev)
    node = UInt(status.st_ino)
  }

  /// False when there is nothing under the path, or another file. Where the path cannot be looked at, nobody
  /// knows better than that it is there.
  func isAt(_ path: String) -> Bool {
    var status = stat()
    // Passed as it is, the path would be copied to the heap.
    let found = path.withCString { stat($0, &status) }
    if found == 0 { return FileIdentity(status) == self }
    return errno != ENOENT && errno != ENOTDIR
  }
}
