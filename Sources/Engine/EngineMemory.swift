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
