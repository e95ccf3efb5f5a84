import JSON
import Sensing

/// A camera that is there.
struct FoundCamera {
  /// `/dev/video0`.
  var path: String
  /// By `/sys`; empty for a node without a place there.
  var name: String
  /// In `/dev/v4l`: names that it keeps.
  var links: [String]
  var users: [DeviceUser]
  var answer: Answer

  enum Answer: Equatable {
    case report(CameraReport)
    case fault(String)
    case silent
  }

  var card: String? {
    if case .report(let report) = answer { return report.card }
    return nil
  }

  /// Whether `device =` means it.
  func isCalled(_ device: String) -> Bool {
    if device.hasPrefix("/") { return path == device || links.contains(device) }
    return [name, card ?? name].contains { $0.lowercased() == device.lowercased() }
  }

  /// The cameras by their numbers, each driver asked. Codecs and outputs are left out.
  static func all(_ tree: MachineTree, _ open: OpenDevices) -> [FoundCamera] {
    let classes = "/sys/class/video4linux"
    var nodes = DeviceCatalog.cameras(tree.path(classes))
    // Drivers in user space have a node and no place in /sys.
    let known = Set(tree.names(classes))
    for node in tree.names("/dev") where node.hasPrefix("video") && !known.contains(node) {
      if Int(node.dropFirst(5)) != nil { nodes.append(("/dev/" + node, "")) }
    }
    return nodes.compactMap { node in
      var camera = FoundCamera(
        path: node.path, name: node.name, links: [], users: open.users(of: node.path), answer: .silent)
      let short = String(node.path.dropFirst(5))
      camera.links = ["/dev/v4l/by-id", "/dev/v4l/by-path"].flatMap { tree.links(in: $0, to: short) }
      switch Probe.ask(.camera, tree.path(node.path)) {
      case .said(let value):
        do throws(JSONError) {
          camera.answer = .report(try CameraReport(JSONPlace(value)))
        } catch {
          camera.answer = .fault(error.description)
        }
      case .fault(let text): camera.answer = .fault(text)
      case .silent: break
      }
      if case .report(let report) = camera.answer, !report.captures { return nil }
      return camera
    }
  }

  var json: JSONObject {
    var object: JSONObject = [
      "path": .string(path), "name": .string(name), "links": .array(links.map { .string($0) }),
      "used_by": DeviceUser.json(users),
    ]
    switch answer {
    case .report(let report):
      object.append("answers", .bool(true))
      for member in report.json.members where member.key != "captures" {
        object.append(member.key, member.value)
      }
    case .fault(let text):
      object.append("answers", .bool(true))
      object.append("fault", .string(text))
    case .silent: object.append("answers", .bool(false))
    }
    return object
  }

  func show() {
    let title = name.isEmpty ? card ?? "" : name
    Output.line("  \(path)  \(title)" + (card.map { $0 == title ? "" : " (driver: \($0))" } ?? ""))
    for link in links { Output.line("    also       \(link)") }
    switch answer {
    case .report(let report):
      let native = report.offer.formats.filter { !$0.isEmulated }
      for format in native { Output.line("    sends      \(format.text)") }
      if native.isEmpty { Output.line("    sends      it does not say what") }
    case .fault(let text): Output.line("    fault      \(text)")
    case .silent:
      Output.line(
        "    fault      does not answer: its driver hangs; plug it out and in again, then 'dmesg | tail'")
    }
  }
}

extension DeviceUser {
  static func json(_ users: [DeviceUser]) -> JSONValue {
    .array(users.map { .object(["pid": .integer(Int64($0.process)), "command": .string($0.command)]) })
  }
}
