import JSON
import Sensing

/// A sound card's device that records, by what `/proc/asound` tells. It is not opened: most microphones are for one program at a
/// time, and the daemon would find it busy.
struct FoundMicrophone {
  var card: Int
  var device: Int
  /// The card's, which stays when its number changes.
  var identity: String
  var title: String
  var links: [String]
  var users: [DeviceUser]
  /// What it records at the moment ("S16_LE, 2 channels, 48000 Hz"); nil while it is closed.
  var running: String?
  /// Of USB cards, which say so; empty for others.
  var formats: [String] = []
  var channels: [Int] = []
  var rates: [String] = []

  var name: String { "plughw:CARD=\(identity),DEV=\(device)" }
  var node: String { "/dev/snd/pcmC\(card)D\(device)c" }

  /// Whether ALSA's name means this card: `hw:1,0`, `plughw:CARD=C270,DEV=0`, `sysdefault:CARD=C270`.
  func isCalled(_ name: String) -> Bool {
    guard let colon = name.firstIndex(of: ":") else { return false }
    var (mine, number) = (false, 0)
    for (place, word) in name[name.index(after: colon)...].split(separator: ",").enumerated() {
      let value = word.split(separator: "=").last.map(String.init) ?? ""
      if word.hasPrefix("CARD=") || place == 0 && !word.contains("=") {
        mine = value == identity || Int(value) == card
      } else if word.hasPrefix("DEV=") || place == 1 && !word.contains("=") {
        number = Int(value) ?? -1
      }
    }
    return mine && number == device
  }

  static func all(_ tree: MachineTree, _ open: OpenDevices) -> [FoundMicrophone] {
    // "01-00: USB Audio : USB Audio : capture 1"
    tree.lines("/proc/asound/pcm").compactMap { line in
      let fields = line.split(separator: ":").map { field in
        String(field.drop { $0 == " " }).trimmedEnd
      }
      let numbers = (fields.first ?? "").split(separator: "-").compactMap { Int($0) }
      guard numbers.count == 2, fields.contains(where: { $0.hasPrefix("capture") }) else { return nil }
      let folder = "/proc/asound/card\(numbers[0])"
      let identity = tree.text(folder + "/id") ?? "\(numbers[0])"
      var found = FoundMicrophone(
        card: numbers[0], device: numbers[1], identity: identity,
        title: [cardTitle(tree, numbers[0]), fields.count > 2 ? fields[2] : nil].compactMap(\.self).joined(
          separator: ", "),
        links: tree.links(in: "/dev/snd/by-id", to: "controlC\(numbers[0])"), users: [], running: nil)
      found.users = open.users(of: found.node)
      found.readRunning(tree, folder)
      found.readStream(tree.lines(folder + "/stream\(numbers[1])"))
      return found
    }
  }

  /// " 1 [C270           ]: USB-Audio - C270 HD WEBCAM".
  private static func cardTitle(_ tree: MachineTree, _ card: Int) -> String? {
    for line in tree.lines("/proc/asound/cards") {
      let words = line.split(separator: " ", maxSplits: 1)
      guard words.count == 2, Int(words[0]) == card, let dash = line.range(of: " - ") else { continue }
      return String(line[dash.upperBound...])
    }
    return nil
  }

  private mutating func readRunning(_ tree: MachineTree, _ folder: String) {
    let folder = "\(folder)/pcm\(device)c"
    for sub in tree.names(folder) where sub.hasPrefix("sub") {
      for line in tree.lines("\(folder)/\(sub)/status") {
        guard let owner = Self.value(of: "owner_pid", line).flatMap({ Int($0) }) else { continue }
        // A thread of the program; seen by everybody, the open descriptors are not.
        let group = tree.lines("/proc/\(owner)/status").first { $0.hasPrefix("Tgid:") }
        let process = group.flatMap { Self.value(of: "Tgid", $0) }.flatMap { Int($0) } ?? owner
        if !users.contains(where: { $0.process == process }) {
          users.append(DeviceUser(process: process, command: tree.text("/proc/\(process)/comm") ?? "?"))
        }
      }
      let settings = tree.lines("\(folder)/\(sub)/hw_params")
      func setting(_ key: String) -> String? { settings.compactMap { Self.value(of: key, $0) }.first }
      if let format = setting("format"), let channels = setting("channels"), let rate = setting("rate") {
        let hertz = rate.split(separator: " ").first ?? ""
        running = "\(format), \(channels) \(channels == "1" ? "channel" : "channels"), \(hertz) Hz"
      }
    }
  }

  /// A USB card's capture streams: formats, channels and rates of each of its settings.
  private mutating func readStream(_ lines: [String]) {
    guard let start = lines.firstIndex(where: { $0.hasPrefix("Capture:") }) else { return }
    for line in lines[(start + 1)...] {
      if line.hasPrefix("Playback:") { break }
      if let format = Self.value(of: "Format", line), !formats.contains(format) { formats.append(format) }
      if let count = Self.value(of: "Channels", line).flatMap({ Int($0) }), !channels.contains(count) {
        channels.append(count)
      }
      if let list = Self.value(of: "Rates", line) {
        for rate in list.split(separator: ",") {
          let rate = String(rate.drop { $0 == " " }).trimmedEnd
          if !rates.contains(rate) { rates.append(rate) }
        }
      }
    }
  }

  /// What stands behind "key :" in a line.
  private static func value(of key: String, _ line: String) -> String? {
    let line = line.drop { $0 == " " || $0 == "\t" }
    guard line.hasPrefix(key), let colon = line.firstIndex(of: ":"),
      line[line.index(line.startIndex, offsetBy: key.count)..<colon].allSatisfy({ $0 == " " })
    else { return nil }
    return String(line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }).trimmedEnd
  }

  var json: JSONObject {
    var object: JSONObject = [
      "name": .string(name), "card": .string(title), "number": .integer(Int64(card)), "path": .string(node),
      "links": .array(links.map { .string($0) }), "used_by": DeviceUser.json(users),
      "formats": .array(formats.map { .string($0) }),
      "channels": .array(channels.map { .integer(Int64($0)) }),
      "rates": .array(rates.map { .string($0) }),
    ]
    if let running { object.append("records_now", .string(running)) }
    return object
  }

  func show() {
    Output.line("  \(name)  \(title)")
    for link in links { Output.line("    also       \(link)") }
    if !formats.isEmpty {
      let count = channels.map { "\($0)" }.joined(separator: " or ")
      Output.line(
        "    records    \(formats.joined(separator: ", ")); \(count) \(channels == [1] ? "channel" : "channels"); \(rates.joined(separator: ", ")) Hz"
      )
    }
    if let running { Output.line("    now        \(running)") }
  }
}

extension String {
  fileprivate var trimmedEnd: String {
    var text = self
    while text.last == " " || text.last == "\t" { text.removeLast() }
    return text
  }

  fileprivate func range(of other: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(other) { return start..<index(start, offsetBy: other.count) }
      start = index(after: start)
    }
    return nil
  }
}
