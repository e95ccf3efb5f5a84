import Energy
import Glibc
import JSON
import Ledger
import Linux
import ScriptedModels
import Synchronization
import Testing
import Vocabulary

@testable import Daemon

@Suite struct RecorderTests {
  private func decision(_ number: UInt64) -> PipelineEvent {
    .decision(
      Decision(
        number: number, start: .zero, end: .zero + .milliseconds(Int64(number) * 250)))
  }

  private func numbers(_ watch: WatchRing) throws -> [UInt64] {
    var object: [UInt8] = []
    var seen: [UInt64] = []
    while let number = watch.take(into: &object) {
      // What is shown is the record's own object.
      let stated = try JSONPlace(JSONValue.parse(object)).member("number").integer()
      #expect(UInt64(stated) == number)
      seen.append(number)
    }
    return seen
  }

  /// Ends a bench's run, with the writer's part on a thread of its own.
  private func end(_ bench: RecordingBench) throws -> LedgerError? {
    bench.events.put(.stop(reason: "end", closing: ClosingEnergy(), at: .zero + .seconds(600)))
    let writer = try bench.startWriter()
    #expect(bench.recorder.takeEvents())
    writer.join()
    return bench.recorder.error
  }

  @Test func eachDecisionIsInTheLedgerAndShown() throws {
    let bench = try RecordingBench(ScriptedModel().model())
    bench.events.put(.start(order: [0, 1], at: .zero))
    for number in 1...20 as ClosedRange<UInt64> { bench.events.put(decision(number)) }
    _ = bench.recorder.takeEvents()
    #expect(try numbers(bench.watch) == Array(1...20))
    #expect(try end(bench) == nil)
    #expect(bench.recorder.hasEnded)
    let report = try audit(bench.scratch.directory)
    #expect(report.findings == [] && report.types["decision"] == 20 && report.types["stop"] == 1)
  }

  @Test func whatTheFirstRingDropsIsAGapAndAHoleInTheNumbers() throws {
    let bench = try RecordingBench(ScriptedModel().model(), isReplay: false)
    let most = UInt64(EventRing.capacity)
    for number in 1...(most + 7) { bench.events.put(decision(number)) }
    _ = bench.recorder.takeEvents()
    bench.events.put(decision(most + 8))
    _ = bench.recorder.takeEvents()
    #expect(try numbers(bench.watch) == Array(1...most) + [most + 8])
    #expect(bench.recorder.ledgerStatus.read().shed == 7)
    #expect(try end(bench) == nil)
    let report = try audit(bench.scratch.directory)
    #expect(report.findings == [] && report.shed == 7)
    #expect(report.types["decision"] == EventRing.capacity + 1)
  }

  @Test func theLastDecisionIsShownThoughOthersWereDropped() throws {
    let bench = try RecordingBench(ScriptedModel().model())
    var number: UInt64 = 0
    // Nobody takes: the ring of those who watch fills up.
    while number < 2000 {
      number += 1
      bench.events.put(decision(number))
      _ = bench.recorder.takeEvents()
      bench.turn(at: .zero + .seconds(10 * Int64(number)))
    }
    let seen = Mutex<[UInt64]>([])
    let watcher = try Thread(named: "control") {
      var object: [UInt8] = []
      bench.watch.bell.clear()
      let limit = bootTimeNanoseconds() + 5_000_000_000
      while bootTimeNanoseconds() < limit {
        while let next = bench.watch.take(into: &object) { seen.withLock { $0.append(next) } }
        if seen.withLock({ $0.last }) == 2000 { return }
        bench.watch.bell.wait(until: limit)
      }
    }
    #expect(try end(bench) == nil)
    watcher.join()
    let got = seen.withLock { $0 }
    #expect(got.last == 2000 && got.count < 2000 && got == got.sorted())
  }

  @Test func theSameEventsGiveTheSameBytesWhateverTheDiskDoes() throws {
    func bytes(slow: Bool) throws -> [UInt8] {
      var options = LedgerOptions()
      options.bufferBytes = LedgerOptions.maximumRecordBytes + 8192
      options.segmentBytes = 20_000
      if slow {
        options.output.synchronize = { file in
          usleep(2000)
          return fdatasync(file) == 0 ? 0 : -errno
        }
      }
      let bench = try RecordingBench(ScriptedModel().model(), waits: true, options: options)
      let writer = try bench.startWriter()
      let recorder = try Thread(named: "recorder") { bench.recorder.run() }
      bench.events.put(.start(order: [0, 1], at: .zero))
      for number in 1...400 as ClosedRange<UInt64> { bench.events.put(decision(number)) }
      bench.events.put(.stop(reason: "end", closing: ClosingEnergy(), at: .zero + .seconds(600)))
      recorder.join()
      writer.join()
      #expect(bench.recorder.error == nil && bench.events.lost == (0, 0))
      #expect(try audit(bench.scratch.directory).findings == [])
      return bench.scratch.bytes
    }
    let quick = try bytes(slow: false)
    #expect(quick.count > 100_000)
    #expect(try bytes(slow: true) == quick)
  }

  @Test func aDiskThatHangsEndsInItsTimeAndIsSaid() throws {
    let bench = try RecordingBench(ScriptedModel().model(), isReplay: false)
    bench.events.put(decision(1))
    bench.recorder.hurry()
    bench.events.put(.stop(reason: "signal", closing: ClosingEnergy(), at: .zero + .seconds(1)))
    // No writer: it hangs.
    let begun = bootTimeNanoseconds()
    bench.recorder.run()
    #expect(bootTimeNanoseconds() - begun < 4_000_000_000)
    #expect(bench.recorder.error == .notConfirmed(path: bench.scratch.directory, errno: nil))
  }

  @Test func aPipelineThatDoesNotEndKeepsNoLedgerOpen() throws {
    let bench = try RecordingBench(ScriptedModel().model(), isReplay: false)
    let writer = try bench.startWriter()
    bench.events.put(decision(1))
    bench.recorder.hurry()
    bench.recorder.run()
    writer.join()
    #expect(bench.recorder.error == nil && bench.recorder.hasEnded)
    let report = try audit(bench.scratch.directory)
    #expect(report.findings == [] && report.types["stop"] == 1)
  }
}

@Suite struct UTCClockTests {
  @Test func aStepIsToldOnceAndSmallOnesAddUp() {
    let offset = Mutex<Int64>(1_000_000_000_000)
    var clock = UTCClock { (wall: offset.withLock { $0 } + 5, boot: 5) }
    #expect(clock.step() == nil)
    offset.withLock { $0 += 400_000_000 }
    #expect(clock.step() == nil)
    offset.withLock { $0 += 400_000_000 }
    #expect(clock.step() == .milliseconds(800))
    #expect(clock.step() == nil)
    offset.withLock { $0 -= 3_600_000_000_000 }
    #expect(clock.step() == .seconds(-3600))
    #expect(clock.stamp(.zero + .seconds(2)).utc == offset.withLock { $0 } + 2_000_000_000)
  }

  @Test func aReplayHasNone() {
    var clock = UTCClock.none
    #expect(clock.step() == nil)
    #expect(clock.stamp(.zero) == LedgerStamp(boot: .zero))
  }
}

@Suite struct WatchdogTests {
  @Test func isFedOnlyWhenAllThreeMoved() throws {
    let beats = Heartbeats()
    var fed = 0
    let pings = Atomic<Int>(0)
    guard
      var watchdog = Watchdog(
        beats, time: .seconds(10), now: .zero, ping: { pings.add(1, ordering: .relaxed) },
        tell: { fed += 1 })
    else {
      Issue.record("no watchdog where systemd waits for one")
      return
    }
    func at(_ seconds: Int64) -> Instant { .zero + .seconds(seconds) }
    #expect(watchdog.next == at(5))
    beats.beatPipeline()
    beats.beatRecorder()
    beats.beatControl()
    watchdog.turn(at: at(4))
    #expect(fed == 0)
    watchdog.turn(at: at(5))
    #expect(fed == 1 && watchdog.next == at(10))
    for missing in 0..<3 {
      if missing != 0 { beats.beatPipeline() }
      if missing != 1 { beats.beatRecorder() }
      if missing != 2 { beats.beatControl() }
      watchdog.turn(at: watchdog.next)
      #expect(fed == 1)
    }
    #expect(pings.load(ordering: .relaxed) == 5)
  }

  @Test func systemdThatWaitsForNothingIsToldNothing() {
    #expect(Watchdog(Heartbeats(), time: nil, ping: {}) == nil)
  }
}
