import CKernels

extension mmx_spectrogram {
  /// One second of speech at 16 kHz as 49 x 40 log mel values.
  static var speech: mmx_spectrogram {
    mmx_spectrogram(
      sample_rate: 16_000, window: 16_000, frame: 480, hop: 320, fft: 512, frames: 49, bands: 40, mel: 1,
      f_min: 20, f_max: 7_600, floor: 1e-6, mean: -4, std: 3, center: 0)
  }

  /// This description with something changed.
  func with(_ change: (inout mmx_spectrogram) -> Void) -> mmx_spectrogram {
    var result = self
    change(&result)
    return result
  }

  /// Runs it on a window; nil when the description is refused or bytes beyond the result or the plan were touched.
  func run(_ pcm: [Int16], scale: Float, zero: Int32, times: Int = 1) -> [Int8]? {
    var d = self
    let size = mmx_spectrogram_size(&d)
    guard size > 0, pcm.count == Int(window) else { return nil }
    let sentinels = 64
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: size + sentinels, alignment: 16)
    defer { memory.deallocate() }
    // Whatever stood in the memory before must not matter.
    for i in memory.indices { memory[i] = 0xA5 }
    mmx_spectrogram_init(&d, memory.baseAddress)
    var result: [Int8]?
    for _ in 0..<times {
      result = written(Int(frames * bands)) {
        mmx_spectrogram_run(memory.baseAddress, pcm, frames, scale, zero, $0)
      }
    }
    return memory[size...].allSatisfy { $0 == 0xA5 } ? result : nil
  }
}
