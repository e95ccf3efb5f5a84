import Energy
import Glibc
import Linux
import Vocabulary

@testable import Ledger
@testable import Wire

/// Both halves of a ledger on one thread, so that a test says when each of them moves: the writing half before and
/// behind each record, as if its thread were always there in time.
struct LedgerWriter {
  let link: LedgerLink
  private let halves: Halves

  /// Values that are not copied, behind a reference.
  private final class Halves {
    let link: LedgerLink
    var chain: LedgerChain
    var file: LedgerFile

    init(_ link: LedgerLink, _ chain: consuming LedgerChain, _ file: consuming LedgerFile) {
      self.link = link
      self.chain = chain
      self.file = file
    }

    /// What waits is written, as it is by a daemon that ends in order.
    deinit {
      var count = 0
      while count < link.records.count {
        let piece = link.records.piece(from: count, before: link.records.count)
        let written = file.options.output.write(file.segment.number, piece)
        if written <= 0 { return }
        count += written
      }
    }
  }

  init(
    directory: String, identity: LedgerIdentity, at stamp: LedgerStamp,
    options: LedgerOptions = LedgerOptions(), coalesces: Bool = false
  ) throws(LedgerError) {
    do throws(LinuxError) {
      link = try LedgerLink(capacity: options.bufferBytes)
    } catch {
      throw .failed(error)
    }
    var file = try LedgerFile(directory: directory, link: link, at: stamp.boot, options: options)
    let chain = LedgerChain(
      after: file.start, link: link, identity: identity, at: stamp, coalesces: coalesces)
    if case .flush? = link.takeRequest() { _ = file.flush(at: stamp.boot) }
    halves = Halves(link, chain, file)
  }

  var records: Int { halves.chain.records }
  var head: LedgerHead { halves.chain.head }
  var energy: Nanojoules { halves.chain.energy }
  var decisions: Int { halves.chain.decisions }
  var totalShed: Int { halves.chain.totalShed }
  var failure: Int32? { halves.chain.failure }
  var pending: Int { link.records.count }
  var path: String { halves.file.path }
  var identity: LedgerIdentity {
    get { halves.chain.identity }
    nonmutating set { halves.chain.adopt(newValue) }
  }

  mutating func nextNotice() -> LedgerNotice? { halves.chain.nextNotice() }

  private func move(_ stamp: LedgerStamp) {
    halves.file.writeIfDue(at: stamp.boot)
    halves.chain.settle(at: stamp)
  }

  @discardableResult
  mutating func append(_ decision: borrowing Decision, at stamp: LedgerStamp) -> Bool {
    move(stamp)
    defer { move(stamp) }
    return halves.chain.append(decision, at: stamp)
  }

  @discardableResult
  mutating func append(_ event: LedgerEvent, at stamp: LedgerStamp) -> Bool {
    move(stamp)
    defer { move(stamp) }
    return halves.chain.append(event, at: stamp)
  }

  @discardableResult
  mutating func appendStop(reason: String, closing: ClosingEnergy, at stamp: LedgerStamp) -> Bool {
    move(stamp)
    defer { move(stamp) }
    return halves.chain.appendStop(reason: reason, closing: closing, at: stamp)
  }

  /// Time goes by without a window.
  mutating func recordSteady(at now: Instant) { halves.chain.recordSteady(at: now) }

  /// The writing half has nothing else to do.
  mutating func keep(at stamp: LedgerStamp) {
    halves.file.keep(at: stamp.boot)
    halves.chain.settle(at: stamp)
  }

  mutating func tick(at stamp: LedgerStamp) { move(stamp) }

  @discardableResult
  mutating func flush(at stamp: LedgerStamp) -> Bool {
    guard halves.file.drain(stamp.boot) else { return false }
    halves.chain.settle(at: stamp)
    return halves.chain.recordGap(at: stamp) && halves.file.drain(stamp.boot)
  }

  /// Everything on the disk, without a `stop` record of its own.
  mutating func finish(at stamp: LedgerStamp) throws(LedgerError) {
    let isFlushed = flush(at: stamp)
    halves.chain.settle(at: stamp)
    guard isFlushed, case .done = halves.file.close(at: stamp.boot) else {
      throw .notWritten(path: path, records: totalShed, errno: failure ?? EIO, told: false)
    }
  }

  /// The end as the daemon makes it.
  /// - Parameter settled: called between the last try of what waits and the last records.
  mutating func end(
    reason: String, closing: ClosingEnergy? = nil, at stamp: LedgerStamp, settled: () -> Void = {}
  ) -> LedgerError? {
    let halves = halves
    return halves.chain.end(reason: reason, closing: closing, at: stamp) { link in
      switch link.takeRequest() {
      case .settle:
        defer { settled() }
        return halves.file.settle(at: stamp.boot)
      case .close: return halves.file.close(at: stamp.boot)
      default: return nil
      }
    }
  }
}
