import ArgumentParser
import Glibc
import JSON
import Linux
import Sensing
import Vocabulary

/// `mmexitctl probe`: asks one driver or disk, in a process that may be left behind if it never answers.
struct Probe: ParsableCommand {
  enum Subject: String, ExpressibleByArgument, CaseIterable { case camera, sound, disk }

  static let configuration = CommandConfiguration(
    abstract: "What 'devices' and 'doctor' ask a driver, in a process of its own.", shouldDisplay: false)

  @Argument var subject: Subject
  @Argument var name: String

  mutating func run() throws {
    switch subject {
    case .camera:
      do throws(SensingError) {
        Output.line(.object(try DeviceCatalog.report(of: name).json))
      } catch {
        Output.line(.object(["fault": .string(error.description)]))
      }
    case .sound: Output.line(.object(["defined": .bool(DeviceCatalog.isDefined(sound: name))]))
    case .disk: Output.line(.object(Self.sync(name)))
    }
  }

  /// How long 4 KiB take to reach the disk. The file has no name, and is gone when it is closed.
  private static func sync(_ folder: String) -> JSONObject {
    do throws(LinuxError) {
      // O_TMPFILE, whose macro Swift does not see.
      let file = try Descriptor.open(folder, 0o20_200_000 | O_WRONLY, mode: 0o600)
      try file.writeAll([UInt8](repeating: 0x20, count: 4_096), folder)
      let begin = monotonicNanoseconds()
      try system("fdatasync", folder) { fdatasync(file.number) }
      return ["sync_ns": .integer(monotonicNanoseconds() - begin)]
    } catch {
      return ["fault": .string(error.description)]
    }
  }

  /// What became of a question.
  enum Answer: Equatable {
    case said(JSONValue)
    /// The driver refused, or the process failed: a line.
    case fault(String)
    /// It did not answer within `patience`.
    case silent
  }

  /// A driver that works answers within a fraction of it.
  static let patience = Nanoseconds.seconds(3)

  static func ask(_ subject: Subject, _ name: String) -> Answer {
    let answer: BoundedProcess.Answer
    do throws(LinuxError) {
      answer = try BoundedProcess.ask(
        "/proc/self/exe", ["probe", subject.rawValue, "--", name], within: patience)
    } catch {
      return .fault(error.description)
    }
    guard case .ended(let code, let said) = answer else { return .silent }
    guard code == 0, let value = try? JSONValue.parse(said) else {
      return .fault("the process that asked it ended with \(code)")
    }
    if case .object(let object) = value, case .string(let fault)? = object["fault"] { return .fault(fault) }
    return .said(value)
  }
}
