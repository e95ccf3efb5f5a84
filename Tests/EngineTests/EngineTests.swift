import CKernels
import Engine
import JSON
import Testing
import Vocabulary

@Suite struct EngineTests {
  /// The members of the text that hold nodes, in the order in which the engine is asked to run them here.
  private func place(_ file: ModelFile, _ modality: Int, _ segment: Int) throws -> JSONPlace {
    try JSONPlace(file.text).member("modalities").elements()[modality].member("segments").elements()[segment]
  }

  private func logits(_ engine: borrowing Engine) -> [Float] { engine.withLogits { Array($0) } }

  /// Normalized entropy in double precision, straight from eq. 2.
  private func entropy(_ logits: [Float], _ temperature: Double) -> Double {
    let largest = logits.map(Double.init).max() ?? 0
    let powers = logits.map { exponential((Double($0) - largest) / temperature) }
    let sum = powers.reduce(0, +)
    return powers.reduce(0) { $0 - ($1 > 0 ? $1 / sum * logarithm($1 / sum) : 0) }
      / logarithm(Double(logits.count))
  }

  /// e^x by its series on a reduced argument; no libm, so that the test needs none either.
  private func exponential(_ x: Double) -> Double {
    let small = x / 1024
    var term = 1.0
    var sum = 1.0
    for n in 1...12 {
      term *= small / Double(n)
      sum += term
    }
    return (0..<10).reduce(sum) { power, _ in power * power }
  }

  /// ln by Newton's method on `exponential`.
  private func logarithm(_ y: Double) -> Double {
    (0..<200).reduce(0.0) { x, _ in x + 2 * (y - exponential(x)) / (y + exponential(x)) }
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func agreesWithAnIndependentEvaluation(seed: UInt64) throws {
    let file = Networks.random(seed: seed)
    let model = try Model.decode(file.bytes)
    var engine = Engine(model)
    var reference = Reference(file)
    var dice = Dice(seed &+ 1000)
    for round in 0..<2 {
      engine.beginWindow()
      for (modality, name) in ["p.in", "s.in", "v.in"].enumerated() {
        let input = dice.bytes(try reference.shape(name).reduce(1, *))
        input.withUnsafeBufferPointer { engine.setInput(modality, quantized: $0) }
        try reference.set(name, input)
      }
      // Encoders take turns, so regions that shared memory by mistake would show.
      for (modality, segment) in [(0, 0), (1, 0), (2, 0), (1, 1), (0, 1)] {
        let place = try place(file, modality, segment)
        try reference.run(place.member("nodes"))
        try reference.run(place.member("exit").member("nodes"))
        let reading = engine.advance(modality)
        #expect(reading.exit == .encoder(modality: modality, exit: segment + 1))
        let expected = try #require(reference.logits["\(["p", "s", "v"][modality]).\(segment + 1)"])
        #expect(logits(engine) == expected)
        let temperature = try place.member("exit").member("temperature").real()
        #expect(abs(Double(reading.entropy) - entropy(expected, temperature)) < 1e-5)
        #expect(expected[reading.label] == expected.max())
      }
      let fusion = try JSONPlace(file.text).member("fusion")
      // All, then with one missing after the other: fusion may be asked again in one window.
      for (present, missing) in [
        (0b111, []), (0b101, ["s.f"]), (0b100, ["p.f", "s.f"]), (0, ["p.f", "s.f", "v.f"]),
      ] {
        var partial = reference
        for name in missing { try partial.clear(name) }
        try partial.run(fusion.member("nodes"))
        try partial.run(fusion.member("exit").member("nodes"))
        let reading = engine.fuse(ModalitySet(rawValue: UInt32(present)))
        #expect(reading.exit == .fusion)
        #expect(logits(engine) == partial.logits["fused"], "round \(round), present \(present)")
      }
      // Networks whose activations all stand at one bound would agree with anything.
      let values = ["p.c1", "p.d1", "p.c2", "s.c1"].flatMap { reference.values[$0]?.elements ?? [] }
      #expect(Set(values).count > 30)
    }
  }

  @Test func anExitMayStandOnTheInput() throws {
    let file = Networks.tiny(looking: true)
    let model = try Model.decode(file.bytes)
    #expect(model.modalities[0].segments.map(\.macs) == [4, 12])
    var engine = Engine(model)
    var reference = Reference(file)
    engine.beginWindow()
    let input: [Int8] = [90, -17]
    input.withUnsafeBufferPointer { engine.setInput(0, quantized: $0) }
    try reference.set("a.in", input)
    for segment in 0..<2 {
      let place = try place(file, 0, segment)
      try reference.run(place.member("nodes"))
      try reference.run(place.member("exit").member("nodes"))
      let reading = engine.advance(0)
      #expect(reading.exit == .encoder(modality: 0, exit: segment + 1))
      #expect(logits(engine) == reference.logits["a.\(segment)"])
    }
  }

  @Test func probabilitiesBelongToTheReading() throws {
    var engine = Engine(try Model.decode(Networks.tiny().bytes))
    engine.beginWindow()
    ([1.5, -2] as [Float]).withUnsafeBufferPointer { engine.setInput(0, vector: $0) }
    let reading = engine.advance(0)
    let probabilities = engine.withProbabilities { Array($0) }
    #expect(probabilities.count == 2)
    #expect(abs(probabilities.reduce(0, +) - 1) < 1e-6)
    #expect(reading.certainty == probabilities.max())
    #expect(reading.certainty == probabilities[reading.label])
    #expect((0...1).contains(reading.entropy))
  }

  @Test func aHigherTemperatureIsLessSureOfTheSameAnswer() throws {
    let input: [Float] = [1.5, -2]
    var last = Reading(exit: .fusion, entropy: -1, label: 0, certainty: 2, macs: 0, parameters: 0)
    for temperature in [2.0, 8.0, 32.0] {
      let file = Networks.tiny().with("modalities/0/segments/0/exit/temperature", .real(temperature))
      var engine = Engine(try Model.decode(file.bytes))
      input.withUnsafeBufferPointer { engine.setInput(0, vector: $0) }
      let reading = engine.advance(0)
      #expect(reading.entropy > last.entropy)
      #expect(reading.certainty < last.certainty)
      if last.entropy >= 0 { #expect(reading.label == last.label) }
      last = reading
    }
  }

  @Test func twoEnginesAndTwoRunsGiveTheSameBits() throws {
    let model = try Model.decode(Networks.random(seed: 3).bytes)
    var one = Engine(model)
    var two = Engine(model)
    var dice = Dice(5)
    let pcm = (0..<1000).map { _ in Int16.random(in: -9000...9000, using: &dice) }
    func run(_ engine: inout Engine) -> [Reading] {
      engine.beginWindow()
      pcm.withUnsafeBufferPointer { engine.setInput(1, pcm: $0) }
      return [engine.advance(1), engine.advance(1), engine.fuse(ModalitySet(index: 1))]
    }
    let first = run(&one)
    // Something else in between leaves no trace.
    let other = dice.bytes(5)
    other.withUnsafeBufferPointer { one.setInput(2, quantized: $0) }
    _ = one.advance(2)
    #expect(run(&one) == first)
    #expect(run(&two) == first)
    #expect(Set(first.map(\.exit)).count == 3)
  }

  @Test func knowsWhenAnEncoderHasRunToItsEnd() throws {
    var engine = Engine(try Model.decode(Networks.random(seed: 2).bytes))
    let pcm = [Int16](repeating: 5, count: 1000)
    pcm.withUnsafeBufferPointer { engine.setInput(1, pcm: $0) }
    var complete = engine.isComplete(1)
    #expect(!complete)
    _ = engine.advance(1)
    complete = engine.isComplete(1)
    #expect(!complete)
    engine.runSegment(1)
    _ = engine.readExit(1)
    complete = engine.isComplete(1)
    #expect(complete)
    engine.beginWindow()
    complete = engine.isComplete(1)
    #expect(!complete)
  }

  @Test func wrongUseTraps() async {
    await #expect(processExitsWith: .failure) {
      var engine = Engine(try Model.decode(Networks.tiny().bytes))
      _ = engine.advance(0)
    }
    await #expect(processExitsWith: .failure) {
      var engine = Engine(try Model.decode(Networks.tiny().bytes))
      [Float(1)].withUnsafeBufferPointer { engine.setInput(0, vector: $0) }
    }
    await #expect(processExitsWith: .failure) {
      var engine = Engine(try Model.decode(Networks.tiny().bytes))
      [Float(1), 2].withUnsafeBufferPointer { engine.setInput(0, vector: $0) }
      _ = engine.advance(0)
      _ = engine.advance(0)
    }
    await #expect(processExitsWith: .failure) {
      var engine = Engine(try Model.decode(Networks.tiny().bytes))
      _ = engine.fuse(ModalitySet(index: 0))
    }
  }
}
