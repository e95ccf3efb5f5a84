import JSON

/// The networks that the tests run.
enum Networks {
  static let classes = ["none", "one", "two", "stop"]

  /// As small as a network gets that has every part: two vectors, one exit each, fusion.
  /// - Parameter looking: each modality has an exit on its input too, before its first node.
  static func tiny(looking: Bool = false) -> ModelFile {
    var b = ModelBuilder(seed: 7)
    let modalities: [JSONValue] = ["a", "b"].map { name in
      b.activation("\(name).in", [2])
      let look: [JSONValue] =
        looking
        ? [["nodes": [], "exit": b.exit([b.logits("\(name).in", "\(name).0", classes: 2)])]] : []
      let node = b.linear("\(name).in", "\(name).f", 3, relu: true)
      let logits = b.logits("\(name).f", "\(name).1", classes: 2)
      return [
        "name": .string(name), "input": .string("\(name).in"),
        "features": ["kind": "vector", "length": 2, "mean": [0, 0.5], "std": [1, 2]],
        "segments": .array(look + [["nodes": [node], "exit": b.exit([logits])]]),
      ]
    }
    let nodes = [b.concat(["a.f", "b.f"], "x")]
    let logits = b.logits("x", "fused", classes: 2)
    return b.finish(
      classes: ["no", "yes"], modalities: modalities,
      fusion: ["inputs": ["a.f", "b.f"], "nodes": .array(nodes), "exit": b.exit([logits], threshold: nil)])
  }

  /// Picture, sound and vector with every operation, of random extents, strides and paddings.
  static func random(seed: UInt64) -> ModelFile {
    var b = ModelBuilder(seed: seed)
    let modalities = [picture(&b), sound(&b), vector(&b)]
    let nodes = [
      b.concat(["p.f", "s.f", "v.f"], "x.c"), b.linear("x.c", "x.l", 6, relu: true),
    ]
    let logits = b.logits("x.l", "fused", classes: 4)
    return b.finish(
      classes: classes, modalities: modalities,
      fusion: [
        "inputs": ["p.f", "s.f", "v.f"], "nodes": .array(nodes), "exit": b.exit([logits], threshold: nil),
      ])
  }

  private static func picture(_ b: inout ModelBuilder) -> JSONValue {
    let height = Int.random(in: 7...14, using: &b.dice)
    let width = Int.random(in: 7...14, using: &b.dice)
    let channels = Bool.random(using: &b.dice) ? 3 : 1
    b.activation("p.in", [height, width, channels], scale: 0.02)
    let kernel = [Int.random(in: 1...5, using: &b.dice), Int.random(in: 1...5, using: &b.dice)]
    let padding = [
      Int.random(in: 0..<kernel[0], using: &b.dice), Int.random(in: 0..<kernel[1], using: &b.dice),
      Int.random(in: 0..<kernel[0], using: &b.dice), Int.random(in: 0..<kernel[1], using: &b.dice),
    ]
    let stride = [Int.random(in: 1...2, using: &b.dice), Int.random(in: 1...2, using: &b.dice)]
    let one = [
      b.conv2d("p.in", "p.c1", channels: 5, kernel: kernel, stride: stride, padding: padding, relu: true),
      b.depthwise("p.c1", "p.d1", kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1], relu: false),
      b.add("p.c1", "p.d1", "p.a1", relu: true),
    ]
    let exit1 = b.exit([b.globalPool("p.a1", "p.g1"), b.logits("p.g1", "p.1", classes: 4)])
    let two = [
      b.pool("max_pool", "p.a1", "p.m2", kernel: [2, 2], stride: [1, 1], padding: [1, 0, 0, 1]),
      b.pool("average_pool", "p.a1", "p.v2", kernel: [2, 2], stride: [1, 1], padding: [1, 0, 0, 1]),
      b.concat(["p.m2", "p.v2"], "p.x2"),
      b.conv2d(
        "p.x2", "p.c2", channels: 7, kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], relu: false),
      // Squeeze and excite: one cell's factor for all cells.
      b.globalPool("p.c2", "p.g2"), b.table("p.g2", "p.t2"), b.multiply("p.c2", "p.t2", "p.e2", relu: false),
      b.table("p.e2", "p.h2"), b.multiply("p.e2", "p.h2", "p.s2", relu: true),
      b.globalPool("p.s2", "p.f"),
    ]
    let exit2 = b.exit([b.logits("p.f", "p.2", classes: 4)])
    return [
      "name": "picture", "input": "p.in",
      "features": [
        "kind": "image", "width": .integer(Int64(width)), "height": .integer(Int64(height)),
        "channels": .integer(Int64(channels)), "mean": .array(Array(repeating: 0.5, count: channels)),
        "std": .array(Array(repeating: 0.25, count: channels)),
      ],
      "segments": [["nodes": .array(one), "exit": exit1], ["nodes": .array(two), "exit": exit2]],
    ]
  }

  private static func sound(_ b: inout ModelBuilder) -> JSONValue {
    b.activation("s.in", [9, 8, 1], scale: 0.03, zero: 4)
    let one = [
      b.conv2d(
        "s.in", "s.c1", channels: 4, kernel: [3, 3], stride: [2, 2], padding: [1, 1, 1, 1], relu: true)
    ]
    let exit1 = b.exit([b.globalPool("s.c1", "s.g1"), b.logits("s.g1", "s.1", classes: 4)])
    let two = [
      b.flatten("s.c1", "s.v2"), b.linear("s.v2", "s.l2", 9, relu: true), b.table("s.l2", "s.t2"),
      b.multiply("s.l2", "s.t2", "s.f", relu: false),
    ]
    let exit2 = b.exit([b.logits("s.f", "s.2", classes: 4)])
    return [
      "name": "sound", "input": "s.in",
      "features": [
        "kind": "log_mel", "sample_rate": 8000, "window": 1000, "frame": 200, "hop": 100, "fft": 256,
        "frames": 9,
        "bands": 8, "f_min": 50, "f_max": 4000, "floor": 0.001, "mean": -2.0, "std": 3.0, "center": false,
      ],
      "segments": [["nodes": .array(one), "exit": exit1], ["nodes": .array(two), "exit": exit2]],
    ]
  }

  private static func vector(_ b: inout ModelBuilder) -> JSONValue {
    b.activation("v.in", [5], scale: 0.05)
    let nodes = [b.linear("v.in", "v.l", 8, relu: true), b.linear("v.l", "v.f", 4, relu: false)]
    return [
      "name": "vector", "input": "v.in",
      "features": [
        "kind": "vector", "length": 5, "mean": [0, 1, 2, 3, 4], "std": [1, 0.5, 2, 4, 1],
      ],
      "segments": [["nodes": .array(nodes), "exit": b.exit([b.logits("v.f", "v.1", classes: 4)])]],
    ]
  }
}
