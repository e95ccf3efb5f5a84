import Glibc
import Linux

/// What a start changes on the disk: the system's calls, or what a test puts in their place to see their order and to
/// end a start at any of them.
package struct RecoveryCalls: Sendable {
  /// Writes all of it.
  var write: @Sendable (_ file: Int32, UnsafeRawBufferPointer, _ path: String) throws(LinuxError) -> Void
  /// fsync(2), of a file or of a directory.
  var synchronize: @Sendable (_ file: Int32, _ path: String) throws(LinuxError) -> Void
  var truncate: @Sendable (_ file: Int32, _ size: Int, _ path: String) throws(LinuxError) -> Void
  var rename: @Sendable (_ path: String, _ new: String) throws(LinuxError) -> Void
  var remove: @Sendable (_ path: String) throws(LinuxError) -> Void

  package static let file = RecoveryCalls(
    write: { (file, bytes, path) throws(LinuxError) in
      var done = 0
      while done < bytes.count {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
        done += try system("write", path) { Glibc.write(file, rest.baseAddress, rest.count) }
      }
    },
    synchronize: { (file, path) throws(LinuxError) in try system("fsync", path) { fsync(file) } },
    truncate: { (file, size, path) throws(LinuxError) in
      try system("ftruncate", path) { ftruncate(file, size) }
    },
    rename: { (path, new) throws(LinuxError) in try system("rename", path) { Glibc.rename(path, new) } },
    remove: { (path) throws(LinuxError) in try system("unlink", path) { unlink(path) } })

  /// The directory is made to remember its names.
  func synchronizeDirectory(_ directory: String) throws(LinuxError) {
    let file = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
    try synchronize(file.number, directory)
  }
}
