import Linux

/// Finds a camera's device node from what the configuration calls it.
enum CameraPath {
  /// - Parameters:
  ///   - device: a path, or the card's name as `/sys/class/video4linux` has it ("HD Webcam C270").
  ///   - classes: that directory.
  /// - Returns: the path of the first node with that name that captures; nil when there is none.
  static func find(_ device: String, classes: String = "/sys/class/video4linux") -> String? {
    if device.hasPrefix("/") { return device }
    guard let nodes = try? directoryNames(classes) else { return nil }
    for node in nodes.sorted(by: { number(of: $0) < number(of: $1) }) {
      // A camera's second node carries its metadata under the same name; it has another index.
      let isFirst = text("\(classes)/\(node)/index") == "0"
      if isFirst && text("\(classes)/\(node)/name") == device { return "/dev/" + node }
    }
    return nil
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
