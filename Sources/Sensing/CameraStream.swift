import CV4L2
import Glibc
import Linux
import Vocabulary

/// An open V4L2 capture device that streams into mapped buffers, non-blocking. What it sends is read as it is; libv4l2
/// converts only what no format of ours is, and never what is compressed.
/// Source: https://docs.kernel.org/userspace-api/media/v4l/capture.c.html
struct CameraStream: ~Copyable {
  /// One being filled, one ready, and two for a thread that is late.
  private static let bufferCount = 4

  let descriptor: Int32
  private let calls: CameraCalls
  private let subject: String
  private(set) var encoding = CameraEncoding.raw(.grey(width: 1, height: 1, stride: 1, fullRange: true))
  /// Of the largest buffer, and so of the largest frame.
  private(set) var largestFrame = 0
  /// From frame to frame, as the driver says.
  private(set) var interval = Nanoseconds.zero
  private var mapped: InlineArray<4, UnsafeMutableRawBufferPointer>
  private var mappedCount = 0
  private var isStreaming = false

  private init(owning descriptor: Int32, _ calls: CameraCalls, subject: String) {
    self.descriptor = descriptor
    self.calls = calls
    self.subject = subject
    mapped = InlineArray(repeating: UnsafeMutableRawBufferPointer(start: nil, count: 0))
  }

  deinit {
    // In this order: libv4l2 forgets its own buffers when it closes.
    if isStreaming { streamOff() }
    for i in 0..<mappedCount { calls.unmap(mapped[i]) }
    calls.close(descriptor)
  }

  /// Opens the device and lets it stream.
  static func open(
    path: String, _ wish: CameraChoice.Wish, settings: CameraSettings, subject: String, calls: CameraCalls
  ) throws(SensingError) -> CameraStream {
    let descriptor = calls.open(path)
    if descriptor < 0 { throw SensingError(subject, call: "open \(path)", errno: -descriptor, inUse: false) }
    var stream = CameraStream(owning: descriptor, calls, subject: subject)
    try stream.checkCapabilities()
    try stream.setFormat(wish)
    stream.setFrameRate(wish.frameRate)
    // Each time: a camera that was away has forgotten them.
    try settings.apply(to: descriptor, subject: subject, calls)
    try stream.mapBuffers()
    try stream.startStreaming()
    return stream
  }

  private func checkCapabilities() throws(SensingError) {
    var capability = v4l2_capability()
    try call("VIDIOC_QUERYCAP", mmx_VIDIOC_QUERYCAP, &capability)
    let has = capability.capabilities & mmx_V4L2_CAP_DEVICE_CAPS
    let node = has != 0 ? capability.device_caps : capability.capabilities
    for (bit, what) in [(mmx_V4L2_CAP_VIDEO_CAPTURE, "capture"), (mmx_V4L2_CAP_STREAMING, "streaming")]
    where node & bit == 0 {
      throw SensingError(subject, .device(.formatRefused, detail: "a device without video \(what)"))
    }
  }

  private mutating func setFormat(_ wish: CameraChoice.Wish) throws(SensingError) {
    let offer = CameraOffer(of: descriptor, calls)
    let ranked = CameraChoice.ranked(offer, wish)
    var last: Int32 = EINVAL
    for choice in ranked.isEmpty ? CameraChoice.emulated(wish) : ranked {
      var format = v4l2_format()
      format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
      format.fmt.pix.width = UInt32(choice.width)
      format.fmt.pix.height = UInt32(choice.height)
      format.fmt.pix.pixelformat = choice.format.fourCC
      format.fmt.pix.field = V4L2_FIELD_NONE.rawValue
      let code = calls.control(descriptor, mmx_VIDIOC_S_FMT, &format)
      if code < 0 {
        last = -code
        // Another program streams, or the device went: no other format will do better.
        if last == EBUSY || last == ENODEV { break }
      } else if let encoding = choice.format.encoding(format.fmt.pix, channels: wish.channels),
        isDecodedApart(choice.format, offer)
      {
        self.encoding = encoding
        return
      }
    }
    let error = SensingError(subject, call: "VIDIOC_S_FMT", errno: last, inUse: true)
    guard case .device(.formatRefused, let detail) = error.kind else { throw error }
    throw SensingError(subject, .device(.formatRefused, detail: "\(detail); it offers \(offer.summary)"))
  }

  /// Whether what the camera sends is decoded by no library in this process: libv4l2 may have picked a compressed format of the
  /// camera's to make what was asked for.
  private func isDecodedApart(_ format: CameraFormat, _ offer: CameraOffer) -> Bool {
    let native = calls.nativeFormat(descriptor)
    if native == 0 || native == format.fourCC { return true }
    return offer.formats.contains { $0.fourCC == native && !$0.isCompressed }
  }

  /// Drivers that have no say in their rate refuse; then the rate asked for is what is expected.
  private mutating func setFrameRate(_ rate: FrameRate) {
    interval = rate.interval
    var parameters = v4l2_streamparm()
    parameters.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
    parameters.parm.capture.timeperframe.numerator = UInt32(rate.seconds)
    parameters.parm.capture.timeperframe.denominator = UInt32(rate.frames)
    if calls.control(descriptor, mmx_VIDIOC_S_PARM, &parameters) < 0 { return }
    let answer = parameters.parm.capture.timeperframe
    if let set = FrameRate(frames: Int(answer.denominator), seconds: Int(answer.numerator)) {
      interval = set.interval
    }
  }

  private mutating func mapBuffers() throws(SensingError) {
    var request = v4l2_requestbuffers()
    request.count = UInt32(Self.bufferCount)
    request.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
    request.memory = V4L2_MEMORY_MMAP.rawValue
    try call("VIDIOC_REQBUFS", mmx_VIDIOC_REQBUFS, &request)
    for index in 0..<min(Int(request.count), Self.bufferCount) {
      var buffer = Self.buffer(index)
      try call("VIDIOC_QUERYBUF", mmx_VIDIOC_QUERYBUF, &buffer)
      let length = Int(buffer.length)
      var code: Int32 = 0
      guard let memory = calls.map(descriptor, length, Int64(buffer.m.offset), &code) else {
        throw SensingError(subject, call: "mmap", errno: -code, inUse: true)
      }
      mapped[index] = UnsafeMutableRawBufferPointer(start: memory, count: length)
      mappedCount += 1
      largestFrame = max(largestFrame, length)
      if length < encoding.leastByteCount {
        throw SensingError(
          subject,
          .device(.formatRefused, detail: "buffers of \(length) bytes for \(encoding.leastByteCount)"))
      }
    }
    if mappedCount == 0 { throw SensingError(subject, .device(.formatRefused, detail: "no buffers")) }
  }

  /// Lets it stream, from the first buffer on.
  mutating func startStreaming() throws(SensingError) {
    for index in 0..<mappedCount { try queue(index) }
    var type = Int32(V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue)
    try call("VIDIOC_STREAMON", mmx_VIDIOC_STREAMON, &type)
    isStreaming = true
  }

  /// Ends the stream; device, format, controls and buffers stay. All buffers are then ours.
  mutating func stopStreaming() throws(SensingError) {
    isStreaming = false
    let code = streamOff()
    if code < 0 { throw SensingError(subject, streaming: "VIDIOC_STREAMOFF", errno: -code) }
  }

  @discardableResult private func streamOff() -> Int32 {
    var type = Int32(V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue)
    return calls.control(descriptor, mmx_VIDIOC_STREAMOFF, &type)
  }

  // MARK: Running

  /// A frame taken from the driver; give it back by `queue`.
  struct Frame {
    let index: Int
    let captured: Instant
    let sequence: UInt32
    /// That are the frame's; of a JPEG, the rest of the buffer is not.
    let byteCount: Int
    /// The driver marked it, or it is too short: its pixels are not to be used.
    let isCorrupt: Bool
  }

  /// What one try to take a frame gave.
  enum Dequeued {
    case frame(Frame)
    case nothing
    /// The driver or libv4l2's decoder failed on one frame, which is gone.
    case damaged
  }

  /// Takes the oldest frame that is ready.
  /// - Throws: when the stream is of no more use.
  func dequeue(clockOffset: Int64) throws(SensingError) -> Dequeued {
    var buffer = Self.buffer(.max)
    let code = calls.control(descriptor, mmx_VIDIOC_DQBUF, &buffer)
    if code == -EAGAIN { return .nothing }
    if code == -EIO {
      // libv4l2 leaves the buffer with us when it cannot decode it; a driver's own EIO may have kept it.
      if buffer.index < mappedCount { try? queue(Int(buffer.index)) }
      return .damaged
    }
    if code < 0 { throw SensingError(subject, streaming: "VIDIOC_DQBUF", errno: -code) }
    let index = Int(buffer.index)
    guard index < mappedCount else {
      throw SensingError(
        subject, .device(.ioError, detail: "the driver gave buffer \(index) of \(mappedCount)"))
    }
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    var captured = now
    if buffer.flags & mmx_V4L2_BUF_FLAG_TIMESTAMP_MASK == mmx_V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC {
      let stamp = Int64(buffer.timestamp.tv_sec) &* 1_000_000_000 &+ Int64(buffer.timestamp.tv_usec) &* 1_000
      captured = bootTime(ofStamp: stamp, offset: clockOffset, now: now)
    }
    let marked = buffer.flags & mmx_V4L2_BUF_FLAG_ERROR != 0
    return .frame(
      Frame(
        index: index, captured: captured, sequence: buffer.sequence,
        byteCount: min(Int(buffer.bytesused), mapped[index].count),
        isCorrupt: marked || Int(buffer.bytesused) < encoding.leastByteCount))
  }

  func queue(_ index: Int) throws(SensingError) {
    var buffer = Self.buffer(index)
    let code = calls.control(descriptor, mmx_VIDIOC_QBUF, &buffer)
    if code < 0 { throw SensingError(subject, streaming: "VIDIOC_QBUF", errno: -code) }
  }

  /// The bytes of a frame that was taken and not yet given back.
  func bytes(of frame: Frame) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(mapped[frame.index])[..<frame.byteCount])
  }

  private static func buffer(_ index: Int) -> v4l2_buffer {
    var buffer = v4l2_buffer()
    buffer.index = UInt32(truncatingIfNeeded: index)
    buffer.type = V4L2_BUF_TYPE_VIDEO_CAPTURE.rawValue
    buffer.memory = V4L2_MEMORY_MMAP.rawValue
    return buffer
  }

  private func call(
    _ name: String, _ request: UInt, _ argument: UnsafeMutableRawPointer
  ) throws(SensingError) {
    let code = calls.control(descriptor, request, argument)
    if code < 0 { throw SensingError(subject, call: name, errno: -code, inUse: true) }
  }
}
