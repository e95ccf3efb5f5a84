import Vocabulary
import Wire

/// Windows in which nothing happened, kept until they become counted records: one for all that are alike. What differs
/// between two of them is kept for each, so that any one can still be taken out and recorded alone. All memory is taken
/// once.
package struct SteadyWindows {
  /// Windows that wait: two minutes at four a second.
  package static let maximumWindows = 480
  /// No window waits longer; also what a kill may take beside the flush interval.
  static let maximumTime = Nanoseconds.seconds(120)
  /// Kinds of windows that alternate, as those with a look and those between.
  static let maximumShapes = 8
  /// Postings of one window, and different ones of a kind; the steady ones have a handful.
  static let maximumPostings = 16

  /// What a window has of its own.
  private struct Window {
    var number: UInt64
    var start: Instant
    var end: Instant
    var decided: Instant
    var stamp: LedgerStamp
    var alwaysOn: Nanojoules
    var macs: Int64
    var skew: Nanoseconds?
    var entropy: Float
    var certainty: Float
    var shape: Int
    var exits = InlineArray<8, Exit>(repeating: Exit())
    /// Its postings: how many, which of its kind's each is, and the energy.
    var postings = 0
    var places = InlineArray<16, UInt8>(repeating: 0)
    var energy = InlineArray<16, Nanojoules>(repeating: .zero)
    /// Of the plan: the record that it goes into.
    var piece = 0
  }
  private struct Exit {
    var entropy: Float = 0
    var certainty: Float = 0
    var gain: Float?
  }

  /// The first window of each kind, with the postings of all: a sensor that wakes in some of them is posted in those.
  private var shapes: [Decision] = []
  private var windows: [Window] = []
  /// Of the plan, by piece: the last window.
  private var lasts: [Int] = []

  init() {
    shapes.reserveCapacity(Self.maximumShapes)
    windows.reserveCapacity(Self.maximumWindows)
    lasts.reserveCapacity(Self.maximumWindows + 2 * Self.maximumShapes)
  }

  var isEmpty: Bool { windows.isEmpty }
  var count: Int { windows.count }
  /// When the first was decided.
  var since: Instant? { windows.isEmpty ? nil : windows[0].decided }
  /// The last one's.
  var stamp: LedgerStamp? { windows.isEmpty ? nil : windows[windows.count - 1].stamp }

  package static var bytes: Int {
    maximumWindows * MemoryLayout<Window>.stride + maximumShapes * MemoryLayout<Decision>.stride
  }

  /// Whether nothing happened in the window: no answer but `none`, no wake, no audit, and no command that was
  /// overridden or contradicted a sure `none`.
  static func isSteady(_ decision: borrowing Decision, none: Int?) -> Bool {
    let label = decision.answer.label
    guard label == nil || label == none, decision.woken == [],
      decision.trace.count <= CountedWindows.maximumExits, decision.trace.dropped == 0,
      decision.energy.count <= maximumPostings, decision.energy.dropped == 0
    else { return false }
    var index = 0
    while index < decision.energy.count {
      if decision.energy[index].account == .audit { return false }
      index += 1
    }
    index = 0
    while index < decision.trace.count {
      let hop = decision.trace[index]
      if hop.overrideThreshold != nil || hop.thresholdBesideNone != nil { return false }
      index += 1
    }
    return true
  }

  /// Takes a window in; false where those that wait have to be recorded first.
  mutating func take(_ decision: borrowing Decision, at stamp: LedgerStamp) -> Bool {
    guard windows.count < Self.maximumWindows else { return false }
    if let first = windows.first, decision.decided - first.decided >= Self.maximumTime { return false }
    if let last = windows.last, decision.number <= last.number { return false }
    var shape = 0
    var places = InlineArray<16, UInt8>(repeating: 0)
    while shape < shapes.count {
      if Self.areAlike(shapes[shape], decision), find(decision, in: shape, &places) { break }
      shape += 1
    }
    if shape == shapes.count {
      guard shape < Self.maximumShapes else { return false }
      shapes.append(copy decision)
      _ = find(decision, in: shape, &places)
    }
    var window = Window(
      number: decision.number, start: decision.start, end: decision.end, decided: decision.decided,
      stamp: stamp,
      alwaysOn: decision.alwaysOn, macs: decision.macs, skew: decision.skew, entropy: decision.answer.entropy,
      certainty: decision.answer.certainty, shape: shape)
    var index = 0
    while index < decision.trace.count {
      let reading = decision.trace[index].reading
      window.exits[index] = Exit(
        entropy: reading.entropy, certainty: reading.certainty, gain: reading.gain)
      index += 1
    }
    index = 0
    while index < decision.energy.count {
      window.energy[index] = decision.energy[index].energy
      index += 1
    }
    window.places = places
    window.postings = index
    windows.append(window)
    return true
  }

  /// Finds each of a window's postings among its kind's, which takes up those that it does not have yet. Two that differ
  /// in nothing but the energy are two.
  /// - Returns: false where the kind has no room for them.
  private mutating func find(
    _ decision: borrowing Decision, in shape: Int, _ places: inout InlineArray<16, UInt8>
  ) -> Bool {
    var taken: UInt32 = 0
    var index = 0
    while index < decision.energy.count {
      let posting = decision.energy[index]
      var place = 0
      while place < shapes[shape].energy.count {
        if taken & 1 << UInt32(place) == 0 && Self.areAlike(shapes[shape].energy[place], posting) { break }
        place += 1
      }
      if place == shapes[shape].energy.count {
        guard place < Self.maximumPostings else { return false }
        shapes[shape].energy.append(posting)
      }
      taken |= 1 << UInt32(place)
      places[index] = UInt8(place)
      index += 1
    }
    return true
  }

  mutating func removeAll() {
    shapes.removeAll(keepingCapacity: true)
    windows.removeAll(keepingCapacity: true)
    lasts.removeAll(keepingCapacity: true)
  }

  /// Says which windows make a record together: those of a kind. The ones with these numbers each make one of their
  /// own, and part those in front of them from those behind.
  mutating func plan(alone: ClosedRange<UInt64>?) {
    let whole = 2 * Self.maximumShapes
    lasts.removeAll(keepingCapacity: true)
    var piece = 0
    while piece < whole {
      lasts.append(-1)
      piece += 1
    }
    var index = 0
    while index < windows.count {
      let number = windows[index].number
      if let alone, alone.contains(number) {
        piece = lasts.count
        lasts.append(index)
      } else {
        let isBehind = alone.map { number > $0.upperBound } ?? false
        piece = 2 * windows[index].shape + (isBehind ? 1 : 0)
        lasts[piece] = index
      }
      windows[index].piece = piece
      index += 1
    }
  }

  /// A record that the plan has end with the window at this place; nil where that goes into a later one. In order of
  /// places, the records' stamps never go back.
  /// - Returns: the first window with the sums of all; what to say of the others where there are any.
  func record(endingAt place: Int) -> (decision: Decision, counted: CountedWindows?, stamp: LedgerStamp)? {
    let piece = windows[place].piece
    guard lasts[piece] == place else { return nil }
    var index = 0
    while windows[index].piece != piece { index += 1 }
    var sum = decision(at: index)
    guard index < place else { return (sum, nil, windows[place].stamp) }
    var count = 1
    var entropy = windows[index].entropy...windows[index].entropy
    var exits = Bounded<8, ClosedRange<Float>>(filler: 0...0)
    var exit = 0
    while exit < sum.trace.count {
      let value = windows[index].exits[exit].entropy
      exits.append(value...value)
      exit += 1
    }
    // Where each of the kind's postings stands in the sum; below 0 where none of its windows had it so far.
    var placed = InlineArray<16, Int>(repeating: -1)
    var posting = 0
    while posting < sum.energy.count {
      placed[Int(windows[index].places[posting])] = posting
      posting += 1
    }
    index += 1
    while index <= place {
      if windows[index].piece == piece { add(index, to: &sum, &count, &entropy, &exits, &placed) }
      index += 1
    }
    let counted = CountedWindows(count: count, last: decision(at: place), entropy: entropy, exits: exits)
    return (sum, counted, windows[place].stamp)
  }

  private func add(
    _ index: Int, to sum: inout Decision, _ count: inout Int, _ entropy: inout ClosedRange<Float>,
    _ exits: inout Bounded<8, ClosedRange<Float>>, _ placed: inout InlineArray<16, Int>
  ) {
    count += 1
    entropy = Self.widened(entropy, windows[index].entropy)
    sum.macs += windows[index].macs
    sum.alwaysOn += windows[index].alwaysOn
    var place = 0
    while place < windows[index].postings {
      let posting = Int(windows[index].places[place])
      if placed[posting] < 0 {
        placed[posting] = sum.energy.count
        sum.energy.append(shapes[windows[index].shape].energy[posting])
        sum.energy[placed[posting]].energy = .zero
      }
      sum.energy[placed[posting]].energy += windows[index].energy[place]
      place += 1
    }
    place = 0
    while place < exits.count {
      exits[place] = Self.widened(exits[place], windows[index].exits[place].entropy)
      place += 1
    }
  }

  private static func widened(_ range: ClosedRange<Float>, _ value: Float) -> ClosedRange<Float> {
    min(range.lowerBound, value)...max(range.upperBound, value)
  }

  /// The window as it was taken in.
  private func decision(at index: Int) -> Decision {
    let window = windows[index]
    var decision = shapes[window.shape]
    decision.number = window.number
    decision.start = window.start
    decision.end = window.end
    decision.decided = window.decided
    decision.alwaysOn = window.alwaysOn
    decision.macs = window.macs
    decision.skew = window.skew
    decision.answer.entropy = window.entropy
    decision.answer.certainty = window.certainty
    var place = 0
    while place < decision.trace.count {
      decision.trace[place].reading.entropy = window.exits[place].entropy
      decision.trace[place].reading.certainty = window.exits[place].certainty
      decision.trace[place].reading.gain = window.exits[place].gain
      place += 1
    }
    decision.energy.removeAll()
    place = 0
    while place < window.postings {
      decision.energy.append(shapes[window.shape].energy[Int(window.places[place])])
      decision.energy[place].energy = window.energy[place]
      place += 1
    }
    return decision
  }

  /// Whether two windows differ in nothing but times, entropies, certainties and what they cost.
  private static func areAlike(_ one: borrowing Decision, _ other: borrowing Decision) -> Bool {
    guard one.answer.label == other.answer.label, one.answer.exit == other.answer.exit,
      one.answer.threshold == other.answer.threshold, one.answer.reason == other.answer.reason,
      one.provisional == other.provisional, one.look == other.look, one.used == other.used,
      one.missing == other.missing, (one.skew == nil) == (other.skew == nil),
      one.trace.count == other.trace.count
    else { return false }
    var index = 0
    while index < one.trace.count {
      let (mine, its) = (one.trace[index], other.trace[index])
      guard mine.threshold == its.threshold, mine.reading.exit == its.reading.exit,
        mine.reading.label == its.reading.label, (mine.reading.gain == nil) == (its.reading.gain == nil)
      else { return false }
      index += 1
    }
    return true
  }

  private static func areAlike(_ one: EnergyPosting, _ other: EnergyPosting) -> Bool {
    one.account == other.account && one.modality == other.modality && one.exit == other.exit
      && one.scope == other.scope && one.kind == other.kind
  }
}
