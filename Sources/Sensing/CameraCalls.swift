import CV4L2
import Glibc
import Linux

/// What a camera stream asks of the system: libv4l2's calls, or what a test puts in their place.
/// Codes are 0 or more, or the negative errno; a call that a signal interrupted is repeated.
package struct CameraCalls: Sendable {
  /// Opens for reading and writing, without blocking; the descriptor.
  package var open: @Sendable (_ path: String) -> Int32
  /// ioctl(2).
  package var control:
    @Sendable (_ descriptor: Int32, _ request: UInt, _ argument: UnsafeMutableRawPointer) -> Int32
  /// Shares the driver's buffer at `offset`; nil with the code set when it cannot be.
  package var map:
    @Sendable (_ descriptor: Int32, _ length: Int, _ offset: Int64, _ code: inout Int32) ->
      UnsafeMutableRawPointer?
  package var unmap: @Sendable (UnsafeMutableRawBufferPointer) -> Void
  package var close: @Sendable (_ descriptor: Int32) -> Void
  /// The format, as V4L2's four letters, that the driver itself delivers, whatever libv4l2 makes of it; 0 where that cannot be known.
  package var nativeFormat: @Sendable (_ descriptor: Int32) -> UInt32
  /// The program that decodes JPEG pictures.
  package var decoder = PictureDecoder.ownProgram

  package init(
    open: @escaping @Sendable (String) -> Int32,
    control: @escaping @Sendable (Int32, UInt, UnsafeMutableRawPointer) -> Int32,
    map: @escaping @Sendable (Int32, Int, Int64, inout Int32) -> UnsafeMutableRawPointer?,
    unmap: @escaping @Sendable (UnsafeMutableRawBufferPointer) -> Void,
    close: @escaping @Sendable (Int32) -> Void,
    nativeFormat: @escaping @Sendable (Int32) -> UInt32 = { _ in 0 }
  ) {
    self.open = open
    self.control = control
    self.map = map
    self.unmap = unmap
    self.close = close
    self.nativeFormat = nativeFormat
  }

  package static let system = CameraCalls(
    open: { path in
      let descriptor = mmx_v4l2_open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
      return descriptor < 0 ? -errnoNow() : descriptor
    },
    control: { descriptor, request, argument in
      while true {
        let code = mmx_v4l2_ioctl(descriptor, request, argument)
        if code >= 0 { return code }
        if errnoNow() != EINTR { return -errnoNow() }
      }
    },
    map: { descriptor, length, offset, code in
      let memory = v4l2_mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, offset)
      if let memory, memory != MAP_FAILED { return memory }
      code = -errnoNow()
      return nil
    },
    unmap: { _ = v4l2_munmap($0.baseAddress, $0.count) },
    close: { _ = v4l2_close($0) },
    nativeFormat: { mmx_v4l2_native_format($0) })
}
