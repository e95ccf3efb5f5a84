import CKernels

/// A layer with weights as the file has it.
struct Weighted {
  let kind: mmx_layer_kind
  /// Of the convolution; for linear layers and logits only the channels are not 1.
  let window: mmx_window
  let filter: Filter
  /// A 2x2 max pool of stride 2 follows within the layer.
  var pooled = false
}

/// Puts weights into the order in which one instruction set's kernels read them, once, when a model is loaded.
struct LayerPacking {
  let set: InstructionSet
  let activations: [Activation]
  let constants: ConstantMemory
  /// What packing may still take; a broken or hostile file could make it a multiple of the file.
  private var left = ModelLimits.packedBytes
  /// Whether a layer still reads its weights from where the file was decoded to.
  private(set) var readsFile = false
  /// The most that one layer's call needs beside input and output.
  private(set) var scratchBytes = 0

  init(_ set: InstructionSet, _ activations: [Activation], _ constants: ConstantMemory) {
    self.set = set
    self.activations = activations
    self.constants = constants
  }

  mutating func pack(_ stage: Stage) -> Stage {
    Stage(nodes: stage.nodes.map { pack($0) }, exitNodes: stage.exitNodes.map { pack($0) })
  }

  private mutating func pack(_ node: Node) -> Node {
    guard case .weighted(let weighted) = node.operation else { return node }
    let output = node.output.map { activations[$0].zeroPoint } ?? 0
    var requantize = mmx_requantize(
      multiplier: nil, in_zero_point: activations[node.inputs[0]].zeroPoint, out_zero_point: output,
      clamp_min: node.relu ? output : -128, clamp_max: 127)
    var window = weighted.window
    var layer = mmx_layer()
    mmx_layer_plan(set.isa, weighted.kind, &window, &requantize, weighted.pooled ? 1 : 0, &layer)
    if layer.constant_bytes > left || layer.scratch_bytes > ModelLimits.scratchBytes {
      mmx_layer_plan(MMX_PORTABLE, weighted.kind, &window, &requantize, weighted.pooled ? 1 : 0, &layer)
    }
    left -= layer.constant_bytes
    readsFile = readsFile || layer.isa == MMX_PORTABLE
    scratchBytes = max(scratchBytes, layer.scratch_bytes)
    let place = constants.allocate(UInt8.self, count: layer.constant_bytes)
    let filter = weighted.filter
    mmx_layer_pack(&layer, filter.weight, filter.bias, filter.multiplier, place)
    return Node(
      operation: .layer(constants.copy([layer])), inputs: node.inputs, output: node.output, relu: node.relu,
      macs: node.macs, parameters: node.parameters)
  }
}
