import CKernels

/// Convolutions whose only reader is a 2x2 max pool become one layer with it: what the pool throws away is then never
/// written, and what it drops (the last row and column of odd extents) never computed.
struct PoolFusion {
  /// How often each activation is read, by any node of the network or as an encoder's feature.
  private var readers: [Int]

  init(_ activations: Int, _ encoders: [Encoder], _ fusion: Stage) {
    readers = Array(repeating: 0, count: activations)
    for stage in encoders.flatMap(\.stages) + [fusion] {
      for input in (stage.nodes + stage.exitNodes).flatMap(\.inputs) { readers[input] += 1 }
    }
    for encoder in encoders { readers[encoder.feature] += 1 }
  }

  func fuse(_ stage: Stage) -> Stage {
    Stage(nodes: fuse(stage.nodes), exitNodes: fuse(stage.exitNodes))
  }

  private func fuse(_ nodes: [Node]) -> [Node] {
    var result: [Node] = []
    for node in nodes {
      if case .maxPool(let pool) = node.operation, halves(pool),
        let index = result.firstIndex(where: { $0.output == node.inputs[0] }), readers[node.inputs[0]] == 1,
        case .weighted(var layer) = result[index].operation, layer.kind == MMX_CONV2D, !layer.pooled
      {
        let convolution = result[index]
        layer.pooled = true
        result[index] = Node(
          operation: .weighted(layer), inputs: convolution.inputs, output: node.output,
          relu: convolution.relu,
          macs: convolution.macs, parameters: convolution.parameters)
      } else {
        result.append(node)
      }
    }
    return result
  }

  private func halves(_ pool: mmx_window) -> Bool {
    pool.kernel_height == 2 && pool.kernel_width == 2 && pool.stride_y == 2 && pool.stride_x == 2
      && pool.pad_top == 0 && pool.pad_left == 0 && pool.out_height == pool.in_height / 2
      && pool.out_width == pool.in_width / 2
  }
}
