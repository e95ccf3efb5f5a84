import Synchronization

/// Signs of life of the threads that must move, for the watchdog: each counts its turns.
package final class Heartbeats: Sendable {
  private let pipelineTurns = Atomic<UInt64>(0)
  private let recorderTurns = Atomic<UInt64>(0)
  private let controlTurns = Atomic<UInt64>(0)

  package init() {}

  package func beatPipeline() { pipelineTurns.add(1, ordering: .relaxed) }
  package func beatRecorder() { recorderTurns.add(1, ordering: .relaxed) }
  package func beatControl() { controlTurns.add(1, ordering: .relaxed) }

  /// The counts at one time.
  package struct Pulse: Equatable, Sendable {
    package var pipeline: UInt64 = 0
    package var recorder: UInt64 = 0
    package var control: UInt64 = 0

    /// Whether all three have moved since `former`.
    package func moved(since former: Pulse) -> Bool {
      pipeline != former.pipeline && recorder != former.recorder && control != former.control
    }
  }

  package var pulse: Pulse {
    Pulse(
      pipeline: pipelineTurns.load(ordering: .relaxed), recorder: recorderTurns.load(ordering: .relaxed),
      control: controlTurns.load(ordering: .relaxed))
  }
}
