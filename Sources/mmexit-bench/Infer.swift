import Engine
import JSON
import Vocabulary

/// What one exit said, with everything behind it.
struct ExitReport {
  /// nil for fusion.
  let modality: String?
  let reading: Reading
  let threshold: Float?
  let logits: [Float]
  let probabilities: [Float]

  init(_ reading: Reading, _ exit: ExitDescription, modality: String?, _ engine: borrowing Engine) {
    self.modality = modality
    self.reading = reading
    threshold = exit.threshold(for: reading.label)
    logits = engine.withLogits { Array($0) }
    probabilities = engine.withProbabilities { Array($0) }
  }

  var number: Int? {
    if case .encoder(_, let exit) = reading.exit { exit } else { nil }
  }

  func json(_ model: Model) -> JSONValue {
    [
      "modality": modality.map { .string($0) } ?? .null, "exit": number.map { .integer(Int64($0)) } ?? .null,
      "label": .integer(Int64(reading.label)), "class": .string(model.classes[reading.label]),
      "entropy": .real(Double(reading.entropy)), "certainty": .real(Double(reading.certainty)),
      "threshold": threshold.map { .real(Double($0)) } ?? .null,
      "logits": .array(logits.map { .real(Double($0)) }),
      "probabilities": .array(probabilities.map { .real(Double($0)) }),
    ]
  }
}

func infer(_ options: Options) throws(BenchFailure) {
  let model = try model(options)
  var engine = Engine(model)
  engine.beginWindow()
  var present: ModalitySet = []
  for option in options.all("--input") {
    let modality = try set(option, model, &engine)
    guard !present.contains(index: modality) else {
      throw BenchFailure(.usage, "\(model.modalities[modality].name) is given twice")
    }
    present.insert(ModalitySet(index: modality))
  }
  guard !present.isEmpty else { throw BenchFailure(.usage, "--input NAME=FILE.npy is missing") }
  var reports: [ExitReport] = []
  for (index, modality) in model.modalities.enumerated() where present.contains(index: index) {
    for segment in modality.segments {
      let reading = engine.advance(index)
      reports.append(ExitReport(reading, segment.exit, modality: modality.name, engine))
    }
  }
  reports.append(ExitReport(engine.fuse(present), model.fusion.exit, modality: nil, engine))
  if options.json {
    let value: JSONValue = ["model": .string(model.name), "exits": .array(reports.map { $0.json(model) })]
    print(value.text)
  } else {
    for report in reports {
      let name = report.modality.map { "\($0) exit \(report.number ?? 0)" } ?? "fusion"
      print(
        "\(name): \(model.classes[report.reading.label]) \(report.reading.certainty), entropy \(report.reading.entropy)"
      )
    }
  }
}

/// Sets one `NAME=FILE.npy` and says which modality it is.
private func set(_ option: String, _ model: Model, _ engine: inout Engine) throws(BenchFailure) -> Int {
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
  if case .int8(let values) = array.values {
    values.withUnsafeBufferPointer { engine.setInput(index, quantized: $0) }
  } else {
    array.floats.withUnsafeBufferPointer { engine.setInput(index, features: $0) }
  }
  return index
}
