import Glibc
import Linux
import Metrics
import Synchronization
import Vocabulary

/// The thread that writes the metrics for node_exporter's textfile collector. It may wait for its disk; nobody waits for
/// it but the daemon's end, for a moment. Counters go on from what the file of an earlier run says.
final class MetricsTextfile: Sendable {
  /// A file that is larger is none of ours.
  private static let maximumBytes = 1 << 20

  private let path: String
  private let interval: Nanoseconds
  private let source: MetricsSource
  private let bell: Bell
  private let isStopped = Atomic<Bool>(false)
  private let ended: Bell

  init(_ path: String, every interval: Nanoseconds, _ source: MetricsSource) throws(LinuxError) {
    self.path = path
    self.interval = interval
    self.source = source
    bell = try Bell()
    ended = try Bell()
  }

  /// The thread's work: returns when it was told to end, and the last figures are written.
  func run() {
    lowerThreadPriority()
    let former = readFormer()
    var failure: LinuxError?
    while true {
      let isLast = isStopped.load(ordering: .acquiring)
      do throws(LinuxError) {
        try Self.write(Exposition.text.render(former.added(to: source.families())), to: path)
        if failure != nil { source.journal.write(.notice, "\(path): metrics are written again") }
        failure = nil
      } catch {
        // Once, until it works again.
        if failure == nil {
          source.journal.write(
            .warning,
            "metrics: \(error); the textfile is tried again every \(interval.seconds) s; \(error.fileRemedy)")
        }
        failure = error
      }
      if isLast { break }
      bell.wait(until: (Instant(sinceBoot: bootTimeNanoseconds()) + interval).sinceBoot)
    }
    ended.ring()
  }

  /// Has the last figures written, and waits for that at most for so long.
  func end(within time: Nanoseconds) {
    isStopped.store(true, ordering: .releasing)
    bell.ring()
    ended.wait(until: bootTimeNanoseconds() + time.count)
  }

  private func readFormer() -> FormerMetrics {
    do throws(LinuxError) {
      return FormerMetrics(try readFile(path, limit: Self.maximumBytes))
    } catch {
      if error.errno != ENOENT {
        source.journal.write(.warning, "metrics: \(error); counters begin at 0, and the file is written anew")
      }
      return FormerMetrics()
    }
  }

  /// Puts it in the place of the former one: whoever reads sees the old one or the new one whole. Everybody may read it, as
  /// the exporter is another user.
  static func write(_ text: String, to path: String) throws(LinuxError) {
    let new = path + ".new"
    // Whatever a kill left there, or somebody put there.
    unlink(new)
    do throws(LinuxError) {
      let file = try Descriptor.open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
      try system("fchmod", new) { fchmod(file.number, 0o644) }
      try file.writeAll(Array(text.utf8), new)
      // A power cut may not leave an empty file under the name: counters would fall.
      try system("fdatasync", new) { fdatasync(file.number) }
      try system("rename", path) { rename(new, path) }
    } catch {
      unlink(new)
      throw error
    }
  }
}
