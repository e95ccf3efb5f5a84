import ArgumentParser
import Sensing

/// `mmexitctl`: asks the daemon, and works without one.
@main
struct Mmexitctl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mmexitctl",
    abstract: "Ask the mmexit daemon, and plan and evaluate without one.",
    version: "mmexitctl 0.1.0",
    subcommands: [
      Watch.self, Status.self, ModelCommand.self, Label.self, Pause.self, Resume.self, Acquire.self, Ask.self,
      Reload.self, Preference.self, Order.self, Plan.self, Evaluate.self, Audit.self, Explain.self,
      Report.self,
      MetricsCommand.self, Devices.self, Doctor.self, Record.self, Probe.self,
    ])

  static func main() {
    PictureDecoder.serveIfAsked()
    main(nil)
  }
}
