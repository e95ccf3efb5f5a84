/// Recorded pictures at a steady rate: a video file or a directory of stills.
package protocol FrameSource: AnyObject {
  var width: Int { get }
  var height: Int { get }
  /// Frames; at least 1.
  var count: Int { get }
  var frameRate: FrameRate { get }
  /// What people should know of a source that is usable and not whole; one line.
  var remark: String? { get }

  /// Writes frame `index` as packed full-range grey (`channels` 1) or RGB (3). Allocates nothing where it can.
  /// - Precondition: `pixels` holds `width * height * channels` bytes.
  func read(_ index: Int, channels: Int, into pixels: UnsafeMutableBufferPointer<UInt8>) throws(SensingError)
}

extension FrameSource {
  package var remark: String? { nil }
}
