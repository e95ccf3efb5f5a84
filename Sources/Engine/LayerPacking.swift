import CKernels

/// A layer with weights as the file has it.
struct Weighted {
  let kind: mmx_layer_kind
  /// Of the convolution; for linear layers and logits only the channels are not 1.
  let window: mmx_window
  let filter: Filter
  /// A 2x2 max pool of stride 2 follows within the layer.
  var pooled = false

  var weightCount: Int {
    let terms = Int(window.kernel_height) * Int(window.kernel_width) * Int(window.in_channels)
    return kind == MMX_DEPTHWISE ? terms : terms * Int(window.out_channels)
  }
}

/// Puts weights into the order in which one instruction set's kernels read them, once, when a model is loaded.
struct LayerPacking {
  let set: InstructionSet
  let activations: [Activation]
  let constants: ConstantMemory
  /// What packing may still take; a broken or hostile file could make it a multiple of the file.
  private var left = ModelLimits.packedBytes
  /// Whether a layer reads biases and multipliers from where they were decoded to.
  private(set) var isPortable = false
  /// Copies of the weights of such layers, by where they stand in the file: once however many layers share them.
  private var kept: [UnsafePointer<Int8>: UnsafePointer<Int8>] = [:]
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
    scratchBytes = max(scratchBytes, layer.scratch_bytes)
    let place = constants.allocate(UInt8.self, count: layer.constant_bytes)
    let filter = weighted.filter
    let isPortable = layer.isa == MMX_PORTABLE
    self.isPortable = self.isPortable || isPortable
    let weight = isPortable ? keep(weighted) : filter.weight
    mmx_layer_pack(&layer, weight, filter.bias, filter.multiplier, place)
    return Node(
      operation: .layer(constants.copy([layer])), inputs: node.inputs, output: node.output, relu: node.relu,
      macs: node.macs, parameters: node.parameters)
  }

  /// The portable kernels read weights as they are: what the model holds must not be the file.
  private mutating func keep(_ weighted: Weighted) -> UnsafePointer<Int8> {
    let weight = weighted.filter.weight
    if let known = kept[weight] { return known }
    let copy = constants.allocate(Int8.self, count: weighted.weightCount)
    copy.initialize(from: weight, count: weighted.weightCount)
    kept[weight] = UnsafePointer(copy)
    return UnsafePointer(copy)
  }
}
