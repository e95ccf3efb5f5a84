import Glibc
import Ledger
import Linux
import Startup
import Vocabulary

/// A ledger that is open: its chain, and the link to the thread that writes it.
struct OpenLedger: ~Copyable {
  var chain: LedgerChain
  let link: LedgerLink
  /// The one that writes it is among them.
  let threads: RecordingThreads
  /// SIGHUP came while it was being opened.
  let wantsReload: Bool
}

/// Opening the ledger.
extension Service {
  /// What a start has found wrong is on the disk before the daemon goes on; no longer than this is waited for that.
  private static var flushPatience: Nanoseconds { .seconds(10) }

  /// Opens the ledger on a thread of its own, which writes it from then on.
  /// - Parameter bell: rung whenever the writing thread has taken something or has news.
  /// - Returns: nil where a signal asked for the end before the ledger was open.
  func openLedger(
    _ bell: Bell, _ signals: borrowing SignalDescriptor
  ) throws(StartupError) -> OpenLedger? {
    let settings = generation.configuration.ledger
    var options = LedgerOptions()
    options.segmentBytes = settings.segmentBytes
    options.flushInterval = settings.flushInterval
    options.publishHead = settings.publishHead
    let isLive = recording == nil
    options.compresses = settings.compresses ?? isLive
    options.retention = LedgerRetention(
      bytes: settings.keepBytes ?? (isLive ? 1 << 30 : nil),
      age: settings.keepDays.map { .seconds(Int64($0 * 86_400)) },
      free: settings.keepFree ?? (isLive ? 64 << 20 : nil))
    // A first start finds no folder. Where it cannot be made, the ledger says what is wrong.
    mkdir(settings.directory, 0o750)
    var wantsReload = false
    do {
      let link = try LedgerLink(capacity: options.bufferBytes) { bell.ring() }
      let opening = try LedgerOpening()
      let work = options
      let threads = RecordingThreads()
      try Thread(named: "writer") {
        threads.join()
        opening.run(settings.directory, link, work)
      }.abandon()
      while opening.outcome() == nil {
        if try isStopped(by: signals, while: opening.bell, until: nil, &wantsReload) { return nil }
      }
      guard let start = try opening.outcome()?.get() else { return nil }
      let stamp = LedgerStamp(boot: recording == nil ? Instant(sinceBoot: bootTimeNanoseconds()) : .zero)
      let chain = LedgerChain(
        after: start, link: link, identity: ledgerIdentity(), at: stamp,
        coalesces: settings.coalesces ?? (recording == nil))
      if start.needsFlush {
        let limit = bootTimeNanoseconds() + Self.flushPatience.count
        while link.answer() == nil && bootTimeNanoseconds() < limit {
          if try isStopped(by: signals, while: bell, until: limit, &wantsReload) { return nil }
        }
      }
      return OpenLedger(chain: chain, link: link, threads: threads, wantsReload: wantsReload)
    } catch let error as LedgerError {
      throw StartupError(error, at: "\(generation.loaded.places.place("ledger", "directory")): directory")
    } catch let error as LinuxError {
      throw StartupError(error, remedy: "the ledger could not be opened")
    } catch {
      throw StartupError("\(error)", .software)
    }
  }

  /// Waits for the bell or a signal; true when that asks for the end.
  private func isStopped(
    by signals: borrowing SignalDescriptor, while bell: Bell, until deadline: Int64?,
    _ wantsReload: inout Bool
  ) throws(LinuxError) -> Bool {
    let (signal, ring) = (signals.descriptor.number, bell.number)
    try withTemporaryMemory(of: pollfd.self, capacity: 2) { (list) throws(LinuxError) in
      list[0] = readable(signal)
      list[1] = readable(ring)
      _ = try pollUntil(deadline, list)
    }
    bell.clear()
    while let request = signals.next() {
      switch request {
      case .stop:
        Log.write(.notice, "told to end while the ledger was being opened")
        return true
      // It came after the configuration was read.
      case .reload: wantsReload = true
      }
    }
    return false
  }

  private func ledgerIdentity() -> LedgerIdentity {
    let bootID = recording.map { "replay-" + $0.digest.hexString.prefix(16) } ?? Self.kernelBootID()
    return LedgerIdentity(
      bootID: bootID, model: generation.model.digest, configuration: generation.loaded.digest,
      names: generation.names)
  }

  /// The kernel's; where that is hidden (systemd's ProcSubset=pid) an id of this run, and a line that says so.
  private static func kernelBootID() -> String {
    let path = "/proc/sys/kernel/random/boot_id"
    do {
      let bytes = try readFile(path, limit: 128)
      return String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    } catch {
      Log.write(
        .warning,
        "\(error); the ledger's boot_id is one of this run alone; let the daemon read \(path) (ProcSubset=all)"
      )
      return "run-\(bootTimeNanoseconds())"
    }
  }
}
