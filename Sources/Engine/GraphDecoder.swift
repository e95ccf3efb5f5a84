import CKernels
import Vocabulary

/// Builds a graph from the `mmexit` text and the container, checking everything on the way: what it returns can run.
struct GraphDecoder {
  /// Outlives the decoder; weights are read where they stand in it.
  let file: UnsafeRawBufferPointer
  let container: SafeTensors
  let classCount: Int
  /// What the graph keeps.
  let constants = ConstantMemory()
  /// Biases and multipliers until they are packed.
  let unpacked = ConstantMemory()

  private(set) var activations: [Activation] = []
  private(set) var indexOf: [BytewiseText: Int] = [:]
  /// Names of activations and logits that a node, an input or fusion has claimed.
  private(set) var claimed: Set<BytewiseText> = []
  private var usedTensors: Set<BytewiseText> = []
  /// Tensors of weights that are within their range, however many nodes share them.
  private var checked: Set<BytewiseText> = []
  private var nodeCount = 0
  private var work: Int64 = 0

  init(file: UnsafeRawBufferPointer, container: SafeTensors, classCount: Int) {
    self.file = file
    self.container = container
    self.classCount = classCount
  }

  // MARK: Activations

  mutating func decodeActivations(_ text: ModelText) throws(ModelError) {
    for (name, place) in try text.members() {
      guard !name.isEmpty, name.utf8.count <= ModelLimits.nameBytes else {
        throw text.error(.wrongValue, "an activation's name has 1 to \(ModelLimits.nameBytes) bytes")
      }
      try place.allowOnly("shape scale zero_point")
      indexOf[BytewiseText(name)] = activations.count
      activations.append(
        Activation(
          name: name, shape: try shape(try place.member("shape")),
          scale: try place.member("scale").positive(.scale),
          zeroPoint: Int32(try place.member("zero_point").integer(in: -128...127))))
    }
  }

  private func shape(_ text: ModelText) throws(ModelError) -> Shape {
    var extents: [Int] = []
    for element in try text.elements(1...3) {
      extents.append(try element.integer(in: 1...ModelLimits.extent))
    }
    guard extents.count != 2 else {
      throw text.error(.wrongValue, "a shape is [height, width, channels] or [n]")
    }
    // At most 2^48: no overflow.
    guard extents.reduce(1, *) <= ModelLimits.elements else {
      throw text.error(.tooLarge, "more than \(ModelLimits.elements) elements")
    }
    return extents.count == 1
      ? Shape(vector: extents[0]) : Shape(height: extents[0], width: extents[1], channels: extents[2])
  }

  /// The activation that a text names.
  func activation(_ text: ModelText) throws(ModelError) -> Int {
    let name = try text.name()
    guard let index = indexOf[BytewiseText(name)] else {
      throw text.error(.unknownActivation, "\"\(name)\" is not under activations")
    }
    return index
  }

  /// Marks a name as computed by this place; each is computed once.
  mutating func claim(_ name: String, _ text: ModelText) throws(ModelError) {
    guard claimed.insert(BytewiseText(name)).inserted else {
      throw text.error(.duplicate, "\"\(name)\" is already the output of another place")
    }
  }

  /// Fusion's own copy of a feature.
  mutating func appendCopy(of index: Int) -> Int {
    activations.append(activations[index])
    return activations.count - 1
  }

  mutating func countNode(_ text: ModelText) throws(ModelError) {
    nodeCount += 1
    guard nodeCount <= ModelLimits.nodes else {
      throw text.error(.tooManyNodes, "more than \(ModelLimits.nodes) nodes")
    }
  }

  /// Adds what a node does for one window: multiply-accumulates, cells compared or averaged, or values copied.
  mutating func count(work steps: Int64, _ text: ModelText) throws(ModelError) {
    // A node's is below 2^41, and there are at most 2^11.
    work += steps
    guard work <= ModelLimits.work else {
      throw text.error(
        .tooMuchWork, "the network up to here takes \(work) steps; \(ModelLimits.work) are allowed")
    }
  }

  // MARK: Constants

  mutating func tensor(
    _ text: ModelText, _ type: SafeTensors.ElementType, _ shape: [Int]
  ) throws(ModelError) -> SafeTensors.Tensor {
    let name = try text.name()
    guard let tensor = container.tensors[BytewiseText(name)] else {
      throw text.error(.unknownTensor, "the file holds no tensor \"\(name)\"")
    }
    guard tensor.type == type, tensor.shape == shape else {
      throw text.error(
        .tensorMismatch,
        "expected \(type.rawValue) \(shape), tensor \"\(name)\" is \(tensor.type.rawValue) \(tensor.shape)")
    }
    usedTensors.insert(BytewiseText(name))
    return tensor
  }

  /// Weights in -127...127, where they stand in the file.
  mutating func weight(_ text: ModelText, _ shape: [Int]) throws(ModelError) -> UnsafePointer<Int8> {
    let tensor = try tensor(text, .int8, shape)
    let values = UnsafeRawBufferPointer(rebasing: file[tensor.bytes]).assumingMemoryBound(to: Int8.self)
    let place = values.baseAddress.unsafelyUnwrapped
    guard checked.insert(BytewiseText(tensor.name)).inserted else { return place }
    // The least of all first: that takes vectors, a search does not.
    if values.reduce(0, min) == -128, let bad = values.firstIndex(of: -128) {
      throw text.error(
        .weightRange, "element \(bad) of tensor \"\(tensor.name)\" is -128; weights are -127...127")
    }
    return place
  }

  /// Codes of an activation: any int8.
  mutating func codes(_ text: ModelText, count: Int) throws(ModelError) -> UnsafePointer<Int8> {
    let tensor = try tensor(text, .int8, [count])
    return constants.copy(file[tensor.bytes].map { Int8(bitPattern: $0) })
  }

  /// Biases that leave every sum of `terms` products within 32 bits.
  mutating func bias(_ text: ModelText, count: Int, terms: Int) throws(ModelError) -> UnsafePointer<Int32> {
    let tensor = try tensor(text, .int32, [count])
    let values = words(tensor).map { Int32(bitPattern: $0) }
    let limit = Int(Int32.max) - terms * Int(MMX_MAX_TERM)
    if let bad = values.firstIndex(where: { Int($0.magnitude) > limit }) {
      throw text.error(
        .biasRange,
        "element \(bad) of tensor \"\(tensor.name)\" is \(values[bad]); with \(terms) terms at most \(limit)")
    }
    return unpacked.copy(values)
  }

  /// (input scale * weight scale) / output scale for every output, in float32 from left to right.
  mutating func multiplier(
    _ text: ModelText, count: Int, input: Activation, output: Activation?
  ) throws(ModelError) -> UnsafePointer<Float> {
    let tensor = try tensor(text, .float32, [count])
    let scales = words(tensor).map { Float(bitPattern: $0) }
    var multipliers: [Float] = []
    for (index, scale) in scales.enumerated() {
      guard scale > 0, scale.isFinite else {
        throw text.error(
          .scale, "element \(index) of tensor \"\(tensor.name)\" is \(scale); scales are above 0 and finite")
      }
      var product = input.scale * scale
      if let output { product /= output.scale }
      multipliers.append(try multiplier(product, text))
    }
    return unpacked.copy(multipliers)
  }

  /// A quotient of scales, which must not have left float32.
  func multiplier(_ value: Float, _ text: ModelText) throws(ModelError) -> Float {
    guard value > 0, value.isFinite else {
      throw text.error(
        .scale, "input, weight and output scale give the factor \(value), which is not above 0 and finite")
    }
    return value
  }

  func words(_ tensor: SafeTensors.Tensor) -> [UInt32] {
    stride(from: tensor.bytes.lowerBound, to: tensor.bytes.upperBound, by: 4).map {
      UInt32(littleEndian: file.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
    }
  }

  // MARK: The end

  /// Refuses what nobody uses: it is a mistake of the writer, and bytes that travel for nothing.
  func checkNothingIsLeft() throws(ModelError) {
    if let name = container.tensors.keys.filter({ !usedTensors.contains($0) }).min() {
      throw ModelError(.unusedTensor, at: "tensor \(name)", "no node uses it; leave it out")
    }
    if let name = indexOf.keys.filter({ !claimed.contains($0) }).min() {
      throw ModelError(
        .unusedActivation, at: "mmexit.activations.\(name)", "nothing computes it; leave it out")
    }
  }
}
