import CV4L2
import Linux

/// Finds a camera's device node from what the configuration calls it. Looked up at each wake: who was unplugged may be back
/// under another number.
enum CameraPath {
  /// A camera's node and what it is called.
  struct Node: Hashable, Sendable {
    var path: String
    var name: String
  }

  /// - Parameters:
  ///   - device: a path, or the card's name, as `/sys/class/video4linux` or the driver has it ("HD Webcam C270"; case does not
  ///     matter).
  ///   - classes: that directory.
  /// - Returns: the path of the first node with that name that captures.
  /// - Throws: absent, with the names of those that are there.
  static func find(
    _ device: String, subject: String, classes: String = "/sys/class/video4linux", _ calls: CameraCalls
  ) throws(SensingError) -> String {
    if device.hasPrefix("/") { return device }
    let nodes = nodes(classes)
    if let node = nodes.first(where: { $0.name.isSame(as: device) }) { return node.path }
    // The driver's own word, which takes an open: many cameras have their maker's before it in the other one.
    if let node = nodes.first(where: { card(of: $0.path, calls)?.isSame(as: device) == true }) {
      return node.path
    }
    let there = nodes.prefix(8).map { "'\($0.name)' at \($0.path)" }.joined(separator: ", ")
    throw SensingError(
      subject,
      .device(
        .absent, detail: there.isEmpty ? "there is no camera" : "no camera of this name; there is \(there)"))
  }

  /// The machine's cameras, by their numbers.
  static func nodes(_ classes: String = "/sys/class/video4linux") -> [Node] {
    guard let names = try? directoryNames(classes) else { return [] }
    // A camera's second node carries its metadata under the same name; it has another index.
    return names.sorted(by: { number(of: $0) < number(of: $1) }).filter {
      text("\(classes)/\($0)/index") == "0"
    }
    .map { Node(path: "/dev/" + $0, name: text("\(classes)/\($0)/name") ?? "") }
  }

  /// What the driver calls the card.
  static func card(of path: String, _ calls: CameraCalls) -> String? {
    let descriptor = calls.open(path)
    if descriptor < 0 { return nil }
    defer { calls.close(descriptor) }
    var capability = v4l2_capability()
    if calls.control(descriptor, mmx_VIDIOC_QUERYCAP, &capability) < 0 { return nil }
    return withUnsafeBytes(of: capability.card) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// "video12" is 12; names without a number come last.
  private static func number(of node: String) -> Int {
    Int(node.drop { !("0"..."9").contains($0) }) ?? .max
  }

  private static func text(_ path: String) -> String? {
    guard var bytes = try? readFile(path, limit: 4_096) else { return nil }
    while bytes.last == 10 { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }
}

extension String {
  /// Byte by byte, but for the case of ASCII letters.
  fileprivate func isSame(as other: String) -> Bool {
    utf8.elementsEqual(other.utf8) { a, b in
      func lower(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 32 : byte }
      return lower(a) == lower(b)
    }
  }
}
