import Engine
import JSON
import Testing
import Vocabulary

@Suite struct OverridingClassTests {
  private static let place = "modalities/0/segments/0/exit/override_threshold"
  private let named = Networks.random(seed: 1).with("overriding_class", "stop").with(Self.place, 0.125)

  @Test func theFileNamesIt() throws {
    let model = try Model.decode(named.bytes)
    #expect(model.overridingClass == 3)
    #expect(model.modalities[0].segments.map(\.exit.overrideThreshold) == [0.125, nil])
    #expect(model.modalities[1].segments[0].exit.overrideThreshold == nil)
    let plain = try Model.decode(named.with("overriding_class", .null).with(Self.place, nil).bytes)
    #expect(plain.overridingClass == nil)
  }

  @Test func everyReadingHasItsProbability() throws {
    for file in [named, Networks.random(seed: 1)] {
      let model = try Model.decode(file.bytes)
      var engine = Engine(model)
      var dice = Dice(3)
      var readings = 0
      engine.beginWindow()
      for modality in model.modalities.indices {
        let count = model.modalities[modality].inputShape.reduce(1, *)
        dice.bytes(count).withUnsafeBufferPointer { engine.setInput(modality, quantized: $0) }
        for _ in model.modalities[modality].segments {
          let reading = engine.advance(modality)
          #expect(
            reading.overriding == (model.overridingClass.map { at in engine.withProbabilities { $0[at] } }))
          readings += 1
        }
      }
      let fused = engine.fuse(.all(3))
      #expect(fused.overriding == (model.overridingClass.map { at in engine.withProbabilities { $0[at] } }))
      #expect(readings == 5)
    }
  }
}
