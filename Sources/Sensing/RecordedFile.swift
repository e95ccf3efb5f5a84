import Glibc
import Linux

/// A regular file open for reading at any place, whose failures name its path.
struct RecordedFile: ~Copyable {
  let path: String
  let size: Int
  private let descriptor: Descriptor

  /// - Throws: what the kernel says; `.empty` for a file of no bytes; `.wrongType` for what is no regular file.
  init(_ path: String) throws(SensingError) {
    // Non-blocking, so that a pipe under the name is refused instead of waited for.
    let opened = try naming(path) { () throws(LinuxError) in
      try Descriptor.open(path, O_RDONLY | O_NONBLOCK)
    }
    let regular = try naming(path) { () throws(LinuxError) in try opened.regularFileSize(path) }
    guard let regular else { throw SensingError(path, .wrongType(expected: "a regular file")) }
    if regular == 0 { throw SensingError(path, .empty) }
    self.path = path
    size = regular
    descriptor = opened
  }

  /// Bytes read; fewer than the buffer holds only at the end of the file.
  borrowing func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SensingError) -> Int
  {
    try naming(path) { () throws(LinuxError) in try descriptor.read(at: offset, into: buffer, path) }
  }

  /// Fills the buffer; the file must hold that much.
  borrowing func readExactly(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(SensingError)
  {
    let n = try read(at: offset, into: buffer)
    if n < buffer.count {
      throw SensingError(path, .truncated(promised: offset + buffer.count, found: offset + n))
    }
  }

  /// At most `count` bytes from `offset`; for headers, which are short.
  borrowing func bytes(at offset: Int, count: Int) throws(SensingError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, min(count, size - offset)))
    let n = try bytes.withUnsafeMutableBytes { raw in
      Result { () throws(SensingError) in try read(at: offset, into: raw) }
    }.get()
    bytes.removeLast(bytes.count - n)
    return bytes
  }
}

/// Turns a refusal by the kernel into one about `subject`.
func naming<T: ~Copyable>(_ subject: String, _ body: () throws(LinuxError) -> T) throws(SensingError) -> T {
  do throws(LinuxError) { return try body() } catch { throw SensingError(subject, .system(error)) }
}

/// Little-endian fields of a header; nil beyond its end.
extension Array where Element == UInt8 {
  func littleEndian16(at offset: Int) -> Int? {
    guard offset >= 0, offset + 2 <= count else { return nil }
    return Int(self[offset]) | Int(self[offset + 1]) << 8
  }

  func littleEndian32(at offset: Int) -> Int? {
    guard let low = littleEndian16(at: offset), let high = littleEndian16(at: offset + 2) else { return nil }
    return low | high << 16
  }

  /// Of 64 bits; nil where it is no length (2^63 or more) too.
  func littleEndian63(at offset: Int) -> Int? {
    guard let low = littleEndian32(at: offset), let high = littleEndian32(at: offset + 4), high < 1 << 31
    else {
      return nil
    }
    return low | high << 32
  }

  func hasText(_ text: StaticString, at offset: Int) -> Bool {
    guard offset >= 0, offset + text.utf8CodeUnitCount <= count else { return false }
    return text.withUTF8Buffer { wanted in wanted.elementsEqual(self[offset..<offset + wanted.count]) }
  }
}
