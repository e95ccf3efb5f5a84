/// A YUV4MPEG2 file whose frames are read in any order, as full-range grey or RGB.
package final class Y4MReader: FrameSource {
  private let file: RecordedFile
  private let layout: PixelLayout
  /// Where each frame's pixels begin.
  private let offsets: [Int]
  private var scratch: [UInt8]
  package let frameRate: FrameRate
  package let remark: String?

  package var width: Int { layout.width }
  package var height: Int { layout.height }
  package var count: Int { offsets.count }

  /// Opens the file, checks its header and finds its frames; reads every frame's header and no pixels.
  package init(path: String) throws(SensingError) {
    let file = try RecordedFile(path)
    let header = try Y4MHeader(try file.bytes(at: 0, count: SensingLimits.headerLine), path: path)
    (offsets, remark) = try Self.frames(of: file, from: header.length, size: header.layout.byteCount)
    guard header.frameRate.fits(frames: offsets.count) else {
      throw SensingError(path, .tooLarge("\(offsets.count) frames that last more than 400 days"))
    }
    layout = header.layout
    frameRate = header.frameRate
    // A whole frame was seen in the file, so this asks for no more than the file holds.
    scratch = [UInt8](repeating: 0, count: header.layout.byteCount)
    self.file = file
  }

  package func read(
    _ index: Int, channels: Int, into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws(SensingError) {
    let offset = offsets[index]
    try scratch.withUnsafeMutableBytes { raw in
      Result { () throws(SensingError) in try file.readExactly(at: offset, into: raw) }
    }.get()
    scratch.withUnsafeBytes { layout.convert($0, channels: channels, into: pixels) }
  }

  /// Where the pixels of each whole frame begin, and what is to be said of a last one that is not whole: the recorder
  /// was killed.
  private static func frames(
    of file: borrowing RecordedFile, from start: Int, size: Int
  ) throws(SensingError) -> ([Int], String?) {
    var offsets: [Int] = []
    var offset = start
    while offset < file.size {
      // Nearly always "FRAME\n"; parameters after the word are allowed and without meaning here.
      var line = try file.bytes(at: offset, count: 6)
      if line.last != 10 { line = try file.bytes(at: offset, count: SensingLimits.headerLine) }
      guard line.hasText("FRAME", at: 0), let end = line.firstIndex(of: 10) else {
        let isCut = offset + line.count == file.size && "FRAME".utf8.starts(with: line.prefix(5))
        if isCut && !offsets.isEmpty { return (offsets, cut(file.path, offsets.count, missing: size)) }
        throw SensingError(
          file.path, .malformed("no frame header at byte \(offset) (frame \(offsets.count + 1))"))
      }
      offset += end + 1
      if offset + size > file.size {
        let missing = offset + size - file.size
        if !offsets.isEmpty { return (offsets, cut(file.path, offsets.count, missing: missing)) }
        throw SensingError(file.path, .truncated(promised: offset + size, found: file.size))
      }
      offsets.append(offset)
      if offsets.count > SensingLimits.recordedFrames {
        throw SensingError(file.path, .tooLarge("more than \(SensingLimits.recordedFrames) frames"))
      }
      offset += size
    }
    if offsets.isEmpty { throw SensingError(file.path, .malformed("no frame")) }
    return (offsets, nil)
  }

  private static func cut(_ path: String, _ whole: Int, missing: Int) -> String {
    "\(path): cut short in frame \(whole + 1), of which \(missing) bytes are missing; the \(whole) whole frames are played"
  }
}
