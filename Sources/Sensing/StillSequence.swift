import Linux
import Vocabulary

/// A directory of PGM, PPM and PAM files (`.pgm`, `.ppm`, `.pnm`, `.pam`, in either case), taken as frames in the order of the numbers in
/// their names. Hidden files are left out.
package final class StillSequence: FrameSource {
  private let directory: String
  private let names: [String]
  package let width: Int
  package let height: Int
  package let frameRate: FrameRate

  package var count: Int { names.count }

  /// Lists the directory and reads its first picture; the others must have its size.
  package init(directory: String, frameRate: FrameRate) throws(SensingError) {
    let all = try naming(directory) { () throws(LinuxError) in try directoryNames(directory) }
    names = all.filter(Self.isPicture).sorted(by: precedesNaturally)
    guard let first = names.first else {
      throw SensingError(directory, .malformed("no .pgm, .ppm, .pnm or .pam file in it"))
    }
    if names.count > SensingLimits.recordedFrames {
      throw SensingError(directory, .tooLarge("\(names.count) pictures"))
    }
    guard frameRate.fits(frames: names.count) else {
      throw SensingError(directory, .tooLarge("\(names.count) pictures that last more than 400 days"))
    }
    let picture = try PNMReader.read(path: RecordingDescription.path(of: first, in: directory))
    width = picture.width
    height = picture.height
    self.directory = directory
    self.frameRate = frameRate
  }

  private static func isPicture(_ name: String) -> Bool {
    let name = name.lowercased()
    return !name.hasPrefix(".") && [".pgm", ".ppm", ".pnm", ".pam"].contains { name.hasSuffix($0) }
  }

  /// Unlike a video file's, this reads and allocates a whole file per frame.
  package func read(
    _ index: Int, channels: Int, into pixels: UnsafeMutableBufferPointer<UInt8>
  ) throws(SensingError) {
    let path = RecordingDescription.path(of: names[index], in: directory)
    let picture = try PNMReader.read(path: path)
    guard picture.width == width, picture.height == height else {
      throw SensingError(
        path,
        .malformed(
          "\(picture.width) x \(picture.height) pixels where the first picture has \(width) x \(height)"))
    }
    let layout: PixelLayout =
      picture.channels == 3
      ? .rgb(width: width, height: height, stride: 3 * width)
      : .grey(width: width, height: height, stride: width, fullRange: true)
    picture.pixels.withUnsafeBytes { layout.convert($0, channels: channels, into: pixels) }
  }
}
