import CV4L2
import Glibc
import Linux
import Sensing
import Synchronization
import Vocabulary

/// A camera of a frame every 20 ms whose picture changes at every frame, and whose driver does what its script says.
package struct ScriptedCamera: Sendable {
  package static let interval = Nanoseconds.milliseconds(20)

  package let driver: Driver
  package let calls: CameraCalls

  private struct Stream {
    var start: Int64 = 0
    var frames: UInt32 = 0
    /// Buffers the driver has, oldest first.
    var queue: [UInt32] = []
    var memory: [UInt32: UnsafeMutableRawBufferPointer] = [:]
  }

  private final class Streams: @unchecked Sendable {
    // Unchecked: by descriptor, touched under the lock; a buffer's memory, by the thread that took the frame as well.
    private let lock = Mutex(())
    private var open: [Int32: Stream] = [:]

    func withLock<R>(_ body: (inout [Int32: Stream]) -> R) -> R { lock.withLock { _ in body(&open) } }
  }

  package init(_ driver: Driver) {
    self.driver = driver
    let streams = Streams()
    calls = CameraCalls(
      open: { _ in
        let code = driver.go(driver.script.open)
        if code != 0 { return code }
        // A descriptor of its own, so that a leak shows.
        let copy = dup(driver.descriptor)
        if copy < 0 { return -EMFILE }
        driver.state.withLock { $0.counts.opens += 1 }
        streams.withLock { $0[copy] = Stream(start: bootTimeNanoseconds()) }
        return copy
      },
      control: { descriptor, request, argument in
        if request == mmx_VIDIOC_DQBUF {
          let script = driver.state.withLock { state in
            state.counts.reads += 1
            return state.script
          }
          switch script.data {
          case .readyAndEmpty, .silent: return -EAGAIN
          case .fails(let code): return -code
          case .hangs:
            driver.hang()
            return -EAGAIN
          case .flows: break
          }
          return streams.withLock { open in
            Self.dequeue(&open[descriptor, default: Stream()], script, argument)
          }
        }
        if request == mmx_VIDIOC_STREAMON {
          let code = driver.go(driver.script.start)
          if code != 0 { return code }
          driver.state.withLock { $0.counts.starts += 1 }
        }
        if request == mmx_VIDIOC_STREAMOFF { driver.state.withLock { $0.counts.stops += 1 } }
        if request == mmx_VIDIOC_S_CTRL { driver.state.withLock { $0.counts.controlsSet += 1 } }
        let script = driver.script
        return streams.withLock { open in
          Self.control(&open[descriptor, default: Stream()], script, request, argument)
        }
      },
      map: { descriptor, length, offset, _ in
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: length, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        streams.withLock { $0[descriptor]?.memory[UInt32(offset)] = memory }
        return memory.baseAddress
      },
      unmap: { $0.deallocate() },
      close: { descriptor in
        _ = driver.go(driver.script.close)
        _ = streams.withLock { $0.removeValue(forKey: descriptor) }
        Glibc.close(descriptor)
        driver.state.withLock { $0.counts.closes += 1 }
      })
  }

  private static func control(
    _ stream: inout Stream, _ script: Driver.Script, _ request: UInt, _ argument: UnsafeMutableRawPointer
  ) -> Int32 {
    switch request {
    case mmx_VIDIOC_ENUM_FMT where script.jpeg != nil:
      let format = argument.assumingMemoryBound(to: v4l2_fmtdesc.self)
      if format.pointee.index > 0 { return -EINVAL }
      format.pointee.pixelformat = mmx_V4L2_PIX_FMT_MJPEG
      format.pointee.flags = mmx_V4L2_FMT_FLAG_COMPRESSED
    case mmx_VIDIOC_ENUM_FMT, mmx_VIDIOC_ENUM_FRAMESIZES, mmx_VIDIOC_ENUM_FRAMEINTERVALS: return -EINVAL
    case mmx_VIDIOC_QUERYCTRL where !script.hasControls: return -EINVAL
    case mmx_VIDIOC_QUERYCAP:
      let capability = argument.assumingMemoryBound(to: v4l2_capability.self)
      capability.pointee.capabilities = mmx_V4L2_CAP_VIDEO_CAPTURE | mmx_V4L2_CAP_STREAMING
    case mmx_VIDIOC_S_FMT:
      argument.assumingMemoryBound(to: v4l2_format.self).pointee.fmt.pix.bytesperline = 0
    case mmx_VIDIOC_QUERYBUF:
      let buffer = argument.assumingMemoryBound(to: v4l2_buffer.self)
      buffer.pointee.length = 1 << 16
      buffer.pointee.m.offset = buffer.pointee.index
    case mmx_VIDIOC_STREAMON:
      stream.start = bootTimeNanoseconds()
      stream.frames = 0
    case mmx_VIDIOC_STREAMOFF: stream.queue = []
    case mmx_VIDIOC_QBUF:
      stream.queue.append(argument.assumingMemoryBound(to: v4l2_buffer.self).pointee.index)
    default: break
    }
    return 0
  }

  private static func dequeue(
    _ stream: inout Stream, _ script: Driver.Script, _ argument: UnsafeMutableRawPointer
  ) -> Int32 {
    let now = bootTimeNanoseconds()
    let due = stream.start + script.firstDataAfter.count + Int64(stream.frames) * interval.count
    guard now >= due, let index = stream.queue.first else { return -EAGAIN }
    stream.queue.removeFirst()
    stream.frames += 1
    let buffer = argument.assumingMemoryBound(to: v4l2_buffer.self)
    let stamp = max(0, now - script.lateness.count - bootTimeOffsetOfMonotonic())
    buffer.pointee.index = index
    buffer.pointee.sequence = stream.frames
    buffer.pointee.bytesused = UInt32(script.jpeg?.count ?? 1 << 16)
    buffer.pointee.timestamp.tv_sec = Int(stamp / 1_000_000_000)
    buffer.pointee.timestamp.tv_usec = Int(stamp % 1_000_000_000 / 1_000)
    buffer.pointee.flags =
      mmx_V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC | (script.isDamaged ? mmx_V4L2_BUF_FLAG_ERROR : 0)
    if let jpeg = script.jpeg {
      stream.memory[index]?.copyBytes(from: jpeg)
    } else if let memory = stream.memory[index] {
      for i in 0..<min(memory.count, 256) {
        memory[i] = UInt8(truncatingIfNeeded: Int(stream.frames) * 37 + i * 11)
      }
    }
    return 0
  }
}
