import Energy
import Sensing
import Vocabulary
import Wire

@testable import Daemon
@testable import Pipeline

/// Each sensor's time by its records, and by what was posted for it.
struct Timeline {
  private var states: [(name: String, since: Instant)]
  private var recorded: [StateDurations]
  private var posted: [StateDurations]
  private var audited: [Nanoseconds]
  private(set) var faults: [String] = []

  init(sensors: Int) {
    states = Array(repeating: ("asleep", .zero), count: sensors)
    recorded = Array(repeating: StateDurations(), count: sensors)
    posted = recorded
    audited = Array(repeating: .zero, count: sensors)
  }

  private mutating func leave(_ sensor: Int, _ next: String, at now: Instant) -> Nanoseconds {
    let (name, since) = states[sensor]
    let states: [String: SensorState] = [
      "asleep": .asleep, "waking": .waking(since: .zero), "awake": .awake(since: .zero),
    ]
    recorded[sensor].add(now - since, in: states[name] ?? .failed(.absent, since: .zero))
    self.states[sensor] = (next, now)
    return name == "awake" ? now - since : .zero
  }

  mutating func add(_ event: LedgerEvent, at now: Instant) {
    switch event {
    case .wake(let sensor, _): _ = leave(sensor, "waking", at: now)
    case .sleep(let sensor, let awake):
      let lasted = leave(sensor, "asleep", at: now)
      if awake != lasted { faults.append("sensor \(sensor): 'sleep' says \(awake), awake was \(lasted)") }
    case .state(let sensor, let from, let to, _):
      if from != states[sensor].name {
        faults.append("sensor \(sensor): 'state' from \(from), was \(states[sensor].name)")
      }
      _ = leave(sensor, to, at: now)
    default: break
    }
  }

  mutating func add(_ postings: Bounded<64, EnergyPosting>) {
    for index in postings.indices {
      guard let sensor = postings[index].modality else { continue }
      let time = Nanoseconds(postings[index].energy.count)
      switch postings[index].account {
      case .sensing: posted[sensor].add(time, in: .awake(since: .zero))
      case .wake: posted[sensor].add(time, in: .waking(since: .zero))
      case .idle: posted[sensor].add(time, in: .asleep)
      // Awake and waking in one, each at 1 W: told apart by nothing here.
      case .audit: audited[sensor] = audited[sensor] + time
      default: break
      }
    }
  }

  mutating func close(_ closing: ClosingEnergy, at end: Instant) {
    add(closing.energy)
    for sensor in states.indices { _ = leave(sensor, "ended", at: end) }
  }

  func compare(_ sensor: Int, _ shown: StateDurations, total: Nanoseconds) -> [String] {
    var paid = shown
    paid.failed = .zero
    var faults: [String] = []
    if recorded[sensor] != shown {
      faults.append("sensor \(sensor): records \(recorded[sensor]), status \(shown)")
    }
    let difference = paid - posted[sensor]
    let isPaid =
      difference.asleep == .zero && difference.waking >= .zero && difference.awake >= .zero
      && difference.total == audited[sensor]
    if !isPaid { faults.append("sensor \(sensor): energy \(posted[sensor]), status \(paid)") }
    if shown.total != total { faults.append("sensor \(sensor): \(shown) is not \(total)") }
    return faults
  }
}
