import JSON

/// Networks at the loader's bounds: with one less of everything each is sound.
enum BoundaryNetworks {
  /// One modality over `[4]` or a map, whose segments the caller fills.
  private static func model(
    _ shape: [Int], _ build: (inout ModelBuilder) -> (segments: [[JSONValue]], feature: String)
  ) -> ModelFile {
    var b = ModelBuilder(seed: 5)
    b.activation("in", shape, scale: 0.05, zero: 0)
    let (segments, feature) = build(&b)
    var exits: [JSONValue] = []
    for (index, nodes) in segments.enumerated() {
      guard case .object(let last)? = nodes.last, case .string(let end)? = last["output"] else { continue }
      let flat = b.shape(end).count == 1 ? end : "flat\(index)"
      let pool = flat == end ? [] : [b.globalPool(end, flat)]
      exits.append([
        "nodes": .array(nodes), "exit": b.exit(pool + [b.logits(flat, "exit\(index)", classes: 2)]),
      ])
    }
    let flat = b.shape(feature).count == 1 ? feature : "fused.flat"
    let pool = flat == feature ? [] : [b.globalPool(feature, flat)]
    let fused = b.exit(pool + [b.logits(flat, "fused", classes: 2)], threshold: nil)
    var features: JSONValue = [
      "kind": "vector", "length": .integer(Int64(shape[0])),
      "mean": .array(Array(repeating: 0, count: shape[0])),
      "std": .array(Array(repeating: 1, count: shape[0])),
    ]
    if shape.count == 3 {
      features = [
        "kind": "image", "height": .integer(Int64(shape[0])), "width": .integer(Int64(shape[1])),
        "channels": .integer(Int64(shape[2])), "mean": [0], "std": [1],
      ]
    }
    return b.finish(
      classes: ["no", "yes"],
      modalities: [["name": "m", "input": "in", "features": features, "segments": .array(exits)]],
      fusion: ["inputs": [.string(feature)], "nodes": [], "exit": fused])
  }

  /// One encoder with this many exits.
  static func exits(_ count: Int) -> ModelFile {
    model([4]) { b in
      let segments = (0..<count).map { n in [b.linear(n == 0 ? "in" : "l\(n - 1)", "l\(n)", 4, relu: true)] }
      return (segments, "l\(count - 1)")
    }
  }

  /// This many nodes in all; the first segment has 2,024 of them and its exit one.
  static func nodes(_ count: Int) -> ModelFile {
    model([4]) { b in
      var last = "in"
      func chain(_ names: Range<Int>, _ b: inout ModelBuilder) -> [JSONValue] {
        names.map { n in
          defer { last = "a\(n)" }
          return b.add(last, last, "a\(n)", relu: false)
        }
      }
      return ([chain(0..<2024, &b), chain(2024..<count - 1, &b)], last)
    }
  }

  /// One window of 256 x `width` cells over a map of that size.
  static func terms(_ width: Int) -> ModelFile {
    model([256, width, 1]) { b in
      let node = b.conv2d(
        "in", "c", channels: 1, kernel: [256, width], stride: [1, 1], padding: [0, 0, 0, 0], relu: false)
      return ([[node]], "c")
    }
  }

  /// Maps of 16 MiB that are alive together.
  static func arena(_ count: Int) -> ModelFile {
    model([4096, 4096, 1]) { b in
      var last = "in"
      var nodes: [JSONValue] = []
      for n in 0..<count {
        nodes.append(
          b.pool("average_pool", last, "p\(n)", kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0]))
        last = "p\(n)"
      }
      for n in 0..<count - 1 {
        nodes.append(b.add(last, "p\(n)", "s\(n)", relu: false))
        last = "s\(n)"
      }
      nodes.append(
        b.pool("average_pool", last, "g", kernel: [1, 1], stride: [4096, 4096], padding: [0, 0, 0, 0]))
      return ([nodes], "g")
    }
  }

  /// Poolings of 2^34 cells each.
  static func work(_ count: Int) -> ModelFile {
    model([512, 512, 1]) { b in
      var last = "in"
      var nodes = (0..<count).map { n in
        defer { last = "m\(n)" }
        return b.pool(
          "max_pool", last, "m\(n)", kernel: [255, 255], stride: [1, 1], padding: [127, 127, 127, 127])
      }
      nodes.append(
        b.pool("max_pool", last, "g", kernel: [1, 1], stride: [512, 512], padding: [0, 0, 0, 0]))
      return ([nodes], "g")
    }
  }
}
