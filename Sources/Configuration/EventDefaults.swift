import Vocabulary

/// What [events] says where a configuration does not: the point chosen on streams of validation people (docs/events.md).
enum EventDefaults {
  static let begin = 0.04
  static let stay = 0.53
  static let level = 0.5
  static let hold = Nanoseconds.milliseconds(500)
  static let prominence = 10
  static let scenery = Nanoseconds.seconds(10)
  static let refractory = Nanoseconds.seconds(1)
}
