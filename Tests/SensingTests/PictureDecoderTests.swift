import CJPEG
import Glibc
import Linux
import Testing
import Vocabulary

@testable import Sensing

/// The process that decodes a camera's JPEG pictures. The long run is `tools/mjpg`.
@Suite struct PictureDecoderTests {
  /// A program that has it: this one cannot start itself.
  static let program = BuiltPrograms.folder + "/mmexit-bench"

  private static let shape = PictureDecoder.Shape(width: 48, height: 32, channels: 3)

  static func jpeg(_ shape: PictureDecoder.Shape, quality: Int = 90) -> [UInt8] {
    let pixels = (0..<shape.byteCount).map { UInt8(truncatingIfNeeded: $0 / 5 + $0 % 7) }
    return [UInt8](unsafeUninitializedCapacity: 1 << 16) { bytes, count in
      count = mmx_jpeg_encode(
        pixels, Int32(shape.width), Int32(shape.height), Int32(shape.channels), Int32(quality),
        bytes.baseAddress,
        bytes.count)
    }
  }

  private func decoder(_ shape: PictureDecoder.Shape = shape) throws(SensingError) -> PictureDecoder {
    try PictureDecoder.start(shape, capacity: 1 << 16, program: Self.program, subject: "camera")
  }

  @Test(arguments: [1, 3]) func aPictureIsDecodedAsLibjpegDoes(channels: Int) throws {
    let picture = Self.jpeg(Self.shape)
    let shape = PictureDecoder.Shape(width: 48, height: 32, channels: channels)
    var decoder = try decoder(shape)
    var pixels = [UInt8](repeating: 0, count: shape.byteCount)
    #expect(mmx_jpeg_decode(picture, picture.count, 48, 32, Int32(channels), &pixels) == 0)
    for _ in 0..<3 {
      #expect(try decoder.decode(picture))
      let decoded = Array(decoder.pixels)
      #expect(decoded == pixels)
    }
    #expect(shape.layout.byteCount == shape.byteCount)
    let starts = decoder.starts
    #expect(starts == 1)
  }

  @Test func theProcessMayDoNothingButReadAndWrite() throws {
    let decoder = try decoder()
    let status = String(
      decoding: try readFile("/proc/\(decoder.process)/status", limit: 1 << 16), as: UTF8.self)
    #expect(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"))
    // Its socket, and the three that every program has: the memory is mapped and closed.
    #expect(try directoryNames("/proc/\(decoder.process)/fd").sorted() == ["0", "1", "2"])
  }

  @Test func picturesThatAreNotWholeAreRefused() throws {
    let picture = Self.jpeg(Self.shape)
    var decoder = try decoder()
    var bad: [[UInt8]] = [
      [], [0xFF], Array(picture.dropLast(picture.count / 3)), Array(picture.dropFirst(2)),
    ]
    bad.append(Self.jpeg(PictureDecoder.Shape(width: 32, height: 48, channels: 3)))
    bad.append(picture + [UInt8](repeating: 0, count: 1 << 16))
    for picture in bad {
      let isTaken = try decoder.decode(picture)
      #expect(!isTaken)
    }
    #expect(try decoder.decode(picture))
    let starts = decoder.starts
    #expect(starts == 1)
  }

  @Test(arguments: [SIGKILL, SIGSTOP]) func aProcessThatEndsOrHangsIsReplaced(signal: Int32) throws {
    let picture = Self.jpeg(Self.shape)
    var decoder = try decoder()
    #expect(try decoder.decode(picture))
    let first = decoder.process
    decoder.limits.passing = .milliseconds(300)
    kill(first, signal)
    let isTaken = try decoder.decode(picture)
    #expect(!isTaken)
    decoder.limits = PictureDecoder.PictureLimits()
    #expect(try decoder.decode(picture))
    let (second, starts) = (decoder.process, decoder.starts)
    #expect(second != first && starts == 2)
    #expect(kill(first, 0) != 0, "it was ended and is no zombie")
  }

  @Test func aProcessThatIsGivenNoProcessorIsWaitedFor() throws {
    let picture = Self.jpeg(Self.shape)
    var decoder = try decoder()
    // More passes than it may take of the processor.
    decoder.limits = PictureDecoder.PictureLimits(processor: .milliseconds(100), passing: .seconds(60))
    let process = decoder.process
    kill(process, SIGSTOP)
    let later = try Thread(named: "later") {
      sleepUntil(bootTime: bootTimeNanoseconds() + 500_000_000)
      kill(process, SIGCONT)
    }
    #expect(try decoder.decode(picture))
    let starts = decoder.starts
    #expect(starts == 1)
    let hasEnded = later.join(within: .seconds(60))
    #expect(hasEnded)
  }

  @Test(.timeLimit(.minutes(1))) func aPictureThatTakesTheProcessorIsEnded() throws {
    let folder = TemporaryDirectory()
    // Is there like the decoder, and then never comes to an end.
    try folder.write("program", Array("#!/bin/sh\nprintf '\\0' >&0\nwhile :; do :; done\n".utf8))
    chmod(folder.path + "/program", 0o700)
    var decoder = try PictureDecoder.start(
      Self.shape, capacity: 1 << 16, program: folder.path + "/program", subject: "camera")
    decoder.limits = PictureDecoder.PictureLimits(processor: .milliseconds(100), passing: .seconds(3_600))
    let process = decoder.process
    let isTaken = try decoder.decode(Self.jpeg(Self.shape))
    #expect(!isTaken)
    #expect(kill(process, 0) != 0)
  }

  @Test(.timeLimit(.minutes(1))) func aPictureThatIsNotWantedAnyMoreIsNotWaitedFor() throws {
    let picture = Self.jpeg(Self.shape)
    var decoder = try decoder()
    decoder.limits.passing = .seconds(3_600)
    let order = try EventDescriptor()
    order.ring()
    kill(decoder.process, SIGSTOP)
    var asked = 0
    let isTaken = try picture.withUnsafeBytes { bytes in
      try decoder.decode(bytes, order: order.descriptor.number) {
        order.clear()
        asked += 1
        if asked == 1 { order.ring() }
        return asked < 2
      }
    }
    #expect(!isTaken && asked == 2)
  }

  @Test func damagedPicturesNeverEndTheDecoding() throws {
    let picture = Self.jpeg(Self.shape)
    var decoder = try decoder()
    var random = FixedRandom(seed: 5)
    var refused = 0
    for _ in 0..<3_000 where try !decoder.decode(random.mutate(picture)) { refused += 1 }
    #expect((500...2_990).contains(refused))
    #expect(try decoder.decode(picture))
  }

  @Test func aProgramThatDoesNotServeIsTold() {
    let error = #expect(throws: SensingError.self) {
      _ = try PictureDecoder.start(Self.shape, capacity: 4_096, program: "/bin/true", subject: "camera")
    }
    #expect(error?.description.contains("did not start") == true)
    let missing = #expect(throws: SensingError.self) {
      _ = try PictureDecoder.start(Self.shape, capacity: 4_096, program: "/nowhere", subject: "camera")
    }
    #expect(missing?.description.contains("posix_spawn") == true)
  }
}
