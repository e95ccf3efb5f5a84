import Adaptation
import Glibc
import Linux
import Pipeline
import Vocabulary

/// The audits on disk, beside the ledger: what a restart goes on with. Written whole or not at all.
struct BufferFile: Sendable {
  static let name = "validation-buffer"
  let directory: String

  private var path: String { directory + "/" + Self.name }

  enum Outcome: Equatable {
    /// So many audits.
    case restored(Int)
    case missing
    /// It is another file now, which nobody reads: its path and why.
    case quarantined(String, reason: String)
    /// It is left as it is, and written over later.
    case unreadable(String)
  }

  /// Reads the audits of an earlier run.
  /// - Returns: nil for the buffer where there is none that can be taken.
  func load(_ setup: PlannerSetup, at now: Instant) -> (buffer: ValidationBuffer?, outcome: Outcome) {
    let bytes: [UInt8]
    do throws(LinuxError) {
      bytes = try readFile(path, limit: 4 << 20)
    } catch {
      return (nil, error.errno == ENOENT ? .missing : .unreadable("\(error)"))
    }
    var buffer = setup.freshBuffer
    do throws(BufferFault) {
      try buffer.restore(bytes, model: setup.fingerprint, classCount: setup.classCount, at: now)
      return (buffer, .restored(buffer.count))
    } catch {
      let aside = path + ".set-aside"
      guard rename(path, aside) == 0 else { return (nil, .unreadable(error.description)) }
      return (nil, .quarantined(aside, reason: error.description))
    }
  }

  /// Puts it in the place of the former one.
  func save(_ buffer: ValidationBuffer, _ setup: PlannerSetup, at now: Instant) throws(LinuxError) {
    let bytes = buffer.bytes(model: setup.fingerprint, classCount: setup.classCount, savedAt: now)
    let new = path + ".new"
    // Whatever a kill left there, or somebody put there.
    unlink(new)
    do throws(LinuxError) {
      let file = try Descriptor.open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o640)
      try file.writeAll(bytes, new)
      try system("fdatasync", new) { fdatasync(file.number) }
      try system("rename", path) { rename(new, path) }
    } catch {
      unlink(new)
      throw error
    }
  }
}
