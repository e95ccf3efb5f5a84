import ArgumentParser
import Glibc
import JSON
import Startup
import Vocabulary

/// `mmexitctl doctor`.
struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look for what keeps the daemon from working here, each finding with its fix. Changes nothing.",
    discussion: """
      Looks at configuration, model, devices, permissions, meters, socket, clock, disk, unit and sound servers. Each line: ok, \
      warning (it works, and not as it could) or wrong (it does not work), what was looked at, where, and what. Exit status: 0 \
      all is well, 1 warnings only, 2 something is wrong. It opens no stream; for the disk's time it writes 4 KiB into a file \
      without a name, where this user may. Run it by sudo to see what other users' programs hold.
      """)

  @OptionGroup var machine: MachineOptions
  @OptionGroup var connection: Connection

  @Flag(help: "Print JSON.")
  var json = false

  mutating func run() throws {
    let machine = machine
    let connection = connection
    var findings = Findings()
    let tree = machine.tree
    let service = InstalledService(tree)
    let generation = Self.configuration(machine, service, &findings)
    if let generation, generation.configuration.replay.recording.isEmpty {
      DeviceChecks(tree, service, machine.file ?? "").look(generation, &findings)
    } else if let generation {
      findings.ok(
        "devices", machine.file ?? "",
        "replays \(generation.configuration.replay.recording) and opens no device")
    }
    MachineChecks.meters(tree, service, &findings)
    MachineChecks.clock(tree, &findings)
    if let ledger = generation?.configuration.ledger { MachineChecks.disk(tree, ledger, &findings) }
    service.look(&findings)
    MachineChecks.socket(tree, connection, service, generation?.loaded, &findings)
    finish(findings)
  }

  private static func configuration(
    _ machine: MachineOptions, _ service: InstalledService, _ findings: inout Findings
  ) -> Generation? {
    guard let file = machine.file else {
      findings.wrong(
        "configuration", MachineOptions.installed, "is not there",
        fix: "sudo apt install ./mmexit_*.deb, or name yours: mmexitctl doctor --config config/live.conf")
      return nil
    }
    do throws(StartupError) {
      let loaded = try LoadedConfiguration(path: file)
      findings.ok("configuration", file, "is read")
      let generation = try Generation(loaded)
      let names = generation.names.modalities.joined(separator: ", ")
      findings.ok("model", generation.model.path, "has \(names), asked in the order \(generation.order)")
      for section in loaded.configuration.sensors
      where !generation.names.modalities.contains(section.modality) {
        findings.warn(
          "model", loaded.places.place("sensor \(section.modality)", "device"),
          "[sensor \(section.modality)] is no sensor of the model, which has \(names)",
          fix: "name the section after one of them, or take another model")
      }
      return generation
    } catch {
      findings.wrong("configuration", file, error.description, fix: "mmexitd --config \(file) --check-config")
      return nil
    }
  }

  private func finish(_ findings: Findings) -> Never {
    let (wrong, warnings) = (findings.count(.wrong), findings.count(.warning))
    if json {
      Output.line(
        .object([
          "findings": .array(findings.all.map { .object($0.json) }), "wrong": .integer(Int64(wrong)),
          "warnings": .integer(Int64(warnings)),
        ]))
    } else {
      for finding in findings.all { finding.show() }
      Output.line(
        wrong + warnings == 0
          ? "all is well" : "\(wrong) wrong, \(warnings) \(warnings == 1 ? "warning" : "warnings")")
    }
    Glibc.exit(wrong > 0 ? 2 : warnings > 0 ? 1 : 0)
  }
}
