import CKernels

/// One kernel call of an engine, by itself: for timing.
package struct EngineLayer {
  /// Of what it computes: the activation, or the logits' exit.
  package let name: String
  /// As the model file calls it; a convolution with the pool in it is `conv2d+max_pool`.
  package let operation: String
  /// Extents, as in `14x14x24 -> 7x7x48`.
  package let shape: String
  /// That are computed: fewer than the model's where a pool drops rows.
  package let macs: Int64
  fileprivate let step: Step
}

extension Engine {
  /// Every kernel call of a whole window, in order.
  package func layers() -> [EngineLayer] {
    let graph = model.graph
    var layers: [EngineLayer] = []
    for (modality, encoder) in zip(model.modalities, graph.encoders) {
      for (index, stage) in encoder.stages.enumerated() {
        layers += list(stage.nodes, logits: "")
        layers += list(stage.exitNodes, logits: "\(modality.name) exit \(index + 1)")
      }
    }
    return layers + list(graph.fusion.nodes, logits: "") + list(graph.fusion.exitNodes, logits: "fusion exit")
  }

  /// Runs it on whatever its input holds.
  package mutating func run(_ layer: EngineLayer) { layer.step.run(kernels) }

  private func list(_ nodes: [Node], logits: String) -> [EngineLayer] {
    nodes.flatMap { node in
      model.graph.steps([node], memory).map { step in
        EngineLayer(
          name: node.output.map { model.graph.activations[$0].name } ?? logits,
          operation: node.operation.text, shape: shape(node), macs: node.operation.computedMacs, step: step)
      }
    }
  }

  private func shape(_ node: Node) -> String {
    func text(_ index: Int) -> String {
      model.graph.activations[index].shape.extents.map(String.init).joined(separator: "x")
    }
    return "\(text(node.inputs[0])) -> \(node.output.map(text) ?? "\(model.classes.count)")"
  }
}

extension Operation {
  fileprivate var text: String {
    switch self {
    case .layer(let layer):
      switch layer.pointee.kind {
      case MMX_CONV2D: layer.pointee.pool_2x2 != 0 ? "conv2d+max_pool" : "conv2d"
      case MMX_DEPTHWISE: "depthwise_conv2d"
      case MMX_LINEAR: "linear"
      default: "logits"
      }
    case .weighted: "unpacked"
    case .maxPool: "max_pool"
    case .averagePool: "average_pool"
    case .add: "add"
    case .multiply: "multiply"
    case .table: "table"
    case .concat: "concat"
    case .flatten: "flatten"
    }
  }

  fileprivate var computedMacs: Int64 {
    guard case .layer(let layer) = self else { return 0 }
    let w = layer.pointee.window
    let pool = layer.pointee.pool_2x2 != 0
    let cells =
      pool ? Int64(w.out_height / 2) * Int64(w.out_width / 2) * 4 : Int64(w.out_height) * Int64(w.out_width)
    let taps = Int64(w.kernel_height) * Int64(w.kernel_width)
    return cells * Int64(w.out_channels) * taps
      * (layer.pointee.kind == MMX_DEPTHWISE ? 1 : Int64(w.in_channels))
  }
}

/// The most multiply-accumulates a second (in milliards) that a set of instructions reaches here with everything in
/// registers; the best of several tries, since others use this machine too.
package func peakSpeed(_ set: InstructionSet, clock: () -> Int64) -> Double {
  let rounds: Int32 = 20_000
  var best = 0.0
  for _ in 0..<50 {
    let before = clock()
    _ = mmx_peak(set.isa, rounds)
    best = max(best, Double(mmx_peak_macs(set.isa)) * Double(rounds) / Double(max(1, clock() - before)))
  }
  return best
}
