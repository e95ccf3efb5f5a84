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
