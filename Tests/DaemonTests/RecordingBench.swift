import Engine
import Glibc
import Ledger
import Linux
import ScriptedScenes
import Sensing
import Vocabulary

@testable import Daemon
@testable import Wire

/// All that is behind the pipeline, as the daemon has it, but with a thread's work done when a test says so: recorder,
/// ledger, those who watch, and output.
final class RecordingBench: @unchecked Sendable {
  // Unchecked: its parts are, each by the thread that has it.
  let scratch: LedgerScratch
  let bell: Bell
  let events: EventRing
  let watch: WatchRing
  let output: OutputThread
  let link: LedgerLink
  let recorder: Recorder
  let beats = Heartbeats()
  private let file: FileBox

  init(
    _ model: Model, prints: Bool = false, waits: Bool = false, isReplay: Bool = true,
    options: LedgerOptions = LedgerOptions(), standardOutput: Int32 = -1, journal: Int32 = -1
  ) throws {
    scratch = try LedgerScratch()
    let bell = try Bell()
    self.bell = bell
    events = try EventRing(waits: waits, bell: bell)
    watch = try WatchRing { bell.ring() }
    output = try OutputThread(decisions: standardOutput, journal: journal) { bell.ring() }
    link = try LedgerLink(capacity: options.bufferBytes) { bell.ring() }
    file = FileBox(try LedgerFile(directory: scratch.directory, link: link, at: .zero, options: options))
    let nothing = SHA256.digest(of: UnsafeRawBufferPointer(start: nil, count: 0))
    let identity = LedgerIdentity(
      bootID: "test", model: nothing, configuration: nothing,
      names: Names(
        classes: model.classes, modalities: model.modalities.map(\.name), energySource: "model:test"))
    recorder = Recorder(
      chain: LedgerChain(after: file.start, link: link, identity: identity, at: LedgerStamp(boot: .zero)),
      link: link, events: events, bell: bell, watch: watch, output: output, beats: beats, model: model,
      directory: scratch.directory, prints: prints, isReplay: isReplay, waits: waits)
  }

  /// The recorder's and the writer's turn.
  func turn(at now: Instant) {
    _ = recorder.takeEvents()
    file.writeIfDue(at: now)
  }

  /// From now on the writer has a thread of its own, until the ledger is closed. No `turn` afterwards.
  func startWriter() throws -> Thread {
    let file = file
    return try Thread(named: "writer") { file.serve() }
  }
}

/// Carries a ledger's file to its thread. Unchecked: that thread alone uses it from then on.
private final class FileBox: @unchecked Sendable {
  let start: LedgerStart
  private var file: LedgerFile?

  init(_ file: consuming LedgerFile) {
    start = file.start
    self.file = consume file
  }

  func writeIfDue(at now: Instant) { file?.writeIfDue(at: now) }
  func serve() { file.take()?.serve() }
}
