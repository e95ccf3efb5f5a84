import JSON
import Vocabulary
import Wire

/// A decision's record in plain words, with the records around it.
struct DecisionStory {
  private let record: JSONPlace
  private let context: RecordContext

  init(_ record: JSONPlace, _ context: RecordContext) {
    self.record = record
    self.context = context
  }

  /// - Throws: where the record lacks what every decision has.
  func lines() throws(JSONError) -> [String] {
    var out = try heading()
    out += try asked()
    out += try sensors()
    out += try energy()
    out += try neighbours()
    out.append("why       \(try why())")
    for line in try otherwise() { out.append("else      \(line)") }
    return out
  }

  private var number: Int64? { try? record.member("number").integer() }

  private func heading() throws(JSONError) -> [String] {
    let window = try record.member("window").elements(count: 2...2)
    let (start, end) = (try window[0].integer(), try window[1].integer())
    let decided = try record.member("decided_ns").integer()
    let utc =
      try record.optional("t_utc").map { (place) throws(JSONError) in ", \(try place.string())" } ?? ""
    var run = ""
    if let start = context.start { run = ", run of record \(try start.member("seq").integer())" }
    return try [
      "decision  \(try record.member("number").integer()), record \(try record.member("seq").integer())\(run)\(utc)",
      "window    \(seconds(start)) to \(seconds(end)) s, answered \(milliseconds(decided - end)) ms after its end",
      "answer    \(try DecisionLine(record).text)",
    ] + counted()
  }

  /// Of a counted record: for which windows it stands.
  private func counted() throws(JSONError) -> [String] {
    let count = try record.windows()
    guard count > 1 else { return [] }
    let last = try record.member("last")
    let range = try record.member("entropy_range").elements(count: 2...2)
    return [
      "count     stands for \(count) windows alike, up to decision \(try last.member("number").integer()) at "
        + "\(seconds(try last.member("window").elements(count: 2...2)[1].integer())) s, entropy "
        + "\(figure(try range[0].real())) to \(figure(try range[1].real())); what follows is of the first, energy and MACs "
        + "of all"
    ]
  }

  /// Each exit: what it said, and what the gate made of it.
  private func asked() throws(JSONError) -> [String] {
    let hops = try record.member("hops").elements()
    if hops.isEmpty { return ["asked     no exit"] }
    var out: [String] = []
    for (index, hop) in hops.enumerated() {
      let label = try hop.optional("label")?.string() ?? "nothing"
      let isFusionNext = index + 1 < hops.count ? try hops[index + 1].optional("fusion") != nil : false
      let judgement: String
      if let override = try DecisionLine.Override(of: hop) {
        judgement = OverrideStory.text(override)
      } else {
        judgement = try Judgement(hop, isFusionNext: isFusionNext).text
      }
      out.append(
        "\(index == 0 ? "asked     " : "          ")\(try name(hop)): '\(label)' \(figure(try hop.member("certainty").real())), "
          + "entropy \(figure(try hop.member("entropy").real()))\(judgement)"
      )
    }
    return out
  }

  private func sensors() throws(JSONError) -> [String] {
    func names(_ key: String) throws(JSONError) -> [String] {
      var list: [String] = []
      for place in try record.member(key).elements() { list.append(try place.string()) }
      return list
    }
    var out = ["used      \(try names("used").joined(separator: ", "))"]
    let woken = try names("woken")
    if !woken.isEmpty { out.append("woken     \(woken.joined(separator: ", "))") }
    let missing = try names("missing")
    if !missing.isEmpty { out.append("missing   \(missing.joined(separator: ", "))") }
    if let skew = try record.optional("skew_ms")?.real() {
      out.append("skew      \(Output.fixed(skew, 1)) ms between sound and picture")
    }
    if try record.member("look").bool() {
      out.append("look      every sensor was asked: max-blind had run out")
    }
    if try record.member("provisional").bool() {
      out.append("          provisional: fewer than all sensors said it, and the next look may overturn it")
    }
    return out
  }

  private func energy() throws(JSONError) -> [String] {
    let total = try record.member("total_nanojoules").integer()
    let always = try record.member("always_on_nanojoules").integer()
    let saved =
      always > 0
      ? " (\(Output.fixed(100 * (1 - Double(total) / Double(always)), 1))% less than always on)" : ""
    var out = ["energy    \(total) nJ\(saved), \(try record.member("macs").integer()) MACs"]
    for posting in try record.member("energy").elements() {
      let place = [
        try posting.optional("modality")?.string(), try posting.optional("exit")?.integer().description,
      ].compactMap { $0 }.joined(separator: "/")
      out.append(
        "          \(try posting.member("account").string())\(place.isEmpty ? "" : " \(place)"): "
          + "\(try posting.member("nanojoules").integer()) nJ, \(try posting.member("kind").string())")
    }
    return out
  }

  /// Wakes, labels, audits and events that name this decision.
  private func neighbours() throws(JSONError) -> [String] {
    guard let number else { return [] }
    let last = (try record.optional("last")?.member("number").integer()) ?? number
    let numbers = number...max(number, last)
    var out: [String] = []
    for place in context.around {
      let type = try place.member("type").string()
      let names = (try? place.optional("decision")?.integer()).flatMap { $0 }.map(numbers.contains) ?? false
      let sequence = try place.member("seq").integer()
      switch type {
      case "wake" where names:
        out.append(
          "wake      \(try place.optional("modality")?.string() ?? "?") was woken for it (record \(sequence))"
        )
      case "label" where names:
        out.append(
          "label     a person says it was '\(try place.member("label").string())' (record \(sequence))")
      case "audit" where names:
        let fused = try place.optional("fused")?.string() ?? "nothing"
        out.append(
          "audit     every exit was run on it: fusion said '\(fused)', for \(try place.member("audit_nanojoules").integer()) nJ (record \(sequence))"
        )
      case "event":
        let decisions = try place.member("decisions").elements(count: 2...2)
        guard try decisions[0].integer() <= numbers.upperBound, try decisions[1].integer() >= number else {
          continue
        }
        let state = try place.optional("end_ns") == nil ? "began" : "ended"
        out.append(
          "evidence  event '\(try place.member("label").string())' \(state) at \(figure(try place.member("certainty").real())) (record \(sequence))"
        )
      default: break
      }
    }
    return out
  }

  private func why() throws(JSONError) -> String {
    let text = try record.member("reason").string()
    guard let reason = Reason(rawValue: text) else { return "'\(text)', which this version does not know" }
    let hops = try record.member("hops").elements()
    let told = [try BesideNoneStory(hops)?.why, try OverrideStory(hops)?.why].compactMap { $0 }
    if !told.isEmpty, reason == .sure || reason == .fused { return told.joined(separator: "; ") }
    return try (told + [plain(reason)]).joined(separator: "; ")
  }

  private func plain(_ reason: Reason) throws(JSONError) -> String {
    switch reason {
    case .sure:
      try predicted() ?? "the exit's entropy was at or below its threshold, so nothing further was asked"
    case .inactive: "the activity check found nothing going on, so no network was run"
    case .fused: "all that could be had was asked and fused"
    case .fusedUnsure: "fusion was not sure either, and nothing was left to ask"
    case .gainBelowCost: "asking on was expected to gain less than it costs"
    case .wakeDeadlineMissed: "a sensor that was woken had not delivered by its deadline"
    case .wakePending: "a sensor is being woken, which takes longer than to the next window"
    case .modalityMissing: "a sensor that was wanted could not be had"
    case .skewAboveLimit: "sound and picture lay too far apart to be fused"
    case .windowInvalid: "samples or frames of the window were lost"
    case .noData: "no sensor had any data"
    }
  }

  /// What would have ended it elsewhere, as far as the record tells.
  private func otherwise() throws(JSONError) -> [String] {
    var out: [String] = []
    var hops = try record.member("hops").elements()
    if let override = try OverrideStory(hops) {
      out += override.otherwise
      // Where one was overridden, no exit would have ended it.
      hops =
        override.isOverridden ? [] : Array(hops.prefix { ((try? $0.optional("override")) ?? nil) == nil })
    }
    let beside = try BesideNoneStory(hops)
    if let beside { out.append(beside.otherwise) }
    for (index, hop) in hops.enumerated() {
      // Once a sure answer had contradicted a `none`, no exit would have ended it.
      if let beside, index >= beside.index { break }
      let judgement = try Judgement(hop)
      guard let threshold = judgement.threshold else { continue }
      let doubt = judgement.doubt
      let name = try name(hop)
      let kind = judgement.besideNone == nil ? "threshold" : "threshold_beside_none"
      let label = try hop.optional("label")?.string() ?? "nothing"
      // A smaller gain would have left the answer to fusion too, where it is nearly free.
      let isFusionNext = index + 1 < hops.count ? try hops[index + 1].optional("fusion") != nil : false
      if isFusionNext, try hop.optional("gain") != nil { continue }
      if doubt > threshold && index + 1 < hops.count {
        out.append(
          "a \(kind) of \(figure(doubt)) at \(name) (it is \(figure(threshold))) would have ended it there with '\(label)'"
        )
      } else if doubt <= threshold && index + 1 == hops.count {
        out.append("a threshold below \(figure(doubt)) at \(name) would have asked on")
      }
    }
    switch Reason(rawValue: try record.member("reason").string()) {
    case .inactive: out.append("activity-check = no in [gate] would have run the first exit")
    case .gainBelowCost:
      out.append("a higher value-of-right-answer, or give-up = no in [gate], would have asked on")
    case .wakeDeadlineMissed: out.append("a longer wake-deadline of that sensor would have waited for it")
    case .wakePending: out.append("a longer window-period, or linger of that sensor, would have had its data")
    case .modalityMissing, .noData: out.append("the missing sensor; 'mmexitctl status' says what it lacks")
    case .skewAboveLimit:
      if let skew = try record.optional("skew_ms")?.real() {
        out.append("max-skew of \(Output.fixed(skew, 1)) ms or more would have fused them")
      }
    case .fusedUnsure: out.append("nothing that can be set: another sensor, or a better model")
    default: break
    }
    return out
  }

  /// Why the last exit ended it, where it has a gain head.
  private func predicted() throws(JSONError) -> String? {
    guard let hop = try record.member("hops").elements().last, let gain = try hop.optional("gain")?.real(),
      let threshold = try hop.optional("threshold")?.real()
    else { return nil }
    return "going on was predicted to gain \(figure(gain)), which is not worth its cost at or below "
      + "\(figure(2 * threshold - 1)), so nothing further was asked"
  }

  private func name(_ hop: JSONPlace) throws(JSONError) -> String {
    if try hop.optional("fusion") != nil { return "fusion" }
    return "\(try hop.member("modality").string())/\(try hop.member("exit").integer())"
  }

  private func figure(_ value: Double) -> String { Judgement.figure(value) }
  private func seconds(_ nanoseconds: Int64) -> String { Output.fixed(Double(nanoseconds) * 1e-9, 3) }
  private func milliseconds(_ nanoseconds: Int64) -> String { Output.fixed(Double(nanoseconds) * 1e-6, 1) }
}
