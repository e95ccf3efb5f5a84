import Engine
import Vocabulary

/// One `NAME=FILE.npy`: a modality's features in the model's layout.
struct FeatureInput {
  let modality: Int
  private let values: Values

  private enum Values {
    /// Quantized already.
    case codes([Int8])
    case reals([Float])
  }

  init(_ option: String, _ model: Model) throws(BenchFailure) {
    let halves = option.split(separator: "=", maxSplits: 1)
    guard halves.count == 2 else { throw BenchFailure(.usage, "--input wants NAME=FILE.npy, not \(option)") }
    guard let index = model.modalities.firstIndex(where: { $0.name == halves[0] }) else {
      let names = model.modalities.map(\.name).joined(separator: ", ")
      throw BenchFailure(.usage, "no modality \(halves[0]); the model has \(names)")
    }
    let path = String(halves[1])
    let bytes = try read(path)
    let array: NumPyArray
    do throws(NumPyArray.Failure) {
      array = try NumPyArray(bytes)
    } catch {
      throw BenchFailure(.dataError, "\(path): \(error)")
    }
    let wanted = model.modalities[index].inputShape
    // Extents of 1 (a batch, a single channel) may be there or not; the order of the others is the layout.
    guard array.shape.filter({ $0 != 1 }) == wanted.filter({ $0 != 1 }) else {
      throw BenchFailure(
        .dataError,
        "\(path): shape \(array.shape), where \(halves[0]) takes \(wanted); save an array of that shape")
    }
    modality = index
    if case .int8(let codes) = array.values { values = .codes(codes) } else { values = .reals(array.floats) }
  }

  func set(in engine: inout Engine) {
    switch values {
    case .codes(let codes): codes.withUnsafeBufferPointer { engine.setInput(modality, quantized: $0) }
    case .reals(let reals): reals.withUnsafeBufferPointer { engine.setInput(modality, features: $0) }
    }
  }
}
