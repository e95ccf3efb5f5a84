import Vocabulary

/// What [events] says where a configuration does not: the point chosen on streams of validation people (docs/events.md).
enum EventDefaults {
  static let begin = 0.1
  static let stay = 0.53
  static let level = 0.5
  static let distinct = 0.8
  static let hold = Nanoseconds.milliseconds(500)
  static let prominence = 12
  static let scenery = Nanoseconds.seconds(10)
  static let refractory = Nanoseconds.seconds(1)
}
