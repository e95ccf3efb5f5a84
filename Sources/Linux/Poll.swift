import CLinux

/// An entry for `pollUntil` that waits for the descriptor to become readable. Errors and hang-ups are always told.
package func readable(_ number: Int32) -> pollfd { pollfd(fd: number, events: Int16(POLLIN), revents: 0) }

/// Blocks until a descriptor is ready or CLOCK_BOOTTIME reads `deadline` (nil: for ever).
/// - Returns: how many are ready; 0 when the deadline has come.
/// - Note: ppoll counts on the monotonic clock, so time spent suspended during the call delays the deadline.
package func pollUntil(
  _ deadline: Int64?, _ descriptors: UnsafeMutableBufferPointer<pollfd>
) throws(LinuxError) -> Int {
  while true {
    let count: Int32
    if let deadline {
      var left = timespec(nanoseconds: max(0, deadline - bootTimeNanoseconds()))
      count = ppoll(descriptors.baseAddress, UInt(descriptors.count), &left, nil)
    } else {
      count = ppoll(descriptors.baseAddress, UInt(descriptors.count), nil, nil)
    }
    if count >= 0 { return Int(count) }
    let code = errnoNow()
    if code != EINTR { throw LinuxError("ppoll", errno: code) }
  }
}

/// Blocks until the one descriptor is readable or `deadline` has come; true if it is readable.
package func pollUntil(_ deadline: Int64?, readable number: Int32) throws(LinuxError) -> Bool {
  try withTemporaryMemory(of: pollfd.self, capacity: 1) { (one) throws(LinuxError) -> Bool in
    one.initialize(repeating: Linux.readable(number))
    return try pollUntil(deadline, one) > 0
  }
}
