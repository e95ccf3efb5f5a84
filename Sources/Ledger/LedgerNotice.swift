import Glibc
import JSON
import Linux
import Vocabulary

/// What whoever runs the daemon must be told of its ledger, once: one line each, with what, where and what to do.
package enum LedgerNotice: Equatable, CustomStringConvertible, Sendable {
  /// At start: bytes behind the last whole record, taken off the segment. `kept`: the file that has them now; nil
  /// where a full disk had no room for them.
  case cut(segment: String, bytes: Int, digest: Digest, kept: String?)
  /// At start: the segment does not add up. It is left as it is, and a new one begun.
  case broken(Broken)
  /// Records cannot be written.
  case failing(path: String, errno: Int32)
  /// The segment is not under its name any more; the ledger goes on in another, from record `next` on.
  case segmentGone(path: String, first: UInt64, next: UInt64)
  /// After `failing`: so many records were lost meanwhile.
  case writingAgain(path: String, lost: Int)
  /// The disk did not confirm what was written.
  case notSynchronized(path: String, errno: Int32)
  /// No new segment can be begun: the old one grows on.
  case growing(path: String, errno: Int32)

  /// A full segment stays as it is.
  case notCompressed(LinuxError)
  /// What is kept of the ledger is bounded: older segments go.
  case dropped(segments: Int, first: UInt64, last: UInt64)
  /// The last record that the disk has: news only for whoever keeps it elsewhere.
  case head(LedgerHead)

  /// A segment that does not add up, as it was found.
  package struct Broken: Equatable, Sendable {
    package var segment: Segment
    package var bytes: Int
    package var digest: Digest
    /// The first finding in it, and how many there are.
    package var first: Finding
    package var findings: Int
    /// With which record the new segment begins.
    package var next: UInt64
  }

  /// Whether it is good news.
  package var isGood: Bool {
    switch self {
    case .writingAgain, .head, .dropped: true
    default: false
    }
  }

  package var description: String {
    switch self {
    case .cut(let segment, let bytes, _, let kept):
      "\(segment): \(bytes) bytes at its end were no whole record (a power cut leaves that, or an edit), "
        + (kept.map { "set aside in \($0)" } ?? "cut off without a copy, as the disk is full")
        + ", and recorded as a gap; the ledger goes on, "
        + (kept == nil ? "make room on the disk" : "look at that file and remove it")
    case .broken(let broken):
      "\(broken.first); \(broken.findings) findings in this segment: it stays as it is, "
        + "the ledger goes on in \(Segment.name(broken.next)) and records the break; copy the segment elsewhere "
        + "and see 'mmexitctl audit'"
    case .failing(let path, let errno):
      "\(path): the ledger cannot be written (\(String(cString: strerror(errno)))); decisions go on, records wait "
        + "and then are counted only; " + Self.remedy(errno)
    case .segmentGone(let path, let first, let next):
      "\(path): the ledger's segment was removed or moved while it was being written; "
        + (first < next
          ? "records \(first) to \(next - 1) are gone with it, which is recorded as a gap; " : "")
        + "the ledger goes on in \(Segment.name(next)); end the daemon before its ledger is moved"
    case .writingAgain(let path, let lost):
      "\(path): the ledger is written again; "
        + (lost == 0 ? "nothing was lost" : "\(lost) records were lost, which is recorded as a gap")
    case .notSynchronized(let path, let errno):
      "\(path): the disk did not confirm what was written (\(String(cString: strerror(errno)))), which is recorded "
        + "as a gap; check the disk"
    case .notCompressed(let error): "\(error): the segment stays as it is, uncompressed; check the disk"
    case .dropped(let segments, let first, let last):
      "the ledger's oldest \(segments) segments, records \(first) to \(last), are dropped, which is recorded as a gap "
        + "(keep-bytes, keep-days and keep-free in [ledger])"
    case .head(let head): "ledger head \(head.anchor)"
    case .growing(let path, let errno):
      "\(path): no further segment can be begun beside it (\(String(cString: strerror(errno)))): it grows beyond "
        + "its size; " + Self.remedy(errno)
    }
  }

  private static func remedy(_ errno: Int32) -> String {
    switch errno {
    case ENOSPC, EDQUOT: "make room on the disk"
    case EROFS: "mount it writable"
    case EACCES, EPERM: "give the daemon's user the right to write there"
    case ENOENT, ENOTDIR: "make the directory again"
    case EWOULDBLOCK: "another daemon writes there: stop it"
    default: "check the disk"
    }
  }

  /// The members of the `gap` record for what was found at start; others are recorded by their counts.
  func writeMembers(into json: inout JSONWriter) {
    switch self {
    case .cut(let segment, let bytes, let digest, let kept):
      json.key("cause")
      json.value("tornTail")
      json.key("segment")
      json.value(segment.lastPathComponent)
      json.key("cut_bytes")
      json.value(bytes)
      json.key("cut_sha256")
      json.value(digest)
      guard let kept else { break }
      json.key("kept")
      json.value(kept)
    case .broken(let broken):
      json.key("cause")
      json.value("brokenChain")
      json.key("segment")
      json.value(broken.segment.name)
      json.key("segment_bytes")
      json.value(broken.bytes)
      json.key("segment_sha256")
      json.value(broken.digest)
      json.key("findings")
      json.value(broken.findings)
      json.key("first_finding_line")
      json.value(broken.first.line)
      json.key("first_finding")
      json.value(broken.first.what)
    default: break
    }
  }
}
