/// Pixels a sensor or a file delivered: 8 bits a sample, rows packed, 1 (grey) or 3 (RGB, interleaved) channels.
/// Full range, 0...255. Borrowed: valid for the call it is passed to.
package struct PixelView {
  package let base: UnsafePointer<UInt8>
  package let width: Int
  package let height: Int
  package let channels: Int

  /// - Precondition: `base` holds `width * height * channels` bytes, `channels` is 1 or 3.
  package init(base: UnsafePointer<UInt8>, width: Int, height: Int, channels: Int) {
    precondition(width > 0 && height > 0 && (channels == 1 || channels == 3))
    self.base = base
    self.width = width
    self.height = height
    self.channels = channels
  }
}
