import Engine
import JSON
import Testing

@Suite struct ThresholdBesideNoneTests {
  @Test func everyExitOfAnEncoderMayHaveOne() throws {
    let place = "modalities/0/segments/1/exit/threshold_beside_none"
    let file = Networks.random(seed: 1)
    let model = try Model.decode(file.with(place, 0.125).bytes)
    #expect(model.noneClass != nil)
    #expect(model.modalities[0].segments.map(\.exit.thresholdBesideNone) == [nil, 0.125])
    #expect(model.modalities[1].segments[0].exit.thresholdBesideNone == nil)
    #expect(
      try Model.decode(file.with(place, .null).bytes).modalities[0] == Model.decode(file.bytes).modalities[0])
  }

  @Test func aClassOfNothingHasToBeThere() throws {
    let named = Networks.random(seed: 1).with("modalities/0/segments/0/exit/threshold_beside_none", 0.125)
    #expect(throws: ModelError.self) { try Model.decode(named.with("none", .null).bytes) }
  }
}
