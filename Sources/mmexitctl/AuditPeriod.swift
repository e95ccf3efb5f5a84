import JSON
import Ledger
import Vocabulary
import Wire

/// Where a period of a ledger begins: `--since`.
enum PeriodStart: Equatable {
  /// So long in front of the last record.
  case before(Int64)
  /// Nanoseconds since 1970.
  case at(Int64)

  private static let units: [(suffix: String, seconds: Int64)] = [
    ("s", 1), ("m", 60), ("h", 3600), ("d", 86_400),
  ]

  /// Nil for what is neither a duration (`90m`, `24h`, `7d`) nor a time in UTC (`2026-11-28`, `2026-11-28T12:00Z`).
  init?(_ text: String) {
    if let unit = Self.units.first(where: { text.hasSuffix($0.suffix) }), let count = Int64(text.dropLast()),
      (1...1_000_000).contains(count)
    {
      self = .before(count * unit.seconds * 1_000_000_000)
    } else if let time = UTCTime.nanoseconds(text) {
      self = .at(time)
    } else {
      return nil
    }
  }
}

/// Times of RFC 3339 in UTC, as the ledger has them.
enum UTCTime {
  /// Nanoseconds since 1970; nil where it is no such time. Clock and fraction may be left out.
  static func nanoseconds(_ text: String) -> Int64? {
    var text = text
    return text.withUTF8 { nanoseconds(UnsafeRawBufferPointer($0)) }
  }

  static func nanoseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
    var rest = text[...]
    if rest.last == UInt8(ascii: "Z") { rest = rest.dropLast() }
    func number(_ digits: Int, _ range: ClosedRange<Int>) -> Int? {
      guard rest.count >= digits else { return nil }
      var value = 0
      for byte in rest.prefix(digits) {
        guard (0x30...0x39).contains(byte) else { return nil }
        value = value * 10 + Int(byte - 0x30)
      }
      guard range.contains(value) else { return nil }
      rest = rest.dropFirst(digits)
      return value
    }
    func take(_ character: UInt8) -> Bool {
      guard rest.first == character else { return false }
      rest = rest.dropFirst()
      return true
    }
    let dash = UInt8(ascii: "-")
    guard let year = number(4, 1970...2261), take(dash), let month = number(2, 1...12), take(dash),
      let day = number(2, 1...31)
    else { return nil }
    var seconds = days(year, month, day) * 86_400
    guard !rest.isEmpty else { return Int64(seconds) * 1_000_000_000 }
    let colon = UInt8(ascii: ":")
    guard take(UInt8(ascii: "T")), let hour = number(2, 0...23), take(colon), let minute = number(2, 0...59)
    else {
      return nil
    }
    seconds += hour * 3600 + minute * 60
    var nanoseconds: Int64 = 0
    if take(colon) {
      guard let second = number(2, 0...60) else { return nil }
      seconds += second
      if take(UInt8(ascii: ".")) {
        let digits = rest.count
        guard (1...9).contains(digits), let fraction = number(digits, 0...999_999_999) else { return nil }
        nanoseconds = (digits..<9).reduce(Int64(fraction)) { value, _ in value * 10 }
      }
    }
    return rest.isEmpty ? Int64(seconds) * 1_000_000_000 + nanoseconds : nil
  }

  /// Days since 1970 of the Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
  private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let y = month <= 2 ? year - 1 : year
    let era = y / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }
}

/// Sums over a ledger's records from a time on, by hour and by sensor. Records of a replay, which have no wall clock, go by
/// their virtual one.
struct AuditPeriod {
  struct Hour {
    var decisions: Int64 = 0
    var energy: Int64 = 0
    var events: Int64 = 0
  }
  struct Sensor {
    var energy: Int64 = 0
    var wakes: Int64 = 0
    var awake: Int64 = 0
    var faults: Int64 = 0
  }
  struct Meter {
    var scope = ""
    var energy: Int64 = 0
    var accounts: Int64 = 0
  }

  private(set) var from: Int64
  private(set) var total = Hour()
  private(set) var alwaysOn: Int64 = 0
  /// By hours since 1970, or since the clock's beginning.
  private(set) var hours: [Int64: Hour] = [:]
  private(set) var sensors: [BytewiseText: Sensor] = [:]
  private(set) var meters: [BytewiseText: Meter] = [:]
  /// What could not be kept apart any more: the ledger names more than any daemon has.
  private(set) var isCut = false

  private static let maximumHours = 100_000
  private static let maximumNames = 64
  private static let hour: Int64 = 3_600_000_000_000

  /// - Throws: `CommandFailure`.
  init(_ directory: String, since start: PeriodStart) throws {
    func read(from sequence: UInt64?, _ body: (borrowing LedgerLine) -> Void) throws {
      do throws(LedgerError) {
        try readLines(directory, from: sequence) {
          body($0)
          return true
        }
      } catch {
        throw CommandFailure(message: error.description, code: error.exitCode)
      }
    }
    switch start {
    case .at(let time): from = time
    case .before(let time):
      var last: Int64 = 0
      try read(from: .max) { last = Self.time($0) ?? last }
      from = last - min(last, time)
    }
    var sums = self
    try read(from: nil) { sums.add($0) }
    self = sums
  }

  private static func time(_ record: borrowing LedgerLine) -> Int64? {
    let wall = record.withText("t_utc") { Optional(UTCTime.nanoseconds($0)) }
    return wall ?? record.number("t_boot_ns")
  }

  /// A record that is not as the daemon writes it is passed over: `audit` has named it.
  private mutating func add(_ record: borrowing LedgerLine) {
    guard let time = Self.time(record), time >= from, let type = record.text("type") else { return }
    switch type {
    case "wake": change(sensor: record.text("modality")) { $0.wakes.sum(1) }
    case "sleep":
      let awake = record.number("awake_ns") ?? 0
      change(sensor: record.text("modality")) { $0.awake.sum(awake) }
    case "fault": change(sensor: record.text("modality")) { $0.faults.sum(1) }
    case "decision", "stop", "event", "meter": add(type, record.tree, time)
    default: break
    }
  }

  private mutating func add(_ type: String, _ record: JSONPlace, _ time: Int64) {
    switch type {
    case "decision":
      let count = (try? record.windows()) ?? 1
      change(time) { $0.decisions.sum(count) }
      addEnergy(record, time)
    case "stop": addEnergy(record, time)
    case "event":
      if (try? record.member("end_ns").value) == .null { change(time) { $0.events.sum(1) } }
    default: addMeter(record)
    }
  }

  private mutating func addEnergy(_ record: JSONPlace, _ time: Int64) {
    alwaysOn.sum((try? record.member("always_on_nanojoules").integer()) ?? 0)
    for posting in (try? record.optional("energy")?.elements()) ?? [] {
      guard let energy = try? posting.member("nanojoules").integer() else { continue }
      change(time) { $0.energy.sum(energy) }
      change(sensor: try? posting.optional("modality")?.string()) { $0.energy.sum(energy) }
    }
  }

  private mutating func addMeter(_ record: JSONPlace) {
    guard let source = try? record.member("source").string(),
      let energy = try? record.member("nanojoules").integer(),
      let scope = try? record.member("scope").string(),
      let accounts = try? record.member("accounts_nanojoules").integer()
    else { return }
    let name = BytewiseText(source)
    guard meters[name] != nil || meters.count < Self.maximumNames else {
      isCut = true
      return
    }
    meters[name, default: Meter()].scope = scope
    meters[name, default: Meter()].energy.sum(energy)
    meters[name, default: Meter()].accounts.sum(accounts)
  }

  private mutating func change(_ time: Int64, _ body: (inout Hour) -> Void) {
    body(&total)
    let hour = time / Self.hour
    guard hours[hour] != nil || hours.count < Self.maximumHours else {
      isCut = true
      return
    }
    body(&hours[hour, default: Hour()])
  }

  private mutating func change(sensor modality: String?, _ body: (inout Sensor) -> Void) {
    guard let modality else { return }
    let name = BytewiseText(modality)
    guard sensors[name] != nil || sensors.count < Self.maximumNames else {
      isCut = true
      return
    }
    body(&sensors[name, default: Sensor()])
  }
}

extension Int64 {
  /// Stays at the end of the scale: a hostile ledger may say anything.
  fileprivate mutating func sum(_ other: Int64) {
    let (sum, overflow) = addingReportingOverflow(other)
    self = overflow ? (other > 0 ? .max : .min) : sum
  }
}
