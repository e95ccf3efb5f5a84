import JSON
import Testing
import Vocabulary

@testable import Engine

@Suite struct GainHeadTests {
  /// A window's inputs by modality, and what an engine says of them.
  private struct Window {
    let inputs: [[Int8]]

    init(_ reference: Reference, _ dice: inout Dice) throws {
      var inputs: [[Int8]] = []
      for name in ["p.in", "s.in", "v.in"] {
        inputs.append(dice.bytes(try reference.shape(name).reduce(1, *)))
      }
      self.inputs = inputs
    }

    func give(_ modalities: [Int], to engine: inout Engine) {
      for modality in modalities {
        inputs[modality].withUnsafeBufferPointer { engine.setInput(modality, quantized: $0) }
      }
    }
  }

  /// One part of a head's hidden sums, in whole numbers and then in float32.
  private func add(
    _ file: ModelFile, _ name: String, _ codes: [Int], _ zero: Int, to sums: inout [Float]
  ) throws {
    let weights = try #require(file.tensors.first { $0.name == "\(name).w" }).integers
    let scales = try #require(file.tensors.first { $0.name == "\(name).s" }).floats
    for row in sums.indices {
      let sum = codes.indices.reduce(0) { $0 + weights[row * codes.count + $1] * (codes[$1] - zero) }
      sums[row] += scales[row] * Float(sum)
    }
  }

  /// Of a map in rows of columns of channels: what a look gives, by means in double precision.
  private func look(_ map: [Int8], _ shape: Shape) -> [Int] {
    let (high, wide) = ((shape.height + 13) / 14, (shape.width + 13) / 14)
    let (rows, columns) = (shape.height / high, shape.width / wide)
    func cell(_ row: Int, _ column: Int, _ channel: Int) -> Double {
      (0..<high * wide).reduce(0.0) { sum, at in
        let (y, x) = (row * high + at / wide, column * wide + at % wide)
        return sum + Double(map[(y * shape.width + x) * shape.channels + channel])
      } / Double(high * wide)
    }
    func code(_ value: Double) -> Int { Int((value + 0.5 + 1e-9).rounded(.down)) }
    /// By line the means of the channels, then their maxima.
    func told(_ lines: Int, of cells: Int, _ at: (_ line: Int, _ cell: Int, _ channel: Int) -> Double)
      -> [[Int]]
    {
      (0..<lines).map { line in
        let each = (0..<shape.channels).map { channel in (0..<cells).map { at(line, $0, channel) } }
        return each.map { code($0.reduce(0, +) / Double(cells)) } + each.map { code($0.max() ?? 0) }
      }
    }
    let byColumn = told(columns, of: rows) { cell($1, $0, $2) }
    var byRow = told(rows, of: columns) { cell($0, $1, $2) }
    for place in byRow[0].indices {
      for (rank, value) in byRow.map({ $0[place] }).sorted().enumerated() { byRow[rank][place] = value }
    }
    return (byColumn + byRow).flatMap { $0 }
  }

  private func expected(
    _ file: ModelFile, _ name: String, _ reading: Reading, logits: [Float], temperature: Float,
    feature: (codes: [Int], zero: Int)?, look: (codes: [Int], zero: Int)?
  ) throws -> Float {
    func floats(_ key: String) throws -> [Float] {
      try #require(file.tensors.first { $0.name == "\(name).\(key)" }).floats
    }
    var sums = try floats("b")
    let sorted = logits.sorted(by: >)
    var codes = sorted.map { Int((max(-16, ($0 - sorted[0]) / temperature) * 8).rounded(.toNearestOrEven)) }
    codes[0] = Int((reading.entropy * 127).rounded(.toNearestOrEven))
    try add(file, "\(name).l", codes, 0, to: &sums)
    if let feature { try add(file, "\(name).f", feature.codes, feature.zero, to: &sums) }
    if let look {
      try add(file, "\(name).look.sound", look.codes, look.zero, to: &sums)
      for (row, bias) in try floats("sound.b").enumerated() { sums[row] += bias }
    }
    var gain: Float = 0.0625
    for (row, weight) in try floats("o").enumerated() { gain += weight * max(0, sums[row]) }
    return min(1, max(-1, gain))
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func predictsWhatItsNumbersSay(seed: UInt64) throws {
    let file = try GainNetworks.random(seed: seed)
    let model = try Model.decode(file.bytes)
    var engine = Engine(model)
    let reference = Reference(file)
    var dice = Dice(seed &+ 5)
    let window = try Window(reference, &dice)
    for isHeard in [true, false] {
      var reference = reference
      engine.beginWindow()
      window.give(isHeard ? [0, 1] : [0], to: &engine)
      try reference.set("p.in", window.inputs[0])
      let place = try JSONPlace(file.text).member("modalities").elements()[0]
      let exit = try place.member("segments").elements()[0]
      try reference.run(exit.member("nodes"))
      try reference.run(exit.member("exit").member("nodes"))
      let reading = engine.advance(0)
      let feature = try #require(reference.values["p.g1"])
      let shape = try GainNetworks.shape(reference, "s.in")
      let zero = try JSONPlace(file.text).member("activations")
      let gain = try expected(
        file, "one", reading, logits: try #require(reference.logits["p.1"]),
        temperature: Float(try exit.member("exit").member("temperature").real()),
        feature: (
          feature.elements.map { Int($0) },
          Int(try zero.member("p.g1").member("zero_point").integer())
        ),
        look: isHeard
          ? (look(window.inputs[1], shape), Int(try zero.member("s.in").member("zero_point").integer())) : nil
      )
      #expect(reading.gain == gain)
      #expect(reading.doubt == (1 + gain) / 2)
      #expect((-1...1).contains(gain))
    }
  }

  /// The first segment of the modality that is looked at may have overwritten its input.
  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func aLookIsTheSameAfterTheOtherHasRun(seed: UInt64) throws {
    let model = try Model.decode(try GainNetworks.random(seed: seed).bytes)
    var engine = Engine(model)
    var dice = Dice(seed)
    let window = try Window(Reference(try GainNetworks.random(seed: seed)), &dice)
    engine.beginWindow()
    window.give([0, 1], to: &engine)
    let before = [engine.advance(0), engine.advance(0)]
    engine.beginWindow()
    window.give([0, 1], to: &engine)
    while !engine.isComplete(1) { _ = engine.advance(1) }
    #expect([engine.advance(0), engine.advance(0)] == before)
    #expect(before.allSatisfy { $0.gain != nil })
    // The same look of a new window is taken anew.
    let other = try Window(Reference(try GainNetworks.random(seed: seed)), &dice)
    engine.beginWindow()
    window.give([0], to: &engine)
    other.give([1], to: &engine)
    #expect(engine.advance(0).gain != before[0].gain)
  }

  @Test func everyInstructionSetPredictsTheSame() throws {
    let file = try GainNetworks.random(seed: 4)
    var dice = Dice(9)
    let window = try Window(Reference(file), &dice)
    let readings = try InstructionSet.available.map { set in
      var engine = Engine(try Model.decode(file.bytes, for: set))
      window.give([0, 1, 2], to: &engine)
      return [engine.advance(0), engine.advance(0), engine.advance(2)]
    }
    #expect(Set(readings).count == 1)
  }

  @Test func whatHeadsAndLooksCostIsBilled() throws {
    let plain = try Model.decode(Networks.random(seed: 6).bytes)
    let file = try GainNetworks.random(seed: 6)
    let model = try Model.decode(file.bytes)
    let shape = try GainNetworks.shape(Reference(file), "s.in")
    let feature = try Reference(file).shape("p.g1")[0]
    let look = LookShape(shape)
    let hidden = GainNetworks.hidden
    func extra(_ modality: Int, _ exit: Int) -> Int64 {
      let (a, b) = (model.modalities[modality].segments[exit], plain.modalities[modality].segments[exit])
      #expect(a.exitMacs - b.exitMacs == a.macs - b.macs)
      return a.macs - b.macs
    }
    #expect(extra(0, 0) == Int64(hidden * (4 + feature + look.count + 1)) + look.macs)
    // The look is taken already.
    #expect(extra(0, 1) == Int64(hidden * (4 + look.columnCount + 1)))
    #expect(extra(1, 0) == 0)
    #expect(extra(2, 0) == Int64(hidden * (4 + 1)))
    #expect(model.lateFusionMacs == plain.lateFusionMacs)
    var engine = Engine(model)
    #expect(engine.looked(from: 0) == ModalitySet(index: 1))
    #expect(engine.looked(from: 2) == [])
    var dice = Dice(1)
    try Window(Reference(file), &dice).give([0], to: &engine)
    #expect(engine.advance(0).macs == model.modalities[0].segments[0].macs)
  }

  @Test func exitsWithoutAHeadPredictNothing() throws {
    let file = try GainNetworks.random(seed: 2)
    var engine = Engine(try Model.decode(file.bytes))
    var dice = Dice(1)
    try Window(Reference(file), &dice).give([1], to: &engine)
    let reading = engine.advance(1)
    #expect(reading.gain == nil)
    #expect(reading.doubt == reading.entropy)
    #expect(engine.fuse([]).gain == nil)
  }
}
