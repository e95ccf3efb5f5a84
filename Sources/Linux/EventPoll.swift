import CLinux
import Vocabulary

/// epoll(7), level-triggered: waits for many descriptors at once. Each is added with a token of the caller's choice
/// that comes back with its events. Nothing allocates after `init`.
package struct EventPoll: ~Copyable, @unchecked Sendable {
  // Unchecked: the memory has this value as its only owner.
  private let descriptor: Descriptor
  private let events: UnsafeMutableBufferPointer<epoll_event>
  private var count = 0

  /// What to be told of. Errors and the other side's end (`hungUp`) are always told.
  package struct Interest: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let reading = Interest(rawValue: EPOLLIN.rawValue)
    package static let writing = Interest(rawValue: EPOLLOUT.rawValue)
  }

  package struct Event: Sendable {
    package let token: UInt64
    /// Something to read, or the end of the stream.
    package let readable: Bool
    package let writable: Bool
    /// Both directions are closed, or the descriptor has an error: nothing more will come or go.
    package let hungUp: Bool
  }

  /// - Parameter capacity: events taken in one wait; the others come with the next.
  package init(capacity: Int = 64) throws(LinuxError) {
    let number = try system("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
    descriptor = Descriptor(owning: number)
    events = .allocate(capacity: max(capacity, 1))
    events.initialize(repeating: epoll_event())
  }

  deinit { events.deallocate() }

  /// An epoll can itself be waited for: readable while an event is there to be taken.
  package var number: Int32 { descriptor.number }

  package borrowing func add(_ file: Int32, _ interest: Interest, token: UInt64) throws(LinuxError) {
    try control(EPOLL_CTL_ADD, file, interest, token)
  }

  package borrowing func change(_ file: Int32, _ interest: Interest, token: UInt64) throws(LinuxError) {
    try control(EPOLL_CTL_MOD, file, interest, token)
  }

  /// To be called before the descriptor is closed if it has been duplicated; else closing does it.
  package borrowing func remove(_ file: Int32) throws(LinuxError) {
    try control(EPOLL_CTL_DEL, file, [], 0)
  }

  private borrowing func control(
    _ operation: Int32, _ file: Int32, _ interest: Interest, _ token: UInt64
  ) throws(LinuxError) {
    var event = mmx_epoll_event(interest.rawValue, token)
    try system("epoll_ctl") { epoll_ctl(descriptor.number, operation, file, &event) }
  }

  /// Waits for events; `self[0..<count]` are then what happened.
  /// - Parameter timeout: rounded up to a millisecond; nil waits for ever, zero or less does not wait.
  /// - Returns: how many events there are; 0 when the time is up.
  package mutating func wait(timeout: Nanoseconds?) throws(LinuxError) -> Int {
    var milliseconds: Int32 = -1
    if let timeout {
      milliseconds = Int32(clamping: (max(0, timeout.count) &+ 999_999) / 1_000_000)
    }
    count = 0
    count = Int(
      try system("epoll_wait") {
        epoll_wait(descriptor.number, events.baseAddress!, Int32(events.count), milliseconds)
      })
    return count
  }

  package subscript(index: Int) -> Event {
    precondition(index < count, "beyond the events of the last wait")
    return withUnsafePointer(to: events[index]) { event in
      let flags = mmx_epoll_events(event)
      return Event(
        token: mmx_epoll_token(event),
        readable: flags & EPOLLIN.rawValue != 0,
        writable: flags & EPOLLOUT.rawValue != 0,
        hungUp: flags & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0)
    }
  }
}
