import Testing
import Vocabulary

@testable import Adaptation

@Suite struct BufferTests {
  private let two = layout([2, 3])
  private let scene = Scene(skill: [0.9, 0.7])

  @Test func aLayoutTakesWhatARecordHasRoomFor() {
    #expect(ExitLayout(exitCounts: []) == nil)
    #expect(ExitLayout(exitCounts: [2, 0]) == nil)
    #expect(ExitLayout(exitCounts: [16, 17]) == nil)
    #expect(ExitLayout(exitCounts: [16, .max]) == nil)
    #expect(layout([16, 16]).count == ExitLayout.maximumExits)
    #expect((0..<2).map { two.lastRow(of: $0) } == [1, 4])
    #expect(two.row(modality: 1, exit: 1) == 2)
  }

  /// Against a plain array that keeps everything and counts anew.
  @Test func isTheNewestOfAPlainArray() {
    var draws = SeededDraws(seed: 1)
    for _ in 0..<60 {
      let capacity = 1 + draws.index(below: 12)
      let share = draws.uniform()
      let ageLimit: Nanoseconds? = draws.chance(0.5) ? .seconds(Int64(1 + draws.index(below: 200))) : nil
      var buffer = ValidationBuffer(two, capacity: capacity, ageLimit: ageLimit, clientShare: share)
      var plain: [AuditRecord] = []
      func most() -> Int { Int((share * Double(plain.count)).rounded(.up)) }
      func settle(_ now: Instant) {
        if plain.count > capacity { plain.removeFirst() }
        if let ageLimit { plain.removeAll { now - $0.end > ageLimit } }
        while plain.count(where: { $0.clientLabel != nil }) > most(),
          let index = plain.firstIndex(where: { $0.clientLabel != nil })
        {
          plain[index].clientLabel = nil
        }
      }
      var now = Instant.zero
      for number in 1...80 {
        now = now + .seconds(Int64(draws.index(below: 40)))
        let record = scene.record(UInt64(number), at: now, two, &draws)
        buffer.append(record)
        plain.append(record)
        settle(now)
        let decision = UInt64(max(0, number - draws.index(below: 15)))
        let outcome = buffer.label(decision, as: 2)
        if let index = plain.firstIndex(where: { $0.decision == decision }), decision > 0 {
          let hasRoom = plain.count(where: { $0.clientLabel != nil }) < most()
          #expect(outcome == (plain[index].clientLabel != nil || hasRoom ? .accepted : .shareReached))
          if outcome == .accepted { plain[index].clientLabel = 2 }
        } else {
          #expect(outcome == .unknownDecision)
        }
        #expect(buffer.indices.map { buffer[$0] } == plain)
        #expect(buffer.clientLabels == plain.count(where: { $0.clientLabel != nil }))
      }
    }
  }

  @Test func aClientsLabelGoesBeforeFusion() throws {
    var draws = SeededDraws(seed: 2)
    var buffer = ValidationBuffer(two, capacity: 4)
    buffer.append(scene.record(7, at: .zero, two, &draws))
    #expect(buffer[0].reference?.source == .fusion)
    #expect(buffer[0].reference?.certainty == buffer[0].fusion.certainty)
    #expect(buffer.label(7, as: 3) == .accepted)
    #expect(buffer[0].reference == ReferenceLabel(label: 3, source: .client, certainty: 1))
    #expect(buffer[0].isCorrect(buffer[0].fusion) == (buffer[0].fusion.label == 3))
    #expect(buffer[0].isCorrect(.missing) == nil)
  }

  @Test func aMissingSensorIsNotAvailable() {
    var record = AuditRecord(decision: 1, end: .zero)
    for exit in 1...2 {
      record.enter(
        Reading(
          exit: .encoder(modality: 0, exit: exit), entropy: 0.1, label: 1, certainty: 1, macs: 0,
          parameters: 0),
        two)
    }
    #expect(record.available(two) == ModalitySet(index: 0))
    #expect(record.reference == nil && !record.isEvent(none: 0))
  }

  private func full() -> (ValidationBuffer, [UInt8]) {
    var draws = SeededDraws(seed: 3)
    var buffer = ValidationBuffer(two, capacity: 20)
    scene.fill(&buffer, 30, &draws)
    _ = buffer.label(25, as: 1)
    var lacking = AuditRecord(decision: 31, end: Instant.zero + .seconds(600), cost: Nanojoules(5))
    lacking.inactive = ModalitySet(index: 1)
    buffer.append(lacking)
    return (buffer, buffer.bytes(model: 42, classCount: 4, savedAt: Instant.zero + .seconds(700)))
  }

  @Test func comesBackAsItWasSaved() throws {
    let (buffer, bytes) = full()
    var back = ValidationBuffer(two, capacity: 20)
    try back.restore(
      bytes, model: 42, classCount: 4, at: Instant.zero + .seconds(50), away: .seconds(10))
    #expect(back.count == 20 && back.clientLabels == 1)
    for index in buffer.indices {
      var expected = buffer[index]
      // 700 s is now 50 s, 10 s later.
      expected.end = expected.end - .seconds(660)
      expected.decision = 0
      #expect(back[index] == expected)
    }
    #expect(back.label(25, as: 1) == .unknownDecision)
    var small = ValidationBuffer(two, capacity: 5)
    try small.restore(bytes, model: 42, classCount: 4, at: Instant.zero + .seconds(700))
    #expect(small.count == 5 && small[4].end == buffer[19].end)
    var young = ValidationBuffer(two, capacity: 20, ageLimit: .seconds(150))
    try young.restore(bytes, model: 42, classCount: 4, at: .zero)
    #expect(
      young.count == buffer.indices.count { Instant.zero + .seconds(700) - buffer[$0].end <= .seconds(150) })
  }

  @Test func everyDamageIsRefused() {
    let (_, bytes) = full()
    func fault(_ bytes: [UInt8], model: UInt64 = 42, classes: Int = 4, _ exits: [Int] = [2, 3])
      -> BufferFault?
    {
      var back = ValidationBuffer(layout(exits), capacity: 20)
      do throws(BufferFault) {
        try back.restore(bytes, model: model, classCount: classes, at: .zero)
        return nil
      } catch {
        return error
      }
    }
    #expect(fault(bytes) == nil)
    #expect(fault([]) == .notABuffer)
    #expect(fault(bytes, model: 43) == .otherModel)
    #expect(fault(bytes, classes: 5) == .otherModel)
    #expect(fault(bytes, [2, 2]) == .otherModel)
    var missed = 0
    for index in stride(from: 0, to: bytes.count, by: 1) {
      for bit in index < 48 ? Array(0..<8) : [index % 8] {
        var damaged = bytes
        damaged[index] ^= 1 << UInt8(bit)
        if fault(damaged) != (index < 8 ? .notABuffer : .wrongDigest) { missed += 1 }
      }
    }
    for length in 0..<bytes.count where fault(Array(bytes.prefix(length))) == nil { missed += 1 }
    #expect(missed == 0)
    #expect(fault(bytes + [0]) == .wrongDigest)
  }

  @Test func arbitraryBytesAreRefusedWithoutATrap() {
    let (_, bytes) = full()
    var draws = SeededDraws(seed: 4)
    for _ in 0..<800 {
      // With a digest that is right, so that the records themselves are looked at.
      var changed = Array(bytes.dropLast(8))
      for _ in 0...draws.index(below: 4) {
        changed[8 + draws.index(below: changed.count - 8)] = UInt8(truncatingIfNeeded: draws.next())
      }
      if draws.chance(0.1) { changed.removeLast(draws.index(below: 60)) }
      var hash: UInt64 = 0xCBF2_9CE4_8422_2325
      for byte in changed { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      for index in 0..<8 { changed.append(UInt8(truncatingIfNeeded: hash >> UInt64(8 * index))) }
      var back = ValidationBuffer(two, capacity: 20)
      do throws(BufferFault) {
        try back.restore(changed, model: 42, classCount: 4, at: .zero)
        for index in back.indices { #expect(back[index].exits[4].label < 4) }
      } catch {
        #expect(back.count == 0 && !error.description.isEmpty)
      }
    }
  }
}
