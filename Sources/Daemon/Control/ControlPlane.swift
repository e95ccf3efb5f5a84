import CLinux
import Ledger
import Linux
import Startup
import Varlink
import Vocabulary

/// The daemon's other half: one thread, one epoll loop, which answers clients, passes decisions on to those that
/// watch, takes signals, and feeds systemd's watchdog. It never touches the pipeline but by `WatchRing` and the
/// status boards.
struct ControlPlane: ~Copyable {
  private enum Token {
    static let server: UInt64 = 0
    static let signals: UInt64 = 1
    static let decisions: UInt64 = 2
    static let commands: UInt64 = 3
  }

  private let facts: DaemonFacts
  private let signals: SignalDescriptor
  private var poll: EventPoll
  private var server: Server
  private var queries: Queries
  private let desk: CommandDesk
  private var watchdog: Watchdog?
  /// Where a decision is copied to on its way to those who watch.
  private var object: [UInt8] = []

  /// Decisions passed on before clients are served again.
  private static let decisionsAtOnce = 32
  /// From the first signal on: the ledger, the devices and the output have to be through, within systemd's
  /// TimeoutStopSec=5s.
  private static let endPatience = Nanoseconds.milliseconds(4000)
  /// How long those who watch have for the last decisions.
  private static let farewell = Nanoseconds.milliseconds(300)

  /// Opens the socket: systemd's where it passed one, else our own.
  /// - Throws: `StartupError` when the socket cannot be had.
  init(facts: DaemonFacts, signals: consuming SignalDescriptor) throws {
    let listener = try Self.listener(
      facts.start.configuration.general.socket, at: facts.start.loaded.places.place("daemon", "socket"))
    let server = try Server(
      listener,
      ServiceInformation(vendor: "mmexit", product: "mmexitd", version: Version.text, url: ""),
      interfaces: [DaemonInterface.description], topics: 2)
    let poll = try EventPoll()
    try poll.add(server.number, .reading, token: Token.server)
    try poll.add(signals.descriptor.number, .reading, token: Token.signals)
    try poll.add(facts.watch.bell.number, .reading, token: Token.decisions)
    try poll.add(facts.commands.bell.number, .reading, token: Token.commands)
    self.server = server
    self.poll = poll
    self.facts = facts
    self.signals = signals
    let desk = CommandDesk(
      channel: facts.commands, generation: facts.start, journal: facts.journal, nudge: facts.nudge)
    self.desk = desk
    queries = Queries(facts, desk)
    watchdog = Watchdog(facts.beats, ping: facts.ping)
  }

  private static func listener(_ path: String, at place: String) throws(StartupError) -> UnixListener {
    do throws(UnixSocketError) {
      if let passed = ServiceNotification.socket { return try UnixListener.adopt(passed) }
      return try UnixListener.listen(at: path)
    } catch {
      throw StartupError(error, at: place)
    }
  }

  /// As SIGHUP does.
  func reload() { desk.hangUp(at: Instant(sinceBoot: bootTimeNanoseconds())) }

  /// Serves until `hasEnded`; it is asked when the bell of `WatchRing` rings, and behind every signal.
  /// - Parameter stop: called for the first signal that asks for the end. From then on the end comes, if not by
  ///   `hasEnded`, by the clock.
  mutating func run(until hasEnded: () -> Bool, onStop stop: () -> Void) throws(LinuxError) {
    var deadline: Instant?
    while !hasEnded() {
      let now = Instant(sinceBoot: bootTimeNanoseconds())
      if let deadline, now >= deadline { return }
      for wanted in try wait(at: now, until: deadline) {
        switch wanted {
        case .stop where deadline == nil:
          deadline = now + Self.endPatience
          stop()
        case .stop: break
        case .reload: desk.hangUp(at: now)
        }
      }
    }
  }

  /// One turn: waits for what there is to do, at most until `deadline`, and does it. What signals ask for.
  private mutating func wait(
    at now: Instant, until deadline: Instant?
  ) throws(LinuxError) -> [SignalDescriptor.Request] {
    facts.beats.beatControl()
    watchdog?.turn(at: now)
    var requests: [SignalDescriptor.Request] = []
    var next = deadline
    if let time = server.nextDeadline { next = min(next ?? time, time) }
    if let time = watchdog?.next { next = min(next ?? time, time) }
    if let time = desk.nextDeadline { next = min(next ?? time, time) }
    let count = try poll.wait(timeout: next.map { $0 - now })
    for index in 0..<count {
      switch poll[index].token {
      case Token.signals: while let request = signals.next() { requests.append(request) }
      case Token.decisions: publish()
      case Token.commands: desk.takeAnswers(at: now)
      default: break
      }
    }
    try serve()
    return requests
  }

  private mutating func serve() throws(LinuxError) {
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    queries.clients = ClientCounts(server)
    try server.serve(at: now) { call in queries.answer(call, at: now) }
    handOver(at: now)
  }

  /// Answers that are ready, and what follows from clients that have gone.
  private mutating func handOver(at now: Instant) {
    repeat {
      while let client = desk.takeWatched() { if !server.tellClosing(of: client) { desk.closed(client) } }
      while let client = server.takeClosed() { desk.closed(client) }
      desk.turn(at: now)
      while let (client, reply) = desk.takeReply() {
        server.reply(to: client, reply, at: now) { call in queries.answer(call, at: now) }
      }
    } while desk.hasWatched
  }

  /// Passes decisions on; numbers that do not come were lost on the way here, and are told to all who watch.
  private mutating func publish() {
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    facts.watch.bell.clear()
    for _ in 0..<Self.decisionsAtOnce {
      guard let number = facts.watch.take(into: &object) else { return }
      if number & WatchRing.eventFlag != 0 {
        publish(event: number & ~WatchRing.eventFlag, at: now)
        continue
      }
      swap(&object, &queries.last)
      let lost = number - min(number, queries.lastNumber + 1)
      queries.lastNumber = number
      // Who asked for this decision was told its number before it was delivered.
      desk.takeAnswers(at: now)
      desk.published(number, queries.last)
      // Who begins to watch is told with his first decision.
      let losses = queries.news()
      guard server.hasSubscribers(Queries.watchTopic) else { continue }
      if lost > 0 { server.skip(Queries.watchTopic, lost) }
      server.publish(Queries.watchTopic, at: now) { json in queries.writeLast(into: &json, losses) }
    }
    // More may wait: after the clients.
    facts.watch.bell.ring()
  }

  private mutating func publish(event number: UInt64, at now: Instant) {
    let lost = number - min(number, queries.lastEvent + 1)
    queries.lastEvent = number
    guard server.hasSubscribers(Queries.eventTopic) else { return }
    if lost > 0 { server.skip(Queries.eventTopic, lost) }
    let bytes = object
    server.publish(Queries.eventTopic, at: now) { json in
      json.key("event")
      bytes.withUnsafeBytes { json.raw($0) }
    }
  }

  /// Passes on what is left, gives those who watch a moment to take it, and closes the socket.
  consuming func finish() {
    let limit = Instant(sinceBoot: bootTimeNanoseconds()) + Self.farewell
    while true {
      let now = Instant(sinceBoot: bootTimeNanoseconds())
      let isThrough =
        facts.watch.isEmpty && server.hasSentAll(Queries.watchTopic) && server.hasSentAll(Queries.eventTopic)
      if isThrough || now >= limit { return }
      guard (try? wait(at: now, until: limit)) != nil else { return }
    }
  }
}
