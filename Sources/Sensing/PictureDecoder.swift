import CJPEG
import Glibc
import Linux
import Vocabulary

/// Decodes the JPEG pictures of one camera in a process of its own that may do nothing but that (`cjpeg.h`): what comes out of a
/// USB plug may be made to take the decoder over, and then has no more than that process has. Memory is shared
/// with it, and nothing allocated for a picture. A picture that ends the process, or takes too much of the processor, is damaged;
/// the next one gets a new process.
package struct PictureDecoder: ~Copyable {
  /// What a picture must be, and what its pixels are to be.
  package struct Shape: Hashable, Sendable {
    package var width: Int
    package var height: Int
    /// 1 (grey) or 3 (RGB).
    package var channels: Int

    package init(width: Int, height: Int, channels: Int) {
      self.width = width
      self.height = height
      self.channels = channels
    }

    var byteCount: Int { width * height * channels }
    var layout: PixelLayout {
      channels == 1
        ? .grey(width: width, height: height, stride: width, fullRange: true)
        : .rgb(width: width, height: height, stride: 3 * width)
    }
  }

  /// The program that the process runs: this one again (`serveIfAsked`).
  package static let ownProgram = "/proc/self/exe"
  /// Of a picture; more is damaged. A camera's buffers are of its largest picture, 2 bytes a pixel at most.
  static let largestPicture = 16 << 20
  /// To start a process on a slow board that is busy.
  private static let startLimit = Nanoseconds.seconds(3)

  /// What one picture may take. A whole one is not damaged because the board is busy with other things: so it is the process's own
  /// time that is limited, and what passes meanwhile only so that this thread is not taken for one that hangs in its driver
  /// (twice `DeviceLimits.patience`).
  struct PictureLimits: Sendable {
    /// Of the processor.
    var processor = Nanoseconds.seconds(1)
    /// In all.
    var passing = Nanoseconds.seconds(3)
    /// Between two looks at the process's time.
    static let shortestWait = Nanoseconds.milliseconds(20)
  }

  package let shape: Shape
  let capacity: Int
  private let program: String
  private let subject: String
  private let memory: Descriptor
  private let base: UnsafeMutableRawPointer
  /// 0 while there is none.
  private(set) var process: Int32 = 0
  private var socket: Int32 = -1
  /// Processes that were started.
  package private(set) var starts = 0
  var limits = PictureLimits()

  /// Starts the process.
  /// - Parameters:
  ///   - capacity: bytes of the largest picture that is taken.
  ///   - program: one that calls `serveIfAsked`.
  package static func start(
    _ shape: Shape, capacity: Int, program: String = PictureDecoder.ownProgram, subject: String
  ) throws(SensingError) -> PictureDecoder {
    let capacity = min(max(capacity, 4_096), Self.largestPicture)
    let size = capacity + shape.byteCount
    let number = mmx_jpeg_memory(size)
    if number < 0 {
      throw SensingError(subject, .system(LinuxError("memfd_create", subject, errno: -number)))
    }
    guard let mapped = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0), mapped != MAP_FAILED
    else {
      let code = errnoNow()
      close(number)
      throw SensingError(subject, .system(LinuxError("mmap", subject, errno: code)))
    }
    var decoder = PictureDecoder(
      shape, capacity, program, subject, memory: Descriptor(owning: number), base: mapped)
    try decoder.start()
    return decoder
  }

  private init(
    _ shape: Shape, _ capacity: Int, _ program: String, _ subject: String, memory: consuming Descriptor,
    base: UnsafeMutableRawPointer
  ) {
    self.shape = shape
    self.capacity = capacity
    self.program = program
    self.subject = subject
    self.memory = memory
    self.base = base
  }

  deinit {
    Self.end(process, socket)
    munmap(base, capacity + shape.byteCount)
  }

  /// Where the decoded pixels are; another process may write there at any time, so that they are pixels and nothing else.
  package var pixels: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + capacity, count: shape.byteCount)
  }

  /// Decodes a picture into `pixels`.
  /// - Parameters:
  ///   - order: a descriptor that is readable when the picture may not be wanted any more; negative: none.
  ///   - isWanted: asked then; is to make the descriptor unreadable again.
  /// - Returns: false where it is damaged, not of this shape or not wanted any more.
  /// - Throws: when there is no process and none can be started.
  package mutating func decode(
    _ picture: UnsafeRawBufferPointer, order: Int32 = -1, isWanted: () -> Bool = { true }
  ) throws(SensingError) -> Bool {
    guard let bytes = picture.baseAddress, picture.count <= capacity else { return false }
    if process == 0 { try start() }
    base.copyMemory(from: bytes, byteCount: picture.count)
    var length = UInt32(picture.count)
    if let spent = processorNanoseconds(ofProcess: process),
      send(socket, &length, 4, Int32(MSG_NOSIGNAL)) == 4,
      let answer = answer(spentBefore: spent, order, isWanted)
    {
      return answer == 0
    }
    stop()
    return false
  }

  /// The same of an array, for tools and tests.
  package mutating func decode(_ picture: [UInt8]) throws(SensingError) -> Bool {
    let answer: Result<Bool, SensingError> = picture.withUnsafeBytes { bytes in
      do throws(SensingError) { return .success(try decode(bytes)) } catch { return .failure(error) }
    }
    return try answer.get()
  }

  private mutating func start() throws(SensingError) {
    var pair: (Int32, Int32) = (-1, -1)
    let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let code = withUnsafeMutableBytes(of: &pair) {
      socketpair(AF_UNIX, type, 0, $0.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    if code < 0 { throw SensingError(subject, .system(LinuxError("socketpair", subject, errno: errnoNow()))) }
    let started = mmx_jpeg_spawn(
      program, pair.1, memory.number, Int32(shape.width), Int32(shape.height), Int32(shape.channels), capacity
    )
    close(pair.1)
    if started < 0 {
      close(pair.0)
      throw SensingError(subject, .system(LinuxError("posix_spawn", program, errno: -started)))
    }
    process = started
    socket = pair.0
    starts += 1
    if answer(within: Self.startLimit) != 0 {
      stop()
      throw SensingError(
        subject,
        .device(
          .formatRefused, detail: "its JPEG pictures need a process without rights, which did not start"))
    }
  }

  /// What the process says of a picture; nil where it ends, takes too long or is not waited for any more.
  private func answer(spentBefore: Int64, _ order: Int32, _ isWanted: () -> Bool) -> UInt8? {
    let end = bootTimeNanoseconds() + limits.passing.count
    var left = limits.processor
    while left > .zero {
      let now = bootTimeNanoseconds()
      if now >= end { return nil }
      let next = min(end, now + max(left, PictureLimits.shortestWait).count)
      let (isOrdered, isAnswered) = wait(until: next, order)
      if isAnswered { return received() }
      if isOrdered && !isWanted() { return nil }
      guard let spent = processorNanoseconds(ofProcess: process) else { return nil }
      left = Nanoseconds(limits.processor.count - (spent - spentBefore))
    }
    return nil
  }

  /// Whether there are orders, and an answer.
  private func wait(until deadline: Int64, _ order: Int32) -> (Bool, Bool) {
    withTemporaryMemory(of: pollfd.self, capacity: 2) { pair in
      pair.initializeElement(at: 0, to: readable(order))
      pair.initializeElement(at: 1, to: readable(socket))
      guard (try? pollUntil(deadline, pair)) != nil else { return (false, false) }
      return (pair[0].revents != 0, pair[1].revents != 0)
    }
  }

  /// What the process says next; nil where it ends or takes too long.
  private func answer(within limit: Nanoseconds) -> UInt8? {
    let ready = try? pollUntil(bootTimeNanoseconds() + limit.count, readable: socket)
    return ready == true ? received() : nil
  }

  private func received() -> UInt8? {
    var answer: UInt8 = 1
    return recv(socket, &answer, 1, Int32(MSG_DONTWAIT)) == 1 ? answer : nil
  }

  private mutating func stop() {
    Self.end(process, socket)
    process = 0
    socket = -1
  }

  private static func end(_ process: Int32, _ socket: Int32) {
    if process == 0 { return }
    close(socket)
    kill(process, SIGKILL)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errnoNow() == EINTR {}
  }

  /// For the first line of a program that has cameras: becomes the decoding process where that is asked for.
  package static func serveIfAsked() {
    let words = CommandLine.arguments
    guard words.count == 6, words[1] == MMX_JPEG_ARGUMENT else { return }
    mmx_jpeg_serve(words[2], words[3], words[4], words[5])
  }
}
