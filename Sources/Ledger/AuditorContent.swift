import JSON
import Vocabulary
import Wire

/// What a record's type says that it holds: its sums.
extension Auditor {
  mutating func checkContent(_ record: JSONPlace, _ type: RecordType) throws(JSONError) {
    switch type {
    case .decision: try checkDecision(record)
    case .audit: try checkAudit(record)
    case .start:
      run = (0, 0, true)
      audited = nil
    case .stop: try checkStop(record)
    case .meter: try checkMeter(record)
    case .gap:
      if let digest = Digest(hex: try record.optional("cut_sha256")?.string() ?? ""), let sequence {
        if told.count == Self.maximumTold { told.removeFirst() }
        told.append(ToldCut(digest: digest, sequence: sequence))
      }
      report.add(gap: "\(segment):\(line): \(try gap(record))")
      if let lost = try record.optional("lost_records") { add(try lost.integer(), to: \.shed) }
      guard let shed = try record.optional("shed") else { return }
      for (_, count) in try shed.members() { add(try count.integer(), to: \.shed) }
    default: break
    }
  }

  private func gap(_ record: JSONPlace) throws(JSONError) -> String {
    var text = try record.member("cause").string()
    for member in ["cut_bytes", "lost_records", "failed_synchronizations", "findings"] {
      if let number = try record.optional(member) { text += ", \(member) \(try number.integer())" }
    }
    if let dropped = try record.optional("dropped_seq")?.elements(count: 2...2) {
      text += ", dropped \(try dropped[0].integer()) to \(try dropped[1].integer())"
    }
    for member in ["segment", "kept"] {
      if let name = try record.optional(member) { text += ", \(member) \(try name.string())" }
    }
    if let shed = try record.optional("shed") {
      for (type, count) in try shed.members() { text += ", \(try count.integer()) of \(type)" }
    }
    return text
  }

  private mutating func checkStop(_ record: JSONPlace) throws(JSONError) {
    // A stop that was written without postings has none of the members that go with them.
    if try record.optional("energy") != nil {
      let sum = try addPostings(record)
      try checkSum(record, "closing_nanojoules", sum)
      add(try record.member("always_on_nanojoules").integer(), to: \.totals.alwaysOn)
      run.energy.clampedAdd(sum)
    }
    // A run whose beginning was removed cannot be summed.
    guard run.whole else {
      leftOutTotals = true
      return
    }
    try checkSum(record, "decisions", run.decisions)
    try checkSum(record, "total_nanojoules", run.energy)
  }

  /// A reading is in no account; what the accounts leave of it has to be the difference.
  private mutating func checkMeter(_ record: JSONPlace) throws(JSONError) {
    let energy = try record.member("nanojoules").integer()
    let accounts = try record.member("accounts_nanojoules").integer()
    if try record.optional("unattributed") != nil {
      try checkSum(record, "unattributed", energy.clampedSum(accounts == .min ? .max : -accounts))
    }
  }

  private mutating func checkSum(_ record: JSONPlace, _ member: String, _ computed: Int64) throws(JSONError) {
    let stated = try record.member(member).integer()
    if stated != computed { find(.sum(member: member, stated: stated, computed: computed)) }
  }

  /// - Returns: the sum of the record's postings.
  private mutating func addPostings(_ record: JSONPlace) throws(JSONError) -> Int64 {
    var sum: Int64 = 0
    auditEnergy = 0
    for posting in try record.member("energy").elements() {
      let energy = try posting.member("nanojoules").integer()
      let account = try posting.member("account").string()
      let modality = try posting.optional("modality")?.string() ?? ""
      let kind = try posting.member("kind").string()
      if account == EnergyPosting.Account.audit.rawValue { auditEnergy.clampedAdd(energy) }
      sum = sum.clampedSum(energy)
      add(energy, to: \.accounts, account)
      add(energy, to: \.modalities, modality)
      add(energy, to: \.kinds, kind)
    }
    add(sum, to: \.totals.energy)
    return sum
  }

  private mutating func checkDecision(_ record: JSONPlace) throws(JSONError) {
    let sum = try addPostings(record)
    try checkSum(record, "total_nanojoules", sum)
    add(try record.member("always_on_nanojoules").integer(), to: \.totals.alwaysOn)
    add(try record.member("macs").integer(), to: \.totals.macs)
    let windows = try record.windows()
    add(windows, to: \.exits, try exitName(record))
    report.decisions.clampedAdd(windows)
    run.decisions.clampedAdd(windows)
    run.energy.clampedAdd(sum)
    audited = (try record.member("number").integer(), auditEnergy)
  }

  /// An audit follows its decision, which has its energy; where that one was lost there is nothing to hold it against.
  private mutating func checkAudit(_ record: JSONPlace) throws(JSONError) {
    let number = try record.member("decision").integer()
    guard let audited, audited.decision == number else { return }
    try checkSum(record, "audit_nanojoules", audited.energy)
  }

  private func exitName(_ record: JSONPlace) throws(JSONError) -> String {
    guard let exit = try record.optional("exit") else { return "" }
    if try exit.optional("fusion") != nil { return "fusion" }
    let modality = try exit.optional("modality")?.string() ?? "?"
    return "\(modality).\(try exit.member("exit").integer())"
  }

  private mutating func add(
    _ amount: Int64, to table: WritableKeyPath<AuditNames, NameTable>, _ name: String
  ) {
    if !names[keyPath: table].add(amount, name) { find(.strangeName(name.clipped(to: 100))) }
  }

  private mutating func add(_ number: Int64, to path: WritableKeyPath<AuditReport, Int64>) {
    report[keyPath: path].clampedAdd(number)
  }
}
