import Vocabulary

/// Audits of one event are one observation: what holds for one of them holds for the others. Audits with an event are of one
/// episode where they have the same reference label with no quiet one between, and where they are near in time: what deceives
/// a sensor for a minute may take on several labels. Each quiet audit is an episode of its own.
package struct Episodes: Sendable {
  /// Events nearer than this are one, whatever their labels.
  package static let spacing = Nanoseconds.seconds(60)

  /// By the buffer's records: the number of its episode, from 0.
  package private(set) var numbers: [Int] = []
  /// How many of them there are.
  package private(set) var count = 0

  /// - Parameter none: index of the class that means "nothing"; nil where there is none, and each audit counts.
  package init(_ buffer: ValidationBuffer, none: Int?, spacing: Nanoseconds = spacing) {
    numbers.reserveCapacity(buffer.count)
    var last: Int16?
    var event: (number: Int, end: Instant)?
    for index in buffer.indices {
      let record = buffer[index]
      guard none != nil, record.isEvent(none: none), let label = record.reference?.label else {
        last = nil
        numbers.append(count)
        count += 1
        continue
      }
      // A clock that jumped back is another run's.
      let isNear = event.map { record.end >= $0.end && record.end - $0.end < spacing } ?? false
      if let event, isNear || label == last {
        numbers.append(event.number)
      } else {
        numbers.append(count)
        count += 1
      }
      event = (numbers[index], record.end)
      last = label
    }
  }
}
