/// What one engine writes: activations, its layers' scratch memory, and the last exit's numbers. Taken once.
struct EngineMemory {
  let arena: UnsafeMutablePointer<Int8>
  let scratch: UnsafeMutableRawPointer
  let logits: UnsafeMutablePointer<Float>
  let probabilities: UnsafeMutablePointer<Float>

  init(_ graph: Graph) {
    let bytes = max(1, graph.plan.byteCount)
    arena = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: ArenaPlan.alignment)
      .bindMemory(to: Int8.self, capacity: bytes)
    arena.initialize(repeating: 0, count: bytes)
    scratch = .allocate(byteCount: max(1, graph.scratchBytes), alignment: ArenaPlan.alignment)
    logits = .allocate(capacity: graph.classCount)
    logits.initialize(repeating: 0, count: graph.classCount)
    probabilities = .allocate(capacity: graph.classCount)
    probabilities.initialize(repeating: 0, count: graph.classCount)
  }

  func deallocate() {
    arena.deallocate()
    scratch.deallocate()
    logits.deallocate()
    probabilities.deallocate()
  }
}

/// Owns the weights, biases and multipliers of one graph. Written while the graph is decoded, only read afterwards.
final class ConstantMemory {
  /// What the widest vector instruction likes.
  static let alignment = 64
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit {
    for block in blocks { block.deallocate() }
  }

  /// Uninitialized room for `count` values.
  func allocate<T: BitwiseCopyable>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
    let block = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, count * MemoryLayout<T>.stride), alignment: Self.alignment)
    blocks.append(block)
    return block.bindMemory(to: type, capacity: count)
  }

  func copy<T: BitwiseCopyable>(_ values: [T]) -> UnsafePointer<T> {
    let place = allocate(T.self, count: values.count)
    place.initialize(from: values, count: values.count)
    return UnsafePointer(place)
  }
}
