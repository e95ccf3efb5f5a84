import Ledger

extension Pipeline {
  /// What was spent since the last decision, up to now. To be called once, when `run` has ended, however it did.
  func closeAccounts() -> ClosingEnergy { energy.close(hours: &hours, at: rig.now) }
}
