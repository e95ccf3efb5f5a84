import Configuration
import Glibc
import JSON
import Linux
import Pipeline
import Startup
import Varlink
import Vocabulary

/// Takes commands from clients, passes them to the pipeline and hands back its answers. The control thread's alone.
/// Only root and the user the daemon runs as may give commands.
final class CommandDesk {
  /// A pipeline that does not answer for so long is not waited for any longer.
  static let patience = Nanoseconds.seconds(8)

  /// What is done with an answer.
  private enum Purpose: Equatable {
    case label, pause, resume, ask, adopt
    case device(sensor: Int)
  }

  private struct Pending {
    var purpose: Purpose
    /// Nil where nobody waits (any longer).
    var client: ConnectionID?
    var deadline: Instant
  }

  private struct Waiting {
    var client: ConnectionID
    var sensor: Int
    var deadline: Instant
  }

  private struct Asking {
    var client: ConnectionID
    var decision: UInt64
  }

  private let channel: CommandChannel
  private let nudge: () -> Void
  private let owner = geteuid()
  /// A reload keeps their names.
  private let sensors: [String]
  private var reloads: ReloadDesk
  private var pending: [UInt64: Pending] = [:]
  /// Clients that wait for a device, each by when.
  private var waiting: [Waiting] = []
  /// Clients that wait for a decision to come by.
  private var asking: [Asking] = []
  private var ticket: UInt64 = 0
  private var labels = LabelLimit()
  private var near: NearDesk
  private var holds: SensorHolds
  /// By sensor: who acquired or released it last; nil where a client died.
  private var users: [UInt32?]
  private var replies: [(client: ConnectionID, reply: Reply)] = []
  private var watched: [ConnectionID] = []

  /// The pipeline has answered a pause, and no resume since.
  private(set) var isPaused = false

  init(channel: CommandChannel, generation: Generation, journal: Journal, nudge: @escaping () -> Void) {
    self.channel = channel
    sensors = generation.names.modalities
    reloads = ReloadDesk(generation, channel: channel, journal: journal)
    near = NearDesk(channel.near, journal)
    self.nudge = nudge
    holds = SensorHolds(sensors: sensors.count)
    users = sensors.map { _ in nil }
  }

  /// What the pipeline goes by.
  var generation: Generation { reloads.generation }

  /// Programs that have the sensor.
  func holders(of sensor: Int) -> Int { holds.holders(of: sensor) }

  /// The answer to a command, at once or later; nil for a method that is none.
  func answer(_ call: Call, at now: Instant) -> Reply? {
    let command: (Call, Instant) throws(JSONError) -> Reply
    switch call.member {
    case "Label": command = label
    case "Pause": command = { call, now in self.send(.pause, .pause, call, now) }
    case "Resume": command = { call, now in self.send(.resume, .resume, call, now) }
    case "Ask": command = ask
    case "Acquire": command = acquire
    case "Release": command = release
    case "Reload": command = { call, now in self.reloads.begin(.reload, call, at: now) }
    case "SetPreference": command = setPreference
    case "NextNear": command = { call, _ in self.nextNear(call) }
    case "ReadNear": command = { call, _ throws(JSONError) in try self.near.read(call, self.generation) }
    default: return nil
    }
    guard call.peer.user == 0 || call.peer.user == owner else {
      return .error(.notPermitted(call.member, user: call.peer.user))
    }
    do throws(JSONError) {
      return try command(call, now)
    } catch {
      return .invalid(error)
    }
  }

  private func label(_ call: Call, _ now: Instant) throws(JSONError) -> Reply {
    let decision = UInt64(try call.parameters.member("decision").integer(in: 1...(1 << 53)))
    let name = try call.parameters.member("label").string()
    guard let label = generation.names.classes.firstIndex(where: { $0.hasSameBytes(as: name) }) else {
      return .error(.unknownClass(name))
    }
    guard labels.take(at: now) else { return .error(.tooManyLabels(perMinute: LabelLimit.perMinute)) }
    return send(
      .label(decision: decision, label: label, generation: generation.number), .label, call, now)
  }

  private func setPreference(_ call: Call, _ now: Instant) throws(JSONError) -> Reply {
    let lambda = try call.parameters.member("lambda").real()
    let range = Keys.valueOfRightAnswer
    guard range.contains(lambda) else { return .error(.preferenceOutOfRange(range)) }
    return reloads.begin(.preference(lambda), call, at: now)
  }

  /// SIGHUP: the configuration is read again. While that is done already, it is done once more afterwards.
  func hangUp(at now: Instant) { reloads.hangUp(at: now) }

  private func ask(_ call: Call, _ now: Instant) throws(JSONError) -> Reply {
    let isFull = try call.parameters.optional("full")?.bool() ?? false
    return send(.ask(full: isFull), .ask, call, now)
  }

  /// A decision has come by, as an object: those who asked for it get it. One that was lost on the way here is
  /// answered by its number alone.
  func published(_ number: UInt64, _ object: [UInt8]) {
    for one in asking where one.decision <= number {
      let isThere = one.decision == number
      replies.append(
        (
          one.client,
          .parameters({ json in
            json.key("number")
            json.value(one.decision)
            guard isThere else { return }
            json.key("decision")
            object.withUnsafeBytes { json.raw($0) }
          })
        ))
    }
    asking.removeAll { $0.decision <= number }
  }

  private func nextNear(_ call: Call) -> Reply {
    let (reply, isNew) = near.next(call, generation)
    if isNew { watched.append(call.connection) }
    return reply
  }

  // MARK: Sensors that others need

  private func acquire(_ call: Call, _ now: Instant) throws(JSONError) -> Reply {
    let name = try call.parameters.member("sensor").string()
    guard let sensor = sensors.firstIndex(where: { $0.hasSameBytes(as: name) }) else {
      return .error(.unknownSensor(name))
    }
    watched.append(call.connection)
    users[sensor] = call.peer.user
    if holds.acquire(sensor, by: call.connection) { return .empty }
    waiting.append(Waiting(client: call.connection, sensor: sensor, deadline: now + Self.patience))
    return .deferred
  }

  private func release(_ call: Call, _ now: Instant) throws(JSONError) -> Reply {
    let name = try call.parameters.member("sensor").string()
    guard let sensor = sensors.firstIndex(where: { $0.hasSameBytes(as: name) }) else {
      return .error(.unknownSensor(name))
    }
    guard holds.release(sensor, by: call.connection) else { return .error(.notAcquired(name)) }
    users[sensor] = call.peer.user
    return .empty
  }

  // MARK: To the pipeline and back

  private func send(_ command: PipelineCommand, _ purpose: Purpose, _ call: Call, _ now: Instant) -> Reply {
    guard put(command, purpose, user: call.peer.user, client: call.connection, now) else {
      return .error(.busy(limit: CommandChannel.capacity))
    }
    return .deferred
  }

  private func put(
    _ command: PipelineCommand, _ purpose: Purpose, user: UInt32?, client: ConnectionID?, _ now: Instant
  ) -> Bool {
    guard pending.count < CommandChannel.capacity,
      channel.send(CommandRequest(ticket: ticket + 1, command: command, user: user))
    else { return false }
    ticket += 1
    pending[ticket] = Pending(purpose: purpose, client: client, deadline: now + Self.patience)
    nudge()
    return true
  }

  /// Takes the pipeline's answers, and a generation that is ready.
  func takeAnswers(at now: Instant) {
    channel.bell.clear()
    if let ready = reloads.takeReady(at: now, &replies),
      !put(.adopt, .adopt, user: ready.user, client: nil, now)
    {
      reloads.refusedBusy(at: now, &replies)
    }
    while let answer = channel.takeAnswer() {
      guard let request = pending.removeValue(forKey: answer.ticket) else { continue }
      switch request.purpose {
      case .pause: isPaused = true
      case .resume: isPaused = false
      case .device(let sensor):
        for client in holds.answered(for: sensor) { finishWaiting(client, for: sensor, .empty) }
      case .adopt: reloads.answered(isAdopted: answer.outcome == .done, at: now, &replies)
      case .label, .ask: break
      }
      guard let client = request.client else { continue }
      if case .asked(let decision) = answer.outcome {
        asking.append(Asking(client: client, decision: decision))
        continue
      }
      replies.append((client, Self.reply(answer.outcome)))
    }
    if let reply = near.takeReply(generation) { replies.append(reply) }
  }

  private func finishWaiting(_ client: ConnectionID, for sensor: Int, _ reply: Reply) {
    waiting.removeAll { $0.client == client && $0.sensor == sensor }
    replies.append((client, reply))
  }

  private static func reply(_ outcome: CommandOutcome) -> Reply {
    switch outcome {
    case .done, .asked: .empty
    case .paused: .error(.paused)
    case .noSuchDecision(let newest): .error(.noSuchDecision(newest: newest))
    case .decisionTooOld(let oldest): .error(.decisionTooOld(oldest: oldest))
    case .notRecorded: .error(.notRecorded)
    }
  }

  /// When `turn` has something to do though nothing happened.
  var nextDeadline: Instant? {
    var next: Instant?
    for request in pending.values where request.client != nil {
      next = min(next ?? request.deadline, request.deadline)
    }
    for one in waiting { next = min(next ?? one.deadline, one.deadline) }
    if let time = reloads.nextDeadline { next = min(next ?? time, time) }
    return next
  }

  /// Sees to what is due: devices that have to change hands, and clients that have waited long enough.
  func turn(at now: Instant) {
    for (ticket, request) in pending where request.client != nil && now >= request.deadline {
      replies.append((request.client!, .error(.notAnswered(within: Self.patience))))
      pending[ticket]?.client = nil
    }
    for one in waiting where now >= one.deadline {
      holds.stopWaiting(one.client, for: one.sensor)
      replies.append((one.client, .error(.notAnswered(within: Self.patience))))
    }
    waiting.removeAll { now >= $0.deadline }
    reloads.turn(at: now, &replies)
    for sensor in sensors.indices {
      guard let order = holds.order(for: sensor) else { continue }
      let command: PipelineCommand =
        order == .withhold ? .withhold(sensor: sensor) : .giveBack(sensor: sensor)
      if put(command, .device(sensor: sensor), user: users[sensor], client: nil, now) {
        holds.sent(order, for: sensor)
      }
    }
  }

  /// An answer that is ready; nil when there is none.
  func takeReply() -> (client: ConnectionID, reply: Reply)? { replies.isEmpty ? nil : replies.removeFirst() }

  var hasWatched: Bool { !watched.isEmpty }

  /// A client whose end is to be told by `closed`; nil when there is none.
  func takeWatched() -> ConnectionID? { watched.popLast() }

  /// A client has gone: what it had is given back.
  func closed(_ client: ConnectionID) {
    near.closed(client)
    for sensor in holds.drop(client) { users[sensor] = nil }
    waiting.removeAll { $0.client == client }
  }
}
