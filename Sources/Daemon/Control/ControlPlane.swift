import CLinux
import CSystemd
import Ledger
import Linux
import Varlink
import Vocabulary

/// The daemon's other half: one thread, one epoll loop, which answers clients, passes decisions on to those that
/// watch, and takes signals. It never touches the pipeline but by `DecisionChannel` and the status boards.
struct ControlPlane: ~Copyable {
  private enum Token {
    static let server: UInt64 = 0
    static let signals: UInt64 = 1
    static let decisions: UInt64 = 2
  }

  private let facts: DaemonFacts
  private let signals: SignalDescriptor
  private var poll: EventPoll
  private var server: Server
  private var queries: Queries

  /// Opens the socket: systemd's where it passed one, else our own.
  /// - Throws: `StartupError` when the socket cannot be had.
  init(facts: DaemonFacts, signals: consuming SignalDescriptor) throws {
    let listener = try Self.listener(
      facts.configuration.general.socket, at: facts.places.place("daemon", "socket"))
    let server = try Server(
      listener,
      ServiceInformation(vendor: "mmexit", product: "mmexitd", version: Version.text, url: ""),
      interfaces: [DaemonInterface.description], topics: 1)
    let poll = try EventPoll()
    try poll.add(server.number, .reading, token: Token.server)
    try poll.add(signals.descriptor.number, .reading, token: Token.signals)
    try poll.add(facts.channel.bell.descriptor.number, .reading, token: Token.decisions)
    self.server = server
    self.poll = poll
    self.facts = facts
    self.signals = signals
    queries = Queries(facts)
  }

  private static func listener(_ path: String, at place: String) throws(StartupError) -> UnixListener {
    do throws(UnixSocketError) {
      // Descriptors that systemd passes start at 3 (SD_LISTEN_FDS_START).
      return sd_listen_fds(1) >= 1 ? try UnixListener.adopt(3) : try UnixListener.listen(at: path)
    } catch {
      throw StartupError(error, at: place)
    }
  }

  /// Serves until a signal comes or `hasEnded` says that the pipeline is through. Returns with all decisions of
  /// the channel passed on.
  mutating func run(until hasEnded: () -> Bool) throws(LinuxError) {
    while true {
      let now = Instant(sinceBoot: bootTimeNanoseconds())
      let count = try poll.wait(timeout: server.nextDeadline.map { $0 - now })
      var stop = false
      for index in 0..<count {
        switch poll[index].token {
        case Token.signals:
          while let request = signals.next() {
            switch request {
            case .stop: stop = true
            case .reload:
              Log.write(.notice, "SIGHUP: nothing is read again; restart for another configuration")
            }
          }
        case Token.decisions:
          // Looked at after the bell is cleared: an end that comes later rings again. What came between the two is
          // passed on by `finish`.
          publish()
          stop = stop || hasEnded()
        default: break
        }
      }
      try serve()
      if stop { return }
    }
  }

  private mutating func serve() throws(LinuxError) {
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    try server.serve(at: now) { call in queries.answer(call) }
  }

  private mutating func publish() {
    let now = Instant(sinceBoot: bootTimeNanoseconds())
    facts.channel.drain { decision in
      queries.last = copy decision
      if server.hasSubscribers(Queries.watchTopic) {
        let value = copy decision
        server.publish(Queries.watchTopic, at: now) { json in queries.writeDecision(value, into: &json) }
      }
    }
  }

  /// Passes on what is left; closes the socket.
  consuming func finish() { publish() }
}
