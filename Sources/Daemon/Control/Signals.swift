import CLinux
import Linux

/// Signals as something to be read: blocked for every thread that is started afterwards.
struct SignalDescriptor: ~Copyable {
  /// What a signal asks for.
  enum Request {
    /// SIGTERM, SIGINT, or SIGHUP of a terminal that is gone: end in order.
    case stop
    /// SIGHUP by kill(1) or systemctl: read the configuration again.
    case reload
  }

  let descriptor: Descriptor
  private let hadTerminal: Bool

  /// SIGHUP is left alone where it is ignored (nohup). SIGPIPE is blocked for good: a client may go away at any time,
  /// and the write that finds out says EPIPE.
  init() throws(LinuxError) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    if !Self.isIgnored(SIGHUP) { sigaddset(&set, SIGHUP) }
    var blocked = set
    sigaddset(&blocked, SIGPIPE)
    // A file that reaches a size limit is a failed write, not the end.
    sigaddset(&blocked, SIGXFSZ)
    _ = try system("sigprocmask") { sigprocmask(SIG_BLOCK, &blocked, nil) }
    descriptor = Descriptor(
      owning: try system("signalfd") { signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC)) })
    hadTerminal = Self.hasTerminal
  }

  /// What the next signal that waits asks for; nil for none.
  func next() -> Request? {
    var info = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    guard read(descriptor.number, &info, size) == size else { return nil }
    // The kernel hangs the terminal up first and sends the signal then.
    let isReload = Int32(info.ssi_signo) == SIGHUP && !(hadTerminal && !Self.hasTerminal)
    return isReload ? .reload : .stop
  }

  /// Whether the process has a controlling terminal, one that is not hung up.
  private static var hasTerminal: Bool {
    (try? Descriptor.open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK)) != nil
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    // SIG_IGN, a cast that Swift does not import.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }
}
