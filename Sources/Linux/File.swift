import CLinux
import Glibc

extension Descriptor {
  /// Size in bytes of the file behind the descriptor; nil where it is not a regular file.
  package borrowing func regularFileSize(_ subject: @autoclosure () -> String = "") throws(LinuxError) -> Int?
  {
    var status = stat()
    try system("fstat", subject()) { fstat(number, &status) }
    return status.st_mode & UInt32(Glibc.S_IFMT) == UInt32(Glibc.S_IFREG) ? Int(status.st_size) : nil
  }

  /// Reads at `offset` until the buffer is full or the file ends, without moving the file's position.
  /// - Returns: bytes read; fewer than asked only at the end of the file.
  package borrowing func read(
    at offset: Int, into buffer: UnsafeMutableRawBufferPointer, _ subject: @autoclosure () -> String = ""
  ) throws(LinuxError) -> Int {
    var done = 0
    while done < buffer.count {
      let n = try system("pread", subject()) {
        pread(number, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      }
      if n == 0 { break }
      done += n
    }
    return done
  }

  /// Writes all of it, in as many calls as the kernel needs.
  package borrowing func writeAll(
    _ bytes: UnsafeRawBufferPointer, _ subject: @autoclosure () -> String = ""
  ) throws(LinuxError) {
    var done = 0
    while done < bytes.count {
      done += try system("write", subject()) {
        write(number, bytes.baseAddress! + done, bytes.count - done)
      }
    }
  }

  /// Writes all of it, in as many calls as the kernel needs.
  package borrowing func writeAll(
    _ bytes: [UInt8], _ subject: @autoclosure () -> String = ""
  ) throws(LinuxError) {
    var done = 0
    while done < bytes.count {
      done += try system("write", subject()) {
        bytes.withUnsafeBytes { write(number, $0.baseAddress! + done, $0.count - done) }
      }
    }
  }
}

/// The whole of a file, and no more memory than `limit` bytes for it, whatever it claims to be.
/// - Throws: `EFBIG` when it holds more than `limit` bytes, `EISDIR` for a directory, `notRegular` for a device or a
///   pipe; what the kernel said otherwise.
package func readFile(_ path: String, limit: Int) throws(LinuxError) -> [UInt8] {
  // Non-blocking: a pipe under a file's name is to be an error, not a hang.
  let file = try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
  var status = stat()
  try system("fstat", path) { fstat(file.number, &status) }
  switch status.st_mode & UInt32(Glibc.S_IFMT) {
  case UInt32(Glibc.S_IFREG): break
  case UInt32(Glibc.S_IFDIR): throw LinuxError("read", path, errno: EISDIR)
  default: throw LinuxError("read", path, errno: LinuxError.notRegular)
  }
  // Files under /proc and /sys say 0 and hold more, so the size is a hint only.
  let hint = Int(status.st_size)
  if hint > limit { throw LinuxError("read", path, errno: EFBIG) }
  var bytes = [UInt8](repeating: 0, count: min(max(hint + 1, 4096), limit + 1))
  var count = 0
  while true {
    if count == bytes.count {
      if count > limit { throw LinuxError("read", path, errno: EFBIG) }
      bytes.append(contentsOf: repeatElement(0, count: min(count, limit + 1 - count)))
    }
    let room = bytes.count - count
    let n = try system("read", path) {
      bytes.withUnsafeMutableBytes { Glibc.read(file.number, $0.baseAddress! + count, room) }
    }
    if n == 0 { break }
    count += n
  }
  if count > limit { throw LinuxError("read", path, errno: EFBIG) }
  bytes.removeLast(bytes.count - count)
  return bytes
}

/// Has the file system hold so many bytes of the file from `offset` on; the file's size stays as it is.
/// - Returns: 0, or the errno: `ENOSPC` where the disk is full, `EOPNOTSUPP` where it cannot be done at all.
package func reserveSpace(_ file: Int32, from offset: Int, length: Int) -> Int32 {
  mmx_reserve(file, Int64(offset), Int64(length)) == 0 ? 0 : errnoNow()
}

/// The names in a directory but `.` and `..`, in byte order.
package func directoryNames(_ path: String) throws(LinuxError) -> [String] {
  guard let directory = opendir(path) else { throw LinuxError("opendir", path, errno: errnoNow()) }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
      String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// The path with every link followed.
package func realPath(_ path: String) throws(LinuxError) -> String {
  guard let resolved = realpath(path, nil) else { throw LinuxError("realpath", path, errno: errnoNow()) }
  defer { free(resolved) }
  return String(cString: resolved)
}
