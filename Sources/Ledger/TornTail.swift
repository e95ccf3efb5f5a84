import Glibc
import Linux

/// The bytes at the end of a segment that are no record: moved out of it and kept beside it (`UntoldCut`). Every step is
/// on the disk before the next, and may be done again by a start that comes after one which was killed.
struct TornTail {
  let path: String
  /// Of the whole segment.
  let size: Int

  /// A segment without a single record. Nil where it is empty: then it is removed.
  func quarantineWhole(
    in directory: String, notBefore: UInt64, _ calls: RecoveryCalls
  ) throws(LinuxError) -> UntoldCut? {
    guard size > 0 else {
      try calls.remove(path)
      return nil
    }
    let cut = UntoldCut(
      directory: directory, segment: path.lastPathComponent, notBefore: notBefore, bytes: size,
      digest: try digest(from: 0))
    try calls.rename(path, cut.path)
    try calls.synchronizeDirectory(directory)
    return cut
  }

  /// What stands from `place` on. Nil where that is nothing.
  func quarantine(
    from place: Int, in directory: String, notBefore: UInt64, _ calls: RecoveryCalls
  ) throws(LinuxError) -> UntoldCut? {
    guard place < size else { return nil }
    let cut = UntoldCut(
      directory: directory, segment: path.lastPathComponent, notBefore: notBefore, bytes: size - place,
      digest: try digest(from: place))
    do throws(LinuxError) {
      try copy(from: place, to: cut.path, calls)
    } catch {
      // A full disk is what tears records, and must not keep the daemon from starting; but nothing is given up
      // unseen that may be more than half a record. The empty file tells of the cut where the disk has room for that.
      guard error.errno == ENOSPC || error.errno == EDQUOT, try !holdsLine(from: place) else {
        try? calls.remove(cut.path)
        throw error
      }
      if let marker = try? Segment.open(cut.path, O_WRONLY | O_CREAT, mode: 0o640) {
        try? calls.truncate(marker.number, 0, cut.path)
      }
    }
    try calls.synchronizeDirectory(directory)
    let file = try Segment.open(path, O_RDWR)
    try calls.truncate(file.number, place, path)
    try calls.synchronize(file.number, path)
    return cut
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

  private func copy(from place: Int, to kept: String, _ calls: RecoveryCalls) throws(LinuxError) {
    let copy = try Segment.open(kept, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o640)
    let number = copy.number
    try read(from: place) { (bytes) throws(LinuxError) in try calls.write(number, bytes, kept) }
    try calls.synchronize(number, kept)
    withExtendedLifetime(copy) {}
  }

  private func read(
    from place: Int, _ body: (UnsafeRawBufferPointer) throws(LinuxError) -> Void
  ) throws(LinuxError) {
    let file = try Segment.open(path, O_RDONLY)
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
}
