import JSON
import Vocabulary
import Wire

/// Records that could not be taken, counted by type: what a later `gap` record says.
struct ShedCounts: Sendable {
  private var counts = InlineArray<15, Int64>(repeating: 0)
  private var first = Instant.zero
  private var last = Instant.zero
  private var lost: Int64 = 0
  private var unsynchronized: Int64 = 0
  private var errno: Int32?
  /// Numbers of the records that went with a segment, and how many there are.
  private var gone: (first: UInt64, last: UInt64, count: Int64, segments: Int64) = (0, 0, 0, 0)

  /// Segments that retention has dropped.
  private(set) var dropped: Dropped?

  struct Dropped: Sendable {
    /// Numbers of the first record and the last.
    var first: UInt64
    var last: UInt64
    /// Digest of the last one's bytes; nil where the next one does not say it.
    var head: Digest?
    var segments: Int64
  }

  var isEmpty: Bool { lost == 0 && unsynchronized == 0 && gone.segments == 0 && dropped == nil }

  /// Older segments are dropped.
  mutating func drop(_ more: Dropped, at now: Instant) {
    mark(now)
    guard let former = dropped else {
      dropped = more
      return
    }
    dropped = Dropped(
      first: min(former.first, more.first), last: more.last, head: more.head,
      segments: former.segments + more.segments)
  }

  /// - Parameter count: windows that a decision's record stands for.
  mutating func add(_ type: RecordType, at now: Instant, count: Int = 1) {
    mark(now)
    counts[type.index] += Int64(count)
    lost += Int64(count)
  }

  mutating func synchronizationFailed(_ code: Int32, at now: Instant) {
    mark(now)
    unsynchronized += 1
    errno = code
  }

  /// A segment is gone with the records from `first` up to before `next`.
  mutating func segmentGone(_ first: UInt64, before next: UInt64, at now: Instant) {
    mark(now)
    if gone.segments == 0 { gone.first = first }
    gone.last = max(gone.last, next - 1)
    gone.count += Int64(next - first)
    gone.segments += 1
  }

  /// One that was counted is made again.
  mutating func forget(_ type: RecordType) {
    guard counts[type.index] > 0 else { return }
    counts[type.index] -= 1
    lost -= 1
  }

  /// What somebody else has counted; learnt of at `now`.
  mutating func add(_ other: ShedCounts, at now: Instant) {
    guard !other.isEmpty else { return }
    mark(now)
    for index in counts.indices { counts[index] += other.counts[index] }
    lost += other.lost
    unsynchronized += other.unsynchronized
    errno = other.errno ?? errno
    if gone.segments == 0 { gone.first = other.gone.first }
    gone.last = max(gone.last, other.gone.last)
    gone.count += other.gone.count
    gone.segments += other.gone.segments
    if let more = other.dropped { drop(more, at: now) }
  }

  /// Records that went with a segment.
  var goneRecords: Int { Int(gone.count) }

  private func write(_ dropped: Dropped, into json: inout JSONWriter) {
    json.key("dropped_segments")
    json.value(dropped.segments)
    json.key("dropped_seq")
    json.beginArray()
    json.value(dropped.first)
    json.value(dropped.last)
    json.endArray()
    if let head = dropped.head {
      json.key("dropped_head_sha256")
      json.value(head)
    }
  }

  private mutating func mark(_ now: Instant) {
    if isEmpty { first = now }
    last = now
  }

  func writeMembers(into json: inout JSONWriter) {
    json.key("cause")
    json.value(
      gone.segments > 0
        ? "segmentGone" : lost > 0 ? "shed" : unsynchronized > 0 ? "notSynchronized" : "dropped")
    if let dropped { write(dropped, into: &json) }
    if gone.segments > 0 {
      json.key("segments")
      json.value(gone.segments)
      json.key("lost_records")
      json.value(gone.count)
      if gone.count > 0 {
        json.key("lost_seq")
        json.beginArray()
        json.value(gone.first)
        json.value(gone.last)
        json.endArray()
      }
    }
    if lost > 0 {
      json.key("shed")
      json.beginObject()
      for type in RecordType.allCases where counts[type.index] > 0 {
        json.key(type.rawValue)
        json.value(counts[type.index])
      }
      json.endObject()
    }
    if let errno {
      json.key("failed_synchronizations")
      json.value(unsynchronized)
      json.key("errno")
      json.value(Int(errno))
    }
    json.key("first_ns")
    json.value(first.sinceBoot)
    json.key("last_ns")
    json.value(last.sinceBoot)
  }
}
