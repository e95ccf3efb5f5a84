import Glibc
import Testing
import Vocabulary

@testable import Sensing

/// A device node whose group udev has not set yet.
@Suite struct NewNodeTests {
  private let directory = TemporaryDirectory()

  private func refusal(_ fault: SensorFault) -> SensingError { SensingError("x", .device(fault, detail: "")) }

  @Test func onlyTheRefusalOfAYoungNodeIsDoubted() throws {
    func patience(_ fault: SensorFault, _ age: Nanoseconds?) -> Nanoseconds {
      NewNode.patience(after: refusal(fault), of: ["old", "new"]) { $0 == "new" ? age : .seconds(60) }
    }
    #expect(patience(.permissionDenied, .milliseconds(1_500)) == .milliseconds(500))
    #expect(patience(.permissionDenied, nil) == .zero)
    for fault in [SensorFault.absent, .busy, .ioError] { #expect(patience(fault, .zero) == .zero) }
    let age = NewNode.age(of: try directory.write("video0", []))
    #expect(try #require(age) >= .zero && NewNode.age(of: "/proc/self/absent") == nil)
    #expect(
      NewNode.left(at: .seconds(2)) == .zero && NewNode.left(at: .milliseconds(1_999)) == .milliseconds(1))
    #expect(NewNode.left(at: .zero - .seconds(1)) == .zero, "a clock that was set back")
  }

  @Test func aCameraThatGetsItsGroupMeanwhileIsNoFault() throws {
    let bench = try FaultyDriverTests.Bench(.camera, wakeLimit: .seconds(20)) {
      $0.open = .fails(EACCES)
    } limit: { limits, driver in
      // Asked behind the refusal; then udev sets it.
      limits.nodeAge = { _ in
        driver.set { $0.open = .works }
        return .milliseconds(1_900)
      }
    }
    bench.rig.wake(0)
    #expect(bench.isAwake() && bench.delivers(.camera))
    #expect(bench.rig.counters(of: 0).faults == 0)
  }

  @Test func aCameraThatGetsNoneIsToldOnce() throws {
    let bench = try FaultyDriverTests.Bench(.camera, wakeLimit: .seconds(20)) {
      $0.open = .fails(EACCES)
    } limit: { limits, _ in
      limits.nodeAge = { _ in .milliseconds(1_900) }
    }
    bench.rig.wake(0)
    #expect(bench.fault() == .permissionDenied)
    #expect(bench.rig.counters(of: 0).faults == 1)
  }
}
