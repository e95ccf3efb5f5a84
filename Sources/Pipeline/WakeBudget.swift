import Vocabulary

/// Counts a sensor's wakes over the last minute. A sensor that reached its limit is left awake: waking costs more
/// than staying up, and a relay that chatters wears out.
struct WakeBudget: Sendable {
  /// More wakes a minute than any configuration may allow (`wakes-per-minute` ends at 600).
  static let maximumPerMinute = 600

  let limit: Int
  /// Times of the last `limit` wakes, oldest overwritten first.
  private var times: [Instant]
  private var next = 0

  init(perMinute limit: Int) {
    self.limit = min(max(1, limit), Self.maximumPerMinute)
    times = Array(repeating: Instant(sinceBoot: .min / 2), count: self.limit)
  }

  /// Another limit; the last wakes are counted on.
  func with(perMinute limit: Int) -> WakeBudget {
    var changed = WakeBudget(perMinute: limit)
    for offset in 0..<self.limit { changed.note(wakeAt: times[(next + offset) % self.limit]) }
    return changed
  }

  mutating func note(wakeAt now: Instant) {
    times[next] = now
    next = (next + 1) % limit
  }

  /// Whether as many wakes as are allowed lie within the last minute.
  func isSpent(at now: Instant) -> Bool { times[next] > now - .seconds(60) }
}
