import Engine
import JSON

/// Everything that can be wrong with a model file, each on its own.
enum Violations {
  private static let tiny = Networks.tiny()
  /// Has every operation; see `Networks.picture` for the nodes' places.
  private static let large = Networks.random(seed: 1)
  private static let overridden = tiny.with("overriding_class", "yes")

  // MARK: The container

  private static func entry(_ name: String, _ member: String, _ value: JSONValue?) -> [UInt8] {
    let path = [name, member]
    return tiny.bytes(header: JSONValue.object(tiny.header).setting(path[...], to: value))
  }

  private static func length(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * UInt64($0))) } + tiny.bytes.dropFirst(8)
  }

  /// "a.f.w" has 6 bytes at 0, "a.f.b" the 12 that follow.
  static let container: [Violation] = [
    Violation("an empty file", .truncated, "file", [UInt8]()),
    Violation("seven bytes", .truncated, "file", [UInt8](repeating: 0, count: 7)),
    Violation("a header longer than the file", .truncated, "header", length(1 << 20)),
    Violation("a header longer than allowed", .headerSyntax, "header", length(1 << 40)),
    Violation("a header length of all ones", .headerSyntax, "header", length(.max)),
    Violation(
      "a file larger than allowed", .tooLarge, "file", [UInt8](repeating: 0, count: ModelLimits.fileBytes + 1)
    ),
    Violation("an empty header", .headerSyntax, "header", ModelFile.framed("")),
    Violation("a header of text", .headerSyntax, "header", ModelFile.framed("hello")),
    Violation("a header that is an array", .headerSyntax, "header", ModelFile.framed("[]")),
    Violation("white space before the header", .headerSyntax, "header", ModelFile.framed(" {}")),
    Violation(
      "a tensor that stands twice", .headerSyntax, "header",
      ModelFile.framed(#"{"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]},"a":null}"#)),
    Violation("no metadata", .metadataMissing, "header", ModelFile.framed("{}")),
    Violation(
      "no mmexit text", .metadataMissing, "header", ModelFile.framed(#"{"__metadata__":{"format":"pt"}}"#)),
    Violation(
      "metadata that is no string", .headerEntry, "header",
      ModelFile.framed(#"{"__metadata__":{"mmexit":{}}}"#)),
    Violation("metadata that is no object", .headerEntry, "header", ModelFile.framed(#"{"__metadata__":1}"#)),
    Violation("a tensor without a name", .headerEntry, "header", ModelFile.framed(#"{"":{}}"#)),
    Violation("an entry that is no object", .headerEntry, "tensor a", ModelFile.framed(#"{"a":1}"#)),
    Violation("no dtype", .headerEntry, "tensor a.f.w", entry("a.f.w", "dtype", nil)),
    Violation("an unknown member", .headerEntry, "tensor a.f.w", entry("a.f.w", "more", 1)),
    Violation("float16", .elementType, "tensor a.f.w", entry("a.f.w", "dtype", "F16")),
    Violation("a scalar", .headerEntry, "tensor a.f.w", entry("a.f.w", "shape", [])),
    Violation("five extents", .headerEntry, "tensor a.f.w", entry("a.f.w", "shape", [3, 2, 1, 1, 1])),
    Violation("an extent of 0", .headerEntry, "tensor a.f.w", entry("a.f.w", "shape", [0, 2])),
    Violation("a negative extent", .headerEntry, "tensor a.f.w", entry("a.f.w", "shape", [-3, -2])),
    Violation(
      "an extent that is no integer", .headerEntry, "tensor a.f.w", entry("a.f.w", "shape", [3.0, 2])),
    Violation(
      "extents whose product overflows", .extent, "tensor a.f.w",
      entry("a.f.w", "shape", [268_435_456, 268_435_456, 268_435_456, 268_435_456])),
    Violation("a shape of other size", .extent, "tensor a.f.w", entry("a.f.w", "shape", [4, 2])),
    Violation(
      "offsets the wrong way round", .extent, "tensor a.f.w", entry("a.f.w", "data_offsets", [6, 0])),
    Violation("one offset", .headerEntry, "tensor a.f.w", entry("a.f.w", "data_offsets", [0])),
    Violation("a negative offset", .headerEntry, "tensor a.f.w", entry("a.f.w", "data_offsets", [-6, 0])),
    Violation(
      "offsets beyond the file", .truncated, "tensor a.f.w", entry("a.f.w", "data_offsets", [9994, 10000])),
    Violation("two tensors in one place", .overlap, "tensor a.f.b", entry("a.f.b", "data_offsets", [3, 15])),
    Violation(
      "a hole between tensors", .gap, "tensor a.f.b",
      tiny.bytes(header: JSONValue.object(tiny.header).setting(["a.f.w"], to: nil))),
    Violation("bytes at the end", .gap, "file", tiny.bytes + [0]),
    Violation(
      "too many tensors", .tooManyTensors, "header",
      ModelFile.framed("{" + (0...4097).map { "\"t\($0)\":1" }.joined(separator: ",") + "}")),
  ]

  // MARK: The text

  private static let exit = "modalities/0/segments/0/exit"

  static let text: [Violation] = [
    Violation(
      "a text that is not JSON", .textSyntax, "mmexit", ModelFile.framed(#"{"__metadata__":{"mmexit":"{"}}"#)),
    Violation(
      "a text nested too deep", .textSyntax, "mmexit",
      tiny.with("provenance", (0..<40).reduce(JSONValue.null) { value, _ in [value] })),
    Violation(
      "a text that is no object", .wrongValue, "mmexit", ModelFile.framed(#"{"__metadata__":{"mmexit":"1"}}"#)
    ),
    Violation(.missingMember, tiny, "format", nil),
    Violation(.format, tiny, "format", 2),
    Violation(.wrongValue, tiny, "format", "1"),
    Violation(.unexpectedMember, tiny, "nmae", "x"),
    Violation(.missingMember, tiny, "name", nil),
    Violation(.wrongValue, tiny, "name", ""),
    Violation(.wrongValue, tiny, "name", .string(String(repeating: "x", count: 257))),
    Violation(.wrongValue, tiny, "classes", ["one"]),
    Violation(.wrongValue, tiny, "classes", .array((0...1000).map { .string("\($0)") })),
    Violation(.classes, tiny, "classes", ["a", "a"], at: "classes/1"),
    Violation(.wrongValue, tiny, "classes", ["a", ""], at: "classes/1"),
    Violation(.classes, tiny, "none", "maybe"),
    Violation(.wrongValue, tiny, "activations", []),
    Violation(.wrongValue, tiny, "activations/x/shape", [1, 2]),
    Violation(.wrongValue, tiny, "activations/x/shape", [1, 1, 1, 6]),
    Violation(.wrongValue, tiny, "activations/x/shape", [0], at: "activations/x/shape/0"),
    Violation(.tooLarge, tiny, "activations/x/shape", [60000, 60000, 60000]),
    Violation(.scale, tiny, "activations/x/scale", 0.0),
    Violation(.scale, tiny, "activations/x/scale", -1.0),
    Violation(.scale, tiny, "activations/x/scale", 1e-60),
    Violation(.scale, tiny, "activations/x/scale", 1e60),
    Violation(.wrongValue, tiny, "activations/x/zero_point", 128),
    Violation(.wrongValue, tiny, "activations/x/zero_point", -129),
    Violation(.wrongValue, tiny, "activations/x/zero_point", 0.5),
    Violation(.unexpectedMember, tiny, "activations/x/zero", 1),
    Violation(.wrongValue, tiny, "modalities", []),
    Violation(.wrongValue, tiny, "modalities", .array(Array(repeating: [:], count: 9))),
    Violation(.duplicate, tiny, "modalities/1/name", "a"),
    Violation(.unexpectedMember, tiny, "modalities/1/sensor", "a"),
    Violation(.unknownActivation, tiny, "modalities/0/input", "nobody"),
    Violation(.duplicate, tiny, "modalities/1/input", "a.in"),
    Violation(.wrongValue, tiny, "modalities/0/features/kind", "smell"),
    Violation(
      .features, tiny, "modalities/0/features", ["kind": "vector", "length": 1, "mean": [0], "std": [1]],
      at: "modalities/0/input"),
    Violation(.wrongValue, tiny, "modalities/0/features/mean", [0]),
    Violation(.wrongValue, tiny, "modalities/0/features/std", [1, 0], at: "modalities/0/features/std/1"),
    Violation(
      .wrongValue, tiny, "modalities/0/features/mean", [0, 1e60], at: "modalities/0/features/mean/1"),
    Violation(.wrongValue, large, "modalities/0/features/channels", 2),
    Violation(
      .tooLarge, large.with("modalities/0/features/width", 16384), "modalities/0/features/height", 16384,
      at: "modalities/0/features"),
    Violation(.wrongValue, large, "modalities/0/features/width", 0),
    Violation(.features, large, "modalities/1/features/fft", 255, at: "modalities/1/features"),
    Violation(.features, large, "modalities/1/features/frames", 10, at: "modalities/1/features"),
    Violation(.features, large, "modalities/1/features/f_min", 5000, at: "modalities/1/features"),
    Violation(.features, large, "modalities/1/features/f_max", 4001, at: "modalities/1/features"),
    Violation(.features, large, "modalities/1/features/bands", 7, at: "modalities/1/input"),
    Violation(.wrongValue, large, "modalities/1/features/floor", 0),
    Violation(
      .unexpectedMember, large, "modalities/1/features/kind", "log_spectrogram",
      at: "modalities/1/features/f_min"),
    Violation(.missingMember, tiny, "\(exit)/temperature", nil),
    Violation(.wrongValue, tiny, "\(exit)/temperature", 0),
    Violation(.wrongValue, tiny, "\(exit)/threshold", 1.01),
    Violation(.wrongValue, tiny, "\(exit)/threshold", -0.01),
    Violation(.wrongValue, tiny, "\(exit)/accuracy", 2),
    Violation(.wrongValue, tiny, "\(exit)/hazard", "often"),
    Violation(
      .classes, tiny, "\(exit)/class_thresholds", ["perhaps": 0.1], at: "\(exit)/class_thresholds/perhaps"),
    Violation(.wrongValue, tiny, "\(exit)/class_thresholds", ["yes": 7], at: "\(exit)/class_thresholds/yes"),
    Violation(.classes, tiny, "overriding_class", "perhaps"),
    Violation(.wrongValue, tiny, "overriding_class", ""),
    Violation(.classes, large, "overriding_class", "none"),
    Violation(.unexpectedMember, tiny, "\(exit)/override_threshold", 0.5),
    Violation(.wrongValue, overridden, "\(exit)/override_threshold", 1.01),
    Violation(.unexpectedMember, overridden, "fusion/exit/override_threshold", 0.5),
    Violation(
      .unexpectedMember, large.with("overriding_class", "stop"),
      "modalities/0/segments/1/exit/override_threshold", 0.5),
    Violation(.unexpectedMember, tiny.with("none", .null), "\(exit)/threshold_beside_none", 0.5),
    Violation(.wrongValue, tiny, "\(exit)/threshold_beside_none", -0.01),
    Violation(.wrongValue, tiny, "\(exit)/threshold_beside_none", 1.01),
    Violation(.wrongValue, tiny, "\(exit)/threshold_beside_none", "0.5"),
    Violation(.unexpectedMember, tiny, "fusion/exit/threshold_beside_none", 0.5),
    Violation(.wrongValue, tiny, "\(exit)/nodes", []),
    Violation(.wrongValue, tiny, "modalities/0/segments", []),
    Violation(.wrongValue, tiny, "modalities/0/segments/0/nodes", []),
    Violation(.missingMember, tiny, "modalities/0/segments/0/exit", nil),
  ]
}
