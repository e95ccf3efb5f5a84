import CFuzzer
import FuzzTargets
import Glibc

/// `mmexit-fuzz TARGET [libFuzzer's options and corpora]`; tools/fuzz builds and starts it.
@main
struct Main {
  static func main() {
    let names = FuzzTarget.allCases.map(\.rawValue).joined(separator: " ")
    guard CommandLine.argc >= 2, let name = CommandLine.arguments.dropFirst().first else {
      return complain("mmexit-fuzz: name a target: \(names)")
    }
    if name == "--list" { return print(names) }
    guard let target = FuzzTarget(rawValue: name) else {
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
nonisolated(unsafe) private var chosen = FuzzTarget.json
