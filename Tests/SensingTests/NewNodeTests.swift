import Glibc
import Testing
import Vocabulary

@testable import Sensing

/// A device node whose group udev has not set yet.
@Suite struct NewNodeTests {
  private let directory = TemporaryDirectory()

  private func refusal(_ fault: SensorFault) -> SensingError { SensingError("x", .device(fault, detail: "")) }

  @Test func onlyTheRefusalOfAYoungNodeIsDoubted() throws {
    let young = try directory.write("video0", [])
    let patience = NewNode.patience(after: refusal(.permissionDenied), of: ["/proc/self/absent", young])
    #expect(patience > .zero && patience <= NewNode.grace)
    for fault in [SensorFault.absent, .busy, .ioError] {
      #expect(NewNode.patience(after: refusal(fault), of: [young]) == .zero)
    }
    #expect(NewNode.patience(after: refusal(.permissionDenied), of: []) == .zero)
    #expect(
      NewNode.left(at: .seconds(2)) == .zero && NewNode.left(at: .milliseconds(1_999)) == .milliseconds(1))
    #expect(NewNode.left(at: .zero - .seconds(1)) == .zero, "a clock that was set back")
  }

  @Test func aCameraThatGetsItsGroupIsNoFault() throws {
    let node = try directory.write("video0", [])
    let bench = try FaultyDriverTests.Bench(.camera, wakeLimit: .seconds(20)) {
      $0.open = .fails(EACCES)
    } configure: {
      $0.device = node
    }
    bench.rig.wake(0)
    #expect(bench.rig.next(until: bench.rig.now + .milliseconds(300)) == .deadline, "nothing is told")
    bench.driver.set { $0.open = .works }
    #expect(bench.isAwake() && bench.delivers(.camera))
    #expect(bench.rig.counters(of: 0).faults == 0)
  }

  @Test func aCameraThatGetsNoneIsToldOnce() throws {
    let node = try directory.write("video0", [])
    let bench = try FaultyDriverTests.Bench(.camera, wakeLimit: .seconds(20)) {
      $0.open = .fails(EACCES)
    } configure: {
      $0.device = node
    }
    bench.rig.wake(0)
    #expect(bench.fault() == .permissionDenied)
    #expect(bench.rig.counters(of: 0).faults == 1)
  }
}
