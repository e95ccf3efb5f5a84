import Glibc
import Linux
import Synchronization
import Vocabulary

/// What a scripted driver does, set by the test while the device's thread runs.
package final class Driver: Sendable {
  /// How a call ends.
  package enum Way: Sendable {
    case works
    /// With the errno.
    case fails(Int32)
    /// It does not return until `release`.
    case hangs
  }

  /// What an open device gives.
  package enum Data: Sendable {
    /// In time.
    case flows
    /// Polls ready and has nothing.
    case readyAndEmpty
    /// Not even ready.
    case silent
    /// Every call for data fails with the errno.
    case fails(Int32)
    /// The call for data does not return until `release`.
    case hangs
  }

  package struct Script: Sendable {
    package var open = Way.works
    /// Starting the stream of an open device.
    package var start = Way.works
    package var close = Way.works
    package var data = Data.flows
    /// From opening to the first data.
    package var firstDataAfter = Nanoseconds.zero
    /// Frames are stamped with this much less than the time they are handed over at.
    package var lateness = Nanoseconds.zero
    /// Frames this driver marks as damaged.
    package var isDamaged = false
    /// The JPEG that every frame is; nil: raw pixels.
    package var jpeg: [UInt8]?
    /// Whether it has the controls that a configuration may set.
    package var hasControls = true
    /// Every sample is this one.
    package var constant: Int16?
    /// It takes no format but behind ALSA's conversion.
    package var needsConversion = false
  }

  /// What has happened so far.
  package struct Counts: Sendable {
    package var opens = 0
    package var closes = 0
    /// Streams started, and stopped without a close.
    package var starts = 0
    package var stops = 0
    /// Calls for data.
    package var reads = 0
    /// Controls that were set.
    package var controlsSet = 0
    /// Threads that hang now.
    package var hanging = 0
  }

  struct State {
    var script = Script()
    var counts = Counts()
    var releases = 0
  }

  let state = Mutex(State())
  /// Always readable, and never: what the device's thread polls.
  let ready: EventDescriptor
  let never: EventDescriptor

  package init(_ script: Script = Script()) throws(LinuxError) {
    ready = try EventDescriptor()
    never = try EventDescriptor()
    ready.ring()
    state.withLock { $0.script = script }
  }

  package var script: Script {
    get { state.withLock { $0.script } }
    set { state.withLock { $0.script = newValue } }
  }

  package func set(_ change: (inout Script) -> Void) { state.withLock { change(&$0.script) } }
  package var counts: Counts { state.withLock { $0.counts } }

  /// Lets every call that hangs return.
  package func release() { state.withLock { $0.releases += 1 } }

  /// Hangs until the next `release`; for a minute at most, so that a test that fails ends.
  func hang() {
    let before = state.withLock { state in
      state.counts.hanging += 1
      return state.releases
    }
    for _ in 0..<30_000 where state.withLock({ $0.releases }) == before {
      sleepUntil(bootTime: bootTimeNanoseconds() + 2_000_000)
    }
    state.withLock { $0.counts.hanging -= 1 }
  }

  /// 0, or the negative errno.
  func go(_ way: Way) -> Int32 {
    switch way {
    case .works: return 0
    case .fails(let code): return -code
    case .hangs:
      hang()
      return 0
    }
  }

  /// The descriptor that is as ready as the script says.
  var descriptor: Int32 {
    if case .silent = script.data { never.descriptor.number } else { ready.descriptor.number }
  }
}
