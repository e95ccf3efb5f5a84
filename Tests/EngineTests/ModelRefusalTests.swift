import Engine
import JSON
import Testing

/// One thing wrong with a model, and what must be said of it.
struct Violation: CustomTestStringConvertible, Sendable {
  let what: String
  let kind: ModelError.Kind
  let path: String
  let bytes: [UInt8]
  var testDescription: String { what }

  init(_ what: String, _ kind: ModelError.Kind, _ path: String, _ bytes: [UInt8]) {
    self.what = what
    self.kind = kind
    self.path = path
    self.bytes = bytes
  }

  init(_ what: String, _ kind: ModelError.Kind, _ path: String, _ file: ModelFile) {
    self.init(what, kind, path, file.bytes)
  }

  /// A member of the text set (or removed by nil); the error names its place, or `path` below `mmexit`.
  init(
    _ kind: ModelError.Kind, _ file: ModelFile, _ member: String, _ value: JSONValue?, at path: String? = nil
  ) {
    self.init(
      "\(member) = \(value?.text ?? "nothing")", kind, Self.place(path ?? member), file.with(member, value))
  }

  /// "modalities/0/input" as errors write it: mmexit.modalities[0].input.
  static func place(_ path: String) -> String {
    path.split(separator: "/").reduce("mmexit") { text, step in
      Int(step) == nil ? "\(text).\(step)" : "\(text)[\(step)]"
    }
  }
}

@Suite struct ModelRefusalTests {
  @Test(arguments: Violations.container + Violations.text + Violations.network)
  func namesWhatIsWrong(_ violation: Violation) {
    let error = #expect(throws: ModelError.self) { try Model.decode(violation.bytes) }
    #expect(error?.kind == violation.kind)
    #expect(error?.path == violation.path)
    #expect(error?.message.isEmpty == false)
    // What to do about it.
    #expect(error?.description.contains("; ") == true)
    #expect(error?.description.contains("\n") == false)
  }

  @Test(arguments: try GainViolations.all())
  func namesWhatIsWrongWithAGainHead(_ violation: Violation) { namesWhatIsWrong(violation) }

  @Test func everyKindIsProvoked() {
    let provoked = Set((Violations.container + Violations.text + Violations.network).map(\.kind))
    #expect(Set(ModelError.Kind.allCases).subtracting(provoked) == [])
  }

  @Test func atTheBoundsModelsAreSound() throws {
    #expect(try Model.decode(BoundaryNetworks.exits(22).bytes).modalities[0].segments.count == 22)
    _ = try Model.decode(BoundaryNetworks.nodes(2046).bytes)
    _ = try Model.decode(BoundaryNetworks.terms(256).bytes)
    #expect(try Model.decode(BoundaryNetworks.arena(2).bytes).arenaBytes <= ModelLimits.arenaBytes)
    _ = try Model.decode(BoundaryNetworks.work(4).bytes)
  }

  @Test func everyTruncationIsRefused() throws {
    let bytes = Networks.tiny().bytes
    _ = try Model.decode(bytes)
    for length in 0..<bytes.count {
      #expect(throws: ModelError.self) { try Model.decode(Array(bytes[..<length])) }
    }
    #expect(throws: ModelError.self) { try Model.decode(bytes + [0]) }
  }

  /// Whatever a flipped byte does, it either is refused or gives a model that runs.
  @Test(arguments: 0..<8) func flippedBytesNeverCrash(part: Int) {
    let bytes = Networks.tiny().bytes
    var dice = Dice(UInt64(part))
    var accepted = 0
    for round in 0..<400 {
      var broken = bytes
      // The first rounds go through the length and the header's beginning, which random places seldom meet.
      let first = round < 8 ? round : Int.random(in: 0..<bytes.count, using: &dice)
      broken[first] ^= 1 << UInt8(part)
      for _ in 0..<Int.random(in: 0...2, using: &dice) {
        broken[Int.random(in: 0..<bytes.count, using: &dice)] = UInt8.random(in: 0...255, using: &dice)
      }
      guard let model = try? Model.decode(broken) else { continue }
      accepted += 1
      var engine = Engine(model)
      [Float(1), -1].withUnsafeBufferPointer { engine.setInput(0, vector: $0) }
      _ = engine.advance(0)
      _ = engine.fuse([])
    }
    // Weights and free text may change without harm.
    #expect(accepted > 0)
    #expect(accepted < 400)
  }

  @Test func digitsChangedInTheTextNeverCrash() {
    let file = Networks.random(seed: 1)
    let text = Array(file.text.text.utf8)
    var dice = Dice(99)
    var refused = 0
    for _ in 0..<400 {
      var broken = text
      for _ in 0..<3 {
        let index = Int.random(in: 0..<text.count, using: &dice)
        if (0x30...0x39).contains(text[index]) { broken[index] = UInt8.random(in: 0x30...0x39, using: &dice) }
      }
      guard let value = try? JSONValue.parse(broken) else { continue }
      var copy = file
      copy.text = value
      guard let model = try? Model.decode(copy.bytes) else {
        refused += 1
        continue
      }
      var engine = Engine(model)
      let reading = engine.fuse([])
      #expect((0...1).contains(reading.entropy))
    }
    #expect(refused > 0)
  }

  /// Names are told apart by their bytes, in the header and in the text.
  @Test func namesThatOnlyLookTheSameAreTwo() throws {
    let sound = Networks.tiny()
    let (composed, decomposed) = ("\u{e9}", "e\u{301}")
    var header = sound.header
    for name in [composed, decomposed] {
      header.append(name, ["dtype": "I8", "shape": [1], "data_offsets": [0, 1]])
    }
    #expect(
      #expect(throws: ModelError.self) { try Model.decode(sound.bytes(header: .object(header))) }?.kind
        == .overlap)
    var activations = sound.text["activations"] ?? [:]
    for name in [composed, decomposed] {
      activations = activations.setting([name], to: ["shape": [1], "scale": 1, "zero_point": 0])
    }
    let unused = #expect(throws: ModelError.self) {
      try Model.decode(sound.with("activations", activations).bytes)
    }
    #expect(unused?.kind == .unusedActivation)
    let classes = try Model.decode(sound.bytes).classes
    var renamed = classes.map { JSONValue.string($0) }
    renamed[0] = .string(composed)
    renamed[1] = .string(decomposed)
    let model = try Model.decode(sound.with("classes", .array(renamed)).with("none", nil).bytes)
    #expect(!model.classes[0].utf8.elementsEqual(model.classes[1].utf8))
  }
}
