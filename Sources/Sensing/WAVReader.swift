import Linux

/// A RIFF/WAVE file of 16-bit PCM, mono or stereo, read where asked; stereo comes out as the mean of its channels.
/// Format: "Multimedia Programming Interface and Data Specifications 1.0" (IBM, Microsoft 1991) and
/// WAVE_FORMAT_EXTENSIBLE (mmreg.h).
package struct WAVReader: ~Copyable {
  /// Samples a second.
  package let rate: Int
  /// 1 or 2, in the file.
  package let channels: Int
  /// Samples of each channel; at least 1.
  package let count: Int
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
    dataOffset = layout.dataOffset
    count = layout.dataSize / (2 * layout.channels)
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
    if channels == 1 {
      let part = UnsafeMutableBufferPointer(rebasing: buffer[0..<wanted])
      try file.readExactly(at: dataOffset + 2 * start, into: UnsafeMutableRawBufferPointer(part))
      for i in part.indices { part[i] = Int16(littleEndian: part[i]) }
    } else {
      try readStereo(from: start, into: UnsafeMutableBufferPointer(rebasing: buffer[0..<wanted]))
    }
    return wanted
  }

  private borrowing func readStereo(
    from start: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) throws(SensingError) {
    let step = 2_048
    try withUnsafeTemporaryAllocation(of: Int16.self, capacity: 2 * step) { (pairs) throws(SensingError) in
      var done = 0
      while done < buffer.count {
        let n = min(step, buffer.count - done)
        let part = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(pairs)[0..<4 * n])
        try file.readExactly(at: dataOffset + 4 * (start + done), into: part)
        for i in 0..<n {
          let sum = Int(Int16(littleEndian: pairs[2 * i])) + Int(Int16(littleEndian: pairs[2 * i + 1]))
          buffer[done + i] = Int16(sum >> 1)
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
