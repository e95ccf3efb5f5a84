import Engine
import JSON
import Testing

@Suite struct ModelTests {
  @Test func saysWhatTheFileSays() throws {
    let file = Networks.random(seed: 1)
      .with("modalities/0/segments/0/exit/class_thresholds", ["stop": 0.1, "one": 0.5])
      .with("modalities/0/segments/1/exit/threshold", nil)
      .with("modalities/0/segments/1/exit/class_thresholds", ["stop": 0.1])
      .with("modalities/1/segments/0/exit/accuracy", nil)
    let model = try Model.decode(file.bytes)
    #expect(model.name == "test")
    #expect(model.classes == Networks.classes)
    #expect(model.noneClass == 0)
    #expect(model.modalities.map(\.name) == ["picture", "sound", "vector"])
    #expect(model.modalities.map(\.segments.count) == [2, 2, 1])
    #expect(model.provenance == #"{"seed":1}"#)
    let exits = model.modalities[0].segments.map(\.exit)
    #expect(exits[0].threshold(for: 3) == 0.1)
    #expect(exits[0].threshold(for: 1) == 0.5)
    #expect(exits[0].threshold(for: 2) == 0.25)
    #expect(exits[0].accuracy == 0.75)
    #expect(exits[0].hazard == 0.5)
    #expect(exits[1].threshold(for: 3) == 0.1)
    #expect(exits[1].threshold(for: 2) == nil, "switched off but for one answer")
    #expect(model.modalities[1].segments[0].exit.accuracy == nil)
    #expect(model.fusion.exit.threshold == nil)
    guard case .spectrogram(let sound) = model.modalities[1].features else {
      return #expect(Bool(false), "a spectrogram is expected")
    }
    #expect(sound.window == 1000)
    #expect(sound.mel == 50...4000)
    guard case .vector(let vector) = model.modalities[2].features else {
      return #expect(Bool(false), "a vector is expected")
    }
    #expect(vector.length == 5)
    #expect(vector.mean == [0, 1, 2, 3, 4])
    #expect(vector.std == [1, 0.5, 2, 4, 1])
  }

  @Test func countsByTheGraph() throws {
    let model = try Model.decode(Networks.tiny().bytes)
    for modality in model.modalities {
      // 2 -> 3 -> 2 classes.
      #expect(modality.segments[0].macs == 6 + 6)
      #expect(modality.segments[0].exitMacs == 6)
      #expect(modality.segments[0].parameters == 6 + 3 + 6 + 2)
      #expect(modality.segments[0].exitParameters == 6 + 2)
    }
    #expect(model.fusion.macs == 12)
    #expect(model.fusion.parameters == 14)
    #expect(model.totalMacs == 36)
    #expect(model.totalParameters == 48)
    #expect(model.lateFusionMacs == 24)
    #expect(model.lateFusionParameters == 32)
  }

  @Test func countsConvolutionsByTheirOutput() throws {
    let file = Networks.random(seed: 1)
    let model = try Model.decode(file.bytes)
    let reference = Reference(file)
    let map = try reference.shape("p.c1").reduce(1, *)
    let depth = try #require(try reference.shape("p.in").last)
    let shape = try #require(file.tensor("p.c1.w")).shape
    let exit = 5 * 4
    let dense = shape[1] * shape[2] * depth
    #expect(model.modalities[0].segments[0].macs == Int64(map * dense + map * 9 + exit))
    #expect(model.modalities[0].segments[0].parameters == Int64(5 * dense + 5 + 45 + 5 + exit + 4))
  }

  @Test func dataMayStandAtAnyAddress() throws {
    var engines: [[Float]] = []
    for padding in 0..<8 {
      var file = Networks.random(seed: 6)
      file.padding = padding
      var engine = Engine(try Model.decode(file.bytes))
      _ = engine.fuse([])
      engines.append(engine.withLogits { Array($0) })
    }
    #expect(Set(engines).count == 1)
  }

  @Test func memoryIsSharedBetweenActivationsThatAreNeverAliveTogether() throws {
    // 2,024 vectors of 4 in a chain need three places, not 2,024.
    #expect(try Model.decode(BoundaryNetworks.nodes(2046).bytes).arenaBytes < 1024)
  }

  @Test func aModelWithoutProvenanceSaysNull() throws {
    #expect(try Model.decode(Networks.tiny().with("provenance", nil).bytes).provenance == "null")
  }
}
