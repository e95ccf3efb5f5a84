import CFuzzer
import Glibc

/// `mmexit-fuzz TARGET [libFuzzer's options and corpora]`; tools/fuzz builds and starts it.
@main
struct Main {
  static func main() {
    let names = Target.allCases.map(\.rawValue).joined(separator: " ")
    guard CommandLine.argc >= 2, let name = CommandLine.arguments.dropFirst().first else {
      return complain("mmexit-fuzz: name a target: \(names)")
    }
    if name == "--list" { return print(names) }
    guard let target = Target(rawValue: name) else {
      return complain("mmexit-fuzz: no target '\(name)'; there are \(names)")
    }
    chosen = target
    // libFuzzer's options begin behind the target.
    exit(
      mmx_fuzz(CommandLine.argc - 1, CommandLine.unsafeArgv + 1) { data, size in
        chosen.run(UnsafeRawBufferPointer(start: data, count: size))
        return 0
      })
  }

  private static func complain(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    exit(64)
  }
}

/// libFuzzer's callback carries nothing along. Written once, before it runs.
nonisolated(unsafe) private var chosen = Target.json

/// What reads bytes that others have written. Whatever they are, a reader refuses them or takes them; it ends the
/// program never.
enum Target: String, CaseIterable {
  case json, varlink, client, ledger, recovery, wav, y4m, pnm, npy, recording, model, configuration, manifest,
    plan

  func run(_ bytes: UnsafeRawBufferPointer) {
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
