import Testing
import Vocabulary

@testable import Engine

/// Frames that a window has in common with the one before are computed once, and nothing tells.
@Suite struct SharedFramesTests {
  private static let sound = Features.Spectrogram(
    sampleRate: 8_000, window: 700, frame: 100, hop: 32, fft: 128, frames: 19, bands: 11, mel: 40...3_900,
    floor: 1e-4, mean: -1, std: 2, center: true)

  /// An extractor and what it extracts into.
  private final class Extracting {
    let input = UnsafeMutablePointer<Int8>.allocate(capacity: 19 * 11)
    let extractor: FeatureExtractor

    init(_ set: InstructionSet) throws {
      let engine = Engine(try Model.decode(Networks.random(seed: 11).bytes, for: set))
      extractor = FeatureExtractor(
        .spectrogram(sound),
        Activation(
          name: "in", shape: Shape(height: 19, width: 11, channels: 1), scale: 0.03, zeroPoint: -4),
        engine.kernels, input: input)
    }

    deinit { input.deallocate() }

    func features(
      _ stream: [Int16], from first: Int, at position: SoundPosition?
    ) -> (values: [Int8], work: SpectrogramWork) {
      let work = stream[first..<first + sound.window].withUnsafeBufferPointer {
        extractor.extract(pcm: $0, at: position)
      }
      return (Array(UnsafeBufferPointer(start: input, count: 19 * 11)), work)
    }
  }

  @Test(arguments: InstructionSet.available) func theyEqualThoseOfWindowsThatStandAlone(
    _ set: InstructionSet
  ) throws {
    var dice = Dice(UInt64(21))
    let streams = (0..<3).map { _ in (0..<9_000).map { _ in Int16.random(in: .min ... .max, using: &dice) } }
    let shared = try Extracting(set)
    let alone = try Extracting(set)
    var place = SoundPosition(stream: 0, first: 0)
    var known: SoundPosition?
    var counts: [Int: Int] = [:]
    for _ in 0..<500 {
      switch Int.random(in: 0..<20, using: &dice) {
      case 0: place = SoundPosition(stream: .random(in: 0..<3, using: &dice), first: 0)
      // Off the grid of those before.
      case 1: place.first += Int.random(in: 0..<200, using: &dice)
      // Backwards.
      case 2: place.first -= min(place.first, 32 * Int.random(in: 0..<20, using: &dice))
      case 3: place.stream = .random(in: 0..<3, using: &dice)
      default: place.first += 32 * Int.random(in: 0..<24, using: &dice)
      }
      if place.first > 8_300 { place.first = 0 }
      let stream = streams[Int(place.stream)]
      let isPlaced = Int.random(in: 0..<15, using: &dice) > 0
      let (values, work) = shared.features(stream, from: place.first, at: isPlaced ? place : nil)
      #expect(values == alone.features(stream, from: place.first, at: nil).values)
      var fresh = 19
      if isPlaced, let known, known.stream == place.stream, known.first <= place.first,
        (place.first - known.first) % 32 == 0
      {
        fresh = min(19, (place.first - known.first) / 32)
      }
      #expect(work == SpectrogramWork(computed: fresh, frames: 19))
      counts[fresh, default: 0] += 1
      known = isPlaced ? place : nil
    }
    #expect(counts.count == 20, "every number of frames was met")
  }

  @Test func aWindowThatStandsAloneIsNoNeighbourOfTheNext() throws {
    var dice = Dice(UInt64(22))
    let stream = (0..<900).map { _ in Int16.random(in: .min ... .max, using: &dice) }
    let silence = [Int16](repeating: 0, count: 900)
    let shared = try Extracting(.best)
    let place = SoundPosition(stream: 1, first: 0)
    _ = shared.features(stream, from: 0, at: place)
    #expect(shared.features(silence, from: 0, at: nil).work.computed == 19)
    #expect(shared.features(stream, from: 0, at: place).work.computed == 19)
    #expect(shared.features(stream, from: 0, at: place).work.computed == 0)
  }
}
