import Energy
import Engine
import Ledger
import Vocabulary

/// What the recorder counts for `GetMetrics` since the daemon's start: of every decision and event that it is given.
/// Tables have room for all that a model can bring: nothing allocates per window but after they were read.
struct MetricCounts: Sendable {
  struct Posted: Hashable, Sendable {
    var account: EnergyPosting.Account
    var modality: Int?
    var scope: EnergyPosting.Scope
    var kind: EnergyPosting.Kind
  }

  /// Upper bounds of the histogram of latency: from a window's end to its answer.
  static let latencyBounds: [Nanoseconds] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].map {
    .milliseconds($0)
  }

  private(set) var reasons = CounterTable<Reason>()
  /// Nil: no exit answered.
  private(set) var exits = CounterTable<ExitID?>()
  /// Nanojoules.
  private(set) var energy = CounterTable<Posted>(capacity: 128)
  private(set) var alwaysOn = Nanojoules.zero
  /// The sum of `energy`.
  private(set) var posted = Nanojoules.zero
  /// Nanojoules.
  private(set) var meters = CounterTable<MeterSource>()
  /// By class; a generation may bring other names.
  private(set) var events = CounterTable<BytewiseText>()
  /// By bound; the last is of all that took longer. Not cumulative.
  private(set) var latencies = [Int64](repeating: 0, count: latencyBounds.count + 1)
  private(set) var latencySum = Nanoseconds.zero
  private var classes: [BytewiseText] = []
  /// Of the model that runs.
  private(set) var model = ""
  private(set) var digest = ""
  /// The last head of the ledger that the disk was known to have: found at the start, or told outside.
  private(set) var head: (sequence: UInt64, digest: String)?

  init() {}

  /// From now on by this model's names. What it can count stands at 0 until then.
  mutating func adopt(_ model: Model, digest: String) {
    self.model = model.name
    self.digest = digest
    classes = model.classes.map { BytewiseText($0) }
    for (index, name) in classes.enumerated() where index != model.noneClass {
      events.add(0, to: name)
    }
    for (index, modality) in model.modalities.enumerated() {
      for exit in 0...modality.segments.count {
        exits.add(0, to: .encoder(modality: index, exit: exit))
      }
    }
    exits.add(0, to: .fusion)
    exits.add(0, to: nil as ExitID?)
    for reason in Reason.allCases { reasons.add(0, to: reason) }
  }

  mutating func add(_ decision: Decision) {
    reasons.add(1, to: decision.answer.reason)
    exits.add(1, to: decision.answer.exit)
    add(decision.energy)
    alwaysOn += decision.alwaysOn
    let latency = max(.zero, decision.decided - decision.end)
    // Plain: what goes by a collection's protocol takes from the heap in a build without optimization.
    var place = 0
    while place < Self.latencyBounds.count && latency > Self.latencyBounds[place] { place += 1 }
    latencies[place] += 1
    latencySum = latencySum + latency
  }

  mutating func add(_ closing: ClosingEnergy) {
    add(closing.energy)
    alwaysOn += closing.alwaysOn
  }

  mutating func add(_ reading: MeterReading) { meters.add(reading.energy.count, to: reading.source) }

  mutating func tell(_ head: LedgerHead) { self.head = (head.sequence, head.digest.hexString) }

  /// An event counts when it begins.
  mutating func add(_ event: StreamEvent) {
    if event.end == nil, classes.indices.contains(event.label) {
      events.add(1, to: classes[event.label])
    }
  }

  private mutating func add(_ postings: Bounded<64, EnergyPosting>) {
    for index in postings.indices {
      let posting = postings[index]
      let key = Posted(
        account: posting.account, modality: posting.modality, scope: posting.scope, kind: posting.kind)
      energy.add(posting.energy.count, to: key)
      posted += posting.energy
    }
  }
}
