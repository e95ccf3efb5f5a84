import Engine
import JSON

/// A model whose answers are written down beforehand: all weights are 0, so each exit's bias alone decides. Two
/// modalities, `audio` (100 ms at 8 kHz) and `image` (4 x 4, grey), two exits each, three classes, the first `none`.
package struct ScriptedModel {
  /// What an exit says: a class, surely; a class, and not surely (entropy 0.6); or nothing (every class alike, entropy 1).
  package enum Say: Sendable {
    case sure(Int)
    case leaning(Int)
    case unsure
  }

  package var audio: [Say]
  package var image: [Say]
  package var fusion: Say
  /// Stands at every encoder exit; fusion has none.
  package var threshold = 0.5
  package var none: String? = "none"
  /// Three.
  package var classes = ["none", "go", "stop"]
  /// The model says that pictures may be mirrored, and the picture's first exit tells which half is the brighter one,
  /// surely: `go` the left, `stop` the right one.
  package var mirrored = false
  /// The class that overrides what another sensor is sure of.
  package var overriding: String?
  /// By modality: the override threshold of its first exit.
  package var overrides: [String: Double] = [:]
  /// By modality: its exits' threshold beside another sensor's sure `none`.
  package var besideNone: [String: Double] = [:]

  package init(
    audio: [Say] = [.unsure, .unsure], image: [Say] = [.unsure, .unsure], fusion: Say = .sure(1)
  ) {
    self.audio = audio
    self.image = image
    self.fusion = fusion
  }

  package func model() throws -> Model { try Model.decode(bytes()) }

  package func bytes() -> [UInt8] {
    var tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])] = []
    func words(_ values: [UInt32]) -> [UInt8] {
      values.flatMap { v in (0..<4).map { UInt8(truncatingIfNeeded: v >> (8 * $0)) } }
    }
    func logits(
      _ name: String, _ input: String, _ width: Int, _ say: Say, weights: [UInt8]? = nil
    ) -> JSONValue {
      var bias = [UInt32](repeating: 0, count: 3)
      switch say {
      case .sure(let label): bias[label] = 200
      case .leaning(let label): bias[label] = 2
      case .unsure: break
      }
      tensors.append(("\(name).w", "I8", [3, width], weights ?? Array(repeating: 0, count: 3 * width)))
      tensors.append(("\(name).b", "I32", [3], words(bias)))
      tensors.append(("\(name).s", "F32", [3], words(Array(repeating: Float(1).bitPattern, count: 3))))
      return [
        "op": "logits", "inputs": [.string(input)], "output": .string(name), "weight": .string("\(name).w"),
        "bias": .string("\(name).b"), "weight_scale": .string("\(name).s"),
      ]
    }
    func pool(_ input: String, _ output: String) -> JSONValue {
      ["op": "global_average_pool", "inputs": [.string(input)], "output": .string(output)]
    }
    func exit(
      _ nodes: [JSONValue], _ threshold: JSONValue, of modality: String? = nil, override: Double? = nil
    ) -> JSONValue {
      var text: JSONObject = [
        "nodes": .array(nodes), "temperature": 1.0, "threshold": threshold, "accuracy": 0.9, "hazard": 0.5,
      ]
      if let override { text.append("override_threshold", .real(override)) }
      if let beside = modality.flatMap({ besideNone[$0] }) {
        text.append("threshold_beside_none", .real(beside))
      }
      return .object(text)
    }
    func modality(_ name: String, _ features: JSONValue, _ says: [Say]) -> JSONValue {
      let same: JSONValue = [
        "op": "max_pool", "inputs": [.string("\(name).in")], "output": .string("\(name).same"),
        "kernel": [1, 1], "stride": [1, 1], "padding": [0, 0, 0, 0],
      ]
      let sided = mirrored && name == "image"
      let cells: JSONValue = [
        "op": "flatten", "inputs": [.string("\(name).same")], "output": .string("\(name).g"),
      ]
      let first = exit(
        [
          sided ? cells : pool("\(name).same", "\(name).g"),
          logits(
            "\(name).1", "\(name).g", sided ? 16 : 1, sided ? .unsure : says[0],
            weights: sided ? Self.sides : nil),
        ], .real(threshold), of: name, override: overrides[name])
      let second = exit([logits("\(name).2", "\(name).f", 1, says[1])], .real(threshold), of: name)
      return [
        "name": .string(name), "input": .string("\(name).in"), "features": features,
        "segments": [
          ["nodes": [same], "exit": first], ["nodes": [pool("\(name).same", "\(name).f")], "exit": second],
        ],
      ]
    }
    let sound: JSONValue = [
      "kind": "log_spectrogram", "sample_rate": 8000, "window": 800, "frame": 64, "hop": 64, "fft": 64,
      "frames": 4, "bands": 4, "floor": 1e-6, "mean": 0.0, "std": 1.0, "center": false,
    ]
    let picture: JSONValue = [
      "kind": "image", "width": 4, "height": 4, "channels": 1, "mean": [0.5], "std": [0.25],
      "mirrored": .bool(mirrored),
    ]
    let modalities = [modality("audio", sound, audio), modality("image", picture, image)]
    let join: JSONValue = ["op": "concat", "inputs": ["audio.f", "image.f"], "output": "joined"]
    var text: JSONObject = [
      "format": 1, "name": "scripted", "classes": .array(classes.map { .string($0) }),
      "none": none.map { .string($0) } ?? .null, "activations": .object(activations),
      "modalities": .array(modalities),
      "fusion": [
        "inputs": ["audio.f", "image.f"], "nodes": [join],
        "exit": exit([logits("fused", "joined", 2, fusion)], .null),
      ],
      "provenance": [:],
    ]
    if let overriding { text.append("overriding_class", .string(overriding)) }
    return Self.file(tensors, .object(text))
  }

  /// Of 4 x 4 cells: nothing for `none`, the left half less the right one for `go`, the opposite for `stop`.
  private static var sides: [UInt8] {
    [0, 1, -1].flatMap { (sign: Int8) in
      (0..<16).map { UInt8(bitPattern: $0 % 4 < 2 ? sign * 20 : sign * -20) }
    }
  }

  private var activations: JSONObject {
    var object = JSONObject()
    for (name, shape) in [
      ("audio.in", [4, 4, 1]), ("audio.same", [4, 4, 1]), ("audio.g", [1]), ("audio.f", [1]),
      ("image.in", [4, 4, 1]), ("image.same", [4, 4, 1]), ("image.g", [mirrored ? 16 : 1]), ("image.f", [1]),
      ("joined", [2]),
    ] {
      object.append(
        name, ["shape": .array(shape.map { .integer(Int64($0)) }), "scale": 0.1, "zero_point": 0])
    }
    return object
  }

  private static func file(
    _ tensors: [(name: String, type: String, shape: [Int], bytes: [UInt8])], _ text: JSONValue
  ) -> [UInt8] {
    var header = JSONObject()
    header.append("__metadata__", ["mmexit": .string(text.text)])
    var offset = 0
    for tensor in tensors {
      let end = offset + tensor.bytes.count
      header.append(
        tensor.name,
        [
          "dtype": .string(tensor.type), "shape": .array(tensor.shape.map { .integer(Int64($0)) }),
          "data_offsets": [.integer(Int64(offset)), .integer(Int64(end))],
        ])
      offset = end
    }
    let bytes = Array(JSONValue.object(header).text.utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: bytes.count >> (8 * $0)) }
    return length + bytes + tensors.flatMap(\.bytes)
  }
}
