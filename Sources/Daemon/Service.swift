import Engine
import Glibc
import Ledger
import Linux
import Sensing
import Varlink
import Vocabulary

/// The daemon from start to end. Start order: model, plan, recording, ledger, sensors, socket, pipeline; what was
/// started last ends first.
package struct Service: Sendable {
  let loaded: LoadedConfiguration
  let model: LoadedModel
  let plan: PolicyPlan
  let recording: RecordingFile?
  let sensors: [SensorConfiguration]

  /// Reads and checks everything that can be without touching a device or writing a file.
  package init(_ loaded: LoadedConfiguration) throws(StartupError) {
    self.loaded = loaded
    do {
      try UnixSocket.check(loaded.configuration.general.socket)
    } catch {
      throw StartupError(error, at: loaded.places.place("daemon", "socket"))
    }
    model = try LoadedModel(path: loaded.configuration.general.model, loaded.places)
    plan = try PolicyPlan(loaded.configuration, model.model, loaded.places)
    sensors = try Rigs.configurations(loaded.configuration, model.model)
    let directory = loaded.configuration.replay.recording
    recording =
      directory.isEmpty
      ? nil : try RecordingFile(directory: directory, at: loaded.places.place("replay", "recording"))
    try recording?.check(sensors)
  }

  /// Every setting with its value: a configuration file again.
  package func printedConfiguration() -> String {
    ConfigurationListing(loaded.configuration, model: model.model, energy: plan.energy).text
  }

  /// What is allowed and works against itself; one line, or nil.
  package var advice: String? { LookAdvice.text(loaded.configuration, model.model) }

  /// Runs until the recording ends or a signal comes.
  package func run(printingDecisions prints: Bool) throws(StartupError) -> ExitCode {
    do {
      let signals = try SignalDescriptor()
      // Clients, and some for sensors, ledger and libraries.
      raiseOpenFileLimit(to: VarlinkLimits().clients + 256)
      let bell = try Bell()
      guard let ledger = try openLedger(bell, signals) else { return .success }
      if let recording {
        let replay = loaded.configuration.replay
        let rig = try ReplayRig(
          recording.description, in: recording.directory, sensors: sensors,
          pace: replay.pace == .fast ? .asFastAsPossible : .realTime(BootClock()), loops: replay.loop,
          report: { Log.write(.warning, $0) })
        return try run(rig, ledger, bell, signals, prints)
      }
      return try run(try DeviceRig(sensors: sensors), ledger, bell, signals, prints)
    } catch let error as StartupError {
      throw error
    } catch let error as SensingError {
      throw StartupError(error)
    } catch let error as LedgerError {
      throw StartupError(error)
    } catch let error as LinuxError {
      throw StartupError(error, remedy: "the daemon could not start")
    } catch {
      throw StartupError("\(error)", .software)
    }
  }
}
