/// What reads bytes that others have written. Whatever they are, a reader refuses them or takes them; it ends the
/// program never.
package enum FuzzTarget: String, CaseIterable, Sendable {
  case json, varlink, client, ledger, recovery, wav, y4m, pnm, npy, recording, model, configuration, manifest,
    plan

  package func run(_ bytes: UnsafeRawBufferPointer) {
    switch self {
    case .json: TextTargets.json(bytes)
    case .plan: TextTargets.plan(bytes)
    case .manifest: TextTargets.manifest(bytes)
    case .configuration: TextTargets.configuration(bytes)
    case .recording: TextTargets.recording(bytes)
    case .varlink: SocketTargets.varlink(bytes)
    case .client: SocketTargets.client(bytes)
    case .ledger: LedgerTargets.audit(bytes)
    case .recovery: LedgerTargets.recovery(bytes)
    case .wav: MediaTargets.wav(bytes)
    case .y4m: MediaTargets.y4m(bytes)
    case .pnm: MediaTargets.pnm(bytes)
    case .npy: ModelTargets.npy(bytes)
    case .model: ModelTargets.model(bytes)
    }
  }
}
