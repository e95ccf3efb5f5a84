import Foundation
import Testing

/// The shipped digits, whose gain head at the picture's second exit predicts the same of every window.
enum GainModel {
  /// - Parameters:
  ///   - gain: what it predicts, -1...1.
  ///   - limit: the gain at or below which the exit answers.
  ///   - path: where the model goes.
  static func write(gain: Double, limit: Double, to path: String) throws {
    try write(to: path) { _, modalities, picture, header, tensors in
      guard var segments = modalities[picture]["segments"] as? [[String: Any]],
        var exit = segments[1]["exit"] as? [String: Any],
        let old = exit["gain"] as? [String: Any], let name = old["output"] as? String,
        let offsets = (header[name] as? [String: Any])?["data_offsets"] as? [Int]
      else { throw CocoaError(.fileReadCorruptFile) }
      exit["threshold"] = (1 + limit) / 2
      exit["gain"] = old.merging(["output_bias": gain]) { $1 }
      for byte in offsets[0]..<offsets[1] { tensors[byte] = 0 }
      segments[1]["exit"] = exit
      modalities[picture]["segments"] = segments
    }
  }

  /// The shipped recording to its end by the shipped digits changed so; the sound is asked first, and the camera stays open.
  /// - Parameters:
  ///   - model: of its text.
  ///   - exits: of each modality's exits; whether it is the picture's, and its number, from 1.
  static func replayed(
    model: (inout [String: Any]) -> Void, exits: (inout [String: Any], Bool, Int) -> Void
  ) throws -> DaemonProcess {
    let path = NSTemporaryDirectory() + "/mmexit-changed-\(UUID().uuidString.prefix(8)).safetensors"
    try write(to: path) { text, modalities, picture, _, _ in
      model(&text)
      for modality in modalities.indices {
        var segments = modalities[modality]["segments"] as? [[String: Any]] ?? []
        for index in segments.indices {
          var exit = segments[index]["exit"] as? [String: Any] ?? [:]
          exits(&exit, modality == picture, index + 1)
          segments[index]["exit"] = exit
        }
        modalities[modality]["segments"] = segments
      }
    }
    defer { try? FileManager.default.removeItem(atPath: path) }
    let daemon = try DaemonProcess(
      .replay(pace: "fast", loop: false),
      changes: ["model": path, "max-skew": "500ms\nfirst = audio", "linger": "60s"])
    #expect(daemon.run.wait(60) == 0, "\(daemon.run.error)")
    return daemon
  }

  /// - Parameter change: of the text, its modalities, which of them is the picture, the header and the tensors.
  static func write(
    to path: String,
    _ change: (inout [String: Any], inout [[String: Any]], Int, [String: Any], inout [UInt8]) throws -> Void
  ) throws {
    let file = try Data(contentsOf: URL(fileURLWithPath: DaemonProcess.shippedDigits))
    let length = (0..<8).reduce(0) { $0 | Int(file[$1]) << (8 * $1) }
    let header = try JSONSerialization.jsonObject(with: file[8..<8 + length])
    guard var header = header as? [String: Any], var metadata = header["__metadata__"] as? [String: Any],
      let text = metadata["mmexit"] as? String,
      var model = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any],
      var modalities = model["modalities"] as? [[String: Any]],
      let picture = modalities.firstIndex(where: { $0["name"] as? String == "image" })
    else { throw CocoaError(.fileReadCorruptFile) }
    var tensors = Array(file[(8 + length)...])
    try change(&model, &modalities, picture, header, &tensors)
    model["modalities"] = modalities
    metadata["mmexit"] = String(
      decoding: try JSONSerialization.data(withJSONObject: model, options: .sortedKeys), as: UTF8.self)
    header["__metadata__"] = metadata
    let written = try JSONSerialization.data(withJSONObject: header, options: .sortedKeys)
    let size = (0..<8).map { UInt8(truncatingIfNeeded: written.count >> (8 * $0)) }
    try (Data(size) + written + tensors).write(to: URL(fileURLWithPath: path))
  }
}
