import Synchronization
import Vocabulary

/// The newest picture, handed from a camera's thread to the pipeline's without either waiting for the other to
/// finish with its pixels: three buffers, of which each thread owns one and the third changes hands.
final class FrameSlot: @unchecked Sendable {
  // Unchecked: a buffer is touched only by the thread that owns its index, and indices change hands under the lock.

  private struct Buffer {
    var pixels: UnsafeMutableBufferPointer<UInt8>
    var width = 0
    var height = 0
    var channels = 1
    var captured = Instant.zero
  }

  private struct Exchange {
    var writing = 0
    var ready = 1
    var reading = 2
    /// The ready buffer is newer than the one being read.
    var isFresh = false
    var isEmpty = true
  }

  /// Three; behind a pointer, so that no access to one is an access to the others.
  private let buffers: UnsafeMutablePointer<Buffer>
  private let exchange = Mutex(Exchange())

  init() {
    buffers = .allocate(capacity: 3)
    buffers.initialize(repeating: Buffer(pixels: UnsafeMutableBufferPointer(start: nil, count: 0)), count: 3)
  }

  deinit {
    for i in 0..<3 { buffers[i].pixels.deallocate() }
    buffers.deallocate()
  }

  /// The camera's thread: fills a picture and makes it the newest. Allocates when the size grows only.
  func publish(
    width: Int, height: Int, channels: Int, captured: Instant,
    _ fill: (UnsafeMutableBufferPointer<UInt8>) -> Void
  ) {
    let mine = exchange.withLock { $0.writing }
    let size = width * height * channels
    if buffers[mine].pixels.count < size {
      buffers[mine].pixels.deallocate()
      buffers[mine].pixels = .allocate(capacity: size)
      buffers[mine].pixels.initialize(repeating: 0)
    }
    buffers[mine].width = width
    buffers[mine].height = height
    buffers[mine].channels = channels
    buffers[mine].captured = captured
    fill(UnsafeMutableBufferPointer(rebasing: buffers[mine].pixels[0..<size]))
    exchange.withLock { exchange in
      swap(&exchange.writing, &exchange.ready)
      exchange.isFresh = true
      exchange.isEmpty = false
    }
  }

  /// The pipeline's thread: the newest picture captured at `earliest` or later; nil if there is none.
  func withNewest<R>(notBefore earliest: Instant, _ body: (PixelView, Instant) -> R) -> R? {
    let mine: Int? = exchange.withLock { exchange in
      if exchange.isFresh {
        swap(&exchange.reading, &exchange.ready)
        exchange.isFresh = false
      }
      return exchange.isEmpty ? nil : exchange.reading
    }
    guard let mine, let base = buffers[mine].pixels.baseAddress, buffers[mine].captured >= earliest else {
      return nil
    }
    let view = PixelView(
      base: UnsafePointer(base), width: buffers[mine].width, height: buffers[mine].height,
      channels: buffers[mine].channels)
    return body(view, buffers[mine].captured)
  }
}
