import Vocabulary

/// Audits of one event are one observation: what holds for one of them holds for the others. An episode is a run of audits
/// with the same reference label, no quiet one between; each quiet audit is one of its own.
package struct Episodes: Sendable {
  /// By the buffer's records: the number of its episode, rising from 0.
  package private(set) var numbers: [Int] = []
  /// How many of them there are.
  package private(set) var count = 0

  /// - Parameter none: index of the class that means "nothing"; nil where there is none, and each audit counts.
  package init(_ buffer: ValidationBuffer, none: Int?) {
    numbers.reserveCapacity(buffer.count)
    var last: Int16?
    for index in buffer.indices {
      let record = buffer[index]
      let label = none != nil && record.isEvent(none: none) ? record.reference?.label : nil
      if label == nil || label != last { count += 1 }
      last = label
      numbers.append(count - 1)
    }
  }
}
