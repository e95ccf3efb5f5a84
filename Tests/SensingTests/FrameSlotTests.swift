import Linux
import Testing
import Vocabulary

@testable import Sensing

@Suite struct FrameSlotTests {
  private func publish(_ slot: FrameSlot, _ value: UInt8, at milliseconds: Int64, width: Int = 2) {
    [UInt8](repeating: value, count: width).withUnsafeBytes {
      slot.publish(
        $0, .grey(width: width, height: 1, stride: width, fullRange: true), captured: at(milliseconds))
    }
  }

  private func newest(_ slot: FrameSlot, notBefore earliest: Int64 = 0) -> [Int]? {
    slot.withNewest(notBefore: at(earliest)) { view, captured in
      [Int(view.base[view.width - 1]), view.width, Int(captured.sinceBoot / 1_000_000)]
    }
  }

  @Test func theNewestIsSeenAsOftenAsLookedAt() {
    let slot = FrameSlot(channels: 1)
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

  @Test func pixelsAreMadeOfPicturesThatAreLookedAtOnly() {
    let slot = FrameSlot(channels: 3)
    // Two pixels of Y0 Cb Y1 Cr: limited range, no colour.
    let layout = PixelLayout.yuyv(width: 2, height: 1, stride: 4, fullRange: false)
    for n in 0..<10 as Range<UInt8> {
      [16 + n, 128, 235, 128].withUnsafeBytes { slot.publish($0, layout, captured: at(Int64(n))) }
    }
    #expect(slot.conversions == 0)
    for _ in 0..<2 {
      let seen = slot.withNewest(notBefore: .zero) { view, captured in
        (Array(UnsafeBufferPointer(start: view.base, count: 6)), view.channels, captured)
      }
      #expect(seen?.0 == [10, 10, 10, 255, 255, 255] && seen?.1 == 3 && seen?.2 == at(9))
      #expect(slot.conversions == 1)
    }
    #expect(newest(slot, notBefore: 10) == nil)
    #expect(slot.conversions == 1, "nor of one from before the wake")
    [17, 128, 18, 128].withUnsafeBytes { slot.publish($0, layout, captured: at(11)) }
    #expect(newest(slot, notBefore: 10)?[2] == 11)
    #expect(slot.conversions == 2)
  }

  @Test func framesFromBeforeTheWakeAreNotShown() {
    let slot = FrameSlot(channels: 1)
    publish(slot, 1, at: 10)
    #expect(newest(slot, notBefore: 11) == nil)
    publish(slot, 2, at: 20)
    #expect(newest(slot, notBefore: 11) == [2, 2, 20])
  }

  @Test func aFrameBeingReadIsNeverWritten() throws {
    let slot = FrameSlot(channels: 1)
    publish(slot, 7, at: 1, width: 1_000)
    let held: Bool? = slot.withNewest(notBefore: .zero) { view, _ in
      for n in 0..<10 { publish(slot, UInt8(100 + n), at: Int64(2 + n), width: 1_000) }
      return UnsafeBufferPointer(start: view.base, count: 1_000).allSatisfy { $0 == 7 }
    }
    #expect(held == true)
    #expect(newest(slot) == [109, 1_000, 11])
  }

  @Test func aReaderBesideAWriterSeesWholeFrames() throws {
    let slot = FrameSlot(channels: 1)
    let writer = try Thread(named: "writer") {
      for n in 0..<5_000 {
        [UInt8](repeating: UInt8(truncatingIfNeeded: n), count: 512).withUnsafeBytes {
          slot.publish(
            $0, .grey(width: 64, height: 8, stride: 64, fullRange: true), captured: at(Int64(n)))
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
