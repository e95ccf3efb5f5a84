import Engine
import Sensing
import Vocabulary

/// What the sensors have for the window at hand: the sound cut out of its ring, the frame, and whether
/// anything is going on in them. Kept as it is from one `gather` of a modality to its next.
struct WindowInputs {
  enum Gathering {
    /// All of it is there. `active` is false when the activity check found nothing going on.
    /// `prominence`: of sound, its power over that of what was heard before it (`SoundProminence`), where that is known.
    case whole(active: Bool, prominence: Double?)
    /// Samples were lost.
    case lossy
    /// The sensor is awake and has nothing for this window yet.
    case notYet
  }

  private enum Source {
    /// `check` is a place in `soundChecks`, or in `frameChecks`.
    case sound(samples: UnsafeMutableBufferPointer<Int16>, hop: Int, length: Nanoseconds, check: Int)
    /// `frame` is a place in `frames`; `mirrors`: every other one is mirrored (`Features.Image.mirrored`).
    case picture(check: Int, frame: Int, mirrors: Bool)
  }

  private let sources: [Source]
  // Kept apart from the sources, to be changed in place: a check that is copied out copies its buffers.
  private var soundChecks: [SoundActivity] = []
  private var soundProminence: [SoundProminence] = []
  private var frameChecks: [FrameActivity] = []
  private var frames: [PinnedFrame] = []
  /// By modality.
  private var quality: [SensorQuality] = []
  /// The instant each modality's data is of: the end of its sound, the capture of its frame.
  private var instants: [Instant]
  /// The same without what the grid of hops took off the sound's end: the end that it was asked for.
  private var nominal: [Instant]
  /// Where the sound lies in its stream; nil where samples of it are missing, which may be there the next time.
  private var positions: [SoundPosition?]
  private let activityCheck: Bool
  /// Owns the samples in `sources`.
  private let memory = SampleMemory()
  /// The longest sound window; zero where there is no sound.
  let longest: Nanoseconds

  init(model: Model, activityCheck: Bool) {
    self.activityCheck = activityCheck
    var sources: [Source] = []
    var longest = Nanoseconds.zero
    for modality in model.modalities {
      switch modality.features {
      case .spectrogram(let spectrogram):
        let count = Int(spectrogram.window)
        let buffer = memory.allocate(count)
        let length = Nanoseconds(Int64(count) * 1_000_000_000 / Int64(spectrogram.sampleRate))
        longest = max(longest, length)
        sources.append(
          .sound(samples: buffer, hop: spectrogram.hop, length: length, check: soundChecks.count))
        soundChecks.append(SoundActivity(sampleRate: Int(spectrogram.sampleRate)))
        soundProminence.append(SoundProminence(length: length))
        quality.append(.sound)
      case .image(let image):
        sources.append(.picture(check: frameChecks.count, frame: frames.count, mirrors: image.mirrored))
        frameChecks.append(FrameActivity())
        quality.append(.picture)
        frames.append(PinnedFrame())
      case .vector: preconditionFailure("a live modality is sound or a picture; refused at start")
      }
    }
    self.sources = sources
    instants = Array(repeating: .zero, count: sources.count)
    nominal = instants
    positions = instants.map { _ in nil }
    self.longest = longest
  }

  /// By modality: how long its window of sound is; nil for a picture.
  var soundLengths: [Nanoseconds?] {
    sources.map { if case .sound(_, _, let length, _) = $0 { length } else { nil } }
  }

  /// Cuts the window's sound, or looks whether there is a frame for it. The sound begins a whole number of hops after its
  /// stream does, so that windows have their spectrogram's frames in common: it ends up to a hop before `end`.
  mutating func gather(
    _ modality: Int, from rig: some SensorRig, endingAt end: Instant, maximumSkew: Nanoseconds
  ) -> Gathering {
    switch sources[modality] {
    case .sound(let samples, let hop, let length, let check):
      let extract = rig.copySound(modality, endingAt: end, every: hop, into: samples)
      instants[modality] = extract.end
      nominal[modality] = end
      positions[modality] = extract.missing == 0 ? extract.position : nil
      if extract.missing > 0 {
        if case .awake(let since) = rig.state(of: modality), since + length > end { return .notYet }
        return .lossy
      }
      let observation = soundChecks[check].observe(UnsafeBufferPointer(samples))
      let prominence = soundProminence[check].observe(observation.level, endingAt: end)
      guard activityCheck else { return .whole(active: true, prominence: prominence) }
      quality[modality].observe(observation)
      return .whole(active: observation.active, prominence: prominence)
    case .picture(let check, let frame, let mirrors):
      // A frame too late is one for a realigned window, which is what waiting for the sensor makes of it.
      func belongs(_ captured: Instant) -> Bool {
        end - captured <= maximumSkew && captured - end <= maximumSkew
      }
      let active = rig.withFrame(modality) { pixels, captured -> Bool? in
        guard belongs(captured) else { return nil }
        frames[frame].pin(pixels)
        frames[frame].mirrored = mirrors && !frames[frame].mirrored
        instants[modality] = captured
        nominal[modality] = captured
        guard activityCheck else { return true }
        let observation = frameChecks[check].observe(pixels)
        quality[modality].observe(observation)
        return observation.active
      }
      guard case .some(.some(let active)) = active else { return .notYet }
      return .whole(active: active, prominence: nil)
    }
  }

  /// Sensors whose data tells nothing, by what was gathered so far: known only where activity is checked.
  var poor: ModalitySet {
    var set: ModalitySet = []
    for modality in quality.indices where quality[modality].isPoor {
      set.insert(ModalitySet(index: modality))
    }
    return set
  }

  /// Gives the modality's data to the engine, as it was gathered: what passed the tests of skew and activity is what the
  /// network sees, whatever the sensor has delivered since.
  /// - Returns: of sound, how many frames of its spectrogram were computed.
  func set(_ modality: Int, of engine: inout Engine) -> SpectrogramWork? {
    switch sources[modality] {
    case .sound(let samples, _, _, _):
      return engine.setInput(modality, pcm: UnsafeBufferPointer(samples), at: positions[modality])
    case .picture(_, let frame, _):
      engine.setInput(modality, image: picture(of: modality), mirrored: frames[frame].mirrored)
      return nil
    }
  }

  /// What `set` would compute of sound.
  func work(_ modality: Int, of engine: borrowing Engine) -> SpectrogramWork? {
    engine.spectrogramWork(modality, at: positions[modality])
  }

  /// The modality's data as it was gathered.
  func data(of modality: Int) -> NearWindows.Data {
    switch sources[modality] {
    case .sound(let samples, _, _, _): .sound(UnsafeBufferPointer(samples))
    case .picture: .picture(picture(of: modality))
    }
  }

  /// The frame that was gathered.
  func picture(of modality: Int) -> PixelView {
    guard case .picture(_, let frame, _) = sources[modality] else { preconditionFailure("not a picture") }
    return frames[frame].view
  }

  /// The largest distance between two of these modalities' data; nil for fewer than two.
  func skew(among modalities: ModalitySet) -> Nanoseconds? { Self.spread(instants, modalities) }

  /// The same for the test of whether they are a pair: what the grid took off the sound's end is not held against them.
  func distance(among modalities: ModalitySet) -> Nanoseconds? { Self.spread(nominal, modalities) }

  private static func spread(_ instants: [Instant], _ modalities: ModalitySet) -> Nanoseconds? {
    guard modalities.count >= 2 else { return nil }
    var earliest: Instant?
    var latest: Instant?
    for modality in instants.indices where modalities.contains(index: modality) {
      let instant = instants[modality]
      earliest = min(earliest ?? instant, instant)
      latest = max(latest ?? instant, instant)
    }
    guard let earliest, let latest else { return nil }
    return latest - earliest
  }
}

/// Room for sound, given back when the inputs are no longer used.
private final class SampleMemory {
  private var buffers: [UnsafeMutableBufferPointer<Int16>] = []

  /// `count` samples of silence.
  func allocate(_ count: Int) -> UnsafeMutableBufferPointer<Int16> {
    let buffer = UnsafeMutableBufferPointer<Int16>.allocate(capacity: count)
    buffer.initialize(repeating: 0)
    buffers.append(buffer)
    return buffer
  }

  deinit { for buffer in buffers { buffer.deallocate() } }
}

/// A picture that was gathered for the window at hand, kept until the next one. A class because it owns its memory.
private final class PinnedFrame {
  private var pixels = UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
  private var width = 0
  private var height = 0
  private var channels = 1
  /// Whether the network is to see it in a mirror.
  var mirrored = false

  deinit { pixels.deallocate() }

  /// Takes from the heap when the size grows only.
  func pin(_ view: PixelView) {
    let size = view.width * view.height * view.channels
    if pixels.count < size {
      pixels.deallocate()
      pixels = .allocate(capacity: size)
    }
    UnsafeMutableRawPointer(pixels.baseAddress!).copyMemory(from: view.base, byteCount: size)
    (width, height, channels) = (view.width, view.height, view.channels)
  }

  var view: PixelView {
    PixelView(
      base: UnsafePointer(pixels.baseAddress!), width: width, height: height, channels: channels)
  }
}
