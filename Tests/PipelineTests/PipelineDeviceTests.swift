import Linux
import ScriptedDevices
import ScriptedModels
import ScriptedScenes
import Sensing
import Synchronization
import Testing
import Vocabulary

@testable import Pipeline
@testable import Startup

/// The whole pipeline on the device rig, in real time, with drivers that misbehave. What is waited for is waited for up
/// to 30 s: a loaded machine changes nothing.
@Suite struct PipelineDeviceTests {
  private let audio = ModalitySet(index: 0)
  private let image = ModalitySet(index: 1)

  /// What the pipeline's thread has said so far.
  final class Record: Sendable {
    struct Said {
      var decisions: [Decision] = []
      var faults: [SensorFault] = []
      var reasons: [String] = []
      /// By sensor, how often it delivered again after a fault.
      var recoveries = [0, 0]
      var sentinels: [Int] = []
    }
    let said = Mutex(Said())
    func read() -> Said { said.withLock { $0 } }
  }

  /// Carries the pipeline to its thread. Unchecked: only `stop` and `status` are used besides.
  private struct Carrier: @unchecked Sendable { let pipeline: Pipeline<DeviceRig> }

  /// Runs the pipeline until `done`, and stops it.
  /// - Returns: what was said, and the threads that were left to themselves.
  /// - Parameters:
  ///   - audio: what the sound's network reads.
  ///   - longestBackoff: between two tries of a sensor that failed.
  func run(
    _ microphone: Driver, _ camera: Driver, audio: [ScriptedModel.Say] = [.sure(2), .unsure],
    longestBackoff: Nanoseconds = .seconds(60), meanwhile: (Record) -> Void = { _ in },
    until done: (Record.Said) -> Bool
  ) throws -> (Record.Said, [String]) {
    let scene = try Scene()
    scene.configuration.general.windowPeriod = .milliseconds(100)
    scene.configuration.gate.maximumBlind = .seconds(60)
    for index in scene.configuration.sensors.indices {
      scene.configuration.sensors[index].wakeDeadline = .milliseconds(300)
      scene.configuration.sensors[index].device = "/dev/null"
    }
    let model = try ScriptedModel(audio: audio, image: [.sure(1), .unsure]).model()
    let plan = try PolicyPlan(scene.configuration, model)
    var sensors = try Rigs.configurations(scene.configuration, model)
    sensors[1].kind = .image(width: 16, height: 16, channels: 1, frameRate: FrameRate(frames: 50)!)
    for index in sensors.indices { sensors[index].wakeLimit = .milliseconds(900) }
    var calls = DeviceCalls()
    calls.microphone = ScriptedMicrophone(microphone, rate: 8_000).calls
    calls.camera = ScriptedCamera(camera).calls
    var limits = DeviceLimits()
    limits.patience = .milliseconds(300)
    limits.close = .milliseconds(300)
    limits.firstBackoff = .milliseconds(50)
    limits.hungBackoff = .milliseconds(500)
    limits.longestBackoff = longestBackoff
    let rig = try DeviceRig(sensors: sensors, calls: calls, limits: limits)
    let record = Record()
    let pipeline = Pipeline(
      rig: rig, model: model, policy: plan.policy, order: plan.order,
      settings: PipelineSettings(scene.configuration, model),
      energy: EnergyAccounts(plan.energy, network: model)
    ) { decision in
      let one = copy decision
      record.said.withLock { $0.decisions.append(one) }
    } note: { note in
      switch note {
      case .state(let change):
        if change.isRecovery { record.said.withLock { $0.recoveries[change.sensor] += 1 } }
        guard case .failed(let fault, _) = change.to else { break }
        record.said.withLock {
          $0.faults.append(fault)
          $0.reasons.append(change.detail ?? "")
        }
      case .sentinel(let sensor, _): record.said.withLock { $0.sentinels.append(sensor) }
      default: break
      }
    }
    let carrier = Carrier(pipeline: pipeline)
    let thread = try Thread(named: "pipeline") { try? carrier.pipeline.run() }
    meanwhile(record)
    let isDone = wait(record, for: done)
    pipeline.stop()
    thread.join()
    pipeline.stopSensors()
    #expect(isDone, "\(record.read().faults) \(record.read().sentinels)")
    return (record.read(), pipeline.abandonedThreads)
  }

  @discardableResult func wait(_ record: Record, for done: (Record.Said) -> Bool) -> Bool {
    for _ in 0..<15_000 {
      if done(record.read()) { return true }
      sleepUntil(bootTime: bootTimeNanoseconds() + 2_000_000)
    }
    return false
  }

  /// The last ten answers are this class's.
  private func answers(_ label: Int, _ said: Record.Said) -> Bool {
    said.decisions.count >= 10 && said.decisions.suffix(10).allSatisfy { $0.answer.label == label }
  }

  @Test func aHungMicrophoneLeavesTheCameraToAnswerAndTheStopInTime() throws {
    let (microphone, camera) = (try Driver(), try Driver())
    microphone.set { $0.open = .hangs }
    let (said, left) = try run(microphone, camera) { answers(1, $0) && $0.faults == [.openHung] }
    #expect(said.sentinels == [1])
    #expect(said.reasons.first?.contains("does not return from opening it") == true)
    #expect(left.count == 1 && left.first?.hasPrefix("mmx-mic-0") == true)
    microphone.release()
  }

  @Test(arguments: [Driver.Data.readyAndEmpty, .silent, .hangs])
  func aMicrophoneThatGoesQuietIsReplacedAndTakesOverAgain(data: Driver.Data) throws {
    let (microphone, camera) = (try Driver(), try Driver())
    let (said, left) = try run(microphone, camera) { record in
      wait(record) { answers(2, $0) }
      microphone.set { $0.data = data }
      wait(record) { answers(1, $0) }
      microphone.set { $0.data = .flows }
      microphone.release()
    } until: {
      answers(2, $0) && $0.sentinels.last == 0
    }
    #expect(said.faults.first == .wedged && said.sentinels == [1, 0])
    #expect(left == [])
  }

  @Test func aMicrophoneThatIsPulledOutAndPutInAgainTakesOverAgain() throws {
    let (microphone, camera) = (try Driver(), try Driver())
    let (said, _) = try run(microphone, camera) { record in
      wait(record) { answers(2, $0) }
      microphone.set {
        $0.open = .fails(2)  // ENOENT
        $0.data = .fails(19)  // ENODEV
      }
      wait(record) { answers(1, $0) && $0.faults.count == 2 }
      microphone.set {
        $0.open = .works
        $0.data = .flows
      }
    } until: {
      answers(2, $0)
    }
    #expect(said.faults == [.unplugged, .absent], "once each, however often it is tried")
    #expect(said.sentinels == [1, 0])
  }

  @Test func aCameraThatHangsWhenItIsClosedIsToldAndTheMicrophoneGoesOn() throws {
    let (microphone, camera) = (try Driver(), try Driver())
    camera.set { $0.close = .hangs }
    // The microphone comes second, so that the camera listens first and is put to sleep then.
    microphone.set { $0.open = .fails(2) }
    let (said, left) = try run(microphone, camera) { record in
      wait(record) { answers(1, $0) }
      microphone.set { $0.open = .works }
    } until: {
      answers(2, $0) && $0.faults.contains(.closeHung)
    }
    #expect(said.faults == [.absent, .closeHung])
    #expect(left.count == 1 && left.first?.hasPrefix("mmx-cam-1") == true)
    camera.release()
  }
}
