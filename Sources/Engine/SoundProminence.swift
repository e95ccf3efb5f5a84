import Vocabulary

/// How far a window of sound stands out from what was heard just before it: who speaks to a machine speaks after a pause, or
/// louder than what goes on; a word amid other people's talk does neither.
///
/// The window's level (its loudest 20 ms, `SoundActivity`) is held against the loudest of the windows that lie wholly before
/// it and ended no more than another window's length earlier. Nothing is taken from the heap.
package struct SoundProminence: Sendable {
  private struct Heard {
    /// End of the first window of a place.
    var end: Instant
    /// The loudest of its windows, full scale squared.
    var level: Int64
  }

  /// Windows that end within a sixteenth of this of each other share a place.
  private let length: Nanoseconds
  private static let places = 40
  private var heard = InlineArray<40, Heard>(repeating: Heard(end: .zero, level: 0))
  private var count = 0
  /// Of the last window.
  private var last = 0

  /// - Parameter length: of a window, above zero.
  package init(length: Nanoseconds) {
    precondition(length > .zero)
    self.length = length
  }

  /// Takes a window's level. Windows come in the order of their ends; one may come again.
  /// - Parameter level: mean square of its loudest 20 ms, 0 or more.
  /// - Returns: its power over that of the loudest window before it, above 0; nil where none was heard before it.
  package mutating func observe(_ level: Int64, endingAt end: Instant) -> Double? {
    precondition(level >= 0)
    let slot = Nanoseconds(length.count / 16)
    if count > 0 && end < heard[last].end { count = 0 }
    if count > 0 && end - heard[last].end < slot {
      heard[last].level = max(heard[last].level, level)
    } else {
      last = count == 0 ? 0 : (last + 1) % Self.places
      heard[last] = Heard(end: end, level: level)
      count = min(count + 1, Self.places)
    }
    var before: Int64?
    for index in 0..<count {
      let age = end - heard[index].end
      if age >= length && age < length + length { before = max(before ?? 0, heard[index].level) }
    }
    // A converter's own noise is no pause to stand out from, and no window is of no power.
    return before.map { Double(max(level, 1)) / Double(max($0, SoundActivity.quietest)) }
  }
}
