import Glibc
import Linux

/// The bytes at the end of a segment that are no record: moved out of it, and kept beside it under its name with
/// `.cut-` and the first half of their SHA-256. The name follows from the bytes, so that a start which is cut off
/// in the midst of this can be done again.
struct TailBytes {
  let path: String
  /// Of the whole segment.
  let size: Int

  /// A segment without a single record. Nil where it is empty: then it is removed.
  func setAsideWhole() throws(LinuxError) -> LedgerNotice? {
    guard size > 0 else {
      try system("unlink", path) { unlink(path) }
      return nil
    }
    let digest = try digest(from: 0)
    let kept = path + Self.suffix(digest)
    try system("rename", path) { rename(path, kept) }
    try Self.synchronizeDirectory(of: path)
    return .cut(segment: path, bytes: size, digest: digest, kept: kept.lastPathComponent)
  }

  /// What stands from `place` on. Nil where that is nothing.
  func setAside(from place: Int) throws(LinuxError) -> LedgerNotice? {
    guard place < size else { return nil }
    let digest = try digest(from: place)
    let kept = path + Self.suffix(digest)
    var isKept = true
    do throws(LinuxError) {
      try copy(from: place, to: kept)
    } catch {
      _ = unlink(kept)
      // A full disk is what tears records, and must not keep the daemon from starting; but nothing is given up
      // unseen that may be more than half a record.
      guard error.errno == ENOSPC || error.errno == EDQUOT, try !holdsLine(from: place) else { throw error }
      isKept = false
    }
    let file = try Descriptor.open(path, O_RDWR)
    try system("ftruncate", path) { ftruncate(file.number, place) }
    try system("fsync", path) { fsync(file.number) }
    return .cut(
      segment: path, bytes: size - place, digest: digest, kept: isKept ? kept.lastPathComponent : nil)
  }

  /// SHA-256 of the bytes from `place` on.
  func digest(from place: Int) throws(LinuxError) -> Digest {
    var hash = SHA256()
    try read(from: place) { (bytes) throws(LinuxError) in hash.update(bytes) }
    return hash.finish()
  }

  private func holdsLine(from place: Int) throws(LinuxError) -> Bool {
    var found = false
    try read(from: place) { (bytes) throws(LinuxError) in
      if bytes.contains(UInt8(ascii: "\n")) { found = true }
    }
    return found
  }

  private func copy(from place: Int, to kept: String) throws(LinuxError) {
    let copy = try Descriptor.open(kept, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o640)
    try read(from: place) { (bytes) throws(LinuxError) in try copy.writeAll(bytes, kept) }
    try system("fsync", kept) { fsync(copy.number) }
    try Self.synchronizeDirectory(of: kept)
  }

  private func read(
    from place: Int, _ body: (UnsafeRawBufferPointer) throws(LinuxError) -> Void
  ) throws(LinuxError) {
    let file = try Descriptor.open(path, O_RDONLY)
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { memory.deallocate() }
    var done = place
    while done < size {
      let room = UnsafeMutableRawBufferPointer(rebasing: memory[..<min(memory.count, size - done)])
      let count = try file.read(at: done, into: room, path)
      if count == 0 { throw LinuxError("pread", path, errno: EIO) }
      try body(UnsafeRawBufferPointer(rebasing: room[..<count]))
      done += count
    }
  }

  private static func suffix(_ digest: Digest) -> String { ".cut-" + digest.hexString.prefix(32) }

  private static func synchronizeDirectory(of path: String) throws(LinuxError) {
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let file = try Descriptor.open(directory, O_RDONLY | O_DIRECTORY)
    try system("fsync", directory) { fsync(file.number) }
  }
}
