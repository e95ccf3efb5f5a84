import Engine
import Glibc
import Linux
import Vocabulary

/// What a program pays to begin: from the model's path to the first fused answer, with all inputs at their zero point;
/// and what it then keeps.
struct FirstAnswer {
  let nanoseconds: Int64
  /// Resident memory of this process right after, in KiB; nil where the system does not say.
  let residentAtOnceKiB: Int?
  /// The same as the daemon goes on: what is free of the heap and what the first answer alone read is given back, and one
  /// window more has been answered.
  let residentKiB: Int?

  init(_ options: Options) throws(BenchFailure) {
    useFrugalHeap()
    let start = now()
    var engine = Engine(try model(options))
    // As the daemon does when it is ready: what the program's start and reading the model took goes before the first answer.
    trimText()
    Self.answer(&engine)
    nanoseconds = now() - start
    residentAtOnceKiB = Self.resident()
    trimHeap()
    trimText()
    Self.answer(&engine)
    residentKiB = Self.resident()
  }

  private static func answer(_ engine: inout Engine) {
    engine.beginWindow()
    for (index, modality) in engine.model.modalities.enumerated() {
      let count = modality.inputShape.reduce(1, *)
      [Int8](repeating: 0, count: count).withUnsafeBufferPointer { engine.setInput(index, quantized: $0) }
      for _ in modality.segments { _ = engine.advance(index) }
    }
    _ = engine.fuse(.all(engine.model.modalities.count))
  }

  /// `VmRSS` of /proc/self/status.
  private static func resident() -> Int? {
    guard let file = fopen("/proc/self/status", "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("VmRSS:") else { continue }
      return Int(text.filter { $0.isASCII && $0.isNumber })
    }
    return nil
  }
}
