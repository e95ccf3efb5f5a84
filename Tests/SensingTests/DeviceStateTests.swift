import Testing
import Vocabulary

@testable import Sensing

@Suite struct DeviceStateTests {
  /// The same on both clocks.
  private func now(_ milliseconds: Int64) -> Moment {
    Moment(boot: at(milliseconds), steady: at(milliseconds))
  }

  private let unplugged = SensingError("sensor x", .device(.unplugged, detail: ""))

  @Test func aWakeIsAnsweredOnce() throws {
    var core = DeviceState()
    core.wake(now(10))
    let wake = try #require(core.wanted)
    core.wake(now(11))
    #expect(core.wanted == wake)
    #expect(core.state == .waking(since: at(10)))
    #expect(core.takeStateChange() == nil)
    let told = (
      core.becameAwake(wake, since: at(20), now(20)), core.becameAwake(wake, since: at(21), now(21))
    )
    #expect(told == (true, false))
    #expect(core.takeStateChange() == .awake(since: at(20)))
    #expect(core.takeStateChange() == nil)
    #expect(core.counters.wakes == 1)
  }

  @Test func reportsOfAnEarlierWakeAreDropped() throws {
    var core = DeviceState()
    core.wake(now(0))
    let old = try #require(core.wanted)
    core.sleep(now(3))
    #expect(core.state == .asleep)
    core.wake(now(1))
    let told = (
      core.becameAwake(old, since: at(2), now(2)), core.delivered(old, upTo: at(2), now(2)),
      core.failed(old, unplugged, now(2))
    )
    #expect(told == (false, false, false))
    #expect(core.state == .waking(since: at(1)))
    #expect(core.counters.faults == 0)
  }

  @Test func aDeliveryOfAnEarlierWakeAnswersNoRequest() throws {
    var core = DeviceState()
    core.wake(now(0))
    let old = try #require(core.wanted)
    core.sleep(now(1))
    core.wake(now(2))
    let new = try #require(core.wanted)
    core.ask(at(5))
    let told = core.delivered(old, upTo: at(9), now(9))
    #expect(!told)
    #expect(core.takeDelivery() == nil)
    _ = core.becameAwake(new, since: at(9), now(9))
    let answered = core.delivered(new, upTo: at(10), now(10))
    #expect(answered)
    #expect(core.takeDelivery() == at(10))
  }

  @Test func aRequestIsAnsweredOnceWithWhatIsThere() throws {
    var core = DeviceState()
    core.ask(at(5))
    core.wake(now(0))
    let wake = try #require(core.wanted)
    _ = core.becameAwake(wake, since: at(1), now(1))
    #expect(core.delivered(wake, upTo: at(9), now(9)) == false)
    #expect(core.takeDelivery() == nil, "what was asked asleep is forgotten")
    core.ask(at(9))
    #expect(core.takeDelivery() == at(9))
    core.ask(at(20))
    #expect(core.takeDelivery() == nil)
    #expect(core.delivered(wake, upTo: at(19), now(19)) == false)
    #expect(core.delivered(wake, upTo: at(21), now(21)) == true)
    #expect(core.takeDelivery() == at(21))
    #expect(core.takeDelivery() == nil)
  }

  @Test func aSleepDropsWhatWasAskedAndWhatWasToBeTold() throws {
    var core = DeviceState()
    core.wake(now(0))
    let wake = try #require(core.wanted)
    core.ask(at(1))
    _ = core.becameAwake(wake, since: at(1), now(1))
    _ = core.delivered(wake, upTo: at(2), now(2))
    core.sleep(now(3))
    #expect(core.takeStateChange() == nil)
    #expect(core.takeDelivery() == nil)
  }

  @Test func awakeAndFailedAreBothTold() throws {
    var core = DeviceState()
    core.wake(now(0))
    let wake = try #require(core.wanted)
    _ = core.becameAwake(wake, since: at(1), now(1))
    #expect(core.failed(wake, unplugged, now(5)) == true)
    core.sleep(now(3))
    #expect(core.takeStateChange() == .awake(since: at(1)))
    #expect(core.takeStateChange() == .failed(.unplugged, since: at(5)))
    #expect(core.failure == unplugged)
    #expect(core.wanted == nil)
  }

  @Test func triesComeLaterAfterEachFaultAndAtOnceAfterALongRun() throws {
    var core = DeviceState()
    var time: Int64 = 0
    var waits: [Int64] = []
    for _ in 0..<8 {
      core.wake(now(time))
      _ = core.failed(try #require(core.wanted), unplugged, now(time))
      var wait: Int64 = 0
      while core.wanted == nil {
        wait += 500
        core.wake(now(time + wait))
      }
      waits.append(wait)
      time += wait
      core.sleep(now(time))
    }
    #expect(waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    core.wake(now(time))
    let wake = try #require(core.wanted)
    #expect(core.failure == unplugged, "it stays failed until it delivers")
    _ = core.becameAwake(wake, since: at(time), now(time))
    #expect(core.failure == nil && core.state == .awake(since: at(time)))
    time += 61_000
    _ = core.failed(wake, unplugged, now(time))
    core.wake(now(time + 999))
    #expect(core.wanted == nil)
    core.wake(now(time + 1_000))
    #expect(core.wanted != nil)
  }

  @Test func nothingWakesAfterTheEnd() {
    var core = DeviceState()
    core.wake(now(0))
    core.stop(now(1))
    core.wake(now(1))
    #expect(core.wanted == nil)
    #expect(core.state == .asleep)
    #expect(core.isStopping)
  }
}
