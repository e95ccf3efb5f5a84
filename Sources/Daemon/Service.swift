import Configuration
import Engine
import Glibc
import Ledger
import Linux
import Replay
import Sensing
import Startup
import Varlink
import Vocabulary

/// The daemon from start to end. Start order: model, plan, recording, ledger, sensors, socket, pipeline; what was
/// started last ends first.
package struct Service: Sendable {
  let generation: Generation
  let recording: RecordingFile?

  /// Reads and checks everything that can be without touching a device or writing a file.
  package init(_ loaded: LoadedConfiguration) throws(StartupError) {
    do {
      try UnixSocket.check(loaded.configuration.general.socket)
    } catch {
      throw StartupError(error, at: loaded.places.place("daemon", "socket"))
    }
    generation = try Generation(loaded)
    let directory = loaded.configuration.replay.recording
    recording =
      directory.isEmpty
      ? nil : try RecordingFile(directory: directory, at: loaded.places.place("replay", "recording"))
    try recording?.check(generation.sensors)
  }

  /// Every setting with its value: a configuration file again.
  package func printedConfiguration() -> String {
    ConfigurationListing(
      generation.configuration, model: generation.model.model, energy: generation.plan.energy
    ).text
  }

  /// What is allowed and works against itself; one line, or nil.
  package var advice: String? { LookAdvice.text(generation.configuration, generation.model.model) }

  /// Runs until the recording ends or a signal comes.
  package func run(printingDecisions prints: Bool) throws(StartupError) -> ExitCode {
    do {
      let signals = try SignalDescriptor()
      // Clients, and some for sensors, ledger and libraries.
      raiseOpenFileLimit(to: VarlinkLimits().clients + 256)
      let bell = try Bell()
      guard let ledger = try openLedger(bell, signals) else { return .success }
      if let recording {
        let replay = generation.configuration.replay
        let rig = try ReplayRig(
          recording.description, in: recording.directory, sensors: generation.sensors,
          pace: replay.pace == .fast ? .asFastAsPossible : .realTime(BootClock()), loops: replay.loop,
          report: { Log.write(.warning, $0) })
        return try run(rig, ledger, bell, signals, prints)
      }
      return try run(try DeviceRig(sensors: generation.sensors), ledger, bell, signals, prints)
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
