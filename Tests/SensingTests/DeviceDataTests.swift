import Glibc
import Linux
import ScriptedDevices
import Testing
import Vocabulary

@testable import Sensing

extension FaultyDriverTests {
  /// What devices deliver, and how they are set: JPEG pictures, controls, channels, sound that is none.
  @Suite struct Data {
    private static let shape = PictureDecoder.Shape(width: 16, height: 16, channels: 1)

    @Test func jpegPicturesAreSeenAndDamagedOnesCounted() throws {
      let picture = PictureDecoderTests.jpeg(Self.shape)
      let bench = try Bench(.camera, wakeLimit: .seconds(20)) { $0.jpeg = picture }
      bench.rig.wake(0)
      #expect(bench.isAwake() && bench.delivers(.camera))
      let width = bench.rig.withFrame(0) { view, _ in view.width }
      #expect(width == 16)
      // From here on none decodes: no frame comes, and the camera fails by that or by their number.
      let before = bench.rig.counters(of: 0).framesCorrupt
      bench.driver.set { $0.jpeg = Array(picture.dropLast(40)) }
      let fault = bench.fault()
      #expect(fault == .ioError || fault == .wedged)
      #expect(bench.rig.counters(of: 0).framesCorrupt > before)
      bench.driver.set { $0.jpeg = picture }
      bench.retry()
      #expect(bench.isAwake() && bench.delivers(.camera))
    }

    @Test func controlsAreSetAgainAtEachOpening() throws {
      let bench = try Bench(
        .camera, wakeLimit: .seconds(20),
        configure: {
          $0.cameraSettings = CameraSettings(exposure: .fixed(.milliseconds(4)), powerLine: .hertz50)
        })
      for round in 1...3 {
        bench.rig.wake(0)
        #expect(bench.isAwake() && bench.driver.counts.controlsSet == 3 * round)
        bench.rig.sleep(0)
      }
    }

    @Test func aControlThatIsNotThereIsTold() throws {
      let bench = try Bench(
        .camera, wakeLimit: .seconds(20), { $0.hasControls = false },
        configure: {
          $0.cameraSettings = CameraSettings(gain: .fixed(1))
        })
      bench.rig.wake(0)
      #expect(bench.fault() == .settingRefused)
      #expect(bench.rig.failure(of: 0)?.description.contains("gain: it has no such control") == true)
    }

    @Test(arguments: [SoundChannel.mixed, .one(1), .one(2), .one(5)])
    func theChannelThatIsNamedIsHeard(channel: SoundChannel) throws {
      let bench = try Bench(.microphone, wakeLimit: .seconds(20), configure: { $0.channel = channel })
      bench.rig.wake(0)
      #expect(bench.isAwake())
      var sound = [Int16](repeating: 0, count: 40)
      // A loaded machine reads late, which counts as a loss: until a piece is whole.
      let isWhole = bench.eventually {
        let end = bench.rig.now
        guard bench.delivers(.microphone) else { return false }
        return sound.withUnsafeMutableBufferPointer { bench.rig.copySound(0, endingAt: end, into: $0) }
          .missing == 0
      }
      let offset: Int16 = if case .one(let number) = channel { Int16(number - 1) } else { 0 }
      #expect(isWhole && sound.allSatisfy { ($0 - offset) % 200 == 0 }, "\(sound)")
    }

    @Test func aDeviceOfAnotherFormatIsOpenedThroughConversion() throws {
      let bench = try Bench(.microphone, wakeLimit: .seconds(20)) { $0.needsConversion = true }
      bench.rig.wake(0)
      #expect(bench.isAwake() && bench.delivers(.microphone))
      #expect(bench.driver.counts.opens == 2)
      // Such a name cannot be quoted: what the device lacks is told.
      let quoted = try Bench(
        .microphone, wakeLimit: .seconds(20), { $0.needsConversion = true }, configure: { $0.device = "a'b" })
      quoted.rig.wake(0)
      #expect(quoted.fault() == .formatRefused)
      #expect(quoted.rig.failure(of: 0)?.description.contains("not these samples") == true)
    }

    @Test func soundThatIsOneValueIsAFaultUntilItMoves() throws {
      let bench = try Bench(
        .microphone, wakeLimit: .seconds(20), { $0.constant = 0 },
        configure: { $0.stuckAfter = .milliseconds(200) })
      bench.rig.wake(0)
      #expect(bench.isAwake(), "it is not known at once")
      #expect(bench.fault() == .stuck)
      #expect(bench.rig.failure(of: 0)?.description.contains("silence without any noise") == true)
      let faults = bench.rig.counters(of: 0).faults
      bench.retry()
      let isStuckStill = bench.eventually { bench.rig.counters(of: 0).faults > faults }
      #expect(isStuckStill && !bench.rig.state(of: 0).isAwake, "it does not count as awake in between")
      bench.driver.set { $0.constant = nil }
      bench.retry()
      #expect(bench.isAwake() && bench.delivers(.microphone))
    }
  }
}
