import Vocabulary

/// The most that so many successive windows took.
package struct HighestSpan: Equatable, Sendable {
  private let windows: Int
  private var ring: [Nanojoules] = []
  private var place = 0
  private var sum = Nanojoules.zero
  /// Nil until so many windows have come.
  package private(set) var highest: Nanojoules?

  /// - Parameter windows: 1 or more.
  package init(windows: Int) {
    precondition(windows >= 1)
    self.windows = windows
  }

  package mutating func take(_ energy: Nanojoules) {
    sum += energy
    if ring.count < windows {
      ring.append(energy)
      if ring.count < windows { return }
    } else {
      sum = sum - ring[place]
      ring[place] = energy
      place = (place + 1) % windows
    }
    highest = max(highest ?? sum, sum)
  }
}
