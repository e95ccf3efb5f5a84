import Synchronization
import Vocabulary

/// The newest picture, handed from a camera's thread to the pipeline's without either waiting for the other to
/// finish with its bytes: three buffers, of which each thread owns one and the third changes hands. They hold what the
/// camera delivered; pixels are made of it by who looks, once a picture: most are never looked at.
final class FrameSlot: @unchecked Sendable {
  // Unchecked: a buffer is touched only by the thread that owns its index, and indices change hands under the lock.
  // The pixels are the pipeline's.

  private struct Buffer {
    var bytes: UnsafeMutableRawBufferPointer
    var layout = PixelLayout.grey(width: 1, height: 1, stride: 1, fullRange: true)
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
  private let channels: Int
  private var pixels = UnsafeMutableBufferPointer<UInt8>(start: nil, count: 0)
  /// The pixels are those of the buffer being read.
  private var isConverted = false
  /// Pictures that pixels were made of.
  private(set) var conversions = 0

  /// - Parameter channels: of the pixels: 1 (grey) or 3 (RGB).
  init(channels: Int) {
    self.channels = channels
    buffers = .allocate(capacity: 3)
    buffers.initialize(
      repeating: Buffer(bytes: UnsafeMutableRawBufferPointer(start: nil, count: 0)), count: 3)
  }

  deinit {
    for i in 0..<3 { buffers[i].bytes.deallocate() }
    buffers.deallocate()
    pixels.deallocate()
  }

  /// The camera's thread: copies a picture's bytes and makes it the newest. Allocates when the size grows only.
  /// - Precondition: `bytes` holds `layout.byteCount` bytes.
  func publish(_ bytes: UnsafeRawBufferPointer, _ layout: PixelLayout, captured: Instant) {
    let mine = exchange.withLock { $0.writing }
    let size = layout.byteCount
    if buffers[mine].bytes.count < size {
      buffers[mine].bytes.deallocate()
      buffers[mine].bytes = .allocate(byteCount: size, alignment: 16)
    }
    buffers[mine].bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[0..<size]))
    buffers[mine].layout = layout
    buffers[mine].captured = captured
    exchange.withLock { exchange in
      swap(&exchange.writing, &exchange.ready)
      exchange.isFresh = true
      exchange.isEmpty = false
    }
  }

  /// The pipeline's thread: the newest picture captured at `earliest` or later; nil if there is none. Allocates when the
  /// size grows only.
  func withNewest<R>(notBefore earliest: Instant, _ body: (PixelView, Instant) -> R) -> R? {
    let (mine, isNew): (Int?, Bool) = exchange.withLock { exchange in
      let isFresh = exchange.isFresh
      if isFresh {
        swap(&exchange.reading, &exchange.ready)
        exchange.isFresh = false
      }
      return (exchange.isEmpty ? nil : exchange.reading, isFresh)
    }
    if isNew { isConverted = false }
    guard let mine, buffers[mine].captured >= earliest else { return nil }
    return body(view(of: mine), buffers[mine].captured)
  }

  /// The picture's pixels.
  private func view(of buffer: Int) -> PixelView {
    let layout = buffers[buffer].layout
    let size = layout.width * layout.height * channels
    if pixels.count < size {
      pixels.deallocate()
      pixels = .allocate(capacity: size)
    }
    if !isConverted {
      layout.convert(UnsafeRawBufferPointer(buffers[buffer].bytes), channels: channels, into: pixels)
      isConverted = true
      conversions += 1
    }
    return PixelView(
      base: UnsafePointer(pixels.baseAddress!), width: layout.width, height: layout.height,
      channels: channels)
  }
}
