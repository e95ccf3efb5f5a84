import CLinux

/// A file descriptor that is owned once and closed once.
package struct Descriptor: ~Copyable, Sendable {
  package let number: Int32

  /// Takes ownership of an open descriptor.
  package init(owning number: Int32) { self.number = number }

  deinit { _ = close(number) }

  /// Opens a file; `O_CLOEXEC` is added.
  package static func open(_ path: String, _ flags: Int32, mode: UInt32 = 0o644) throws(LinuxError)
    -> Descriptor
  {
    Descriptor(owning: try system("open", path) { mmx_open(path, flags | O_CLOEXEC, mode) })
  }

  /// Gives the descriptor away without closing it.
  package consuming func release() -> Int32 {
    let n = number
    discard self
    return n
  }
}

/// An eventfd: the bell one thread rings for another. Non-blocking, close-on-exec.
package struct EventDescriptor: ~Copyable, Sendable {
  package let descriptor: Descriptor

  package init() throws(LinuxError) {
    descriptor = Descriptor(
      owning: try system("eventfd") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) })
  }

  package borrowing func ring() {
    var one: UInt64 = 1
    _ = write(descriptor.number, &one, 8)
  }

  /// Clears the bell; true if it had been rung.
  @discardableResult package borrowing func clear() -> Bool {
    var count: UInt64 = 0
    return read(descriptor.number, &count, 8) == 8
  }

  /// Waits until the bell is rung or CLOCK_BOOTTIME reads `deadline`, and clears it; true if it was rung.
  @discardableResult package borrowing func wait(until deadline: Int64) -> Bool {
    // A poll that fails looks like a bell: the caller looks at what there is, and waits again.
    if let ready = try? pollUntil(deadline, readable: descriptor.number), !ready { return false }
    return clear()
  }
}
