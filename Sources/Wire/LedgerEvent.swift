import Energy
import JSON
import Vocabulary

/// The kinds of records. The raw value stands as `type` in the record.
package enum RecordType: String, CaseIterable, Sendable {
  case decision, wake, sleep, state, reorder, fault, gap, start, stop, clock, label, command, event, audit,
    meter

  /// Place in `allCases`, for counts kept in place.
  package var index: Int {
    switch self {
    case .decision: 0
    case .wake: 1
    case .sleep: 2
    case .state: 3
    case .reorder: 4
    case .fault: 5
    case .gap: 6
    case .start: 7
    case .stop: 8
    case .clock: 9
    case .label: 10
    case .command: 11
    case .event: 12
    case .audit: 13
    case .meter: 14
    }
  }
}

/// What is recorded beside decisions. Modalities are indices in the model's order.
package enum LedgerEvent: Sendable {
  /// The daemon is ready: its version, the model's name, and the order of modalities.
  case start(version: String, model: String, order: [Int])
  /// The daemon ends in order.
  case stop(reason: String)
  /// A sensor was told to wake, for the decision with that number where it was for one.
  case wake(modality: Int, decision: UInt64?)
  /// A sensor went to sleep after being awake for that time.
  case sleep(modality: Int, awake: Nanoseconds)
  /// A sensor's state changed, e.g. from `waking` to `failed`, and why.
  case state(modality: Int, from: String, to: String, reason: String?)
  /// The order of modalities changed, or which of them are asked.
  case reorder(OrderChange)
  /// Something went wrong that people should know of.
  case fault(modality: Int?, message: String)
  /// A budget or a bound on the risk is broken, or kept again. A `fault` too, so that readers that know it not say its message.
  case bound(BoundChange)
  /// The wall clock was set: it reads so much more (less, where negative) than time that went by would have made it.
  case clock(step: Nanoseconds)
  /// A person says what a decision's window was: the class's index in the model, and the user's id.
  case label(decision: UInt64, label: Int, user: UInt32?)
  /// Something was asked of the daemon: the command's name, the modality where it is about one, and the user's id; nil
  /// where the daemon did it by itself.
  case command(name: String, modality: Int?, user: UInt32?)
  /// What follows is decided by another generation of configuration and model, whose digests the record has already. A
  /// `command` too, so that readers that know it not pass over its members.
  case adopt(cause: String, generation: Int, model: String, order: [Int], lambda: Double, user: UInt32?)
  /// A class's evidence holds over windows: once when that begins, and once with its end.
  case event(StreamEvent)
  /// Every exit was run on a window; its energy stands in the decision.
  case audit(AuditedWindow)
  /// What a meter measured over an interval; in no decision's energy.
  case meter(MeterReading)

  package var type: RecordType {
    switch self {
    case .start: .start
    case .stop: .stop
    case .wake: .wake
    case .sleep: .sleep
    case .state: .state
    case .reorder: .reorder
    case .fault, .bound: .fault
    case .clock: .clock
    case .label: .label
    case .command, .adopt: .command
    case .event: .event
    case .audit: .audit
    case .meter: .meter
    }
  }

  /// Its members, into an object that is open.
  package func writeMembers(_ names: Names, into json: inout JSONWriter) {
    switch self {
    case .start(let version, let model, let order):
      json.key("version")
      json.value(version)
      json.key("model")
      json.value(model)
      write(order, as: "order", names, into: &json)
    case .stop(let reason):
      json.key("reason")
      json.value(reason)
    case .wake(let modality, let decision):
      write(modality, names, into: &json)
      if let decision {
        json.key("decision")
        json.value(decision)
      }
    case .sleep(let modality, let awake):
      write(modality, names, into: &json)
      json.key("awake_ns")
      json.value(awake.count)
    case .state(let modality, let from, let to, let reason):
      write(modality, names, into: &json)
      json.key("from")
      json.value(from)
      json.key("to")
      json.value(to)
      writeText(reason, as: "reason", into: &json)
    case .reorder(let change): OrderChangeRecord.writeMembers(change, names, into: &json)
    case .fault(let modality, let message):
      if let modality { write(modality, names, into: &json) }
      json.key("message")
      json.value(message)
    case .bound(let change): BoundRecord.writeMembers(change, into: &json)
    case .clock(let step):
      json.key("step_ns")
      json.value(step.count)
    case .label(let decision, let label, let user):
      json.key("decision")
      json.value(decision)
      json.key("label")
      json.value(names.classes[label])
      writeUser(user, into: &json)
    case .command(let name, let modality, let user):
      json.key("command")
      json.value(name)
      if let modality { write(modality, names, into: &json) }
      writeUser(user, into: &json)
    case .adopt(let cause, let generation, let model, let order, let lambda, let user):
      json.key("command")
      json.value(cause)
      json.key("generation")
      json.value(generation)
      json.key("model")
      json.value(model)
      write(order, as: "order", names, into: &json)
      writeNumber(lambda, as: "lambda", into: &json)
      writeUser(user, into: &json)
    case .audit(let window): AuditedWindowRecord.writeMembers(window, names, into: &json)
    case .meter(let reading): MeterRecord.writeMembers(reading, into: &json)
    case .event(let event): EventRecord.writeMembers(event, names, into: &json)
    }
  }

  private func write(_ modality: Int, _ names: Names, into json: inout JSONWriter) {
    json.key("modality")
    DecisionRecord.writeModality(modality, names, into: &json)
  }

  private func write(
    _ order: [Int], as key: StaticString, _ names: Names, into json: inout JSONWriter
  ) {
    json.key(key)
    json.beginArray()
    for modality in order { DecisionRecord.writeModality(modality, names, into: &json) }
    json.endArray()
  }

  private func writeUser(_ user: UInt32?, into json: inout JSONWriter) {
    guard let user else { return }
    json.key("uid")
    json.value(Int64(user))
  }

  private func writeText(_ text: String?, as key: StaticString, into json: inout JSONWriter) {
    guard let text else { return }
    json.key(key)
    json.value(text)
  }

  private func writeNumber(_ number: Double?, as key: StaticString, into json: inout JSONWriter) {
    guard let number else { return }
    json.key(key)
    json.value(number)
  }
}
