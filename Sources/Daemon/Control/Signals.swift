import CLinux
import Linux

/// Signals as something to be read: blocked for every thread that is started afterwards.
struct SignalDescriptor: ~Copyable {
  let descriptor: Descriptor

  /// SIGTERM, SIGINT and SIGHUP (a terminal that is closed) end the daemon in order. SIGPIPE is blocked for good: a client may go away at any time, and the
  /// write that finds out says EPIPE.
  init() throws(LinuxError) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGTERM)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGHUP)
    var blocked = set
    sigaddset(&blocked, SIGPIPE)
    // A file that reaches a size limit is a failed write, not the end.
    sigaddset(&blocked, SIGXFSZ)
    _ = try system("sigprocmask") { sigprocmask(SIG_BLOCK, &blocked, nil) }
    descriptor = Descriptor(
      owning: try system("signalfd") { signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC)) })
  }

  /// The next signal that waits; nil for none.
  func next() -> Int32? {
    var info = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    return read(descriptor.number, &info, size) == size ? Int32(info.ssi_signo) : nil
  }
}
