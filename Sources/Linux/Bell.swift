/// An eventfd that several threads ring for one, by reference.
package final class Bell: Sendable {
  private let event: EventDescriptor

  package init() throws(LinuxError) { event = try EventDescriptor() }

  /// Readable while it has been rung.
  package var number: Int32 { event.descriptor.number }
  package func ring() { event.ring() }
  /// True if it had been rung since the last time.
  @discardableResult package func clear() -> Bool { event.clear() }
  /// Waits until it is rung or CLOCK_BOOTTIME reads `deadline` (in nanoseconds), and clears it.
  package func wait(until deadline: Int64) { event.wait(until: deadline) }
}
