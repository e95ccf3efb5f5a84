import Glibc
import Linux

/// A directory of its own for one test, gone with it.
final class TemporaryDirectory: Sendable {
  let path: String

  init() {
    var template = Array("/tmp/mmexit-sensing-XXXXXX".utf8CString)
    path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
  }

  deinit { Self.remove(path) }

  /// Writes a file and gives its path.
  @discardableResult func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = path + "/" + name
    // Made anew instead of truncated: ext4 flushes a truncated file to the disk when it is closed.
    unlink(file)
    try Descriptor.open(file, O_CREAT | O_EXCL | O_WRONLY).writeAll(bytes)
    return file
  }

  func makeDirectory(_ name: String) { _ = mkdir(path + "/" + name, 0o755) }

  private static func remove(_ path: String) {
    for name in (try? directoryNames(path)) ?? [] where unlink(path + "/" + name) != 0 {
      remove(path + "/" + name)
    }
    rmdir(path)
  }
}
