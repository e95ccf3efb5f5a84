import JSON

@testable import Engine

/// Random networks with gain heads at the picture's exits: the first takes all of a look at the sound, the second its columns.
enum GainNetworks {
  static let hidden = 5

  static func random(seed: UInt64) throws -> ModelFile {
    let file = Networks.random(seed: seed)
    let reference = Reference(file)
    var dice = Dice(seed &+ 77)
    let sound = LookShape(try shape(reference, "s.in"))
    let first = try head(
      "one", feature: try reference.shape("p.g1")[0], looks: [("sound", sound.count)], 4, &dice)
    let second = try head("two", feature: nil, looks: [("sound", sound.columnCount)], 4, &dice)
    let vector = try head("three", feature: nil, looks: [], 4, &dice)
    var result =
      file.with("modalities/0/segments/0/exit/gain", first.text)
      .with("modalities/0/segments/1/exit/gain", second.text)
      .with("modalities/2/segments/0/exit/gain", vector.text)
    result.tensors += first.tensors + second.tensors + vector.tensors
    return result
  }

  static func shape(_ reference: Reference, _ name: String) throws -> Shape {
    let extents = try reference.shape(name)
    return Shape(height: extents[0], width: extents[1], channels: extents[2])
  }

  private static func head(
    _ name: String, feature: Int?, looks: [(modality: String, count: Int)], _ classes: Int, _ dice: inout Dice
  ) throws -> (text: JSONValue, tensors: [ModelFile.Tensor]) {
    var tensors: [ModelFile.Tensor] = []
    func floats(_ key: String, _ range: ClosedRange<Float>) -> JSONValue {
      tensors.append(
        .init(key, float32: (0..<hidden).map { _ in Float.random(in: range, using: &dice) }, [hidden]))
      return .string(key)
    }
    func part(_ key: String, _ count: Int, _ more: JSONObject = [:]) -> JSONValue {
      let weights = (0..<hidden * count).map { _ in Int8.random(in: -127...127, using: &dice) }
      tensors.append(.init("\(name).\(key).w", int8: weights, [hidden, count]))
      var object: JSONObject = [
        "weight": .string("\(name).\(key).w"), "weight_scale": floats("\(name).\(key).s", 0.00001...0.00005),
      ]
      for member in more.members { object.append(member.key, member.value) }
      return .object(object)
    }
    var text: JSONObject = ["logits": part("l", classes)]
    if let feature { text.append("feature", part("f", feature)) }
    if !looks.isEmpty {
      text.append(
        "looks",
        .array(
          looks.map { look in
            part(
              "look.\(look.modality)", look.count,
              ["modality": .string(look.modality), "bias": floats("\(name).\(look.modality).b", -0.1...0.1)])
          }))
    }
    text.append("bias", floats("\(name).b", -0.2...0.2))
    text.append("output", floats("\(name).o", -0.5...0.5))
    text.append("output_bias", 0.0625)
    return (.object(text), tensors)
  }
}
