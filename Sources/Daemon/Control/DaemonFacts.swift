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
  let channel: DecisionChannel
}
