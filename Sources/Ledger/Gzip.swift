import CZlib

/// Bytes through zlib, in pieces: gzip (RFC 1952) in one direction or the other. Memory is taken once, some 50 KB for
/// reading and 300 KB for writing, whatever the bytes say.
final class GzipStream {
  enum Direction { case compressing, expanding }
  /// What a step came to.
  enum Step: Equatable {
    /// All input is taken, or the output is full.
    case goesOn
    /// The stream is whole, with its checksum.
    case ended
    /// What was read is no gzip, or its checksum is of other bytes.
    case damaged
  }

  private let stream: UnsafeMutablePointer<z_stream>
  private let direction: Direction

  /// Nil where there is no memory for it.
  init?(_ direction: Direction) {
    self.direction = direction
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let code = direction == .compressing ? mmx_deflate_begin(stream, 6) : mmx_inflate_begin(stream)
    guard code == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    if direction == .compressing { deflateEnd(stream) } else { inflateEnd(stream) }
    stream.deallocate()
  }

  /// Takes input and gives output, as much as there is of both.
  /// - Parameter isLast: nothing comes behind this input.
  /// - Returns: bytes taken and given.
  func step(
    _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, isLast: Bool
  ) -> (taken: Int, given: Int, step: Step) {
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(input.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(output.count)
    let code =
      direction == .compressing
      ? deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH) : inflate(stream, Z_NO_FLUSH)
    let taken = input.count - Int(stream.pointee.avail_in)
    let given = output.count - Int(stream.pointee.avail_out)
    switch code {
    case Z_STREAM_END: return (taken, given, .ended)
    // No progress was possible: more input or room is wanted.
    case Z_OK, Z_BUF_ERROR: return (taken, given, .goesOn)
    default: return (taken, given, .damaged)
    }
  }
}
