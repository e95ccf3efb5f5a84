import Engine
import Testing

@Suite struct InstructionSetTests {
  /// A whole network, every operation, with pools that become part of their convolutions: the same bytes on all.
  @Test(arguments: [UInt64(3), 17, 29]) func logitsAreTheSameOnEveryPath(seed: UInt64) throws {
    let file = Networks.random(seed: seed)
    let wanted = try logits(file, .portable)
    for set in InstructionSet.available {
      #expect(try logits(file, set) == wanted, "\(set)")
    }
  }

  private func logits(_ file: ModelFile, _ set: InstructionSet) throws -> [[UInt32]] {
    var engine = Engine(try Model.decode(file.bytes, for: set))
    var dice = Dice(99)
    engine.beginWindow()
    for (modality, description) in engine.model.modalities.enumerated() {
      dice.bytes(description.inputShape.reduce(1, *)).withUnsafeBufferPointer {
        engine.setInput(modality, quantized: $0)
      }
    }
    var result: [[UInt32]] = []
    for (modality, description) in engine.model.modalities.enumerated() {
      for _ in description.segments {
        _ = engine.advance(modality)
        result.append(engine.withLogits { $0.map(\.bitPattern) })
      }
    }
    _ = engine.fuse(.all(engine.model.modalities.count))
    result.append(engine.withLogits { $0.map(\.bitPattern) })
    return result
  }

  @Test func namesAreThoseOfTheMachine() {
    #expect(InstructionSet(name: "portable") == .portable)
    #expect(InstructionSet(name: "mmx") == nil)
    #expect(InstructionSet.available.contains(.best))
    #expect(InstructionSet.available.first == .portable)
  }

  /// Two conv layers of which one's pool can be fused: the fused one is a single call of the engine.
  @Test func poolsBecomePartOfTheirConvolutions() throws {
    for (readers, calls) in [(1, 3), (2, 4)] {
      let engine = Engine(try Model.decode(Self.pooled(readers: readers).bytes))
      let operations = engine.layers().map(\.operation)
      #expect(operations.contains("conv2d+max_pool") == (readers == 1))
      #expect(operations.prefix(while: { $0 != "logits" }).count == calls - 1)
    }
  }

  /// Convolution, 2x2 pool, exit; with two readers the exit looks at the convolution itself.
  private static func pooled(readers: Int) -> ModelFile {
    var b = ModelBuilder(seed: 5)
    b.activation("p.in", [7, 9, 1], scale: 0.02)
    let nodes = [
      b.conv2d(
        "p.in", "p.c", channels: 6, kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], relu: true),
      b.pool("max_pool", "p.c", "p.f", kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0]),
    ]
    let exit = b.exit([
      b.globalPool(readers == 1 ? "p.f" : "p.c", "p.g"), b.logits("p.g", "p.1", classes: 2),
    ])
    let fusion = [b.flatten("p.f", "x.v")]
    let logits = b.logits("x.v", "fused", classes: 2)
    return b.finish(
      classes: ["no", "yes"],
      modalities: [
        [
          "name": "picture", "input": "p.in",
          "features": [
            "kind": "image", "width": 9, "height": 7, "channels": 1, "mean": [0.5], "std": [0.25],
          ],
          "segments": [["nodes": .array(nodes), "exit": exit]],
        ]
      ],
      fusion: ["inputs": ["p.f"], "nodes": .array(fusion), "exit": b.exit([logits], threshold: nil)])
  }
}
