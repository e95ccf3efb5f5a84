import Glibc
import JSON
import Linux
import Vocabulary

/// From a record to the disk: encoding, waiting, writing, and going over to another segment.
extension LedgerWriter {
  typealias Body = (inout JSONWriter, Names) -> Void

  /// Appends a record, behind the gap record if some were shed before it, or counts it as shed.
  mutating func add(_ type: RecordType, _ stamp: LedgerStamp, _ body: Body) -> Bool {
    if !shed.isEmpty && !(writeIfDue(stamp) && recordGap(stamp)) {
      lose(type, stamp)
      return false
    }
    guard put(type, stamp, body) else {
      lose(type, stamp)
      return false
    }
    writeIfDue(stamp)
    return true
  }

  private mutating func lose(_ type: RecordType, _ stamp: LedgerStamp) {
    totalShed += 1
    shed.add(type, at: stamp.boot)
  }

  mutating func recordGap(_ stamp: LedgerStamp) -> Bool {
    let counts = shed
    let recorded = put(.gap, stamp) { json, _ in counts.writeMembers(into: &json) }
    if recorded { shed = ShedCounts() }
    return recorded
  }

  /// Encodes a record and copies it to the buffer; false when there is no room for it.
  mutating func put(_ type: RecordType, _ stamp: LedgerStamp, _ body: Body) -> Bool {
    encode(type, stamp, body)
    guard !json.overflowed, head.sequence < Self.maximumSequence else { return false }
    if segment.holds && segment.size + buffer.count + json.count >= options.segmentBytes { rotate(stamp) }
    if buffer.free <= json.count {
      guard mayTry(stamp), drain(stamp) || buffer.free > json.count else { return false }
    }
    let digest = json.withBytes { bytes in
      buffer.append(bytes)
      return SHA256.digest(of: bytes)
    }
    segment.holds = true
    head = LedgerHead(sequence: head.sequence + 1, digest: digest)
    records += 1
    return true
  }

  private mutating func encode(_ type: RecordType, _ stamp: LedgerStamp, _ body: Body) {
    json.reset()
    json.beginObject()
    json.key("schema")
    json.value(Self.schema)
    json.key("type")
    json.value(type.rawValue)
    json.key("boot_id")
    json.value(identity.bootID)
    json.key("seq")
    json.value(head.sequence + 1)
    json.key("t_boot_ns")
    json.value(stamp.boot.sinceBoot)
    json.key("t_utc")
    if let utc = stamp.utc {
      let text = RFC3339(unixNanoseconds: utc)
      text.quoted.span.withUnsafeBytes { json.raw($0) }
    } else {
      json.null()
    }
    json.key("clock_synced")
    json.value(stamp.synced)
    json.key("model_sha256")
    json.value(identity.model)
    json.key("config_sha256")
    json.value(identity.configuration)
    body(&json, identity.names)
    json.key("prev")
    json.value(head.digest)
    json.endObject()
  }

  /// True when a write may be tried: after a failure only once in a while.
  private func mayTry(_ stamp: LedgerStamp) -> Bool {
    failure == nil || stamp.boot - lastWrite >= max(options.flushInterval, LedgerOptions.retryInterval)
  }

  /// Writes when the flush interval has passed. False when something could not be written.
  @discardableResult
  mutating func writeIfDue(_ stamp: LedgerStamp) -> Bool {
    if failure == nil && stamp.boot - lastWrite < options.flushInterval { return true }
    return mayTry(stamp) && drain(stamp)
  }

  /// Writes what waits; false when something could not be written.
  mutating func drain(_ stamp: LedgerStamp) -> Bool {
    lastWrite = stamp.boot
    let code = write(stamp)
    if code != 0 && !said.failing {
      said.failing = true
      said.shed = totalShed
      say(.failing(path: segment.path, errno: code))
    } else if code == 0 && said.failing {
      said.failing = false
      say(.writingAgain(path: segment.path, lost: totalShed - said.shed))
    }
    failure = code == 0 ? nil : code
    return code == 0
  }

  /// 0, or the errno.
  private mutating func write(_ stamp: LedgerStamp) -> Int32 {
    if segment.isGone {
      let code = replaceSegment(stamp)
      if code != 0 { return code }
    }
    let waiting = buffer.count
    guard waiting > 0 else { return 0 }
    let code = buffer.drain(segment.number, options.output)
    segment.size += waiting - buffer.count
    guard code == 0, options.synchronizes else { return code }
    let result = options.output.synchronize(segment.number)
    if result == 0 {
      said.unsynchronized = false
    } else {
      // The kernel forgets what it could not write back, so no retry would mend it; the next gap record tells.
      shed.synchronizationFailed(-result, at: stamp.boot)
      if !said.unsynchronized { say(.notSynchronized(path: segment.path, errno: -result)) }
      said.unsynchronized = true
    }
    return 0
  }

  /// The segment is not under its name any more: what it holds is lost to whoever looks for it there, and what
  /// waits goes to a new one. 0, or the errno.
  private mutating func replaceSegment(_ stamp: LedgerStamp) -> Int32 {
    buffer.dropHalfRecord()
    let next = head.sequence - UInt64(buffer.records) + 1
    do throws(LedgerError) {
      // The directory may be gone too; where it cannot be made, the next call says why.
      mkdir(directory, 0o750)
      if !lock.guards(directory) { lock = try LedgerLock(directory: directory) }
      let former = (path: segment.path, first: segment.first)
      segment = try OpenSegment.create(next, in: directory)
      segment.holds = buffer.count > 0
      // None, where it was gone before anything was written to it.
      if former.first < next {
        shed.segmentGone(former.first, before: next, at: stamp.boot)
        totalShed += Int(next - former.first)
      }
      say(.segmentGone(path: former.path, first: former.first, next: next))
      return 0
    } catch {
      return error.errno
    }
  }

  /// Goes over to a new segment; where that fails the old one grows on.
  private mutating func rotate(_ stamp: LedgerStamp) {
    let full = segment.first
    // Draining may have gone over to another segment already.
    guard stamp.boot >= nextRotation, mayTry(stamp), drain(stamp), segment.first == full else { return }
    if !options.synchronizes { _ = options.output.synchronize(segment.number) }
    do throws(LedgerError) {
      segment = try OpenSegment.create(head.sequence + 1, in: directory)
      said.growing = false
    } catch {
      nextRotation = stamp.boot + max(options.flushInterval, LedgerOptions.retryInterval)
      if !said.growing { say(.growing(path: segment.path, errno: error.errno)) }
      said.growing = true
    }
  }
}
