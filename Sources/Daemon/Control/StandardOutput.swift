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
  /// - Parameter milliseconds: how long that is waited for.
  static func isReady(_ number: Int32 = STDOUT_FILENO, within milliseconds: Int32 = 0) -> Bool {
    var one = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    return poll(&one, 1, milliseconds) != 0
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
