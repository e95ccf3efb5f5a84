import ScriptedModels
import ScriptedScenes
import Sensing
import Testing
import Vocabulary

@testable import Pipeline
@testable import Startup

/// Sensors that change hands, and wakes that nobody waits for; without windows.
@Suite struct PipelineSensorsTests {
  private let rig: ScriptedRig
  private let sensors: PipelineSensors<ScriptedRig>

  init() throws {
    let scene = try Scene()
    rig = try ScriptedRig(
      Rigs.configurations(scene.configuration, try ScriptedModel().model()),
      [.init(), .init(wakeLatency: .milliseconds(300))], seconds: 60)
    let status = PipelineStatusBoard(sensors: 2, order: [0, 1], start: rig.now)
    sensors = PipelineSensors(
      rig: rig, order: [0, 1], wakeDeadlines: [.seconds(1), .seconds(1)], wakesPerMinute: 60,
      soundLengths: [.milliseconds(40), nil], status: status, record: { _ in }, beat: {})
  }

  private func awaken() {
    let end = rig.now + .seconds(2)
    let (outcome, _) = sensors.awaitData(of: 1, for: rig.now, notBefore: rig.now, until: end)
    #expect(outcome == .delivered && sensors.state(of: 1).isAwake)
  }

  private var isInUse: Bool { sensors.state(of: 1) != .asleep }

  @Test func oneThatSleptSleepsOnWhenItIsGivenBack() {
    sensors.withhold(1)
    sensors.giveBack(1)
    #expect(!isInUse)
    awaken()
    sensors.withhold(1)
    #expect(!isInUse)
    sensors.giveBack(1)
    #expect(isInUse)
  }

  @Test func whoWasLeftOutIsAskedAgainByAnotherGeneration() {
    sensors.leftOut = ModalitySet(index: 1)
    sensors.adopt(order: [1, 0], soundLengths: [.milliseconds(40), nil], wakesPerMinute: 60)
    #expect(sensors.leftOut.isEmpty && sensors.order == [1, 0])
  }

  @Test func oneThatIsGivenBackInAPauseIsWokenAfterIt() {
    awaken()
    sensors.withhold(1)
    sensors.pause()
    sensors.giveBack(1)
    #expect(!isInUse && !rig.state(of: 1).isAwake)
    sensors.resume()
    #expect(isInUse)
  }

  @Test func oneThatAnotherProgramHasOverAPauseIsWokenWhenItIsGivenBack() {
    awaken()
    sensors.withhold(1)
    sensors.pause()
    sensors.resume()
    #expect(!isInUse)
    sensors.giveBack(1)
    #expect(isInUse)
  }

  @Test func oneThatIsTakenAwayIsNotWaitedFor() {
    sensors.takeCommands = { [sensors] in
      sensors.withhold(1)
      return false
    }
    rig.bell.ring()
    let (outcome, _) = sensors.awaitData(
      of: 1, for: rig.now, notBefore: rig.now, until: rig.now + .seconds(5))
    #expect(outcome == .failed && rig.now < .zero + .milliseconds(500))
  }

  @Test func aWakeThatNobodyWaitedForIsMeasuredOnce() {
    _ = sensors.awaitFirstWindow()
    #expect(sensors.startWake(1) != nil)
    sensors.leaveWaking(1)
    #expect(sensors.left == ModalitySet(index: 1))
    while !sensors.state(of: 1).isAwake { _ = sensors.awaitWindow(endingAt: rig.now + .milliseconds(100)) }
    #expect(sensors.left.isEmpty)
    let lasted = sensors.accounts[1].lastWake
    #expect(
      lasted.map { $0 >= .milliseconds(200) && $0 <= .milliseconds(500) } == true,
      "\(String(describing: lasted))")
  }
}
