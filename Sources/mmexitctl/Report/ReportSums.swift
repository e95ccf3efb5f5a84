import JSON
import Ledger
import Vocabulary

/// What `mmexitctl report` shows of a ledger, added up in two passes. Memory does not grow with the ledger: time is cut
/// into a fixed number of bins, and names and lists have an end.
struct ReportSums {
  /// Columns of everything that is shown over time.
  static let bins = 288
  /// Bars of a histogram of entropies, 0 to 1.
  static let entropyBars = 20
  private static let maximumNames = 32
  /// Entries shown of each list, the newest.
  static let listed = 100

  struct Exit {
    var asked: Int64 = 0
    var answered: Int64 = 0
    var energy: Int64 = 0
    var entropies = [Int64](repeating: 0, count: ReportSums.entropyBars)
    /// Thresholds that were in force, the lowest and the highest.
    var thresholds: ClosedRange<Double>?
  }
  struct Sensor {
    var energy = [Int64](repeating: 0, count: ReportSums.bins)
    /// Nanoseconds awake or waking.
    var awake = [Int64](repeating: 0, count: ReportSums.bins)
    var wakes: Int64 = 0
    var faults: Int64 = 0
    fileprivate var awakeSince: Int64?
  }
  struct Meter {
    var scope = ""
    var energy: Int64 = 0
    var accounts: Int64 = 0
  }
  /// Something to be listed: when, and what.
  struct Entry {
    var time: Int64
    var text: String
  }
  struct List {
    private(set) var entries: [Entry] = []
    private(set) var count = 0

    mutating func append(_ time: Int64, _ text: String) {
      count += 1
      // The newest half is kept when it is full: an array that loses its first element each time would be moved each time.
      if entries.count == 2 * ReportSums.listed { entries.removeFirst(ReportSums.listed) }
      entries.append(Entry(time: time, text: text))
    }
    var newest: ArraySlice<Entry> { entries.suffix(ReportSums.listed) }
  }

  private(set) var model = ""
  private(set) var from = Int64.max
  private(set) var to = Int64.min
  private(set) var decisions: Int64 = 0
  private(set) var alwaysOn = [Int64](repeating: 0, count: bins)
  /// Energy that belongs to no sensor: fusion, the machine's own.
  private(set) var shared = [Int64](repeating: 0, count: bins)
  private(set) var sensors: [String: Sensor] = [:]
  private(set) var exits: [String: Exit] = [:]
  private(set) var accounts: [String: Int64] = [:]
  private(set) var meters: [String: Meter] = [:]
  private(set) var labels: [String: Int64] = [:]
  private(set) var eventBins = [Int64](repeating: 0, count: bins)
  private(set) var events = List()
  private(set) var orders = List()
  private(set) var troubles = List()
  /// Names were left out: there are more than any daemon has.
  private(set) var isCut = false

  var energy: Int64 {
    sensors.values.reduce(total(shared)) { $0.adding(total($1.energy)) }
  }
  /// Nanoseconds of a bin, 1 or more.
  var width: Int64 { max(1, (to - from) / Int64(Self.bins) + 1) }

  func total(_ values: [Int64]) -> Int64 { values.reduce(0) { $0.adding($1) } }

  /// - Throws: `LedgerError`.
  init(_ directory: String) throws(LedgerError) {
    var first = Int64.max
    var last = Int64.min
    try readLines(directory) { record in
      if let time = RecordTime.of(record) {
        first = min(first, time)
        last = max(last, time)
      }
      return true
    }
    guard first <= last else { throw .noLedger(path: directory) }
    (from, to) = (first, last)
    var sums = self
    try readLines(directory) { record in
      sums.take(record)
      return true
    }
    sums.closeAll(at: sums.to)
    self = sums
  }

  private func bin(_ time: Int64) -> Int { Int(min(max(0, (time - from) / width), Int64(Self.bins - 1))) }

  /// What comes in masses and says little is told from its bytes; the rest from the tree.
  private mutating func take(_ record: borrowing LedgerLine) {
    guard let time = RecordTime.of(record), (from...to).contains(time), let type = record.text("type") else {
      return
    }
    switch type {
    case "state":
      let name = record.text("modality")
      switch record.text("to") {
      case "awake", "waking": change(sensor: name) { $0.awakeSince = $0.awakeSince ?? time }
      default: close(name, at: time)
      }
    case "sleep": close(record.text("modality"), at: time)
    case "wake":
      change(sensor: record.text("modality")) {
        $0.wakes += 1
        $0.awakeSince = $0.awakeSince ?? time
      }
    case "audit", "label", "command": break
    default: take(type, record.tree, time)
    }
  }

  private mutating func take(_ type: String, _ record: JSONPlace, _ time: Int64) {
    switch type {
    case "decision": takeDecision(record, time)
    case "start":
      closeAll(at: time)
      model = record.text("model") ?? model
      if let after = record.text("after"), after == "crash" {
        troubles.append(time, "started after a crash: the run before it has no 'stop' record")
      }
    case "stop":
      takeEnergy(record, time)
      closeAll(at: time)
    case "fault":
      change(sensor: record.text("modality")) { $0.faults += 1 }
      troubles.append(time, "\(record.text("modality") ?? "machine"): \(record.text("message") ?? "fault")")
    case "gap": troubles.append(time, "gap in the ledger: \(record.text("cause") ?? "no cause told")")
    case "clock":
      troubles.append(
        time, "the wall clock was set by \(Output.fixed(seconds(record.number("step_ns")), 3)) s")
    case "event": takeEvent(record, time)
    case "reorder": takeOrder(record, time)
    case "meter": takeMeter(record)
    default: break
    }
  }

  private func seconds(_ nanoseconds: Int64?) -> Double { Double(nanoseconds ?? 0) * 1e-9 }
}

// MARK: Records

extension ReportSums {
  private mutating func takeDecision(_ record: JSONPlace, _ time: Int64) {
    let count = max(1, record.number("count") ?? 1)
    decisions = decisions.adding(count)
    takeEnergy(record, time)
    if let name = Self.exitName(try? record.member("exit")) {
      change(exit: name) { $0.answered = $0.answered.adding(count) }
    }
    for asked in record.list("hops") {
      guard let name = Self.exitName(asked), let entropy = asked.real("entropy"), entropy.isFinite else {
        continue
      }
      let threshold = asked.real("threshold")
      // What the threshold is held against: docs/model-format.md, gain heads.
      let doubt = asked.real("gain").map { (1 + $0) / 2 } ?? entropy
      change(exit: name) {
        $0.asked = $0.asked.adding(count)
        let bar = Int(min(max(0, doubt), 1) * Double(Self.entropyBars))
        $0.entropies[min(bar, Self.entropyBars - 1)] = $0.entropies[min(bar, Self.entropyBars - 1)].adding(
          count)
        guard let threshold, threshold.isFinite else { return }
        let known = $0.thresholds ?? threshold...threshold
        $0.thresholds = min(known.lowerBound, threshold)...max(known.upperBound, threshold)
      }
    }
  }

  private mutating func takeEnergy(_ record: JSONPlace, _ time: Int64) {
    let place = bin(time)
    alwaysOn[place] = alwaysOn[place].adding(record.number("always_on_nanojoules") ?? 0)
    for posting in record.list("energy") {
      guard let energy = posting.number("nanojoules") else { continue }
      if let account = posting.text("account"), accounts[account] != nil || room(accounts.count) {
        accounts[account, default: 0] = accounts[account, default: 0].adding(energy)
      }
      if let name = Self.exitName(posting), posting.text("account") == "segment" {
        change(exit: name) { $0.energy = $0.energy.adding(energy) }
      }
      if posting.text("modality") == nil {
        shared[place] = shared[place].adding(energy)
      } else {
        change(sensor: posting.text("modality")) { $0.energy[place] = $0.energy[place].adding(energy) }
      }
    }
  }

  private mutating func takeEvent(_ record: JSONPlace, _ time: Int64) {
    let label = record.text("label") ?? "?"
    let sensors = record.list("modalities").compactMap { try? $0.string() }.joined(separator: "+")
    let certainty = Output.fixed(record.real("certainty") ?? 0, 3)
    guard let end = record.number("end_ns") else {
      eventBins[bin(time)] += 1
      if labels[label] != nil || room(labels.count) { labels[label, default: 0] += 1 }
      events.append(time, "\(label) begins, certainty \(certainty), \(sensors)")
      return
    }
    let lasted = seconds(end.subtractingReportingOverflow(record.number("start_ns") ?? end).partialValue)
    events.append(
      time, "\(label) ends after \(Output.fixed(lasted, 2)) s, certainty \(certainty), \(sensors)")
  }

  private mutating func takeOrder(_ record: JSONPlace, _ time: Int64) {
    func names(_ key: String) -> String {
      record.list(key).compactMap { try? $0.string() }.joined(separator: ", ")
    }
    let gain = record.real("gain").map { ", gain \(Output.fixed($0 * 1000, 1)) mJ a window" } ?? ""
    orders.append(
      time,
      "order \(names("from")) to \(names("to")); asked: \(names("asked_before")) to \(names("asked"))\(gain)")
  }

  private mutating func takeMeter(_ record: JSONPlace) {
    guard let source = record.text("source"), meters[source] != nil || room(meters.count) else { return }
    meters[source, default: Meter()].scope = record.text("scope") ?? ""
    meters[source]!.energy = meters[source]!.energy.adding(record.number("nanojoules") ?? 0)
    meters[source]!.accounts = meters[source]!.accounts.adding(record.number("accounts_nanojoules") ?? 0)
  }

  /// `audio/1`, `fusion`, `audio, activity check`; nil for what names no exit.
  private static func exitName(_ place: JSONPlace?) -> String? {
    guard let place else { return nil }
    if let modality = place.text("modality"), let exit = place.number("exit") {
      return exit == 0 ? "\(modality), activity check" : "\(modality)/\(exit)"
    }
    return (try? place.optional("fusion")?.bool()) == true ? "fusion" : nil
  }
}

// MARK: What is kept apart

extension ReportSums {
  private mutating func room(_ count: Int) -> Bool {
    if count < Self.maximumNames { return true }
    isCut = true
    return false
  }

  private mutating func change(sensor name: String?, _ body: (inout Sensor) -> Void) {
    guard let name, sensors[name] != nil || room(sensors.count) else { return }
    body(&sensors[name, default: Sensor()])
  }

  private mutating func change(exit name: String, _ body: (inout Exit) -> Void) {
    guard exits[name] != nil || room(exits.count) else { return }
    body(&exits[name, default: Exit()])
  }

  private mutating func close(_ name: String?, at time: Int64) {
    guard let name, let since = sensors[name]?.awakeSince else { return }
    sensors[name]?.awakeSince = nil
    add(awake: since, time, to: name)
  }

  /// No sensor is awake from here on: the run has ended.
  private mutating func closeAll(at time: Int64) {
    for (name, sensor) in sensors {
      guard let since = sensor.awakeSince else { continue }
      sensors[name]?.awakeSince = nil
      add(awake: since, time, to: name)
    }
  }

  private mutating func add(awake begin: Int64, _ end: Int64, to name: String) {
    guard begin < end else { return }
    for place in bin(begin)...bin(end) {
      let first = from + Int64(place) * width
      let part = max(0, min(end, first + width) - max(begin, first))
      sensors[name]!.awake[place] = sensors[name]!.awake[place].adding(part)
    }
  }
}

/// When a record was written: nanoseconds since 1970, or of a replay's virtual clock.
enum RecordTime {
  /// Up to the year 2116; nil where a record has none, or one that no clock has.
  static func of(_ record: borrowing LedgerLine) -> Int64? {
    let time = record.withText("t_utc") { UTCTime.nanoseconds($0) } ?? record.number("t_boot_ns")
    return time.flatMap { (0...Int64.max / 2).contains($0) ? $0 : nil }
  }
}

extension JSONPlace {
  /// Nil for what is not there, or is something else: what reads a ledger for people passes that over.
  func text(_ key: String) -> String? { (try? optional(key))?.flatMap { try? $0.string() } }
  func number(_ key: String) -> Int64? { (try? optional(key))?.flatMap { try? $0.integer() } }
  func real(_ key: String) -> Double? { (try? optional(key))?.flatMap { try? $0.real() } }
  func list(_ key: String) -> [JSONPlace] { (try? optional(key))?.flatMap { try? $0.elements() } ?? [] }
}

extension Int64 {
  /// Stays at the end of the scale: a hostile ledger may say anything.
  fileprivate func adding(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other > 0 ? .max : .min) : sum
  }
}
