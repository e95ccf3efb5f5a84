import Configuration
import Daemon
import Glibc
import Linux
import Sensing
import Startup
import Vocabulary

/// `mmexitd`: the daemon. Options are few, so they are read by hand: an argument parser would cost resident memory.
@main
struct Main {
  static let usage = """
    usage: mmexitd --config FILE [--print-decisions]
           mmexitd --config FILE --check-config | --print-config
           mmexitd --print-keys | --print-limits | --version | --help

      --config FILE       configuration (default /etc/mmexitd/mmexitd.conf)
      --check-config      check all that a start needs but the devices, say what is wrong, and end
      --print-config      print every setting with its value, as a configuration file, and end
      --print-decisions   print a line for every decision, for as long as standard output takes them
      --print-keys        print every key of a configuration: what it takes, its default, what it does; and end
      --print-limits      print every bound on memory with its reason, and end
    """

  enum Task { case run, checkConfig, printConfig }

  static func main() {
    PictureDecoder.serveIfAsked()
    useFrugalHeap()
    StandardDescriptors.occupy()
    var path: String?
    var task = Task.run
    var prints = false
    var arguments = CommandLine.arguments.dropFirst().makeIterator()
    while let argument = arguments.next() {
      switch argument {
      case "--config":
        guard let value = arguments.next(), !value.isEmpty else { refuse("--config needs a file") }
        guard path == nil else { refuse("--config is given twice; a daemon has one configuration") }
        path = value
      case "--check-config" where task != .printConfig: task = .checkConfig
      case "--print-config" where task != .checkConfig: task = .printConfig
      case "--check-config", "--print-config":
        refuse("--check-config and --print-config: give one of the two")
      case "--print-decisions": prints = true
      case "--print-keys": finish(ConfigurationReference.printed)
      case "--print-limits": finish(Limits.printed())
      case "--version": finish("mmexitd \(Version.text)")
      case "--help", "-h": finish(usage)
      default: refuse("unknown argument '\(argument.printable)'")
      }
    }
    if prints && task != .run {
      refuse("--print-decisions: nothing is decided with --check-config or --print-config")
    }
    let file = path ?? "/etc/mmexitd/mmexitd.conf"
    do throws(StartupError) {
      let service = try Service(try LoadedConfiguration(path: file))
      switch task {
      case .printConfig: finish(service.printedConfiguration())
      case .checkConfig:
        if let advice = service.advice { Log.write(.notice, advice) }
        for remark in try service.checkStart() { Log.write(.notice, remark) }
        finish("\(file.printable): the configuration and its model are good")
      case .run:
        if let advice = service.advice { Log.write(.notice, advice) }
        exit(try service.run(printingDecisions: prints).rawValue)
      }
    } catch {
      fail(error.description, error.exitCode)
    }
  }

  private static func finish(_ text: String) -> Never {
    do throws(LinuxError) {
      try StandardOutput.write(text)
    } catch {
      fail("\(error); not all of it was written", .ioError)
    }
    exit(ExitCode.success.rawValue)
  }

  private static func refuse(_ message: String) -> Never { fail("\(message)\n\(usage)", .usage) }

  private static func fail(_ message: String, _ code: ExitCode) -> Never {
    Log.write(.error, message, keepingLines: code == .usage)
    exit(code.rawValue)
  }
}
