import Configuration
import Engine
import Glibc
import Linux
import ScriptedModels
import ScriptedScenes
import Testing
import Vocabulary

@testable import Daemon
@testable import Pipeline
@testable import Startup

/// Generations made ready from files, without a pipeline.
@Suite struct ReloaderTests {
  /// A daemon's files, and what it was started with.
  private struct Bench {
    let files: GenerationFiles
    let start: Generation
    let reloader: Reloader

    init() throws {
      files = try GenerationFiles()
      start = try files.generation()
      reloader = Reloader(start: start, bell: try Bell())
    }

    func reload() -> Result<NextGeneration, ReloadRefusal> { reloader.prepare(.reload, start) }

    func refusal() throws -> ReloadRefusal {
      guard case .failure(let refusal) = reload() else { throw LinuxError("it was taken", errno: 0) }
      return refusal
    }
  }

  @Test func whatMayChangeMakesTheNextGeneration() throws {
    let bench = try Bench()
    bench.files.configuration.general.windowPeriod = .milliseconds(500)
    bench.files.configuration.gate.threshold = 0.9
    bench.files.configuration.gate.wakesPerMinute = 7
    bench.files.configuration.energy.board = "raspberry-pi-5"
    bench.files.model.classes = ["none", "left", "right"]
    try bench.files.write()
    let next = try bench.reload().get()
    #expect(next.generation.number == 2 && next.generation.cause == .reload)
    #expect(next.hasOtherClasses && next.generation.names.classes == ["none", "left", "right"])
    #expect(next.generation.names.energySource == "model:raspberry-pi-5")
    #expect(next.settings.period == .milliseconds(500) && next.settings.wakesPerMinute == 7)
    #expect(next.generation.model.digest != bench.start.model.digest)
    #expect(next.generation.loaded.digest != bench.start.loaded.digest)
    #expect(next.policy.thresholds.threshold(at: .encoder(modality: 0, exit: 1), label: 1) == 0.9)
  }

  @Test func theSameFilesAreAGenerationToo() throws {
    let bench = try Bench()
    let next = try bench.reload().get()
    #expect(next.generation.number == 2 && !next.hasOtherClasses)
    #expect(next.generation.loaded.digest == bench.start.loaded.digest)
  }

  @Test func whatIsWrongWithTheFilesIsNamedByItsLine() throws {
    let bench = try Bench()
    try bench.files.write(configuration: "[daemon]\nmodel = no.safetensors\n")
    #expect(try bench.refusal().description.contains("x.conf:2: model: "))
    try bench.files.write(configuration: "[daemon]\nmodel = m.safetensors\n[gate]\nmax-skew = 0\n")
    #expect(try bench.refusal().description.contains("x.conf:4"))
    try bench.files.write()
    try bench.files.write(modelBytes: Array(bench.files.model.bytes().dropLast(9)))
    #expect(try bench.refusal().description.contains("copy the model file again"))
    bench.files.remove()
    #expect(try bench.refusal().description.contains("x.conf"))
  }

  @Test func whatTheDaemonHoldsOpenNeedsARestart() throws {
    let changes: [(String, (inout Configuration) -> Void)] = [
      ("socket in [daemon]", { $0.general.socket = "/tmp/other.sock" }),
      ("directory in [ledger]", { $0.ledger.directory = "/tmp/other" }),
      ("segment-size in [ledger]", { $0.ledger.segmentBytes = 65536 }),
      ("flush-interval in [ledger]", { $0.ledger.flushInterval = .seconds(9) }),
      ("publish-head in [ledger]", { $0.ledger.publishHead = .seconds(99) }),
      ("meters in [energy]", { $0.energy.meters = .none }),
      ("meter-interval in [energy]", { $0.energy.meterInterval = .seconds(9) }),
      ("textfile in [metrics]", { $0.metrics.textfile = "/tmp/other.prom" }),
      ("interval in [metrics]", { $0.metrics.interval = .seconds(9) }),
      ("recording in [replay]", { $0.replay.recording = "/tmp/other" }),
      ("pace in [replay]", { $0.replay.pace = .fast }),
      ("loop in [replay]", { $0.replay.loop = true }),
      ("device in [sensor audio]", { $0.sensors[1].device = "hw:7" }),
      ("wake-deadline in [sensor audio]", { $0.sensors[1].wakeDeadline = .milliseconds(700) }),
      ("replay-wake-latency in [sensor audio]", { $0.sensors[1].replayWakeLatency = .milliseconds(7) }),
      ("sleep-mode in [sensor image]", { $0.sensors[0].sleepMode = .hot }),
      ("replay-warm-latency in [sensor image]", { $0.sensors[0].replayWarmLatency = .milliseconds(7) }),
      ("settle-frames in [sensor image]", { $0.sensors[0].settleFrames = 2 }),
      ("width in [sensor image]", { $0.sensors[0].width = 320 }),
      ("height in [sensor image]", { $0.sensors[0].height = 320 }),
      ("frames-per-second in [sensor image]", { $0.sensors[0].framesPerSecond = 7 }),
    ]
    for (name, change) in changes {
      let bench = try Bench()
      change(&bench.files.configuration)
      try bench.files.write()
      guard case .needsRestart(let needs) = try bench.refusal() else {
        Issue.record("\(name) was taken")
        continue
      }
      #expect(needs.settings == [name])
      #expect(needs.description.contains("x.conf") && needs.description.contains("needs a restart"))
    }
  }

  @Test func whatNeedsARestartIsHeldAgainstTheStartAndNotTheLastReload() throws {
    let bench = try Bench()
    bench.files.configuration.gate.wakesPerMinute = 7
    bench.files.configuration.ledger.directory = "/tmp/other"
    bench.files.configuration.replay.loop = true
    try bench.files.write()
    guard case .needsRestart(let needs) = try bench.refusal() else { return }
    #expect(needs.settings == ["directory in [ledger]", "loop in [replay]"])
    bench.files.configuration.ledger.directory = bench.start.configuration.ledger.directory
    bench.files.configuration.replay.loop = false
    try bench.files.write()
    let next = try bench.reload().get().generation
    guard case .success(let third) = bench.reloader.prepare(.reload, next) else {
      Issue.record("refused")
      return
    }
    #expect(third.generation.number == 3)
  }

  @Test func aModelForOtherSensorsNeedsARestart() throws {
    let bench = try Bench()
    bench.files.configuration.sensors = []
    try bench.files.write(
      modelBytes: bench.files.model.bytes().replacing(Array("image".utf8), with: Array("imago".utf8)))
    guard case .needsRestart(let needs) = try bench.refusal() else { return }
    #expect(needs.settings == ["the model's modalities"])
  }

  @Test func aPreferenceChangesTheDigestAndNothingIsRead() throws {
    let bench = try Bench()
    bench.files.remove()
    guard case .success(let next) = bench.reloader.prepare(.preference(3), bench.start) else {
      Issue.record("refused")
      return
    }
    #expect(next.generation.lambda == 3 && next.generation.number == 2)
    #expect(next.generation.cause == .preference && !next.hasOtherClasses)
    #expect(next.generation.loaded.digest != bench.start.loaded.digest)
    #expect(next.generation.model.digest == bench.start.model.digest)
  }

  @Test func whatIsBegunRingsTheBellAndIsTakenOnce() throws {
    let bench = try Bench()
    let bell = try Bell()
    let reloader = Reloader(start: bench.start, bell: bell)
    for _ in 0..<3 {
      try reloader.begin(.reload, after: bench.start)
      bell.wait(until: bootTimeNanoseconds() + 10_000_000_000)
      #expect(try reloader.take()?.get().generation.number == 2)
      #expect(reloader.take().map { _ in true } == nil)
    }
  }
}
