import Engine
import Policies
import Scheduling
import ScriptedModels
import Testing
import Vocabulary

@Suite struct WindowWalkTests {
  private static func at(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }

  /// A world as a test says it; it keeps what it was asked.
  private struct World: WalkEnvironment {
    enum Asked: Equatable {
      case gather(Instant, isDoubted: Bool)
      case input(Int)
      case wake(Int, Instant)
      case awaitData(Instant)
    }
    var now = Instant.zero
    /// What each gathering finds; the last one again and again.
    var conditions: [WindowConditions]
    /// What becomes of each wake; the last one again and again.
    var wakes: [WakeResult] = [.outcome(.delivered)]
    var fuses = true
    var asked: [Asked] = []
    var readings = 0
    /// At each wake: whether the window could be answered already.
    var hadReading: [Bool] = []
    /// The ends that windows had before they were realigned.
    var realigned: [Instant] = []

    init(_ conditions: WindowConditions...) { self.conditions = conditions }

    mutating func gather(endingAt end: Instant, isDoubted: Bool) -> WindowConditions {
      asked.append(.gather(end, isDoubted: isDoubted))
      return conditions.count > 1 ? conditions.removeFirst() : conditions[0]
    }
    mutating func setInput(_ modality: Int, of engine: inout Engine) {
      asked.append(.input(modality))
      if modality == 0 {
        [Int16](repeating: 100, count: 800).withUnsafeBufferPointer { engine.setInput(0, pcm: $0) }
      } else {
        [UInt8](repeating: 7, count: 16).withUnsafeBufferPointer {
          engine.setInput(1, image: PixelView(base: $0.baseAddress!, width: 4, height: 4, channels: 1))
        }
      }
    }
    mutating func didRun(_ reading: Reading, _ engine: borrowing Engine, of modalities: ModalitySet) {
      readings += 1
    }
    mutating func wake(
      _ modality: Int, for end: Instant, until deadline: Instant, hasReading: Bool
    ) -> WakeResult {
      hadReading.append(hasReading)
      asked.append(.wake(modality, end))
      return wakes.count > 1 ? wakes.removeFirst() : wakes[0]
    }
    mutating func willRealign(from end: Instant) { realigned.append(end) }
    mutating func awaitData(upTo end: Instant) { asked.append(.awaitData(end)) }
    func canFuse(_ modalities: ModalitySet) -> Bool { fuses }
  }

  private let audio = ModalitySet(index: 0)
  private let image = ModalitySet(index: 1)

  private func walk(_ scripted: ScriptedModel, _ world: inout World, full: Bool = false) throws -> (
    WindowWalk, Answer
  ) {
    let model = try scripted.model()
    var engine = Engine(model)
    let policy = GatePolicy(
      steps: model.declaredWalk, thresholds: model.thresholdTable(), noneClass: model.noneClass,
      overridingClass: model.overridingClass, wakeDeadlines: [.seconds(1), .seconds(1)])
    var walk = WindowWalk(full ? policy.full : policy, endingAt: Self.at(100))
    let answer = walk.run(&engine, in: &world)
    return (walk, answer)
  }

  @Test func aSureExitAsksNoFurther() throws {
    var world = World(WindowConditions(present: audio, wakeable: image))
    let (walk, answer) = try walk(ScriptedModel(audio: [.sure(2), .unsure]), &world)
    #expect(answer.label == 2 && answer.reason == .sure)
    #expect(world.asked == [.gather(Self.at(100), isDoubted: false), .input(0)])
    #expect(walk.trace.count == 1 && world.readings == 1 && walk.realignments == 0)
    #expect(walk.trace[0].threshold == 0.5 && walk.macs == walk.trace[0].reading.macs)
  }

  @Test func featuresAreComputedOnceAModality() throws {
    var world = World(WindowConditions(present: [audio, image]))
    let (walk, answer) = try walk(ScriptedModel(), &world)
    #expect(answer.reason == .fused && walk.trace.count == 5)
    #expect(world.asked == [.gather(Self.at(100), isDoubted: false), .input(0), .input(1)])
  }

  @Test func aLateFrameRealignsTheWindow() throws {
    var world = World(
      WindowConditions(present: audio, wakeable: image, lookDue: true),
      WindowConditions(present: [audio, image]))
    world.wakes = [.deliveredLater(Self.at(300))]
    let (walk, answer) = try walk(ScriptedModel(), &world)
    #expect(walk.end == Self.at(300) && walk.realignments == 1 && answer.reason == .fused)
    #expect(walk.isFullCheckDue, "a full check stays due, however often it is realigned")
    #expect(
      world.asked == [
        .gather(Self.at(100), isDoubted: false), .input(0), .wake(1, Self.at(100)), .awaitData(Self.at(300)),
        .gather(Self.at(300), isDoubted: true), .input(0), .input(1),
      ])
    // What was heard before the wake is not thrown away.
    #expect(world.hadReading == [true] && world.realigned == [Self.at(100)])
    // Both walks are in the trace: two exits before the wake, four and fusion after it.
    #expect(walk.trace.count == 7 && world.readings == 7)
  }

  @Test func sensorsThatMakeEachOtherLateEndSomewhere() throws {
    var world = World(WindowConditions(present: audio, wakeable: image))
    world.wakes = [
      .deliveredLater(Self.at(300)), .deliveredLater(Self.at(500)), .deliveredLater(Self.at(700)),
    ]
    let (walk, answer) = try walk(ScriptedModel(), &world)
    #expect(walk.realignments == 2 && walk.end == Self.at(500))
    #expect(answer.reason == .wakeDeadlineMissed)
  }

  @Test func nothingHasBeenHeardBeforeTheFirstWake() throws {
    var world = World(
      WindowConditions(present: [], wakeable: [audio, image]), WindowConditions(present: [audio, image]))
    world.wakes = [.deliveredLater(Self.at(300))]
    _ = try walk(ScriptedModel(audio: [.sure(2), .unsure]), &world)
    #expect(world.hadReading == [false] && world.realigned.isEmpty)
  }

  @Test func whoWantsEverybodysAnswerWaitsForIt() throws {
    var world = World(WindowConditions(present: audio, wakeable: image))
    _ = try walk(ScriptedModel(), &world, full: true)
    #expect(world.hadReading == [false])
  }

  @Test func aPairTooFarApartIsNotFused() throws {
    var world = World(WindowConditions(present: [audio, image]))
    world.fuses = false
    let (walk, answer) = try walk(ScriptedModel(), &world)
    #expect(answer.reason == .skewAboveLimit && answer.exit != .fusion && walk.trace.count == 4)
  }

  /// A leaning exit gives its class 0.379 of the probability.
  @Test(arguments: [(0.37, true), (0.39, false)])
  func aHandMayOverrideASureVoice(_ threshold: Double, _ isOverridden: Bool) throws {
    var world = World(WindowConditions(present: [audio, image]))
    var scripted = ScriptedModel(
      audio: [.sure(1), .sure(1)], image: [.leaning(2), .unsure], fusion: .sure(2))
    scripted.overriding = "stop"
    scripted.overrides = ["image": threshold]
    let (walk, answer) = try walk(scripted, &world)
    #expect(walk.trace[0].threshold == 0.5 && walk.trace[0].overrideThreshold == nil)
    let asked = walk.trace[1]
    #expect(asked.reading.exit == .encoder(modality: 1, exit: 1) && asked.threshold == nil)
    #expect(asked.overrideThreshold == Float(threshold))
    #expect(abs((asked.reading.overriding ?? 0) - 0.379) < 0.001)
    if isOverridden {
      #expect(answer.label == 2 && answer.reason == .fused && walk.trace.count == 5)
    } else {
      #expect(answer.label == 1 && answer.reason == .sure && walk.trace.count == 2)
      #expect(walk.gate.unopposing == image && walk.gate.wanted == audio)
    }
    #expect(walk.macs == walk.trace.indices.reduce(0) { $0 + walk.trace[$1].reading.macs })
    world.fuses = false
    let (_, skewed) = try self.walk(scripted, &world)
    #expect(skewed.label == 1 && skewed.reason == (isOverridden ? .skewAboveLimit : .sure))
  }

  /// A leaning exit has an entropy of 0.996.
  @Test(arguments: [(0.998, true), (0.99, false)])
  func aSureHandStandsBesideASureNone(_ threshold: Double, _ stands: Bool) throws {
    var world = World(WindowConditions(present: [audio, image]))
    var scripted = ScriptedModel(
      audio: [.sure(0), .unsure], image: [.leaning(2), .leaning(2)], fusion: .sure(1))
    scripted.threshold = 0.999
    scripted.besideNone = ["image": threshold, "audio": 0.25]
    let (walk, answer) = try walk(scripted, &world)
    let beside = walk.trace.indices.map { walk.trace[$0].thresholdBesideNone }
    if stands {
      #expect(answer.label == 2 && answer.reason == .sure && answer.exit == .encoder(modality: 1, exit: 1))
      // Sound was asked before a `none` was held.
      #expect(beside == [nil, Float(threshold)] && answer.threshold == Float(threshold))
      #expect(!walk.gate.provisional)
    } else {
      #expect(answer.label == 1 && answer.reason == .fused)
      #expect(beside == [nil, Float(threshold), nil, nil, nil])
    }
  }

  @Test func aFailedWakeLeavesTheRestToAnswer() throws {
    var world = World(WindowConditions(present: audio, wakeable: image))
    world.wakes = [.outcome(.failed)]
    let (walk, answer) = try walk(ScriptedModel(), &world)
    #expect(answer.reason == .modalityMissing && walk.gate.missing == image)
  }
}
