import Linux

/// An eventfd that several threads ring for one.
package final class EventBell: Sendable {
  package let descriptor: EventDescriptor

  package init() throws(LinuxError) { descriptor = try EventDescriptor() }

  package var number: Int32 { descriptor.descriptor.number }
  package func ring() { descriptor.ring() }
  @discardableResult package func clear() -> Bool { descriptor.clear() }
  /// Waits until it is rung or CLOCK_BOOTTIME reads `deadline` (in nanoseconds), and clears it.
  package func wait(until deadline: Int64) { descriptor.wait(until: deadline) }
}
