import Ledger
import Pipeline
import Vocabulary
import Wire

/// Commands in the ledger and the journal.
extension CommandRecord {
  var event: LedgerEvent {
    switch what {
    case .label(let decision, let label): .label(decision: decision, label: label, user: user)
    case .adopt(let generation):
      .adopt(
        cause: generation.cause.rawValue, generation: generation.number, model: generation.model.model.name,
        order: generation.plan.order, lambda: generation.lambda, user: user)
    case .pause: .command(name: "pause", modality: nil, user: user)
    case .resume: .command(name: "resume", modality: nil, user: user)
    case .acquire(let sensor): .command(name: "acquire", modality: sensor, user: user)
    case .release(let sensor): .command(name: "release", modality: sensor, user: user)
    }
  }

  /// The line for the journal; nil for what happens often.
  func line(names: [String]) -> String? {
    let who = user.map { " (user \($0))" } ?? ""
    return switch what {
    case .label: nil
    case .adopt(let next):
      "\(next.cause.rawValue)\(user == nil ? " (SIGHUP)" : who): generation \(next.number), model \(next.model.model.name), order \(next.order), a right answer is worth \(next.lambda) J"
    case .pause: "paused\(who): all sensors are closed and windows go unanswered until 'mmexitctl resume'"
    case .resume: "resumed\(who)"
    case .acquire(let sensor): "\(names[sensor]): another program has it\(who); the rest goes on"
    case .release(let sensor): "\(names[sensor]): given back\(who)"
    }
  }
}
