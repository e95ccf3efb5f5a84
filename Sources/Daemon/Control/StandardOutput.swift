import Glibc
import Linux

/// Whole lines to standard output, by as many writes as it takes.
package enum StandardOutput {
  /// - Throws: what the kernel said; `EPIPE` where the reader is gone and SIGPIPE is blocked or ignored.
  package static func write(_ text: String) throws(LinuxError) {
    let bytes = Array((text + "\n").utf8)
    var done = 0
    while done < bytes.count {
      done += try system("write", "standard output") {
        bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress! + done, $0.count - done) }
      }
    }
  }

  /// Whether a short write (up to `PIPE_BUF`, 4 KiB) would go through at once: false where a pipe is full or a
  /// terminal is stopped (Ctrl-S). True where the descriptor is in error, so that the write says what is wrong.
  static func isReady(_ number: Int32 = STDOUT_FILENO) -> Bool {
    var one = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    return poll(&one, 1, 0) != 0
  }
}

/// Descriptors 0, 1 and 2.
package enum StandardDescriptors {
  /// Opens /dev/null for each that is closed. Else the next file opened would take its number, and what is meant for
  /// a terminal would be written into the ledger.
  package static func occupy() {
    for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) < 0 {
      _ = open("/dev/null", O_RDWR)
    }
  }
}

/// The lines of `--print-decisions`. They are for people: where they cannot be written (a full disk, a reader that
/// went away) that is said once, and the daemon goes on without them; ledger and clients are served as before.
/// A live daemon does not wait for a reader that has stopped reading, which would hold up the sensors: lines are
/// left out until it reads again, and then it is told how many. A replay waits, and leaves nothing out.
struct DecisionPrinter {
  private(set) var isOn: Bool
  private(set) var leftOut = 0
  private var wasSaid = false
  private let isReady: () -> Bool
  private let output: (String) throws(LinuxError) -> Void
  private let complain: (String) -> Void

  /// - Parameter isReady: whether `output` would return at once; always true where it may wait.
  init(
    isOn: Bool, isReady: @escaping () -> Bool = { true },
    output: @escaping (String) throws(LinuxError) -> Void = StandardOutput.write,
    complain: @escaping (String) -> Void = { Log.write(.warning, $0) }
  ) {
    self.isOn = isOn
    self.isReady = isReady
    self.output = output
    self.complain = complain
  }

  mutating func print(_ line: @autoclosure () -> String) {
    guard isOn else { return }
    guard isReady() else {
      if !wasSaid {
        wasSaid = true
        complain(
          "standard output: nobody reads it; decisions are left out there until somebody does, the ledger has all"
        )
      }
      leftOut += 1
      return
    }
    do {
      if leftOut > 0 {
        try output("(\(leftOut) decisions left out: nobody was reading)")
        leftOut = 0
        // The line just written may have taken the last room.
        guard isReady() else {
          leftOut = 1
          return
        }
      }
      try output(line())
    } catch {
      isOn = false
      complain(
        "\(error): decisions are printed no more, the ledger goes on; read them with 'mmexitctl watch'")
    }
  }
}
