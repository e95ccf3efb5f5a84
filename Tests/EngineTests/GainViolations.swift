import Engine
import JSON

/// What may be wrong with a gain head.
enum GainViolations {
  private static let place = "modalities/0/segments/0/exit/gain"

  static func all() throws -> [Violation] {
    let file = try GainNetworks.random(seed: 1)
    func wrong(_ change: (inout ModelFile) -> Void) -> ModelFile {
      var copy = file
      change(&copy)
      return copy
    }
    func floats(_ name: String, _ value: Float) -> ModelFile {
      wrong { file in
        guard let index = file.tensors.firstIndex(where: { $0.name == name }) else { return }
        var values = file.tensors[index].floats
        values[2] = value
        file.tensors[index] = .init(name, float32: values, [values.count])
      }
    }
    let look = "\(place)/looks/0"
    return [
      Violation(.missingMember, file, "\(place)/logits", nil),
      Violation(.missingMember, file, "\(place)/bias", nil),
      Violation(.missingMember, file, "\(place)/output_bias", nil),
      Violation(.unexpectedMember, file, "\(place)/threshold", 0.5),
      Violation(.unexpectedMember, file, "\(place)/logits/bias", "one.b"),
      Violation(.unexpectedMember, file, "fusion/exit/gain", .null),
      Violation(.unknownTensor, file, "\(place)/bias", "nowhere"),
      Violation(.unknownTensor, file, "\(place)/output", "nowhere"),
      Violation(.tensorMismatch, file, "\(place)/bias", "one.l.w"),
      Violation(.tensorMismatch, file, "\(place)/output", "one.l.w"),
      Violation(.tensorMismatch, file, "\(place)/logits/weight", "one.look.sound.w"),
      Violation(.tensorMismatch, file, "\(place)/feature/weight", "one.l.s"),
      Violation(.undefined, file, "\(look)/modality", "smell"),
      Violation(.undefined, file, "\(look)/modality", "picture"),
      Violation(.shapeMismatch, file, "\(look)/modality", "vector"),
      Violation(
        .duplicate, file, "\(place)/looks/1",
        file.text["modalities", 0, "segments", 0, "exit", "gain", "looks", 0], at: "\(place)/looks/1/modality"
      ),
      Violation(
        "a scale of 0", .scale, Violation.place("\(place)/logits/weight_scale"), floats("one.l.s", 0)),
      Violation(
        "an endless bias", .wrongValue, Violation.place("\(place)/bias"), floats("one.b", .infinity)),
      Violation("an output of NaN", .wrongValue, Violation.place("\(place)/output"), floats("one.o", .nan)),
      Violation(.wrongValue, file, "\(place)/output_bias", 1e300),
      Violation(.unusedTensor, file, "\(place)/feature", nil, tensor: "one.f.s"),
    ]
  }
}

extension Violation {
  /// A member taken away, whose tensor nobody uses then.
  init(_ kind: ModelError.Kind, _ file: ModelFile, _ member: String, _ value: JSONValue?, tensor: String) {
    self.init("without \(member)", kind, "tensor \(tensor)", file.with(member, value))
  }
}
