import Glibc
import Linux

/// The right to write in a directory: an exclusive flock(2) on its file `lock`, given back by the kernel when the
/// process ends, however it ends.
struct LedgerLock: ~Copyable, Sendable {
  private let file: Descriptor

  init(directory: String) throws(LedgerError) {
    let file = try Self.take(directory)
    // Only for the message of whoever comes second: whether it can be written does not matter.
    if Self.isOurs(file.number) {
      _ = ftruncate(file.number, 0)
      var text = String(getpid()) + "\n"
      _ = text.withUTF8 { pwrite(file.number, $0.baseAddress, $0.count, 0) }
    }
    self.file = file
  }

  /// Whether it still guards that directory: the file may have been removed with it.
  func guards(_ directory: String) -> Bool {
    FileIdentity(of: file.number).map { $0.isAt(directory + "/lock") } ?? true
  }

  private static func take(_ directory: String) throws(LedgerError) -> Descriptor {
    let path = directory + "/lock"
    let file: Descriptor
    do throws(LinuxError) {
      file = try Segment.open(path, O_RDWR | O_CREAT)
    } catch {
      throw error.errno == LinuxError.notRegular
        ? .notAFile(path: path) : Segment.refusal(directory, errno: error.errno)
    }
    if flock(file.number, LOCK_EX | LOCK_NB) == 0 { return file }
    let code = errnoNow()
    if code == EWOULDBLOCK { throw .locked(path: directory, process: owner(file.number)) }
    throw .failed(LinuxError("flock", path, errno: code))
  }

  /// Whether a daemon of this user has made the file: another name of a file that lies elsewhere, another user's, or one
  /// that holds more than a process number serves as the lock and stays as it is.
  private static func isOurs(_ file: Int32) -> Bool {
    var status = stat()
    guard fstat(file, &status) == 0, status.st_nlink == 1, status.st_uid == geteuid() else { return false }
    return status.st_size == 0 || owner(file) != nil
  }

  private static func owner(_ file: Int32) -> Int32? {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = pread(file, &bytes, bytes.count, 0)
    // A number and a newline are all that it holds.
    guard count > 1, bytes[..<count].firstIndex(of: UInt8(ascii: "\n")) == count - 1 else { return nil }
    return Int32(String(decoding: bytes[..<(count - 1)], as: UTF8.self))
  }
}
