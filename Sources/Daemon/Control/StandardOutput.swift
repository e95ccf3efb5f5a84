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
struct DecisionPrinter {
  private(set) var isOn: Bool
  private let output: (String) throws(LinuxError) -> Void
  private let complain: (String) -> Void

  init(
    isOn: Bool, output: @escaping (String) throws(LinuxError) -> Void = StandardOutput.write,
    complain: @escaping (String) -> Void = { Log.write(.warning, $0) }
  ) {
    self.isOn = isOn
    self.output = output
    self.complain = complain
  }

  mutating func print(_ line: String) {
    guard isOn else { return }
    do {
      try output(line)
    } catch {
      isOn = false
      complain(
        "\(error): decisions are printed no more, the ledger goes on; read them with 'mmexitctl watch'")
    }
  }
}
