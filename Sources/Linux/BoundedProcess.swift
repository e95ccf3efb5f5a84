import CLinux
import Glibc
import Vocabulary

/// A question put to a process of its own, because the answer may never come: a call into a driver that hangs cannot be taken
/// back, and keeps its whole process from ending.
package enum BoundedProcess {
  /// What came of it.
  package enum Answer: Equatable, Sendable {
    /// It ended with this code, and this on its standard output.
    case ended(code: Int32, said: [UInt8])
    /// It had not ended in time, or said more than the limit. It is killed, and ends when its driver lets it.
    case silent
  }

  /// - Parameters:
  ///   - arguments: behind the program's name.
  ///   - limit: how long it may take.
  ///   - bytes: that it may say.
  package static func ask(
    _ program: String, _ arguments: [String], within limit: Nanoseconds, bytes: Int = 1 << 20
  ) throws(LinuxError) -> Answer {
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) }
    words.append(nil)
    defer { for word in words { free(word) } }
    var process: Int32 = 0
    let end = mmx_spawn_reading(program, words, &process)
    if end < 0 { throw LinuxError("posix_spawn", program, errno: -end) }
    let output = Descriptor(owning: end)
    let deadline = bootTimeNanoseconds() + limit.count
    guard let said = try? read(output.number, until: deadline, bytes: bytes),
      let code = ended(process, until: deadline)
    else {
      kill(process, SIGKILL)
      // One that a driver holds is left: its parent, which is soon gone, cannot wait for it.
      _ = ended(process, until: bootTimeNanoseconds() + Nanoseconds.milliseconds(50).count)
      return .silent
    }
    return .ended(code: code, said: said)
  }

  /// Until the end of the pipe; nil where that does not come, or too much does.
  private static func read(_ number: Int32, until deadline: Int64, bytes limit: Int) throws(LinuxError)
    -> [UInt8]?
  {
    var said: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 4_096)
    while try pollUntil(deadline, readable: number) {
      let count = try system("read") {
        part.withUnsafeMutableBytes { Glibc.read(number, $0.baseAddress, $0.count) }
      }
      if count == 0 { return said }
      said += part[..<count]
      if said.count > limit { return nil }
    }
    return nil
  }

  /// Its exit code, 128 and the signal that ended it; nil where it goes on. It has closed its output, so that its end is
  /// a matter of moments.
  private static func ended(_ process: Int32, until deadline: Int64) -> Int32? {
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      if bootTimeNanoseconds() >= deadline { return nil }
      usleep(1_000)
    }
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }
}
