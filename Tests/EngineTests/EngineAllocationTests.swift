import CAllocationCounter
import Engine
import Testing
import Vocabulary

@Suite struct EngineAllocationTests {
  @Test(.enabled(if: mmx_counts_allocations() == 1, "a sanitizer owns the allocator"))
  func aWindowTakesNothingFromTheHeap() throws {
    let model = try Model.decode(Networks.random(seed: 4).bytes)
    var engine = Engine(model)
    var sound = SoundActivity(sampleRate: 8000)
    var motion = FrameActivity()
    let pcm = [Int16](repeating: 3, count: 1000)
    let vector = [Float](repeating: 1, count: 5)
    let pixels = [UInt8](repeating: 9, count: 40 * 30 * 3)
    func window() -> Float {
      engine.beginWindow()
      var sum: Float = 0
      pcm.withUnsafeBufferPointer { buffer in
        engine.setInput(1, pcm: buffer)
        sum += Float(sound.observe(buffer).level)
      }
      vector.withUnsafeBufferPointer { engine.setInput(2, vector: $0) }
      pixels.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        let view = PixelView(base: base, width: 40, height: 30, channels: 3)
        engine.setInput(0, image: view)
        sum += Float(motion.observe(view).level)
      }
      for modality in 0..<3 {
        while !engine.isComplete(modality) { sum += engine.advance(modality).entropy }
      }
      sum += engine.fuse(.all(3)).entropy
      return sum + engine.withProbabilities { $0[0] }
    }
    let first = window()
    let before = mmx_allocations()
    var same = true
    for _ in 0..<50 { same = window() == first && same }
    let after = mmx_allocations()
    #expect(after == before)
    #expect(same)
    #expect([Reading](repeating: engine.fuse(.all(3)), count: 3).count == 3)
    #expect(mmx_allocations() > after, "the counter counts")
  }
}
