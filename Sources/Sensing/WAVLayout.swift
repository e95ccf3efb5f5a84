/// Where the samples of a WAV file lie, found by walking its chunks.
struct WAVLayout {
  private(set) var rate = 0
  private(set) var channels = 0
  private(set) var encoding = WAVEncoding.signed16
  private(set) var dataOffset = 0
  private(set) var dataSize = 0

  /// Bytes of one sample of all channels.
  var frame: Int { channels * encoding.width }

  private static let pcm = 1
  private static let float = 3
  private static let extensible = 0xFFFE
  /// Lengths from here on are written by programs that could not know it (a pipe: FFmpeg 0xFFFFFFFF, arecord
  /// 0x80000000, sox 0x7FFFF000): where the file is shorter, the data goes to its end.
  private static let unknownSize = 0x7FFF_F000
  /// A length that stands in the chunk `ds64` (EBU Tech 3306, RF64 and BW64).
  private static let size64 = 0xFFFF_FFFF

  init(of file: borrowing RecordedFile) throws(SensingError) {
    let riff = try file.bytes(at: 0, count: 12)
    let isLarge = riff.hasText("RF64", at: 0) || riff.hasText("BW64", at: 0)
    guard isLarge || riff.hasText("RIFF", at: 0), riff.hasText("WAVE", at: 8) else {
      throw SensingError(file.path, .wrongType(expected: "a RIFF/WAVE file"))
    }
    // Of a recorder that was killed before it closed the file, or of one that writes to a pipe.
    let whole = riff.littleEndian32(at: 4) ?? 0
    let isUnclosed = !isLarge && (whole + 8 < file.size || whole >= Self.unknownSize)
    var largeData: Int?
    var offset = 12
    for _ in 0..<SensingLimits.wavChunks {
      let header = try file.bytes(at: offset, count: 8)
      guard let size = header.littleEndian32(at: 4) else { break }
      if isLarge && header.hasText("ds64", at: 0) {
        // Zeros until the recorder closes the file.
        largeData = try file.bytes(at: offset + 8, count: 16).littleEndian63(at: 8)
        if largeData == 0 { largeData = nil }
      } else if header.hasText("fmt ", at: 0) {
        try takeFormat(of: file, at: offset + 8, size: size)
      } else if header.hasText("data", at: 0) {
        let isLong = size == Self.size64 && largeData != nil
        try takeData(
          of: file, at: offset + 8, size: isLong ? largeData ?? size : size, isUnclosed: isUnclosed)
        return
      }
      offset += 8 + size
      if size & 1 == 1, try Self.isPadded(file, at: offset) { offset += 1 }
    }
    throw SensingError(file.path, .malformed("no data chunk"))
  }

  /// Whether a chunk of odd length is padded to an even one, as it should be: some programs leave that out, and the
  /// next chunk's name stands there.
  private static func isPadded(_ file: borrowing RecordedFile, at offset: Int) throws(SensingError) -> Bool {
    let bytes = try file.bytes(at: offset, count: 5)
    guard bytes.count == 5, bytes[0] != 0 else { return true }
    let isText: (ArraySlice<UInt8>) -> Bool = { $0.allSatisfy { (0x20...0x7E).contains($0) } }
    return isText(bytes[1...4]) || !isText(bytes[0...3])
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
    let subformat = tag == Self.extensible ? format.littleEndian16(at: 24) ?? tag : tag
    guard channels == 1 || channels == 2 else {
      throw SensingError(file.path, .unsupported("sound with \(channels) channels", use: "mono or stereo"))
    }
    guard subformat == Self.pcm || subformat == Self.float,
      let encoding = WAVEncoding(tag: subformat, container: (bits + 7) / 8)
    else {
      let name = Self.name(ofEncoding: subformat, bits: bits)
      throw SensingError(file.path, .unsupported(name, use: "PCM of 8 to 32 bits or floating point"))
    }
    if bits == 24 && block == 4 * channels {
      // Programs differ in where the 24 bits lie: ALSA below (S24_LE), others on top.
      throw SensingError(
        file.path,
        .unsupported(
          "24-bit PCM in 4 bytes", use: "arecord -f S24_3LE or S32_LE, which every program understands"))
    }
    guard block == encoding.width * channels else {
      throw SensingError(
        file.path, .malformed("\(block) bytes a sample for \(channels) \(bits)-bit channels"))
    }
    guard SensingLimits.sampleRates.contains(rate) else {
      throw SensingError(file.path, .malformed("sample rate \(rate)"))
    }
    self.rate = rate
    self.channels = channels
    self.encoding = encoding
  }

  private mutating func takeData(
    of file: borrowing RecordedFile, at offset: Int, size: Int, isUnclosed: Bool
  ) throws(SensingError) {
    if channels == 0 { throw SensingError(file.path, .malformed("data before its format")) }
    let there = file.size - offset
    let isUnknown = size >= Self.unknownSize || (size == 0 && isUnclosed)
    if !isUnknown && size > there {
      throw SensingError(file.path, .truncated(promised: offset + size, found: file.size))
    }
    dataOffset = offset
    dataSize = size == 0 && isUnclosed ? there : min(size, there)
    if dataSize / frame / rate > SensingLimits.recordedSeconds {
      throw SensingError(file.path, .tooLarge("sound of more than 400 days"))
    }
    if dataSize < frame { throw SensingError(file.path, .malformed("no samples in its data chunk")) }
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
