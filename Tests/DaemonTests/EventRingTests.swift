import Linux
import Testing
import Vocabulary

@testable import Daemon

@Suite struct EventRingTests {
  private func decision(_ number: UInt64) -> PipelineEvent {
    .decision(Decision(number: number, start: .zero, end: .zero))
  }

  private func numbers(_ ring: EventRing, _ most: Int = .max) -> [UInt64] {
    var seen: [UInt64] = []
    while seen.count < most,
      ring.take({ if case .decision(let decision) = $0 { seen.append(decision.number) } })
    {}
    return seen
  }

  @Test func aFullRingDropsAndCounts() throws {
    let ring = try EventRing(waits: false, bell: Bell())
    for number in 1...UInt64(EventRing.capacity + 5) { ring.put(decision(number)) }
    ring.put(.note(.noSensor(at: .zero)))
    #expect(ring.lost == (5, 1))
    #expect(numbers(ring) == Array(1...UInt64(EventRing.capacity)))
    ring.put(decision(900))
    #expect(numbers(ring) == [900])
  }

  @Test func aRingThatWaitsLosesNothing() throws {
    let ring = try EventRing(waits: true, bell: Bell())
    let count = UInt64(EventRing.capacity) * 20
    let producer = try Thread(named: "producer") {
      for number in 1...count { ring.put(.decision(Decision(number: number, start: .zero, end: .zero))) }
    }
    var seen: [UInt64] = []
    while seen.count < Int(count) { seen += numbers(ring, 3) }
    producer.join()
    #expect(seen == Array(1...count))
    #expect(ring.lost == (0, 0))
  }
}
