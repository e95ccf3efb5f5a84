import Engine
import Glibc
import Testing
import Vocabulary

@Suite struct SoundActivityTests {
  private func noise(_ amplitude: Int16, _ count: Int, _ dice: inout Dice, offset: Int16 = 0) -> [Int16] {
    (0..<count).map { _ in offset + Int16.random(in: -amplitude...amplitude, using: &dice) }
  }

  private func observe(_ activity: inout SoundActivity, _ pcm: [Int16]) -> SoundActivity.Observation {
    pcm.withUnsafeBufferPointer { activity.observe($0) }
  }

  @Test func isQuietInASteadyRoomAndHearsAClap() {
    var activity = SoundActivity(sampleRate: 16000)
    var dice = Dice(1)
    for window in 0..<8 { #expect(observe(&activity, noise(100, 8000, &dice)).active, "warm-up \(window)") }
    for _ in 0..<50 {
      let quiet = observe(&activity, noise(100, 8000, &dice))
      #expect(!quiet.active)
      #expect((2500...5000).contains(quiet.level), "the variance of such noise is 3,367")
    }
    // 20 ms of a clap within half a second.
    var clap = noise(100, 8000, &dice)
    clap.replaceSubrange(3200..<3520, with: noise(3000, 320, &dice))
    let heard = observe(&activity, clap)
    #expect(heard.active)
    #expect(heard.level > 1_000_000)
    #expect(!observe(&activity, noise(100, 8000, &dice)).active, "one clap does not lift the floor")
  }

  @Test func floorFallsFastAndRisesSlowly() {
    var activity = SoundActivity(sampleRate: 16000, warmUp: 1)
    var dice = Dice(2)
    _ = observe(&activity, noise(8000, 8000, &dice))
    for _ in 0..<30 { _ = observe(&activity, noise(100, 8000, &dice)) }
    #expect(activity.floor < 8000, "30 quiet windows suffice to come down from loud ones")
    #expect(observe(&activity, noise(2000, 8000, &dice)).active)
    var windows = 0
    while observe(&activity, noise(2000, 8000, &dice)).active && windows < 10_000 { windows += 1 }
    #expect((100...1000).contains(windows), "a fan that starts is the room after some minutes")
  }

  /// Motors stop and people speak: windows of 1 s every 250 ms, noise at -13 dBFS that ends, and 2 s later a command of 0.6 s at
  /// -29 dBFS in a room at -60.
  @Test func aCommandSoonAfterALoudNoiseIsHeard() {
    var activity = SoundActivity(sampleRate: 16000)
    var dice = Dice(4)
    // White noise's power is a third of its largest amplitude's square.
    func amplitude(_ decibels: Double) -> Int16 { Int16(32_768 * 1.732 * pow(10, decibels / 20)) }
    let noiseEnds = 60 * 16000
    let command = noiseEnds + 32000..<noiseEnds + 41600
    let loud = amplitude(-13)
    let spoken = amplitude(-29)
    let room = amplitude(-60)
    let sound = (0..<(noiseEnds + 64000)).map { sample in
      let most = sample < noiseEnds ? loud : command.contains(sample) ? spoken : room
      return Int16.random(in: -most...most, using: &dice)
    }
    var heard = 0
    var others = 0
    for end in stride(from: 16000, through: sound.count, by: 4000) {
      let window = end - 16000..<end
      let active = observe(&activity, Array(sound[window])).active
      if window.upperBound <= noiseEnds {
        #expect(active == (end < 16000 + 8 * 4000), "a steady noise is the room: the window to \(end)")
      } else if window.overlaps(command) {
        heard += active ? 1 : 0
      } else if active {
        others += 1
      }
    }
    #expect(heard >= 6, "\(heard) of 7 windows with the command")
    #expect(others == 0)
  }

  @Test func aFanThatStartsIsTheRoomAfterAMinute() {
    var activity = SoundActivity(sampleRate: 16000, warmUp: 1)
    // Square waves, whose level is exact: 20 dB are ten times the amplitude.
    func wave(_ amplitude: Int16) -> [Int16] { (0..<16000).map { $0 % 2 == 0 ? amplitude : -amplitude } }
    _ = observe(&activity, wave(100))
    var windows = 0
    while observe(&activity, wave(1000)).active && windows < 1_000 { windows += 1 }
    #expect((264...280).contains(windows), "\(windows)")
  }

  /// What does not end is not taken for an end: levels of windows that differ by 5 dB keep their floor, and by 1 dB count as still.
  @Test(arguments: [(6, 1750), (2, 1120)] as [(Int, Int16)])
  func anUnsteadyNoiseStaysTheRoom(margin: Int, loud: Int16) {
    var activity = SoundActivity(sampleRate: 16000, margin: margin)
    if margin == 2 { #expect(activity == SoundActivity(sampleRate: 16000)) }
    var dice = Dice(5)
    var active = 0
    for window in 0..<400 {
      let amplitude: Int16 = window % 4 == 0 ? 1000 : loud
      if observe(&activity, noise(amplitude, 16000, &dice)).active && window >= 8 { active += 1 }
    }
    #expect(active == 0, "\(active) of 392")
  }

  @Test func anOffsetIsNoSound() {
    var activity = SoundActivity(sampleRate: 8000, warmUp: 1)
    _ = observe(&activity, [Int16](repeating: 0, count: 800))
    let offset = observe(&activity, [Int16](repeating: 30000, count: 800))
    #expect(offset.level == 0)
    #expect(!offset.active)
  }

  @Test func marginIsInDecibels() {
    // A square wave of amplitude 100 for the floor; 6 dB more is an amplitude of 199.5.
    for (amplitude, active) in [(Int16(199), false), (201, true)] {
      var activity = SoundActivity(sampleRate: 8000, margin: 6, warmUp: 1)
      _ = observe(&activity, (0..<800).map { $0 % 2 == 0 ? 100 : -100 })
      #expect(observe(&activity, (0..<800).map { $0 % 2 == 0 ? amplitude : -amplitude }).active == active)
    }
  }

  @Test func extremesDoNotOverflow() {
    var activity = SoundActivity(sampleRate: 48000, margin: 60, warmUp: 1)
    let loudest = (0..<48000).map { $0 % 2 == 0 ? Int16.min : .max }
    for _ in 0..<3 { #expect(observe(&activity, loudest).level == 1_073_709_056) }
    for samples in 0..<3 { #expect(observe(&activity, Array(loudest.prefix(samples))).level >= 0) }
  }
}

@Suite struct FrameActivityTests {
  private let width = 64
  private let height = 48

  private func picture(_ value: (Int, Int) -> Int) -> [UInt8] {
    (0..<height).flatMap { y in (0..<width).map { x in UInt8(min(255, max(0, value(x, y)))) } }
  }

  private func observe(_ activity: inout FrameActivity, _ pixels: [UInt8]) -> FrameActivity.Observation {
    pixels.withUnsafeBufferPointer { buffer in
      activity.observe(
        PixelView(base: buffer.baseAddress.unsafelyUnwrapped, width: width, height: height, channels: 1))
    }
  }

  @Test func ignoresNoiseAndExposureAndSeesAHand() {
    var activity = FrameActivity()
    var dice = Dice(3)
    let scene: (Int, Int) -> Int = { x, y in 60 + x + y }
    for n in 0..<8 {
      #expect(
        observe(&activity, picture { x, y in scene(x, y) + Int.random(in: -4...4, using: &dice) }).active,
        "\(n)")
    }
    for _ in 0..<20 {
      #expect(
        !observe(&activity, picture { x, y in scene(x, y) + Int.random(in: -4...4, using: &dice) }).active)
    }
    #expect(!observe(&activity, picture { x, y in scene(x, y) + 12 }).active, "the exposure changed")
    let hand = picture { x, y in (20..<40).contains(x) && (10..<30).contains(y) ? 230 : scene(x, y) }
    let seen = observe(&activity, hand)
    #expect(seen.active)
    #expect(seen.level > 100)
  }

  @Test func whatHasStoppedStaysForAWhileAndThenIsTheScene() {
    var activity = FrameActivity(warmUp: 1)
    _ = observe(&activity, picture { _, _ in 50 })
    let box = picture { x, y in x < 16 && y < 16 ? 250 : 50 }
    var pictures = 0
    while observe(&activity, box).active && pictures < 1000 { pictures += 1 }
    #expect((10...200).contains(pictures))
    #expect(observe(&activity, picture { _, _ in 50 }).active, "that it is gone is seen as well")
  }

  @Test func levelsAreExact() {
    var activity = FrameActivity(warmUp: 1)
    _ = observe(&activity, picture { _, _ in 0 })
    // Half the cells rise by 255: less the mean of 127.5, every cell differs by 127.5.
    #expect(observe(&activity, picture { x, _ in x < 32 ? 255 : 0 }).level == 2040)
  }

  @Test func takesColourAndOtherSizes() {
    var activity = FrameActivity(warmUp: 1)
    _ = observe(&activity, picture { _, _ in 100 })
    let colour = [UInt8](repeating: 100, count: 33 * 17 * 3)
    let same = colour.withUnsafeBufferPointer { buffer in
      activity.observe(
        PixelView(base: buffer.baseAddress.unsafelyUnwrapped, width: 33, height: 17, channels: 3))
    }
    #expect(same.level == 0)
    #expect(!same.active)
  }
}

@Suite struct SmallPictureTests {
  @Test func aPictureSmallerThanTheCellsIsTaken() {
    var activity = FrameActivity(warmUp: 1)
    for value in [0, 0, 200] as [UInt8] {
      let pixels = [value, 0, 0, 0, 0, value]
      let seen = pixels.withUnsafeBufferPointer {
        activity.observe(PixelView(base: $0.baseAddress!, width: 3, height: 2, channels: 1))
      }
      if value == 200 { #expect(seen.active && seen.level > 0) }
    }
  }
}
