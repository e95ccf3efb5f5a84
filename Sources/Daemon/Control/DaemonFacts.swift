import Pipeline
import Startup

/// What the control thread knows of the running daemon. Constant, or safe to read from any thread.
struct DaemonFacts: Sendable {
  /// The one that the daemon was started with; `CommandDesk` has the one in force.
  let start: Generation
  let status: PipelineStatusBoard
  let order: OrderBoard
  let ledger: LedgerStatusBoard
  let metrics: MetricsSource
  let watch: WatchRing
  let journal: Journal
  let beats: Heartbeats
  let commands: CommandChannel
  /// Has the pipeline look up: there is a command.
  let nudge: @Sendable () -> Void
  /// Has the recorder and the pipeline take a turn, so that they can be seen to move.
  let ping: @Sendable () -> Void
}

/// The daemon's version, as `--version`, `GetStatus` and the ledger's start record say it.
package enum Version {
  package static let text = "0.1.0"
}
