import CKernels

/// Extents of an int8 activation: a map `[height, width, channels]` or a vector `[n]`.
struct Shape: Equatable, CustomStringConvertible {
  let height: Int
  let width: Int
  let channels: Int
  let isVector: Bool

  init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
    isVector = false
  }

  init(vector count: Int) {
    height = 1
    width = 1
    channels = count
    isVector = true
  }

  var count: Int { height * width * channels }
  var extents: [Int] { isVector ? [channels] : [height, width, channels] }
  var description: String { isVector ? "[\(channels)]" : "[\(height), \(width), \(channels)]" }
}

/// An int8 activation: real = scale * (q - zeroPoint).
struct Activation {
  let name: String
  let shape: Shape
  let scale: Float
  let zeroPoint: Int32
}

/// Constants of a layer with weights, in the graph's own memory.
struct Filter {
  /// As in the file: `[out, kernel_height, kernel_width, in]`, `[kernel_height, kernel_width, c]` or `[out, in]`.
  let weight: UnsafePointer<Int8>
  let bias: UnsafePointer<Int32>
  /// `[out]`: (input scale * weight scale) / output scale; without the division for logits.
  let multiplier: UnsafePointer<Float>
  let outputs: Int
}

enum Operation {
  /// Convolutions, linear layers and logits as decoded; a graph has them as `layer`.
  case weighted(Weighted)
  /// The same, packed.
  case layer(UnsafePointer<mmx_layer>)
  case maxPool(mmx_window)
  /// Global average pooling too. One multiplier: input scale / output scale.
  case averagePool(mmx_window, multiplier: UnsafePointer<Float>)
  case add
  /// (a scale * b scale) / output scale; the second input is of the first's shape, or one cell for all of its cells.
  case multiply(multiplier: Float)
  /// The output's code for each of the input's, from -128 on.
  case table(UnsafePointer<Int8>)
  case concat
  /// The same bytes under another shape; costs nothing.
  case flatten
}

struct Node {
  let operation: Operation
  /// Indices into the graph's activations.
  let inputs: [Int]
  /// nil for logits, which are no activation.
  let output: Int?
  let relu: Bool
  let macs: Int64
  let parameters: Int64
}

/// Nodes that run one after the other, and the exit's that follow them.
struct Stage {
  let nodes: [Node]
  let exitNodes: [Node]

  var macs: Int64 { nodes.reduce(0) { $0 + $1.macs } + exitMacs }
  var parameters: Int64 { nodes.reduce(0) { $0 + $1.parameters } + exitParameters }
  var exitMacs: Int64 { exitNodes.reduce(0) { $0 + $1.macs } }
  var exitParameters: Int64 { exitNodes.reduce(0) { $0 + $1.parameters } }
}

struct Encoder {
  let input: Int
  /// What the last segment's last node gives.
  let feature: Int
  let stages: [Stage]
}

/// The network of a model, checked and ready to run: immutable once it is built, shared between engines.
/// A class because it owns the memory that its constants stand in.
final class Graph: @unchecked Sendable {
  let activations: [Activation]
  let encoders: [Encoder]
  /// Activations of fusion's own that take copies of the encoders' features, one a modality.
  let fusionInputs: [Int]
  let fusion: Stage
  /// By modality and exit; nil where an exit has none.
  let gains: [[GainHead?]]
  let classCount: Int
  let plan: ArenaPlan
  let set: InstructionSet
  /// What an engine needs for its layers' calls.
  let scratchBytes: Int
  private let constants: [ConstantMemory]

  init(
    activations: [Activation], encoders: [Encoder], fusionInputs: [Int], fusion: Stage,
    gains: [[GainHead?]], classCount: Int,
    plan: ArenaPlan, set: InstructionSet, scratchBytes: Int, constants: [ConstantMemory]
  ) {
    self.activations = activations
    self.encoders = encoders
    self.fusionInputs = fusionInputs
    self.fusion = fusion
    self.gains = gains
    self.classCount = classCount
    self.plan = plan
    self.set = set
    self.scratchBytes = scratchBytes
    self.constants = constants
  }
}
