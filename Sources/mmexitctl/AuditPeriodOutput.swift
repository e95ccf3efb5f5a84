import JSON
import Vocabulary

/// How `audit --since` shows a period.
extension AuditPeriod {
  /// Sources of the same scope measure the same: their ratio, and whether it is one to look into.
  private var ratios: [(first: String, second: String, ratio: Double, isOdd: Bool)] {
    let sorted = meters.sorted { $0.key < $1.key }
    var found: [(String, String, Double, Bool)] = []
    for (index, one) in sorted.enumerated() {
      for other in sorted[(index + 1)...]
      where one.value.scope == other.value.scope && one.value.scope != "sensor" && other.value.energy > 0 {
        let ratio = Double(one.value.energy) / Double(other.value.energy)
        found.append((one.key.text, other.key.text, ratio, !(0.5...2).contains(ratio)))
      }
    }
    return found
  }

  func show() {
    let saved =
      alwaysOn > 0
      ? ", \(Output.fixed(100 * (1 - Double(total.energy) / Double(alwaysOn)), 1))% less than always on" : ""
    Output.line(
      "since    \(Self.text(from)): \(total.decisions) decisions, \(total.events) events, \(joules(total.energy)) J\(saved)"
    )
    Output.table(
      ["hour", "decisions", "events", "J"],
      hours.sorted { $0.key < $1.key }.map {
        [
          Self.text($0.key * 3_600_000_000_000), "\($0.value.decisions)", "\($0.value.events)",
          joules($0.value.energy),
        ]
      })
    Output.table(
      ["sensor", "J", "wakes", "awake s", "faults"],
      sensors.sorted { $0.key < $1.key }.map {
        [
          $0.key.text, joules($0.value.energy), "\($0.value.wakes)",
          Output.fixed(Double($0.value.awake) * 1e-9, 1),
          "\($0.value.faults)",
        ]
      })
    for (name, meter) in meters.sorted(by: { $0.key < $1.key }) {
      Output.line(
        "meter    \(name.text) (\(meter.scope)): \(joules(meter.energy)) J measured, \(joules(meter.accounts)) J in accounts"
      )
    }
    for pair in ratios {
      Output.line(
        "         \(pair.first) is \(Output.fixed(pair.ratio, 3)) of \(pair.second)"
          + (pair.isOdd ? ": look into it, both measure the same" : ""))
    }
    if isCut { Output.line("         hours or names beyond all that a daemon has were left out") }
  }

  var json: JSONValue {
    [
      "from": .string(Self.text(from)), "decisions": .integer(total.decisions),
      "events": .integer(total.events),
      "total_nanojoules": .integer(total.energy), "always_on_nanojoules": .integer(alwaysOn),
      "hours": .array(
        hours.sorted { $0.key < $1.key }.map {
          [
            "hour": .string(Self.text($0.key * 3_600_000_000_000)), "decisions": .integer($0.value.decisions),
            "events": .integer($0.value.events), "nanojoules": .integer($0.value.energy),
          ]
        }),
      "sensors": .array(
        sensors.sorted { $0.key < $1.key }.map {
          [
            "modality": .string($0.key.text), "nanojoules": .integer($0.value.energy),
            "wakes": .integer($0.value.wakes), "awake_ns": .integer($0.value.awake),
            "faults": .integer($0.value.faults),
          ]
        }),
      "meters": .array(
        meters.sorted { $0.key < $1.key }.map {
          [
            "source": .string($0.key.text), "scope": .string($0.value.scope),
            "nanojoules": .integer($0.value.energy), "accounts_nanojoules": .integer($0.value.accounts),
          ]
        }),
      "meter_ratios": .array(
        ratios.map {
          [
            "sources": [.string($0.first), .string($0.second)], "ratio": .real($0.ratio),
            "odd": .bool($0.isOdd),
          ]
        }),
    ]
  }

  private func joules(_ nanojoules: Int64) -> String { Output.fixed(Double(nanojoules) * 1e-9, 3) }

  /// UTC; of a replay's clock, which begins at 0, what looks like 1970.
  static func text(_ nanoseconds: Int64) -> String {
    let seconds = nanoseconds / 1_000_000_000
    let (day, clock) = (seconds / 86_400, seconds % 86_400)
    // As in `UTCTime.days`, backwards.
    let z = day + 719_468
    let era = z / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(year)-\(two(month))-\(two(dayOfYear - (153 * shifted + 2) / 5 + 1))T"
      + "\(two(clock / 3600)):\(two(clock / 60 % 60)):\(two(clock % 60))Z"
  }
}
