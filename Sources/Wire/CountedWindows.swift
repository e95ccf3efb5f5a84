import JSON
import Vocabulary

/// What a `decision` record says beside its first window's members when it stands for several windows alike.
package struct CountedWindows: Sendable {
  /// Exits asked of one window that a counted record has room for.
  package static let maximumExits = 8

  /// Windows that the record stands for, >= 2.
  package var count = 0
  /// The last of them: its number, its interval, and when its answer was there.
  package var number: UInt64
  package var start: Instant
  package var end: Instant
  package var decided: Instant
  /// Of the answers' entropies.
  package var entropy: ClosedRange<Float>
  /// The same of each exit asked, in order.
  package var exits: Bounded<8, ClosedRange<Float>>

  package init(
    count: Int, last: Decision, entropy: ClosedRange<Float>, exits: Bounded<8, ClosedRange<Float>>
  ) {
    self.count = count
    number = last.number
    start = last.start
    end = last.end
    decided = last.decided
    self.entropy = entropy
    self.exits = exits
  }

  /// Members: `count`, `entropy_range`, `last`.
  func writeMembers(into json: inout JSONWriter) {
    json.key("count")
    json.value(count)
    Self.write(entropy, into: &json)
    json.key("last")
    json.beginObject()
    json.key("number")
    json.value(number)
    json.key("window")
    json.beginArray()
    json.value(start.sinceBoot)
    json.value(end.sinceBoot)
    json.endArray()
    json.key("decided_ns")
    json.value(decided.sinceBoot)
    json.endObject()
  }

  /// Least and greatest.
  static func write(_ entropy: ClosedRange<Float>, into json: inout JSONWriter) {
    json.key("entropy_range")
    json.beginArray()
    json.value(entropy.lowerBound)
    json.value(entropy.upperBound)
    json.endArray()
  }
}

extension JSONPlace {
  /// How many windows a `decision` record stands for: its `count`, or 1.
  /// - Throws: where `count` is none: not an integer, or below 2.
  package func windows() throws(JSONError) -> Int64 {
    guard let place = try optional("count") else { return 1 }
    let count = try place.integer()
    guard count >= 2 else {
      throw place.error(.wrongValue, "is \(count); a counted record stands for 2 windows at least")
    }
    return count
  }
}
