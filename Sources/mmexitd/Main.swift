import Daemon
import Glibc
import Linux
import Vocabulary

/// `mmexitd`: the daemon. Options are few, so they are read by hand: an argument parser would cost resident memory.
@main
struct Main {
  static let usage = """
    usage: mmexitd --config FILE [--print-decisions]
           mmexitd --config FILE --check-config | --print-config
           mmexitd --print-limits | --version | --help

      --config FILE       configuration (default /etc/mmexitd/mmexitd.conf)
      --check-config      read the configuration and the model, say what is wrong, and end
      --print-config      print every setting with its value, and end
      --print-decisions   print a line for every decision
      --print-limits      print every bound on memory with its reason, and end
    """

  enum Task { case run, checkConfig, printConfig }

  static func main() {
    var path = "/etc/mmexitd/mmexitd.conf"
    var task = Task.run
    var prints = false
    var arguments = CommandLine.arguments.dropFirst().makeIterator()
    while let argument = arguments.next() {
      switch argument {
      case "--config":
        guard let value = arguments.next() else { fail("--config needs a file\n\(usage)", .usage) }
        path = value
      case "--check-config": task = .checkConfig
      case "--print-config": task = .printConfig
      case "--print-decisions": prints = true
      case "--print-limits": finish(Limits.printed())
      case "--version": finish("mmexitd \(Version.text)")
      case "--help", "-h": finish(usage)
      default: fail("unknown argument '\(argument)'\n\(usage)", .usage)
      }
    }
    do throws(StartupError) {
      let loaded = try LoadedConfiguration(path: path)
      switch task {
      case .printConfig: finish(loaded.configuration.printed())
      case .checkConfig:
        if let advice = try Service(loaded).advice { Log.write(.notice, advice) }
        finish("\(path): the configuration and its model are good")
      case .run:
        let service = try Service(loaded)
        if let advice = service.advice { Log.write(.notice, advice) }
        exit(try service.run(printingDecisions: prints).rawValue)
      }
    } catch {
      fail(error.description, error.exitCode)
    }
  }

  private static func finish(_ text: String) -> Never {
    print(text)
    exit(ExitCode.success.rawValue)
  }

  private static func fail(_ message: String, _ code: ExitCode) -> Never {
    Log.write(.error, message, keepingLines: code == .usage)
    exit(code.rawValue)
  }
}
