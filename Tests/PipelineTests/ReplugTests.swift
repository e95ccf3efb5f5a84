import Glibc
import Linux
import ScriptedDevices
import Testing
import Vocabulary

/// Microphone and camera plugged out and in again while both are in use. MMEXIT_REPLUGS says how often; 'tools/replug' does so
/// a hundred times and reads the line that is printed.
extension PipelineDeviceTests {
  private static let cycles = getenv("MMEXIT_REPLUGS").flatMap { Int(String(cString: $0)) } ?? 4
  /// Its class.
  private static let heard = 1

  private func plugOut(_ driver: Driver, hangs: Bool) {
    driver.set {
      if hangs { $0.close = .hangs }
      $0.open = .fails(ENOENT)
      $0.data = .fails(ENODEV)
    }
  }

  private func plugIn(_ driver: Driver) {
    driver.set {
      $0.open = .works
      $0.close = .works
      $0.data = .flows
    }
    driver.release()
  }

  /// - Parameter hangs: the driver holds the close of what was plugged out up until it is plugged in, as that of a sound card
  ///   does that waits for its last user.
  @Test(arguments: [false, true]) func pluggedOutAndInAgainAndAgain(hangs: Bool) throws {
    let drivers = [try Driver(), try Driver()]
    var lost: [String] = []
    let (said, left) = try run(
      drivers[0], drivers[1], audio: [.unsure, .unsure], longestBackoff: .milliseconds(50)
    ) { record in
      wait(record) { $0.decisions.last?.answer.label == Self.heard }
      for cycle in 1...Self.cycles {
        for (sensor, driver) in drivers.enumerated() {
          let before = record.read()
          plugOut(driver, hangs: hangs)
          // It is told, and decisions go on although the driver holds its thread.
          let isTold = wait(record) {
            $0.faults.count > before.faults.count && $0.decisions.count > before.decisions.count + 3
          }
          plugIn(driver)
          let isBack = wait(record) { $0.recoveries[sensor] == cycle }
          if !isTold || !isBack {
            lost.append("sensor \(sensor), cycle \(cycle): told \(isTold), back \(isBack)")
          }
          if lost.count > 2 { return }
        }
      }
    } until: {
      $0.recoveries == [Self.cycles, Self.cycles] && $0.decisions.last?.used.count == 2
    }
    #expect(lost == [])
    #expect(left == [], "no thread is left to itself")
    for driver in drivers {
      #expect(driver.counts.opens == driver.counts.closes, "what was opened is closed")
      #expect(driver.counts.opens > Self.cycles && driver.counts.hanging == 0)
    }
    let pauses = zip(said.decisions, said.decisions.dropFirst()).map {
      ($1.decided - $0.decided).count / 1_000_000
    }
    print(
      "replugged \(Self.cycles) times each\(hangs ? ", closes held up" : ""): \(said.decisions.count) decisions, "
        + "\(said.faults.count) faults told, longest pause \(pauses.max() ?? 0) ms")
  }
}
