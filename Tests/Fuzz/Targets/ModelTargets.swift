import Engine
import Vocabulary

/// Model files, and arrays of NumPy.
enum ModelTargets {
  /// More than this is not computed: it would take the time of thousands of others.
  private static let maximumMacs = 1_000_000

  static func npy(_ bytes: UnsafeRawBufferPointer) { _ = try? NumPyArray(Array(bytes)) }

  /// What is decoded can be run, in every part, with whatever its inputs hold.
  static func model(_ bytes: UnsafeRawBufferPointer) {
    guard let model = try? Model.decode(Array(bytes)), model.totalMacs <= Self.maximumMacs,
      model.arenaBytes <= 1 << 20
    else { return }
    var engine = Engine(model)
    engine.beginWindow()
    for (index, modality) in model.modalities.enumerated() {
      let count = modality.inputShape.reduce(1, *)
      let input = (0..<count).map { Int8(truncatingIfNeeded: $0 &* 37 &+ 128) }
      input.withUnsafeBufferPointer { engine.setInput(index, quantized: $0) }
      for _ in modality.segments { _ = engine.advance(index) }
    }
    _ = engine.fuse(.all(model.modalities.count))
    _ = engine.fuse(ModalitySet(rawValue: 0))
  }
}
