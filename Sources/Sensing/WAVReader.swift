import Linux

/// A RIFF/WAVE file of PCM or floating point, mono or stereo, read where asked as 16-bit mono: stereo comes out as the
/// mean of its channels. Format: "Multimedia Programming Interface and Data Specifications 1.0" (IBM, Microsoft 1991),
/// WAVE_FORMAT_EXTENSIBLE (mmreg.h), and RF64 and BW64 for files beyond 4 GiB (EBU Tech 3306).
package struct WAVReader: ~Copyable {
  /// Samples a second.
  package let rate: Int
  /// 1 or 2, in the file.
  package let channels: Int
  /// Samples of each channel; at least 1.
  package let count: Int
  private let encoding: WAVEncoding
  private let dataOffset: Int
  private let file: RecordedFile

  /// Opens the file and checks its header.
  /// - Parameter rate: refuse any other rate; nil takes what comes.
  package init(path: String, expecting rate: Int? = nil) throws(SensingError) {
    let file = try RecordedFile(path)
    let layout = try WAVLayout(of: file)
    if let rate, layout.rate != rate {
      throw SensingError(path, .wrongRate(found: layout.rate, wanted: rate))
    }
    self.rate = layout.rate
    channels = layout.channels
    encoding = layout.encoding
    dataOffset = layout.dataOffset
    count = layout.dataSize / layout.frame
    self.file = file
  }

  /// Reads mono samples from `start` on. Allocates nothing.
  /// - Returns: how many were read; fewer than asked only at the end.
  package borrowing func read(
    from start: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) throws(SensingError) -> Int {
    precondition(start >= 0)
    let wanted = min(buffer.count, count - start)
    if wanted <= 0 { return 0 }
    let part = UnsafeMutableBufferPointer(rebasing: buffer[0..<wanted])
    if channels == 1, case .signed16 = encoding {
      try file.readExactly(at: dataOffset + 2 * start, into: UnsafeMutableRawBufferPointer(part))
      for i in part.indices { part[i] = Int16(littleEndian: part[i]) }
    } else {
      try convert(from: start, into: part)
    }
    return wanted
  }

  /// Reads pieces of the file and makes mono samples of 16 bits of them.
  private borrowing func convert(
    from start: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) throws(SensingError) {
    let width = encoding.width
    let frame = channels * width
    let piece = 1_024
    try withTemporaryMemory(of: UInt8.self, capacity: piece * frame) { (memory) throws(SensingError) in
      let bytes = UnsafeMutableRawBufferPointer(memory)
      var done = 0
      while done < buffer.count {
        let n = min(piece, buffer.count - done)
        let part = UnsafeMutableRawBufferPointer(rebasing: bytes[0..<n * frame])
        try file.readExactly(at: dataOffset + frame * (start + done), into: part)
        let raw = UnsafeRawBufferPointer(part)
        for i in 0..<n {
          let first = Int(encoding.sample(raw, at: i * frame))
          let last = channels == 1 ? first : Int(encoding.sample(raw, at: i * frame + width))
          buffer[done + i] = Int16((first + last) >> 1)
        }
        done += n
      }
    }
  }

  /// The whole of a short file in mono.
  /// - Parameter limit: samples allowed; more are refused.
  package static func readAll(
    path: String, expecting rate: Int? = nil, limit: Int
  ) throws(SensingError) -> [Int16] {
    let reader = try WAVReader(path: path, expecting: rate)
    if reader.count > limit {
      throw SensingError(path, .tooLarge("\(reader.count) samples where \(limit) are allowed"))
    }
    var samples = [Int16](repeating: 0, count: reader.count)
    _ = try samples.withUnsafeMutableBufferPointer { buffer in
      Result { () throws(SensingError) in try reader.read(from: 0, into: buffer) }
    }.get()
    return samples
  }
}
