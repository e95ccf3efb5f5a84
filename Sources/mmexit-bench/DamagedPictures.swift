import Adaptation
import CJPEG
import Sensing
import Vocabulary

/// Damaged pictures, made up from a seed, through the process that decodes a camera's.
func mjpg(_ options: Options) throws(BenchFailure) {
  let frames = try options.number("--frames", in: 1...1_000_000_000) ?? 100_000
  let seed = try options.number("--seed", in: 0...1_000_000_000) ?? 1
  do throws(SensingError) {
    let begin = now()
    var sum = Outcome()
    let shapes = [(64, 48, 1), (160, 120, 3), (33, 17, 3)]
    for (place, shape) in shapes.enumerated() {
      let share = frames / shapes.count + (place < frames % shapes.count ? 1 : 0)
      let (width, height, channels) = shape
      var damage = PictureDamage(
        PictureDecoder.Shape(width: width, height: height, channels: channels),
        seed: UInt64(seed) &* 1_000 &+ UInt64(place))
      try damage.run(share, into: &sum)
    }
    let seconds = Double(now() - begin) / 1e9
    print(
      "\(frames) damaged pictures: \(sum.decoded) decoded all the same, \(sum.refused) refused; the process was started "
        + "\(sum.starts) times for \(shapes.count) shapes; \(sum.whole) whole ones between them decoded right; \(Int(seconds)) s"
    )
    if sum.wrong > 0 { throw SensingError("a whole picture", .malformed("\(sum.wrong) decoded wrong")) }
    for channels in [1, 3] { try time(channels) }
  } catch {
    throw BenchFailure(.software, "\(error)")
  }
}

private struct Outcome {
  var decoded = 0
  var refused = 0
  var starts = 0
  var whole = 0
  var wrong = 0
}

/// The median time of a picture of 640 x 480 through the process.
private func time(_ channels: Int) throws(SensingError) {
  let shape = PictureDecoder.Shape(width: 640, height: 480, channels: channels)
  var random = SeededDraws(seed: 7)
  let picture = madeUpPicture(
    PictureDecoder.Shape(width: 640, height: 480, channels: 3), quality: 80, &random)
  var decoder = try PictureDecoder.start(shape, capacity: 1 << 20, subject: "a picture")
  var times: [Int64] = []
  for _ in 0..<101 {
    let begin = now()
    let isWhole = try decoder.decode(picture)
    guard isWhole else { throw SensingError("a whole picture", .malformed("it was refused")) }
    times.append(now() - begin)
  }
  times.sort()
  print(
    "a picture of 640 x 480 (\(picture.count) bytes) to \(channels == 1 ? "grey" : "RGB"): \(Double(times[50] / 1_000) / 1_000) ms"
  )
}

/// Slopes with noise on them, as a JPEG.
private func madeUpPicture(_ shape: PictureDecoder.Shape, quality: Int, _ random: inout SeededDraws)
  -> [UInt8]
{
  var pixels = [UInt8](repeating: 0, count: shape.width * shape.height * shape.channels)
  for i in pixels.indices {
    pixels[i] = UInt8(truncatingIfNeeded: i / 7 + i / shape.width + Int(random.next() % 16))
  }
  return [UInt8](unsafeUninitializedCapacity: 4 * pixels.count + 4_096) { bytes, count in
    count = mmx_jpeg_encode(
      pixels, Int32(shape.width), Int32(shape.height), Int32(shape.channels), Int32(quality),
      bytes.baseAddress,
      bytes.count)
  }
}

/// Whole pictures of one shape, damaged in the ways that a plug or a hostile device damages them.
private struct PictureDamage {
  private let shape: PictureDecoder.Shape
  private var random: SeededDraws
  private let pictures: [[UInt8]]

  init(_ shape: PictureDecoder.Shape, seed: UInt64) {
    self.shape = shape
    var random = SeededDraws(seed: seed)
    pictures = [30, 75, 95].map { madeUpPicture(shape, quality: $0, &random) }
    self.random = random
  }

  mutating func run(_ count: Int, into outcome: inout Outcome) throws(SensingError) {
    var decoder = try PictureDecoder.start(shape, capacity: 1 << 16, subject: "a picture")
    let right = try decoded(pictures[0], &decoder)
    for number in 0..<count {
      if try decoded(damaged(), &decoder) == nil { outcome.refused += 1 } else { outcome.decoded += 1 }
      if number % 100 == 0 {
        outcome.whole += 1
        let again = try decoded(pictures[0], &decoder)
        if right == nil || again != right { outcome.wrong += 1 }
      }
    }
    outcome.starts += decoder.starts
  }

  /// The pixels; nil where the picture is refused.
  private func decoded(
    _ picture: [UInt8], _ decoder: inout PictureDecoder
  ) throws(SensingError) -> [UInt8]? {
    try decoder.decode(picture) ? Array(decoder.pixels) : nil
  }

  private mutating func damaged() -> [UInt8] {
    var picture = pictures[Int(random.next() % UInt64(pictures.count))]
    for _ in 0...random.next() % 4 {
      let place = Int(random.next() % UInt64(picture.count))
      // Half of all in the headers, of which a picture has few bytes.
      let at = random.next() % 2 == 0 ? place : place % min(picture.count, 620)
      switch random.next() % 8 {
      case 0: picture[at] ^= 1 << UInt8(random.next() % 8)
      case 1: picture[at] = UInt8(truncatingIfNeeded: random.next())
      case 2: picture.removeSubrange(at..<min(picture.count, at + 1 + Int(random.next() % 64)))
      case 3: picture.insert(contentsOf: picture[at..<min(picture.count, at + 64)], at: at)
      case 4: picture.removeSubrange(min(max(2, at), picture.count)...)
      case 5:
        // Any marker: another picture type, other tables, restarts, lengths.
        picture.insert(contentsOf: [0xFF, UInt8(truncatingIfNeeded: random.next())], at: at)
      case 6:
        let other = pictures[Int(random.next() % UInt64(pictures.count))]
        picture.replaceSubrange(at..., with: other[min(at, other.count)...])
      default: for i in at..<min(picture.count, at + 4) { picture[i] = random.next() % 2 == 0 ? 0xFF : 0 }
      }
      if picture.isEmpty { picture = [0xFF] }
    }
    return picture
  }
}
