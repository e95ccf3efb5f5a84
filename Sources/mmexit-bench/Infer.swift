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
  let rounds = try rounds(options)
  var inputs: [FeatureInput] = []
  for option in options.all("--input") {
    let input = try FeatureInput(option, model)
    guard !inputs.contains(where: { $0.modality == input.modality }) else {
      throw BenchFailure(.usage, "\(model.modalities[input.modality].name) is given twice")
    }
    inputs.append(input)
  }
  guard !inputs.isEmpty else { throw BenchFailure(.usage, "--input NAME=FILE.npy is missing") }
  inputs.sort { $0.modality < $1.modality }
  var engine = Engine(model)
  let reports = report(model, inputs, &engine)
  let times = time(model, inputs, rounds: rounds, &engine)
  if options.json {
    var value: JSONObject = [
      "model": .string(model.name), "exits": .array(reports.map { $0.json(model) }),
    ]
    if rounds > 0 { value.append("times_ns", .array(times.map { .integer($0) })) }
    print(JSONValue.object(value))
    return
  }
  for report in reports {
    let name = report.modality.map { "\($0) exit \(report.number ?? 0)" } ?? "fusion"
    print(
      "\(name): \(model.classes[report.reading.label]) \(report.reading.certainty), entropy \(report.reading.entropy)"
    )
  }
  if rounds > 0 { print("window: median \(times.sorted()[(rounds - 1) / 2]) ns of \(rounds) rounds") }
}

private func rounds(_ options: Options) throws(BenchFailure) -> Int {
  guard let text = try options.one("--rounds") else { return 0 }
  guard let number = Int(text), (1...1_000_000).contains(number) else {
    throw BenchFailure(.usage, "--rounds wants a number in 1...1000000, not \(text)")
  }
  return number
}

/// Every exit of the modalities given, and fusion.
private func report(_ model: Model, _ inputs: [FeatureInput], _ engine: inout Engine) -> [ExitReport] {
  engine.beginWindow()
  var present: ModalitySet = []
  var reports: [ExitReport] = []
  for input in inputs {
    let modality = model.modalities[input.modality]
    input.set(in: &engine)
    present.insert(ModalitySet(index: input.modality))
    for segment in modality.segments {
      let reading = engine.advance(input.modality)
      reports.append(ExitReport(reading, segment.exit, modality: modality.name, engine))
    }
  }
  reports.append(ExitReport(engine.fuse(present), model.fusion.exit, modality: nil, engine))
  return reports
}

/// Nanoseconds of whole windows, from features to the last answer: fusion's where several modalities are given, else the
/// last exit's. A tenth of the rounds before them warms up.
private func time(
  _ model: Model, _ inputs: [FeatureInput], rounds: Int, _ engine: inout Engine
) -> [Int64] {
  guard rounds > 0 else { return [] }
  let present = inputs.reduce(into: ModalitySet()) { $0.insert(ModalitySet(index: $1.modality)) }
  var times: [Int64] = []
  times.reserveCapacity(rounds)
  let warmUp = rounds / 10 + 1
  for round in 0..<rounds + warmUp {
    let before = now()
    engine.beginWindow()
    for input in inputs {
      input.set(in: &engine)
      for _ in model.modalities[input.modality].segments { _ = engine.advance(input.modality) }
    }
    if inputs.count > 1 { _ = engine.fuse(present) }
    let after = now()
    if round >= warmUp { times.append(after - before) }
  }
  return times
}
