import CKernels
import Glibc
import Testing

/// The header's definition in double, with the C library's functions and a DFT by the formula.
private struct SlowSpectrogram {
  let d: mmx_spectrogram

  func power(_ pcm: ArraySlice<Int16>) -> [Double] {
    let (fft, frame) = (Int(d.fft), Int(d.frame))
    let turn = (0..<fft).map { 2 * Double.pi * Double($0) / Double(fft) }
    let (cosine, sine) = (turn.map(cos), turn.map(sin))
    let samples = pcm.enumerated().map { n, x in
      Double(x) / 32768 * (0.5 - 0.5 * cos(2 * Double.pi * Double(n) / Double(frame)))
    }
    return (0...(fft / 2)).map { k in
      var (re, im) = (0.0, 0.0)
      var at = 0
      for x in samples {
        re += x * cosine[at]
        im -= x * sine[at]
        at = (at + k) & (fft - 1)
      }
      return re * re + im * im
    }
  }

  func mel(_ power: [Double]) -> [Double] {
    let mel = { (f: Double) in 2595 * log10(1 + f / 700) }
    let (low, high) = (mel(Double(d.f_min)), mel(Double(d.f_max)))
    let edges = (0...(Int(d.bands) + 1)).map { i in
      700 * (pow(10, (low + (high - low) * Double(i) / Double(d.bands + 1)) / 2595) - 1)
    }
    return (0..<Int(d.bands)).map { b in
      var sum = 0.0
      for (k, p) in power.enumerated() {
        let f = Double(k) * Double(d.sample_rate) / Double(d.fft)
        let up = (f - edges[b]) / (edges[b + 1] - edges[b])
        let down = (edges[b + 2] - f) / (edges[b + 2] - edges[b + 1])
        sum += max(0, min(up, down)) * p
      }
      return sum
    }
  }

  /// Values in units of quantization steps, not yet rounded.
  func steps(_ pcm: [Int16], scale: Float, zero: Int32) -> [Double] {
    var logs: [Double] = []
    for frame in 0..<Int(d.frames) {
      let start = frame * Int(d.hop)
      let spectrum = power(pcm[start..<(start + Int(d.frame))])
      let bands = d.mel == 1 ? mel(spectrum) : Array(spectrum.prefix(Int(d.bands)))
      logs += bands.map { log($0 + Double(d.floor)) }
    }
    let own = d.center == 1 ? logs.reduce(0, +) / Double(logs.count) : 0
    return logs.map { ($0 - own - Double(d.mean)) / Double(d.std) / Double(scale) + Double(zero) }
  }
}

/// A tone, its third harmonic and noise, loud enough to fill 16 bits.
private func sound(_ dice: inout Dice, _ count: Int, period: Double) -> [Int16] {
  (0..<count).map { i in
    let phase = 2 * Double.pi * Double(i) / period
    let noise = dice.unit() - 0.5
    return Int16((20_000 * sin(phase) + 6_000 * sin(3 * phase) + 4_000 * noise).rounded())
  }
}

@Suite struct SpectrogramTests {
  static func largestDifference(_ d: mmx_spectrogram, _ pcm: [Int16]) -> Double {
    let (scale, zero): (Float, Int32) = (0.03, 3)
    guard let got = d.run(pcm, scale: scale, zero: zero) else { return .infinity }
    let wanted = SlowSpectrogram(d: d).steps(pcm, scale: scale, zero: zero)
    return zip(got, wanted).map { abs(Double($0) - min(max($1, -128), 127)) }.max() ?? .infinity
  }

  @Test(arguments: [64, 128, 256, 512, 1024, 2048, 4096] as [Int32])
  func spectrumIsWithinOneStepOfADft(fft: Int32) {
    var dice = Dice(seed: 91)
    for frame in [fft, fft - 1, fft / 2 + 3] {
      let d = mmx_spectrogram(
        sample_rate: 8_000, window: frame + 17, frame: frame, hop: 17, fft: fft, frames: 2,
        bands: fft / 2 + 1, mel: 0, f_min: 0, f_max: 0, floor: 1e-5, mean: -2, std: 4, center: 0)
      let pcm = sound(&dice, Int(d.window), period: 11.3)
      // Half a step is the rounding itself.
      #expect(Self.largestDifference(d, pcm) < 0.6)
    }
  }

  @Test func melBandsAreWithinOneStep() {
    var dice = Dice(seed: 92)
    let short = mmx_spectrogram.speech.with {
      $0.window = 480 + 3 * 320
      $0.frames = 4
    }
    let variants = [
      short,
      short.with { $0.center = 1 },
      short.with { ($0.f_min, $0.f_max) = (0, 8_000) },
      short.with { ($0.bands, $0.f_min) = (10, 300) },
      // More bands than bins in the low part: some hold no bin.
      short.with { $0.bands = 120 },
      short.with { ($0.sample_rate, $0.f_min, $0.f_max) = (44_100, 50, 22_050) },
    ]
    for d in variants {
      #expect(Self.largestDifference(d, sound(&dice, Int(d.window), period: 36.7)) < 0.6)
    }
  }

  @Test func loudestSquareWaveIsWithinOneStep() {
    let d = mmx_spectrogram.speech.with { ($0.window, $0.frames, $0.mean) = (800, 2, 3) }
    let pcm = (0..<800).map { $0 / 25 % 2 == 0 ? Int16.min : Int16.max }
    #expect(Self.largestDifference(d, pcm) < 0.6)
  }

  @Test func silenceIsTheFloorEverywhere() {
    let d = mmx_spectrogram.speech
    let value = (mmx_logf(1e-6) + 4) / 3 / 0.05
    let floor = Int8(value.rounded(.toNearestOrEven) + 7)
    let silence = [Int16](repeating: 0, count: 16_000)
    #expect(d.run(silence, scale: 0.05, zero: 7) == [Int8](repeating: floor, count: 49 * 40))
    // Centring takes the floor away, which leaves the mean of the training data.
    let centred = d.with { ($0.center, $0.mean) = (1, 0) }
    #expect(centred.run(silence, scale: 0.05, zero: 7) == [Int8](repeating: 7, count: 49 * 40))
  }

  @Test func centringTakesLoudnessAway() {
    var dice = Dice(seed: 93)
    let d = mmx_spectrogram.speech.with { ($0.center, $0.mean, $0.floor) = (1, 0, 1e-20) }
    let quiet = (0..<16_000).map { _ in Int16(dice.int(-4_000...4_000)) }
    #expect(d.run(quiet, scale: 0.03, zero: 0) == d.run(quiet.map { $0 * 8 }, scale: 0.03, zero: 0))
  }

  @Test func aSecondRunGivesTheSame() {
    var dice = Dice(seed: 94)
    let pcm = sound(&dice, 16_000, period: 50)
    let once = mmx_spectrogram.speech.run(pcm, scale: 0.03, zero: 0)
    #expect(once != nil)
    #expect(mmx_spectrogram.speech.run(pcm, scale: 0.03, zero: 0, times: 3) == once)
  }
}

@Suite struct SpectrogramSizeTests {
  static func size(_ change: (inout mmx_spectrogram) -> Void) -> Int {
    var d = mmx_spectrogram.speech.with(change)
    return mmx_spectrogram_size(&d)
  }

  @Test func soundDescriptionsHaveASize() {
    #expect(Self.size { _ in } > 49 * 40 * 4)
    #expect(Self.size { $0.f_max = 8_000 } > 0)
    #expect(Self.size { $0.f_min = 0 } > 0)
    // One frame of the window's own length, and the most bands there can be.
    #expect(Self.size { ($0.window, $0.frames, $0.bands) = (480, 1, 257) } > 0)
    // What only mel bands need is not looked at without them.
    #expect(Self.size { ($0.mel, $0.f_min, $0.f_max) = (0, .nan, -1) } > 0)
  }

  @Test func extentsThatDoNotFitAreRefused() {
    #expect(Self.size { $0.frames = 50 } == 0)
    #expect(Self.size { $0.window = 15_839 } == 0)
    #expect(Self.size { $0.window = 15_840 } > 0)
    #expect(Self.size { $0.frame = 513 } == 0)
    #expect(Self.size { $0.bands = 258 } == 0)
    for bad: Int32 in [0, -1, .min] {
      #expect(Self.size { $0.frame = bad } == 0)
      #expect(Self.size { $0.hop = bad } == 0)
      #expect(Self.size { $0.frames = bad } == 0)
      #expect(Self.size { $0.bands = bad } == 0)
      #expect(Self.size { $0.window = bad } == 0)
      #expect(Self.size { $0.sample_rate = bad } == 0)
    }
  }

  @Test func extentsThatOverflowAreRefused() {
    #expect(Self.size { ($0.frames, $0.hop) = (.max, .max) } == 0)
    #expect(Self.size { ($0.window, $0.frames, $0.hop) = (.max, 1 << 24, 1) } == 0)
    #expect(Self.size { ($0.window, $0.frames, $0.hop) = (1 << 24, 1 << 23, 1) } == 0)
    #expect(Self.size { $0.window = (1 << 24) + 1 } == 0)
    #expect(Self.size { $0.window = 1 << 24 } > 0)
  }

  @Test(arguments: [Int32.min, -512, 0, 1, 32, 480, 511, 513, 8_192, .max])
  func transformLengthsOutsideTheListAreRefused(fft: Int32) {
    #expect(Self.size { ($0.fft, $0.frame, $0.bands) = (fft, 1, 1) } == 0)
  }

  @Test func unsoundFrequenciesAreRefused() {
    #expect(Self.size { ($0.f_min, $0.f_max) = (4_000, 4_000) } == 0)
    #expect(Self.size { ($0.f_min, $0.f_max) = (4_000, 300) } == 0)
    #expect(Self.size { $0.f_max = Float(8_000).nextUp } == 0)
    #expect(Self.size { $0.f_min = -1 } == 0)
    for bad: Float in [.nan, .infinity, -.infinity] {
      #expect(Self.size { $0.f_min = bad } == 0)
      #expect(Self.size { $0.f_max = bad } == 0)
    }
  }

  @Test func unsoundNumbersAreRefused() {
    for bad: Float in [.nan, .infinity, -.infinity] {
      #expect(Self.size { $0.floor = bad } == 0)
      #expect(Self.size { $0.mean = bad } == 0)
      #expect(Self.size { $0.std = bad } == 0)
    }
    for bad: Float in [0, -0.0, -1] {
      #expect(Self.size { $0.floor = bad } == 0)
      #expect(Self.size { $0.std = bad } == 0)
    }
    for bad: Int32 in [-1, 2] {
      #expect(Self.size { $0.mel = bad } == 0)
      #expect(Self.size { $0.center = bad } == 0)
    }
  }
}
