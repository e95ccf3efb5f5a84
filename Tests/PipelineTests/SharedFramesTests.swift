import Linux
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Engine
@testable import Pipeline
@testable import Sensing

/// A microphone's ring alone, as a rig: what a test appends to it is what there is.
private final class RingRig: SensorRig {
  var ring = SoundRing(rate: 8_000, history: .seconds(2))
  var since = Instant.zero
  let configurations: [SensorConfiguration] = []
  var now: Instant { ring.end }
  let bell: Bell

  init() throws { bell = try Bell() }

  func copySound(
    _ sensor: Int, endingAt end: Instant, every hop: Int, into buffer: UnsafeMutableBufferPointer<Int16>
  ) -> SoundExtract {
    ring.copy(endingAt: end, every: hop, into: buffer)
  }
  func state(of sensor: Int) -> SensorState { .awake(since: since) }

  func start() {}
  func stop() -> [String] { [] }
  func failure(of sensor: Int) -> SensingError? { nil }
  func counters(of sensor: Int) -> SensorCounters { SensorCounters() }
  func wake(_ sensor: Int) -> SensorState { state(of: sensor) }
  func sleep(_ sensor: Int) {}
  func requestSound(_ sensor: Int, until end: Instant) {}
  func requestFrame(_ sensor: Int, notBefore earliest: Instant) {}
  func requestClosed(_ sensor: Int) {}
  func next(until deadline: Instant?) -> SensorEvent { .deadline }
  func withFrame<R>(_ sensor: Int, _ body: (PixelView, Instant) -> R) -> R? { nil }
}

/// From the ring to the network's input: windows that share frames have the features that each would have alone.
@Suite struct SharedFramesTests {
  private static func input(_ engine: borrowing Engine) -> [Int8] {
    let graph = engine.model.graph
    let input = graph.encoders[0].input
    let start = engine.memory.arena + graph.plan.offsets[input]
    return Array(UnsafeBufferPointer(start: start, count: graph.activations[input].shape.count))
  }

  @Test(arguments: 0..<6) func featuresAreThoseOfTheWindowAlone(seed: Int) throws {
    let model = try ScriptedModel().model()
    let rig = try RingRig()
    var inputs = WindowInputs(model: model, activityCheck: false)
    var shared = Engine(model)
    var alone = Engine(model)
    var dice = Seeded(seed)
    var clock = Instant.zero + .seconds(5)
    var work = SpectrogramWork(computed: 0, frames: 0)
    var lossy = 0
    let window = UnsafeMutableBufferPointer<Int16>.allocate(capacity: 800)
    defer { window.deallocate() }
    for _ in 0..<1_000 {
      let count = Int.random(in: 1...400, using: &dice)
      var lost = false
      switch Int.random(in: 0..<100, using: &dice) {
      case 0..<4:
        clock = clock + dice.milliseconds(1...80)
        lost = true
      case 4: clock = clock + dice.milliseconds(101...900)
      case 5: clock = clock - dice.milliseconds(101...900)
      case 6..<10:
        rig.ring.restart()
        clock = clock + dice.milliseconds(0...50)
      default: break
      }
      clock = clock + Nanoseconds(Int64(count) * 125_000)
      let samples = (0..<count).map { _ in Int16.random(in: -9_000...9_000, using: &dice) }
      let jitter = Nanoseconds(.random(in: -90_000...90_000, using: &dice))
      samples.withUnsafeBufferPointer {
        _ = rig.ring.append($0, endingAt: clock + jitter, afterLoss: lost)
      }
      // Mostly the newest sound; sometimes what is not there yet, or is long past.
      var end = rig.ring.end
      switch Int.random(in: 0..<10, using: &dice) {
      case 0: end = end + dice.milliseconds(1...60)
      case 1: end = end - dice.milliseconds(1...400)
      default: break
      }
      var isWhole = true
      if case .whole = inputs.gather(0, from: rig, endingAt: end, maximumSkew: .milliseconds(60)) {
      } else {
        isWhole = false
        lossy += 1
      }
      shared.beginWindow()
      let done = try #require(inputs.set(0, of: &shared))
      let extract = rig.copySound(0, endingAt: end, every: 64, into: window)
      alone.beginWindow()
      alone.setInput(0, pcm: UnsafeBufferPointer(window))
      #expect(Self.input(shared) == Self.input(alone))
      #expect(end - extract.end >= Nanoseconds(-1) && end - extract.end <= .milliseconds(8))
      #expect(isWhole == (extract.missing == 0))
      if !isWhole { #expect(done.computed == done.frames, "its sound may still come") }
      work.computed += done.computed
      work.frames += done.frames
    }
    #expect(lossy > 50)
    #expect(work.computed * 10 < work.frames * 9, "frames are shared: \(work)")
  }

  /// A sensor that was opened anew numbers its samples from the beginning.
  @Test func nothingIsSharedAcrossARestart() throws {
    let model = try ScriptedModel().model()
    let rig = try RingRig()
    var inputs = WindowInputs(model: model, activityCheck: false)
    var engine = Engine(model)
    var seen: [[Int8]] = []
    for loudness in [20, 2_000] as [Int16] {
      rig.ring.restart()
      let samples = (0..<1_000).map { Int16($0 % 7 - 3) * loudness }
      samples.withUnsafeBufferPointer { _ = rig.ring.append($0, endingAt: .zero + .seconds(1)) }
      _ = inputs.gather(0, from: rig, endingAt: rig.ring.end, maximumSkew: .milliseconds(60))
      engine.beginWindow()
      #expect(inputs.set(0, of: &engine) == SpectrogramWork(computed: 4, frames: 4))
      seen.append(Self.input(engine))
    }
    #expect(seen[0] != seen[1])
  }

  /// 4 frames of 8 ms each; a window every 10 ms needs one or two of its own.
  @Test func theStatusCountsFramesAndTheEnergyIsTheirs() throws {
    let scene = try Scene()
    scene.configuration.general.windowPeriod = .milliseconds(10)
    scene.configuration.energy.board = "raspberry-pi-4"
    let outcome = try scene.play(ScriptedModel(audio: [.sure(2), .unsure]))
    let work = outcome.status.sensors[0].spectrogram
    let windows = outcome.decisions.count
    #expect(windows >= 290)
    #expect(work.frames == 4 * windows)
    // By hops of 8 ms since the first window, which ended at 100 ms and had four frames to itself.
    let last = try #require(outcome.decisions.last).end
    #expect(Int64(work.computed) == 4 + (last - .zero - .milliseconds(100)).count / 8_000_000)
    #expect(work.computed * 10 <= work.frames * 4)
    var posted: Int64 = 0
    for decision in outcome.decisions {
      for i in decision.energy.indices where decision.energy[i].account == .features {
        posted += decision.energy[i].energy.count
      }
    }
    #expect(posted == 1_600_000 / 4 * Int64(work.computed))
  }
}
