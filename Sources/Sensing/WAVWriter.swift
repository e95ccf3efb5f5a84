import Glibc
import Linux

/// Writes a WAV file of 16-bit mono sound, 44 bytes of header and the samples. Until it is finished its sizes are 0, which readers
/// take as "to the end of the file".
package struct WAVWriter: ~Copyable {
  private let file: Descriptor
  private let path: String
  private let rate: Int
  package private(set) var count = 0

  /// Makes the file, for its owner alone.
  /// - Throws: `EEXIST` where there is one.
  package init(path: String, rate: Int) throws(LinuxError) {
    // The header first: a value that throws must not be half there.
    let file = try Descriptor.open(path, O_CREAT | O_EXCL | O_WRONLY, mode: 0o600)
    try file.writeAll(Self.header(samples: 0, rate: rate), path)
    self.file = file
    self.path = path
    self.rate = rate
  }

  package mutating func append(_ samples: UnsafeBufferPointer<Int16>) throws(LinuxError) {
    // Both machines that this runs on are little-endian, as the file is.
    try file.writeAll(UnsafeRawBufferPointer(samples), path)
    count += samples.count
  }

  /// Writes the sizes into the header.
  package func finish() throws(LinuxError) {
    let header = Self.header(samples: count, rate: rate)
    _ = try system("pwrite", path) {
      header.withUnsafeBytes { pwrite(file.number, $0.baseAddress, $0.count, 0) }
    }
  }

  private static func header(samples: Int, rate: Int) -> [UInt8] {
    // What does not fit is told as unknown.
    let bytes = samples * 2 + 36 <= Int(UInt32.max) ? samples * 2 : 0
    var header = Array("RIFF".utf8)
    func put(_ value: Int, _ width: Int) {
      for place in 0..<width { header.append(UInt8(truncatingIfNeeded: value >> (8 * place))) }
    }
    put(bytes > 0 ? bytes + 36 : 0, 4)
    header += Array("WAVEfmt ".utf8)
    put(16, 4)
    put(1, 2)  // PCM
    put(1, 2)  // one channel
    put(rate, 4)
    put(rate * 2, 4)
    put(2, 2)  // bytes of a sample of all channels
    put(16, 2)  // bits
    header += Array("data".utf8)
    put(bytes, 4)
    return header
  }
}
