import JSON

/// What `mmexitctl status` says of a budget and a bound on the risk.
enum BoundLines {
  static func lines(_ reply: JSONPlace) throws(JSONError) -> [String] {
    var lines: [String] = []
    if let budget = try reply.optional("budget") {
      let watts = try budget.member("watts").real()
      let used = Double(try budget.member("used_nanojoules").integer()) * 1e-9
      let allowed = watts * Double(try budget.member("period_ns").integer()) * 1e-9
      let elapsed = Double(try budget.member("elapsed_ns").integer()) * 1e-9
      let isFrugal = try budget.member("frugal").bool()
      lines.append(
        "budget     \(Output.fixed(watts, 3)) W on the average of an hour: \(Output.fixed(used, 1)) of \(Output.fixed(allowed, 1)) J in the last \(Output.fixed(elapsed, 0)) s, "
          + (try budget.member("kept").bool() ? "kept" : "broken")
          + (isFrugal ? "; nobody but who listens is woken" : ""))
    }
    if let bound = try reply.optional("risk_bound") {
      let risk = try bound.optional("risk")?.real()
      lines.append(
        "risk-bound \(Output.fixed(100 * (try bound.member("share").real()), 1)) % of windows: "
          + (risk.map { Output.fixed(100 * $0, 1) + " % of the audits, " } ?? "")
          + (try bound.member("kept").bool() ? "kept" : "broken"))
    }
    return lines
  }
}
