import Linux
import Synchronization
import Vocabulary

/// The threads that meter and record, and how long they have been on a core together: what that takes is an account of
/// its own in the ledger.
final class RecordingThreads: Sendable {
  private struct Member {
    let clock: ThreadClock
    /// As it was last read: what remains of a thread that has ended.
    var time = Nanoseconds.zero
  }

  private let members = Mutex<[Member]>([])

  /// To be called by each of them when it begins. One without a clock is left out.
  func join() {
    guard let clock = try? ThreadClock() else { return }
    members.withLock { $0.append(Member(clock: clock)) }
  }

  /// So far. Never less than before.
  var time: Nanoseconds {
    members.withLock { members in
      var sum = Nanoseconds.zero
      for index in members.indices {
        if let time = members[index].clock.time { members[index].time = max(time, members[index].time) }
        sum = sum + members[index].time
      }
      return sum
    }
  }
}
