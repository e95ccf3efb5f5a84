import Configuration
import Engine
import Pipeline
import ScriptedModels
import ScriptedScenes
import Synchronization
import Vocabulary

@testable import Daemon

/// What a simulation is of: a few seconds of a made-up world. All of it follows from the seed.
struct SimulatedWorld {
  /// How the next generation comes about.
  enum Reload {
    /// The files are changed and read again.
    case files((inout Configuration, inout ScriptedModel) -> Void)
    case preference(Double)
    /// The files are changed to what has to be refused, read, and written as they were.
    case refused((GenerationFiles) throws -> Void)
    /// The recorder has no room when the pipeline is to go over to it.
    case unrecorded
  }

  enum Slowness { case none, busy, stalls }

  let seed: Int
  let configuration: Configuration
  let scripted: ScriptedModel
  let model: Model
  let scripts: [ScriptedRig.Script]
  let seconds: Int64
  let slowness: Slowness
  /// No sensor fails and nothing takes longer than it should: then more is promised.
  let isCalm: Bool
  let isSilent: Bool
  /// It takes ten audits of events to leave a sensor out: some worlds are longer, and have shorter windows.
  let isLong: Bool
  /// What is asked from outside, by the number of the decision behind which it is.
  let commands: [UInt64: [PipelineCommand]]
  /// The same for other generations.
  let reloads: [UInt64: Reload]

  /// Models by what they say, made once.
  private static let models = Mutex<[Int: Model]>([:])

  init(seed: Int, base: Configuration) throws {
    var random = Seeded(seed)
    self.seed = seed
    isCalm = random.chance(25)
    isSilent = random.chance(20)
    slowness = isCalm ? .none : [.none, .busy, .stalls].randomElement(using: &random)!
    let number = Int.random(in: 0..<18, using: &random)
    scripted = Self.scripted(number)
    model = try Self.model(number)
    var configuration = base
    configuration.general.windowPeriod = random.milliseconds(60...500)
    configuration.gate.maximumSkew = random.milliseconds(20...300)
    configuration.gate.maximumBlind = random.milliseconds(600...4_000)
    configuration.gate.wakesPerMinute = .random(in: 1...60, using: &random)
    configuration.gate.activityCheck = random.chance(50)
    configuration.events.keepsAwake = seed % 3 == 0
    for index in configuration.sensors.indices {
      configuration.sensors[index].linger = random.chance(50) ? .zero : random.milliseconds(0...1_500)
      configuration.sensors[index].wakeDeadline = random.milliseconds(300...1_500)
    }
    configuration.adaptation.audits = random.chance(50)
    configuration.adaptation.probability = 0.2
    configuration.adaptation.energyShare = 1
    configuration.adaptation.seed = seed
    configuration.adaptation.reorder = random.chance(50)
    isLong = configuration.adaptation.audits && configuration.adaptation.reorder && random.chance(30)
    seconds = isLong ? .random(in: 8...14, using: &random) : .random(in: 2...6, using: &random)
    if isLong {
      configuration.general.windowPeriod = random.milliseconds(60...120)
      configuration.adaptation.probability = 0.4
    }
    if random.chance(50) { configuration.gate.order = .exact }
    self.configuration = configuration
    commands = isCalm ? [:] : Self.commands(seed)
    reloads = isCalm ? [:] : Self.reloads(seed)
    let end = seconds * 1_000
    scripts = (0..<2).map { [isCalm] _ in
      var script = ScriptedRig.Script()
      script.delay = random.milliseconds(0...(isCalm ? 40 : 150))
      script.wakeLatency = random.milliseconds(0...(isCalm ? 150 : 1_800))
      func times(_ percent: Int, _ most: Int64) -> [Range<Instant>] {
        (0..<3).compactMap { _ in
          guard !isCalm, random.chance(percent) else { return nil }
          let start = Instant.zero + random.milliseconds(0...end)
          return start..<start + random.milliseconds(1...most)
        }
      }
      script.outages = times(30, 3_000)
      script.hangs = times(15, 2_000)
      return script
    }
  }

  /// Sensors that change hands, pauses and questions, in two worlds of five.
  private static func commands(_ seed: Int) -> [UInt64: [PipelineCommand]] {
    var random = Seeded(seed ^ 0xA5CED)
    var commands: [UInt64: [PipelineCommand]] = [:]
    guard random.chance(40) else { return commands }
    for number in 1...20 as ClosedRange<UInt64> where random.chance(25) {
      let sensor = random.chance(50) ? 0 : 1
      let choices: [[PipelineCommand]] = [
        [.withhold(sensor: sensor)], [.giveBack(sensor: sensor)],
        [.withhold(sensor: sensor), .giveBack(sensor: sensor)],
        // The world stands still in a pause, so its end is sent with it.
        [.pause, .resume], [.pause, .giveBack(sensor: sensor), .resume], [.ask(full: random.chance(50))],
      ]
      commands[number] = choices.randomElement(using: &random)
    }
    return commands
  }

  /// Other generations, good and bad, in two worlds of five.
  private static func reloads(_ seed: Int) -> [UInt64: Reload] {
    var random = Seeded(seed ^ 0x2E10AD)
    var reloads: [UInt64: Reload] = [:]
    guard random.chance(40) else { return reloads }
    for number in 1...24 as ClosedRange<UInt64> where random.chance(25) {
      reloads[number] = reload(&random)
    }
    return reloads
  }

  private static func reload(_ random: inout Seeded) -> Reload {
    if random.chance(10) { return .unrecorded }
    if random.chance(10) { return .preference(Double.random(in: 0.01...1, using: &random)) }
    let bad: [(GenerationFiles) throws -> Void] = [
      { try $0.write(configuration: "[gate]\nmax-skew = soon\n") }, { try $0.write(configuration: "") },
      { try $0.write(modelBytes: Array($0.model.bytes().dropLast(3))) },
      // What is held open from start to end.
      { try $0.write { $0.general.socket += "2" } },
      { try $0.write { $0.sensors[0].wakeDeadline = $0.sensors[0].wakeDeadline + .milliseconds(1) } },
    ]
    if random.chance(25) { return .refused(bad.randomElement(using: &random)!) }
    let period = random.milliseconds(60...500)
    let blind = random.milliseconds(600...4_000)
    let skew = random.milliseconds(20...300)
    let linger = random.milliseconds(0...1_500)
    let (number, wakes) = (
      Int.random(in: 0..<18, using: &random), Int.random(in: 1...60, using: &random)
    )
    let good: [(inout Configuration, inout ScriptedModel) -> Void] = [
      { settings, _ in settings.general.windowPeriod = period },
      { settings, _ in settings.gate.maximumBlind = blind },
      { settings, _ in settings.gate.maximumSkew = skew },
      { settings, _ in settings.gate.wakesPerMinute = wakes },
      { settings, _ in settings.gate.activityCheck.toggle() },
      { settings, _ in settings.gate.first = settings.gate.first.isEmpty ? "image" : "" },
      { settings, _ in settings.gate.order = settings.gate.order == .exact ? .declared : .exact },
      { settings, _ in settings.gate.threshold = settings.gate.threshold == nil ? 0 : nil },
      { settings, _ in settings.events.keepsAwake.toggle() },
      { settings, _ in settings.adaptation.audits.toggle() },
      { settings, _ in settings.adaptation.reorder.toggle() },
      { settings, _ in settings.adaptation.probability = 0.5 },
      { settings, _ in settings.sensors[number % 2].linger = linger },
      { _, model in model = Self.scripted(number) },
      { _, model in model.classes.swapAt(1, 2) },
      { settings, model in
        model = Self.scripted(number)
        settings.general.windowPeriod = period
        settings.gate.maximumBlind = blind
      },
    ]
    return .files(good.randomElement(using: &random)!)
  }

  private static func scripted(_ number: Int) -> ScriptedModel {
    let says: [ScriptedModel.Say] = [.unsure, .sure(0), .sure(1)]
    var scripted = ScriptedModel(
      audio: [says[number % 3], .unsure], image: [says[number / 3 % 3], .unsure], fusion: .sure(1))
    scripted.none = number < 9 ? "none" : nil
    return scripted
  }

  private static func model(_ number: Int) throws -> Model {
    if let model = models.withLock({ $0[number] }) { return model }
    let model = try scripted(number).model()
    models.withLock { $0[number] = model }
    return model
  }
}
