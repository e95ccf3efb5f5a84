import CLinux
import Glibc
import Vocabulary

/// CLOCK_BOOTTIME now, in nanoseconds.
package func bootTimeNanoseconds() -> Int64 { nanoseconds(of: CLOCK_BOOTTIME) }

/// CLOCK_MONOTONIC now, in nanoseconds: it stands still while the machine is suspended.
package func monotonicNanoseconds() -> Int64 { nanoseconds(of: CLOCK_MONOTONIC) }

/// What to add to a CLOCK_MONOTONIC stamp to have CLOCK_BOOTTIME: the time spent suspended so far.
/// Drivers stamp frames and sound with the monotonic clock. Never negative.
package func bootTimeOffsetOfMonotonic() -> Int64 {
  // The two are read one after the other, so the boot time is read last: the result errs by that gap only.
  let monotonic = nanoseconds(of: CLOCK_MONOTONIC)
  return max(0, nanoseconds(of: CLOCK_BOOTTIME) - monotonic)
}

/// The time that one thread has been on a processor. May be read by any other.
package struct ThreadClock: Sendable {
  private let clock: clockid_t

  /// The calling thread's.
  /// - Throws: what the kernel says of a thread without a clock.
  package init() throws(LinuxError) {
    var found = clockid_t()
    let code = pthread_getcpuclockid(pthread_self(), &found)
    guard code == 0 else { throw LinuxError("pthread_getcpuclockid", "this thread", errno: code) }
    clock = found
  }

  /// Nil when the thread has ended.
  package var time: Nanoseconds? {
    var t = timespec()
    guard clock_gettime(clock, &t) == 0 else { return nil }
    return Nanoseconds(Int64(t.tv_sec) * 1_000_000_000 + Int64(t.tv_nsec))
  }
}

/// Sleeps until CLOCK_BOOTTIME reads `time`, in nanoseconds; returns at once if it does already.
package func sleepUntil(bootTime time: Int64) {
  var t = timespec(nanoseconds: max(0, time))
  while clock_nanosleep(CLOCK_BOOTTIME, Int32(TIMER_ABSTIME), &t, nil) == EINTR {}
}

/// What a process has had of the processors so far, in nanoseconds; nil where there is no such process.
package func processorNanoseconds(ofProcess process: Int32) -> Int64? {
  var clock = clockid_t()
  var t = timespec()
  guard clock_getcpuclockid(process, &clock) == 0, clock_gettime(clock, &t) == 0 else { return nil }
  return Int64(t.tv_sec) * 1_000_000_000 + Int64(t.tv_nsec)
}

private func nanoseconds(of clock: clockid_t) -> Int64 {
  var t = timespec()
  clock_gettime(clock, &t)
  return Int64(t.tv_sec) * 1_000_000_000 + Int64(t.tv_nsec)
}

extension timespec {
  /// - Precondition: not negative.
  package init(nanoseconds n: Int64) {
    self.init(tv_sec: Int(n / 1_000_000_000), tv_nsec: Int(n % 1_000_000_000))
  }
}

/// Whether the kernel holds its wall clock for synchronized (adjtimex says so without a privilege).
package func isWallClockSynchronized() -> Bool {
  var state = timex()
  // TIME_ERROR (5) is what an unsynchronized clock answers.
  let answer = adjtimex(&state)
  return answer >= 0 && answer != TIME_ERROR
}
