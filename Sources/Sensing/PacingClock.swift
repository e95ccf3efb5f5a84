import Linux
import Vocabulary

/// The clock that a real-time replay keeps pace with: the machine's, or one that a test turns by hand.
package protocol PacingClock {
  var now: Instant { get }

  /// Sleeps until `instant` (nil: for ever) or until the bell rings.
  /// - Returns: true if the bell rang; it is cleared.
  func wait(until instant: Instant?, orFor bell: Bell) -> Bool
}

/// CLOCK_BOOTTIME.
package struct BootClock: PacingClock {
  package init() {}

  package var now: Instant { Instant(sinceBoot: bootTimeNanoseconds()) }

  package func wait(until instant: Instant?, orFor bell: Bell) -> Bool {
    // ppoll on a descriptor that we own fails only for want of kernel memory; going on early is the lesser harm.
    _ = try? pollUntil(instant?.sinceBoot, readable: bell.number)
    return bell.clear()
  }
}
