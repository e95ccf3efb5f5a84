import JSON
import Linux
import Pipeline
import Startup
import Varlink
import Vocabulary

/// Who goes over to another generation, and how it went: one at a time. The control thread's alone.
struct ReloadDesk {
  /// Reading takes as long as the disk does; nobody is kept waiting for longer.
  static let patience = Nanoseconds.seconds(60)

  private enum Asker {
    case signal
    /// `connection` is nil where it has been told that it takes too long.
    case client(connection: ConnectionID?, user: UInt32)

    var user: UInt32? { if case .client(_, let user) = self { user } else { nil } }
  }

  /// Its decisions are made now, as far as the control thread knows.
  private(set) var generation: Generation
  private let reloader: Reloader
  private let channel: CommandChannel
  private let journal: Journal
  private var asker: Asker?
  private var deadline: Instant?
  private var next: Generation?
  /// SIGHUP came meanwhile: the files may have changed since they were read.
  private var isWantedAgain = false

  init(_ generation: Generation, channel: CommandChannel, journal: Journal) {
    self.generation = generation
    self.channel = channel
    self.journal = journal
    reloader = Reloader(start: generation, bell: channel.bell)
  }

  // MARK: Asking for it

  mutating func begin(_ change: GenerationChange, _ call: Call, at now: Instant) -> Reply {
    if asker != nil { return .error(.reloading) }
    let asker = Asker.client(connection: call.connection, user: call.peer.user)
    if let error = begin(change, asker, at: now) { return .error(.reloadRefused(error)) }
    return .deferred
  }

  mutating func hangUp(at now: Instant) {
    if asker != nil {
      isWantedAgain = true
    } else if let error = begin(.reload, .signal, at: now) {
      tell(error, .signal)
    }
  }

  /// - Returns: why it could not be begun; nil where it was.
  private mutating func begin(_ change: GenerationChange, _ asker: Asker, at now: Instant) -> String? {
    do throws(LinuxError) {
      try reloader.begin(change, after: generation)
    } catch {
      return "\(error); try again"
    }
    self.asker = asker
    deadline = now + Self.patience
    return nil
  }

  // MARK: What came of it

  /// Who asked for a generation that is ready and laid out for `.adopt`; nil by itself where that was a signal.
  struct Ready { var user: UInt32? }

  /// Nil where none is ready. Of one that could not be made, whoever asked is told.
  mutating func takeReady(
    at now: Instant, _ replies: inout [(client: ConnectionID, reply: Reply)]
  ) -> Ready? {
    guard let asker, let result = reloader.take() else { return nil }
    switch result {
    case .success(let ready):
      next = ready.generation
      channel.propose(ready)
      return Ready(user: asker.user)
    case .failure(let refusal):
      let error: CallError =
        switch refusal {
        case .refused(let reason): .reloadRefused(reason)
        case .needsRestart(let needs): .needsRestart(needs.settings, needs.description)
        }
      finish(refusal.description, .error(error), at: now, &replies)
      return nil
    }
  }

  /// The pipeline has answered; `isAdopted` where it goes by the next generation now.
  mutating func answered(
    isAdopted: Bool, at now: Instant, _ replies: inout [(client: ConnectionID, reply: Reply)]
  ) {
    channel.propose(nil)
    guard isAdopted, let next else {
      let reason = "the ledger's writer does not keep up; try again"
      return finish(reason, .error(.notRecorded), at: now, &replies)
    }
    generation = next
    ServiceNotification.status("\(next.model.model.name), generation \(next.number)")
    if let advice = LookAdvice.text(next.configuration, next.model.model) { journal.write(.notice, advice) }
    let number = next.number
    self.next = nil
    trimHeap()
    trimText()
    finish(
      nil,
      .parameters { json in
        json.key("generation")
        json.value(number)
      }, at: now, &replies)
  }

  /// More commands wait for the pipeline than it takes.
  mutating func refusedBusy(at now: Instant, _ replies: inout [(client: ConnectionID, reply: Reply)]) {
    channel.propose(nil)
    let limit = CommandChannel.capacity
    finish(
      "\(limit) commands wait already; try again", .error(.busy(limit: limit)), at: now, &replies)
  }

  private mutating func finish(
    _ failure: String?, _ reply: Reply, at now: Instant,
    _ replies: inout [(client: ConnectionID, reply: Reply)]
  ) {
    guard let asker else { return }
    if let failure { tell(failure, asker) }
    if case .client(let connection?, _) = asker { replies.append((connection, reply)) }
    self.asker = nil
    deadline = nil
    next = nil
    guard isWantedAgain else { return }
    isWantedAgain = false
    hangUp(at: now)
  }

  private func tell(_ failure: String, _ asker: Asker) {
    let who = asker.user.map { "reload (user \($0))" } ?? "SIGHUP"
    journal.write(.warning, "\(who): \(failure); generation \(generation.number) goes on")
  }

  // MARK: Waiting

  var nextDeadline: Instant? {
    if case .client(.some, _) = asker { deadline } else { nil }
  }

  /// Tells a client that has waited long enough; what it asked for goes on.
  mutating func turn(at now: Instant, _ replies: inout [(client: ConnectionID, reply: Reply)]) {
    guard let deadline, now >= deadline, case .client(let connection?, let user) = asker else { return }
    replies.append((connection, .error(.notAnswered(within: Self.patience))))
    asker = .client(connection: nil, user: user)
  }
}
