import Configuration
import Engine
import Glibc
import Linux
import Pipeline
import ScriptedModels
import Sensing
import Startup
import Vocabulary

/// A recording in a folder of its own, replayed as fast as it goes through the whole pipeline.
package final class Scene {
  package let directory: String
  package var configuration = Configuration()
  package var sensorsInRecording = ["audio", "image"]

  /// - Parameters:
  ///   - seconds: how long the recording is. The sound is a hum; the picture changes at every frame, 10 a second.
  ///   - blackFrom: the second from which on the picture is black.
  ///   - silentFrom: the second from which on the microphone is dead.
  ///   - still: all pictures are the first one.
  package init(seconds: Int = 3, blackFrom: Int = .max, silentFrom: Int = .max, still: Bool = false) throws {
    var template = Array("/tmp/mmexit-scene.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw LinuxError("mkdtemp", errno: errnoNow()) }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try Self.write(Self.wav(seconds, silentFrom: silentFrom), directory + "/audio.wav")
    try Self.write(
      Self.y4m(frames: seconds * 10, blackFrom: blackFrom, still: still), directory + "/image.y4m")
    configuration.general.windowPeriod = .milliseconds(250)
    configuration.gate.order = .declared
    configuration.gate.activityCheck = false
    configuration.events.keepsAwake = false
    configuration.adaptation.audits = false
    configuration.gate.maximumSkew = .milliseconds(60)
    configuration.replay.recording = directory
    var image = Configuration.Sensor(modality: "image")
    image.replayWakeLatency = .milliseconds(150)
    image.settleFrames = 0
    image.linger = .zero
    image.wakeDeadline = .seconds(1)
    var audio = Configuration.Sensor(modality: "audio")
    audio.replayWakeLatency = .zero
    configuration.sensors = [image, audio]
  }

  deinit {
    for name in ["audio.wav", "image.y4m"] { unlink(directory + "/" + name) }
    rmdir(directory)
  }

  package struct Outcome {
    package var decisions: [Decision] = []
    package var notes: [PipelineNote] = []
    package var status: PipelineStatus
    /// The event that went on to the end.
    package var closing: StreamEvent?

    package init(decisions: [Decision], notes: [PipelineNote], status: PipelineStatus) {
      self.decisions = decisions
      self.notes = notes
      self.status = status
    }

    package func awake(_ sensor: Int) -> Nanoseconds { status.sensors[sensor].awakeTime(at: status.now) }
  }

  /// The pipeline over this recording.
  package func pipeline(
    _ scripted: ScriptedModel, orders: OrderLink? = nil, deliver: @escaping (borrowing Decision) -> Void,
    note: @escaping (PipelineNote) -> Void
  ) throws -> Pipeline<ReplayRig> {
    let model = try scripted.model()
    let plan = try PolicyPlan(configuration, model)
    let entries = sensorsInRecording.map { name in
      RecordingDescription.Entry(
        name: name, kind: name == "audio" ? .sound : .image, file: name == "audio" ? "audio.wav" : "image.y4m"
      )
    }
    let rig = try ReplayRig(
      RecordingDescription(name: "scene", sensors: entries), in: directory,
      sensors: Rigs.configurations(configuration, model))
    return try Pipeline(
      rig: rig, model: model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(configuration, model),
      energy: EnergyAccounts(plan.energy, network: model),
      audits: AuditTurns(configuration, model, plan.energy),
      orders: orders ?? planning(model, plan), deliver: deliver, note: note)
  }

  /// A planner that works when it is told something, as where a recording is evaluated.
  package func planning(_ model: Model, _ plan: PolicyPlan) throws -> OrderLink {
    try OrderLink(
      waits: true, inline: OrderPlanner(PlannerSetup(configuration, model, plan, fingerprint: 0)))
  }

  package func play(_ scripted: ScriptedModel) throws -> Outcome {
    var decisions: [Decision] = []
    var notes: [PipelineNote] = []
    let pipeline = try pipeline(scripted) {
      decisions.append(copy $0)
    } note: {
      notes.append($0)
    }
    try pipeline.run()
    var outcome = Outcome(decisions: decisions, notes: notes, status: pipeline.status.read())
    notes = []
    _ = pipeline.closeAccounts()
    if case .event(let event)? = notes.last { outcome.closing = event }
    return outcome
  }

  private static func write(_ bytes: [UInt8], _ path: String) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    try file.writeAll(bytes, path)
  }

  private static func wav(_ seconds: Int, silentFrom: Int) -> [UInt8] {
    let rate = 8000
    let samples = (0..<seconds * rate).map { $0 / rate >= silentFrom ? 0 : Int16(($0 % 80 - 40) * 200) }
    func le(_ value: Int, _ bytes: Int) -> [UInt8] {
      (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let data = samples.flatMap { le(Int($0), 2) }
    return Array("RIFF".utf8) + le(36 + data.count, 4) + Array("WAVEfmt ".utf8) + le(16, 4) + le(1, 2)
      + le(1, 2)
      + le(rate, 4) + le(rate * 2, 4) + le(2, 2) + le(16, 2) + Array("data".utf8) + le(data.count, 4) + data
  }

  private static func y4m(frames: Int, blackFrom: Int, still: Bool) -> [UInt8] {
    var bytes = Array("YUV4MPEG2 W4 H4 F10:1 Cmono XCOLORRANGE=FULL\n".utf8)
    for frame in 0..<frames {
      bytes += Array("FRAME\n".utf8)
      let first = still ? 0 : frame * 37
      bytes += (0..<16).map { frame / 10 >= blackFrom ? 0 : UInt8(truncatingIfNeeded: first + $0 * 11) }
    }
    return bytes
  }
}
