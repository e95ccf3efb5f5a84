/// Where the samples of a WAV file lie, found by walking its chunks.
struct WAVLayout {
  private(set) var rate = 0
  private(set) var channels = 0
  private(set) var dataOffset = 0
  private(set) var dataSize = 0

  private static let pcm = 1
  private static let extensible = 0xFFFE
  /// Written by programs that could not know the length (a pipe): the data goes to the end of the file.
  private static let unknownSize = 0xFFFF_FFFF

  init(of file: borrowing RecordedFile) throws(SensingError) {
    let riff = try file.bytes(at: 0, count: 12)
    guard riff.hasText("RIFF", at: 0), riff.hasText("WAVE", at: 8) else {
      throw SensingError(file.path, .wrongType(expected: "a RIFF/WAVE file"))
    }
    var offset = 12
    for _ in 0..<SensingLimits.wavChunks {
      let header = try file.bytes(at: offset, count: 8)
      guard let size = header.littleEndian32(at: 4) else { break }
      if header.hasText("fmt ", at: 0) {
        try takeFormat(of: file, at: offset + 8, size: size)
      } else if header.hasText("data", at: 0) {
        try takeData(of: file, at: offset + 8, size: size)
        return
      }
      offset += 8 + size + (size & 1)  // Chunks are padded to even lengths.
    }
    throw SensingError(file.path, .malformed("no data chunk"))
  }

  private mutating func takeFormat(
    of file: borrowing RecordedFile, at offset: Int, size: Int
  ) throws(SensingError) {
    let format = try file.bytes(at: offset, count: min(size, 40))
    guard let tag = format.littleEndian16(at: 0), let channels = format.littleEndian16(at: 2),
      let rate = format.littleEndian32(at: 4), let block = format.littleEndian16(at: 12),
      let bits = format.littleEndian16(at: 14)
    else { throw SensingError(file.path, .malformed("format chunk of \(format.count) bytes")) }
    // In the extensible form the true tag opens the subformat's GUID.
    let encoding = tag == Self.extensible ? format.littleEndian16(at: 24) ?? tag : tag
    guard encoding == Self.pcm, bits == 16 else {
      let name = Self.name(ofEncoding: encoding, bits: bits)
      throw SensingError(file.path, .unsupported(name, use: "16-bit PCM"))
    }
    guard channels == 1 || channels == 2 else {
      throw SensingError(file.path, .unsupported("sound with \(channels) channels", use: "mono or stereo"))
    }
    guard block == 2 * channels else {
      throw SensingError(file.path, .malformed("\(block) bytes a sample for \(channels) 16-bit channels"))
    }
    guard SensingLimits.sampleRates.contains(rate) else {
      throw SensingError(file.path, .malformed("sample rate \(rate)"))
    }
    self.rate = rate
    self.channels = channels
  }

  private mutating func takeData(
    of file: borrowing RecordedFile, at offset: Int, size: Int
  ) throws(SensingError) {
    if channels == 0 { throw SensingError(file.path, .malformed("data before its format")) }
    let there = file.size - offset
    if size != Self.unknownSize && size > there {
      throw SensingError(file.path, .truncated(promised: offset + size, found: file.size))
    }
    dataOffset = offset
    dataSize = min(size, there)
    if dataSize / (2 * channels) / rate > SensingLimits.recordedSeconds {
      throw SensingError(file.path, .tooLarge("sound of more than 400 days"))
    }
    if dataSize < 2 * channels { throw SensingError(file.path, .malformed("no samples in its data chunk")) }
  }

  private static func name(ofEncoding tag: Int, bits: Int) -> String {
    switch tag {
    case pcm: "\(bits)-bit PCM"
    case 2, 17: "ADPCM"
    case 3: "\(bits)-bit floating point"
    case 6: "A-law"
    case 7: "mu-law"
    case 85: "MP3"
    default: "WAV encoding \(tag)"
    }
  }
}
