import Glibc
import Linux
import Vocabulary

/// From the ring to the disk: writing, and going over to another segment.
extension LedgerFile {
  /// 0, or the errno.
  mutating func write(_ now: Instant, synchronizing: Bool) -> Int32 {
    if segment.isGone {
      let code = replaceSegment(now)
      if code != 0 { return code }
    }
    guard link.records.count > 0 else { return 0 }
    while link.records.count > 0 {
      let batch = nextBatch(now)
      let code = batch.records == 0 ? rotate(now) : write(batch)
      if code != 0 { return code }
    }
    guard options.synchronizes && synchronizing else { return 0 }
    let result = options.output.synchronize(segment.number)
    if result == 0 {
      said.unsynchronized = false
      publishHead(now)
      if prefix.bytes - checkpointed >= options.checkpointBytes { saveCheckpoint() }
    } else {
      // The kernel forgets what it could not write back, so no retry would mend it; the next gap record tells.
      let path = segment.path
      let isNews = !said.unsynchronized
      link.report {
        $0.losses.synchronizationFailed(-result, at: now)
        if isNews { $0.say(.notSynchronized(path: path, errno: -result)) }
      }
      said.unsynchronized = true
    }
    return 0
  }

  /// Only what the disk has: a head that a power cut takes back would make an honest ledger look cut short.
  private mutating func publishHead(_ now: Instant) {
    guard now - headTold >= options.publishHead else { return }
    headTold = now
    let head = head
    link.report { $0.say(.head(head)) }
  }

  /// Whole records at the ring's front.
  struct Batch {
    var records = 0
    var bytes = 0
    /// Where the last of them begins.
    var last = 0
  }

  /// The records that wait, up to where the segment is full; none where that is at once. Counted in bytes alone, so
  /// that the same records make the same segments, whenever they are written.
  private func nextBatch(_ now: Instant) -> Batch {
    var batch = Batch()
    let count = link.records.count
    let mayRotate = !isLast && inside == 0 && now >= nextRotation
    while let end = link.records.place(behind: UInt8(ascii: "\n"), from: batch.bytes, before: count) {
      let size = segment.size - inside + batch.bytes
      if mayRotate && size > 0 && size + (end - batch.bytes - 1) >= options.segmentBytes { break }
      batch.last = batch.bytes
      batch.bytes = end
      batch.records += 1
    }
    return batch
  }

  /// Writes the batch; what got into the file is taken from the ring, and half a record is cut off again. 0, or the
  /// errno.
  private mutating func write(_ batch: Batch) -> Int32 {
    let code = reserve(batch.bytes - inside)
    if code != 0 { return code }
    var done = inside
    var failure: Int32 = 0
    while done < batch.bytes && failure == 0 {
      let result = options.output.write(segment.number, link.records.piece(from: done, before: batch.bytes))
      // A write that takes nothing and says nothing would be tried for ever.
      if result > 0 { done += result } else { failure = result < 0 ? Int32(-result) : ENOSPC }
    }
    segment.size += done - inside
    take(batch, upTo: done)
    cutHalf()
    return failure
  }

  /// Beyond what is written the disk keeps room for the last records, so that a full one is found out before that is
  /// used up. Where nothing can be reserved, writing shows it. 0, or the errno.
  private func reserve(_ bytes: Int) -> Int32 {
    if isLast { return 0 }
    let code = -options.output.reserve(segment.number, segment.size, bytes + LedgerOptions.reserveBytes)
    switch code {
    case ENOSPC, EDQUOT, EFBIG, EIO, EROFS: return code
    default: return 0
    }
  }

  /// Takes the records that are whole in the file, `done` bytes from the ring's front on.
  private mutating func take(_ batch: Batch, upTo done: Int) {
    var whole = batch
    if done < batch.bytes {
      whole = Batch()
      while let end = link.records.place(behind: UInt8(ascii: "\n"), from: whole.bytes, before: done) {
        whole.last = whole.bytes
        whole.bytes = end
        whole.records += 1
      }
    }
    inside = done - whole.bytes
    guard whole.records > 0 else { return }
    var hash = SHA256()
    link.records.eachPiece(from: whole.last, before: whole.bytes - 1) { hash.update($0) }
    head = LedgerHead(sequence: head.sequence + UInt64(whole.records), digest: hash.finish())
    link.records.eachPiece(from: 0, before: whole.bytes) { prefix.add($0, lines: 0) }
    prefix.lines += whole.records
    link.records.take(whole.bytes)
    link.tookBytes()
  }

  /// The segment is not under its name any more: what it holds is lost to whoever looks for it there, and what
  /// waits goes to a new one. 0, or the errno.
  private mutating func replaceSegment(_ now: Instant) -> Int32 {
    let next = head.sequence + 1
    do throws(LedgerError) {
      // The directory may be gone too; where it cannot be made, the next call says why.
      mkdir(directory, 0o750)
      if !lock.guards(directory) { lock = try LedgerLock(directory: directory) }
      let former = (path: segment.path, first: segment.first)
      begin(try OpenSegment.create(next, in: directory))
      // Half a record in the file that is gone is written whole in the new one.
      inside = 0
      link.report {
        // None, where it was gone before anything was written to it.
        if former.first < next { $0.losses.segmentGone(former.first, before: next, at: now) }
        $0.say(.segmentGone(path: former.path, first: former.first, next: next))
      }
      return 0
    } catch {
      return error.errno
    }
  }

  private mutating func begin(_ new: consuming OpenSegment) {
    segment = new
    prefix = CheckedPrefix()
    checkpointed = 0
  }

  /// Goes over to a new segment; where that fails the old one grows on. 0: what waits can be written.
  private mutating func rotate(_ now: Instant) -> Int32 {
    _ = options.output.truncate(segment.number, segment.size)
    _ = options.output.synchronize(segment.number)
    do throws(LedgerError) {
      let former = segment.first
      begin(try OpenSegment.create(head.sequence + 1, in: directory))
      seal(former)
      said.growing = false
    } catch {
      nextRotation = now + max(options.flushInterval, LedgerOptions.retryInterval)
      let path = segment.path
      let code = error.errno
      if !said.growing { link.report { $0.say(.growing(path: path, errno: code)) } }
      said.growing = true
    }
    return 0
  }
}

extension ByteRing {
  fileprivate func eachPiece(from start: Int, before end: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
    var place = start
    while place < end {
      let part = piece(from: place, before: end)
      body(part)
      place += part.count
    }
  }
}
