import Linux
import Synchronization

/// Commands from the control thread to the pipeline, and its answers back: two bounded rings. The control thread never
/// has more commands out than the ring holds, so that an answer always finds room.
package final class CommandChannel: Sendable {
  /// Commands that wait or are not answered yet: as many people and programs as may want something at once.
  package static let capacity = 64
  /// Labels are taken for as many decisions: four minutes at 4 windows a second.
  package static let labelledDecisions: UInt64 = 1024

  private let requests = BoundedRing<CommandRequest>(capacity: capacity)
  /// What `.adopt` is about. Laid out before the command is sent and taken away after its answer, so that nobody ever
  /// waits for the lock, and what the pipeline gives up is freed by the control thread.
  private let next = Mutex<NextGeneration?>(nil)
  private let answers = BoundedRing<CommandAnswer>(capacity: capacity)
  /// Rung for the control thread: there are answers.
  package let bell: Bell

  /// Windows near a threshold, for whoever has asked for them.
  package let near: NearWindows

  package init() throws(LinuxError) {
    bell = try Bell()
    near = NearWindows(bell: bell)
  }

  // The control thread's side. Whoever sends rings the pipeline's bell.

  package func send(_ request: CommandRequest) -> Bool { requests.put(request) }
  /// Lays a generation out for `.adopt`; nil takes it away.
  package func propose(_ generation: NextGeneration?) { next.withLock { $0 = generation } }
  package func takeAnswer() -> CommandAnswer? { answers.take() }

  // The pipeline's side.

  func take() -> CommandRequest? { requests.take() }
  func withNext(_ body: (NextGeneration) -> Void) { next.withLock { if let next = $0 { body(next) } } }

  func answer(_ ticket: UInt64, _ outcome: CommandOutcome) {
    let isTaken = answers.put(CommandAnswer(ticket: ticket, outcome: outcome))
    assert(isTaken, "more commands out than the ring holds")
    bell.ring()
  }
}

/// Where the pipeline has commands from, and where their records go.
package struct CommandLink {
  package let channel: CommandChannel
  /// Has a command recorded; false where the recorder has no room.
  package let record: (CommandRecord) -> Bool

  package init(channel: CommandChannel, record: @escaping (CommandRecord) -> Bool) {
    self.channel = channel
    self.record = record
  }
}
