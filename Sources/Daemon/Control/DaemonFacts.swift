import Engine
import Ledger
import Scheduling

/// What the control thread knows of the running daemon. Constant, or safe to read from any thread.
struct DaemonFacts: Sendable {
  let model: LoadedModel
  let order: [Int]
  let configuration: Configuration
  let places: ConfigurationPlaces
  let plan: PolicyPlan
  let status: PipelineStatusBoard
  let ledger: LedgerStatusBoard
  let watch: WatchRing
  let journal: Journal
  let beats: Heartbeats
  let commands: CommandChannel
  /// Has the pipeline look up: there is a command.
  let nudge: @Sendable () -> Void
  /// Has the recorder and the pipeline take a turn, so that they can be seen to move.
  let ping: @Sendable () -> Void
}
