import Testing

@testable import Linux

/// The ring against a plain array, and between two threads.
@Suite struct ByteRingTests {
  /// Linear congruential, so that a failure can be played again.
  private struct Dice {
    var state: UInt64
    mutating func roll(_ sides: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % sides
    }
  }

  @Test(arguments: 1...60) func everyScheduleGivesWhatAQueueGives(_ seed: UInt64) {
    var dice = Dice(state: seed)
    let capacity = 1 + dice.roll(40)
    let ring = ByteRing(capacity: capacity)
    var model: [UInt8] = []
    var unpublished: [UInt8] = []
    var next: UInt8 = 0
    for _ in 0..<2000 {
      switch dice.roll(4) {
      case 0, 1:
        let bytes = (0..<dice.roll(capacity + 1)).map { _ -> UInt8 in
          next &+= 1
          return next
        }
        #expect(ring.free == capacity - model.count - unpublished.count)
        if bytes.count <= ring.free {
          bytes.withUnsafeBytes { ring.append($0) }
          unpublished += bytes
        }
      case 2:
        ring.publish()
        model += unpublished
        unpublished = []
      default:
        #expect(ring.count == model.count)
        var seen = [UInt8](repeating: 0, count: model.count)
        seen.withUnsafeMutableBytes { ring.copy(from: 0, into: $0) }
        #expect(seen == model)
        var pieces: [UInt8] = []
        while pieces.count < model.count { pieces += ring.piece(from: pieces.count, before: model.count) }
        #expect(pieces == model)
        let wanted = UInt8(truncatingIfNeeded: dice.roll(256))
        let start = dice.roll(model.count + 1)
        #expect(
          ring.place(behind: wanted, from: start, before: model.count)
            == model[start...].firstIndex(of: wanted).map { $0 + 1 })
        let taken = dice.roll(model.count + 1)
        ring.take(taken)
        model.removeFirst(taken)
      }
    }
  }

  @Test func twoThreadsPassEveryByteInOrder() throws {
    let ring = ByteRing(capacity: 61)
    let total = 200_000
    let producer = try Thread(named: "producer") {
      var sent = 0
      while sent < total {
        let count = min(1 + sent % 17, total - sent)
        guard ring.free >= count else { continue }
        for index in 0..<count {
          withUnsafeBytes(of: UInt8(truncatingIfNeeded: sent + index)) { ring.append($0) }
        }
        ring.publish()
        sent += count
      }
    }
    var got = 0
    var wrong = 0
    while got < total {
      let count = ring.count
      for byte in ring.piece(from: 0, before: count) {
        if byte != UInt8(truncatingIfNeeded: got) { wrong += 1 }
        got += 1
      }
      ring.take(count == 0 ? 0 : min(count, got - ring.takenEver))
    }
    producer.join()
    #expect(wrong == 0 && ring.count == 0)
  }
}
