import Glibc
import JSON
import Linux
import Vocabulary

/// How much of a ledger is kept. Whatever is over is dropped from the oldest segment on, but never the newest that is full.
package struct LedgerRetention: Equatable, Sendable {
  /// Bytes of all segments together.
  package var bytes: Int?
  /// Since the last record of a segment.
  package var age: Nanoseconds?
  /// Bytes that are to stay free on the file system.
  package var free: Int?

  package init(bytes: Int? = nil, age: Nanoseconds? = nil, free: Int? = nil) {
    self.bytes = bytes
    self.age = age
    self.free = free
  }
}

/// Segments that are not written any more: compressed, and dropped when there are too many. On the writing half's thread,
/// when nothing waits to be written.
extension LedgerFile {
  /// What is on the way.
  struct Keeping: Sendable {
    /// To be compressed, by the first record's number.
    var sealed: [UInt64] = []
    /// Dropped when the disk has the record that tells of it.
    var doomed: [Segment] = []
    /// Not before then is looked again.
    var next = Instant.zero
  }

  /// Between two looks at sizes, ages and free space.
  private static var pause: Nanoseconds { .seconds(60) }

  /// What a killed daemon left of its compressing is taken up again.
  mutating func resumeCompression() {
    guard options.compresses, let names = try? directoryNames(directory) else { return }
    keeping.sealed = names.compactMap { name in
      guard name.hasSuffix(Segment.compressedSuffix + Segment.newSuffix) else { return nil }
      let plain = String(
        name.dropLast(Segment.compressedSuffix.utf8.count + Segment.newSuffix.utf8.count))
      guard let found = Segment(name: plain, in: directory), found.firstSequence != segment.first else {
        return nil
      }
      return found.firstSequence
    }
  }

  /// The segment takes no further record.
  mutating func seal(_ first: UInt64) {
    keeping.next = .zero
    guard options.compresses else { return }
    keeping.sealed.append(first)
    // Says to the next start that it is to be compressed, should this one be killed.
    let path = Segment(firstSequence: first, in: directory).compressedPath + Segment.newSuffix
    _ = try? Segment.open(path, O_WRONLY | O_CREAT)
  }

  /// Does a part of what is to be done. Nothing of it is needed for the next record: what fails is tried again later.
  mutating func keep(at now: Instant) {
    guard !isLast, failure == nil else { return }
    if let first = keeping.sealed.first {
      let link = link
      do throws(LinuxError) {
        let plain = Segment(firstSequence: first, in: directory)
        let isDone = try SegmentCompression.compress(plain, in: directory) { link.isWaiting }
        if isDone { keeping.sealed.removeFirst() }
        return
      } catch {
        unlink(Segment(firstSequence: first, in: directory).compressedPath + Segment.newSuffix)
        keeping.sealed.removeFirst()
        let failed = error
        link.report { $0.say(.notCompressed(failed)) }
      }
    }
    if !keeping.doomed.isEmpty {
      drop()
    } else if options.retention != LedgerRetention(), now >= keeping.next {
      keeping.next = now + Self.pause
      doom(now)
    }
  }

  /// Whether there is something to do before anything is written.
  var hasToKeep: Bool { !keeping.sealed.isEmpty && !isLast && failure == nil }

  /// Removes what was told of.
  private mutating func drop() {
    guard let told = link.toldDropped, head.sequence >= told, link.records.count == 0,
      options.output.synchronize(segment.number) == 0
    else { return }
    for old in keeping.doomed {
      unlink(old.path)
      unlink(Segment(firstSequence: old.firstSequence, in: directory).path)
    }
    keeping.doomed = []
    try? options.recovery.synchronizeDirectory(directory)
  }

  /// Says which segments are too many, oldest first; `drop` follows when a `gap` record has told of them.
  private mutating func doom(_ now: Instant) {
    guard let all = try? Segment.list(in: directory) else { return }
    let sealed = all.filter { $0.firstSequence < segment.first }
    let sizes = sealed.map(\.status)
    var total = sizes.reduce(segment.size) { $0 + $1.bytes }
    var free = Self.freeBytes(directory)
    let today = Int64(time(nil))
    var count = 0
    while count + 1 < sealed.count {
      let isTooMuch = options.retention.bytes.map { total > $0 } ?? false
      let isTooOld =
        options.retention.age.map { today - sizes[count].seconds > $0.count / 1_000_000_000 } ?? false
      let isTooFull = options.retention.free.map { free < $0 } ?? false
      guard isTooMuch || isTooOld || isTooFull else { break }
      total -= sizes[count].bytes
      free += sizes[count].bytes
      count += 1
    }
    guard count > 0 else { return }
    let next = sealed[count]
    let dropped = ShedCounts.Dropped(
      first: sealed[0].firstSequence, last: next.firstSequence - 1, head: next.firstPrevious,
      segments: Int64(count))
    keeping.doomed = Array(sealed[..<count])
    link.forgetDropped()
    link.report {
      $0.losses.drop(dropped, at: now)
      $0.say(.dropped(segments: count, first: dropped.first, last: dropped.last))
    }
  }

  /// That this user may have; all there could be where nobody says.
  private static func freeBytes(_ directory: String) -> Int {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { return .max / 2 }
    return Int(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
  }
}

extension Segment {
  /// Bytes in the file, and when it was written last; nothing where it is not there.
  fileprivate var status: (bytes: Int, seconds: Int64) {
    var status = stat()
    guard stat(path, &status) == 0 else { return (0, .max / 2) }
    return (Int(status.st_size), Int64(status.st_mtim.tv_sec))
  }

  /// What the first record says of the one before it.
  fileprivate var firstPrevious: Digest? {
    var digest: Digest?
    do throws(LinuxError) {
      var reader = try LineReader(self)
      _ = try reader.next { bytes in
        guard let value = try? JSONValue.parse(bytes, maximumBytes: LineReader.maximumLine),
          let text = try? JSONPlace(value).member("prev").string()
        else { return }
        digest = Digest(hex: text)
      }
    } catch {
      return nil
    }
    return digest
  }
}
