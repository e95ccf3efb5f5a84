import Linux
import Testing
import Vocabulary

@testable import Sensing

@Suite struct FrameSlotTests {
  private func publish(_ slot: FrameSlot, _ value: UInt8, at milliseconds: Int64, width: Int = 2) {
    slot.publish(width: width, height: 1, channels: 1, captured: at(milliseconds)) {
      $0.update(repeating: value)
    }
  }

  private func newest(_ slot: FrameSlot, notBefore earliest: Int64 = 0) -> [Int]? {
    slot.withNewest(notBefore: at(earliest)) { view, captured in
      [Int(view.base[view.width - 1]), view.width, Int(captured.sinceBoot / 1_000_000)]
    }
  }

  @Test func theNewestIsSeenAsOftenAsLookedAt() {
    let slot = FrameSlot()
    #expect(newest(slot) == nil)
    publish(slot, 1, at: 10)
    #expect(newest(slot) == [1, 2, 10])
    #expect(newest(slot) == [1, 2, 10])
    publish(slot, 2, at: 20)
    publish(slot, 3, at: 30)
    publish(slot, 4, at: 40, width: 5)
    #expect(newest(slot) == [4, 5, 40])
    publish(slot, 5, at: 50)
    #expect(newest(slot) == [5, 2, 50])
  }

  @Test func framesFromBeforeTheWakeAreNotShown() {
    let slot = FrameSlot()
    publish(slot, 1, at: 10)
    #expect(newest(slot, notBefore: 11) == nil)
    publish(slot, 2, at: 20)
    #expect(newest(slot, notBefore: 11) == [2, 2, 20])
  }

  @Test func aFrameBeingReadIsNeverWritten() throws {
    let slot = FrameSlot()
    publish(slot, 7, at: 1, width: 1_000)
    let held: Bool? = slot.withNewest(notBefore: .zero) { view, _ in
      for n in 0..<10 { publish(slot, UInt8(100 + n), at: Int64(2 + n), width: 1_000) }
      return UnsafeBufferPointer(start: view.base, count: 1_000).allSatisfy { $0 == 7 }
    }
    #expect(held == true)
    #expect(newest(slot) == [109, 1_000, 11])
  }

  @Test func aReaderBesideAWriterSeesWholeFrames() throws {
    let slot = FrameSlot()
    let writer = try Thread(named: "writer") {
      for n in 0..<5_000 {
        slot.publish(width: 64, height: 8, channels: 1, captured: at(Int64(n))) {
          $0.update(repeating: UInt8(truncatingIfNeeded: n))
        }
      }
    }
    var last: Int64 = -1
    var torn = 0
    while last < 4_999 {
      slot.withNewest(notBefore: .zero) { view, captured in
        let frame = captured.sinceBoot / 1_000_000
        if frame < last { torn += 1 }
        let pixels = UnsafeBufferPointer(start: view.base, count: 512)
        if !pixels.allSatisfy({ $0 == UInt8(truncatingIfNeeded: frame) }) { torn += 1 }
        last = frame
      }
    }
    writer.join()
    #expect(torn == 0)
  }
}
