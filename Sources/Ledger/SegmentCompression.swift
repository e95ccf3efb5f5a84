import Glibc
import Linux

/// A segment that takes no further record becomes `NAME.gz`, with the same bytes in it.
enum SegmentCompression {
  private static let chunk = 1 << 18

  /// Order on the disk: the compressed file whole under another name, that name, the plain file's end. A kill in between
  /// leaves the plain one, which is the one that is read, and the work is done again.
  /// - Parameter isAborted: asked in between; somebody waits for this thread.
  /// - Returns: false where it was given up for that.
  static func compress(
    _ segment: Segment, in directory: String, isAborted: () -> Bool
  ) throws(LinuxError) -> Bool {
    let new = segment.compressedPath + Segment.newSuffix
    let source = try Segment.open(segment.path, O_RDONLY)
    var status = stat()
    try system("fstat", segment.path) { fstat(source.number, &status) }
    unlink(new)
    let target = try Segment.open(new, O_WRONLY | O_CREAT | O_EXCL)
    guard let gzip = GzipStream(.compressing) else { throw LinuxError("deflate", new, errno: ENOMEM) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * chunk, alignment: 1)
    defer { memory.deallocate() }
    let output = UnsafeMutableRawBufferPointer(rebasing: memory[chunk...])
    var place = 0
    var isOver = false
    while !isOver {
      if isAborted() { return false }
      let count = try source.read(
        at: place, into: UnsafeMutableRawBufferPointer(rebasing: memory[..<chunk]), segment.path)
      place += count
      var input = UnsafeRawBufferPointer(rebasing: memory[..<count])
      var hasRoom = false
      // All input is taken when the output was not filled.
      while !hasRoom && !isOver {
        let step = gzip.step(input, into: output, isLast: count < chunk)
        guard step.step != .damaged else { throw LinuxError("deflate", new, errno: EIO) }
        try target.writeAll(UnsafeRawBufferPointer(rebasing: output[..<step.given]), new)
        input = UnsafeRawBufferPointer(rebasing: input[step.taken...])
        isOver = step.step == .ended
        hasRoom = step.given < output.count && input.isEmpty
      }
    }
    // Its age is that of its records.
    withUnsafeTemporaryAllocation(of: timespec.self, capacity: 2) { times in
      times[0] = status.st_mtim
      times[1] = status.st_mtim
      futimens(target.number, times.baseAddress)
    }
    let calls = RecoveryCalls.file
    try calls.synchronize(target.number, new)
    try calls.rename(new, segment.compressedPath)
    try calls.synchronizeDirectory(directory)
    try calls.remove(segment.path)
    return true
  }
}
