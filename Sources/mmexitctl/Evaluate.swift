import ArgumentParser
import Engine
import Evaluation
import JSON
import Linux
import Scheduling
import Vocabulary

/// `mmexitctl evaluate`: labelled windows through the daemon's engine and gate.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answer labelled windows, or a recorded stream, and score the answers.",
    discussion: """
      With --model and --manifest: windows out of files. With --stream and --config: the daemon's pipeline over a recording, \
      whose truth.csv (start_s,end_s,label,sensors) says what is to be heard and seen when.


      The manifest is CSV with the header label,<modality>,... and one window a row: paths to WAV, PGM or PPM, or NPY \
      files, relative to the manifest; an empty cell is a missing modality.
      """)

  @Option(help: ArgumentHelp("Model file (docs/model-format.md).", valueName: "file.safetensors"))
  var model: String?

  @Option(help: ArgumentHelp("Manifest of the labelled windows.", valueName: "file.csv"))
  var manifest: String?

  @Option(help: ArgumentHelp("Recording with a truth.csv (docs/recording.md).", valueName: "folder"))
  var stream: String?

  @Option(help: ArgumentHelp("The daemon's configuration, for --stream.", valueName: "file.conf"))
  var config: String?

  @Option(help: "Normalized entropy, 0 to 1, at or below which an exit answers (default: the model's own).")
  var threshold: Float?

  @Option(help: "'all' runs everything; 'first:NAME' puts a modality first (default: the order of --order).")
  var policy: String?

  @Option(
    help: ArgumentHelp(
      "How to find the order: exact, paper or interleaved (default: exact).", valueName: "method"),
    completion: .list(["exact", "paper", "interleaved"]), transform: Self.order)
  var order = OrderingMethod.exact

  @Option(
    help:
      "What a right answer is worth, in multiply-accumulates (MACs), 0 or more, for finding the order (default: the MACs of running everything)."
  )
  var lambda: Double?

  @Flag(help: "Add every exit's entropy and answer for each window.")
  var audit = false

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "With --stream and --json: each minute, command and change of the order too.")
  var minutes = false

  @Flag(
    help: "With --minutes: what turns of sensors by chance or by the clock would have heard, and an oracle.")
  var turns = false

  private static func order(_ text: String) throws -> OrderingMethod {
    switch OrderingMethod(rawValue: text) {
    case nil: throw ValidationError("use exact, paper or interleaved")
    case .empirical: throw ValidationError("empirical needs recorded windows; use 'mmexitctl plan' for it")
    case let method?: method
    }
  }

  func validate() throws {
    if stream == nil {
      if config != nil { throw ValidationError("--config goes with --stream; --manifest takes --model") }
      if model == nil || manifest == nil {
        throw ValidationError(
          "give --model and --manifest for windows, or --stream and --config for a recording")
      }
    } else {
      if config == nil { throw ValidationError("--stream needs --config, the daemon's configuration") }
      if model != nil || manifest != nil || threshold != nil || policy != nil || lambda != nil || audit {
        throw ValidationError(
          "--stream takes --config and --json alone; model, thresholds and order are the configuration's")
      }
    }
    if let threshold, !(0...1).contains(threshold) {
      throw ValidationError("--threshold \(threshold): a normalized entropy lies between 0 and 1")
    }
    if let lambda, !(lambda >= 0 && lambda.isFinite) {
      throw ValidationError("--lambda \(lambda): use a finite number of 0 or more")
    }
    if let policy, policy != "all", !policy.hasPrefix("first:") {
      throw ValidationError("--policy '\(policy)': use 'all' or 'first:NAME'")
    }
  }

  mutating func run() throws {
    try CommandFailure.catching {
      if let stream, let config {
        return try EvaluateStream(
          directory: stream, configuration: config, json: json, minutes: minutes && json, turns: turns
        ).run()
      }
      guard let model = self.model, let manifest else { return }
      try evaluateWindows(Self.load(model), manifest)
    }
  }

  private func evaluateWindows(_ model: Model, _ manifest: String) throws {
    let how: Evaluator.Policy =
      switch policy {
      case nil: .planned(order)
      case "all": .all
      case let name?: .first(String(name.dropFirst("first:".count)))
      }
    let folder = manifest.lastIndex(of: "/").map { String(manifest[...$0]) } ?? ""
    let windows = try Manifest(
      readFile(manifest, limit: Manifest.maximumBytes), file: manifest, folder: folder,
      modalities: model.modalities.map(\.name), classes: model.classes
    ).windows
    var evaluator = try Evaluator(model, policy: how, threshold: threshold, lambda: lambda)
    var summary = Summary(model)
    var details: [JSONValue] = []
    for (row, window) in windows.enumerated() {
      var data: [WindowData?] = []
      for (file, modality) in zip(window.files, model.modalities) {
        guard let file else {
          data.append(nil)
          continue
        }
        data.append(
          try WindowData.read(file, features: modality.features, manifest: manifest, line: window.line))
      }
      let result = evaluator.answer(data)
      summary.add(result, label: window.label, everything: evaluator.everything(data))
      if audit {
        details.append(
          AuditDetail.json(
            row: row + 1, label: window.label, result: result, readings: evaluator.readAll(data),
            model: model))
      }
    }
    show(summary, evaluator.order, model, details)
  }

  static func load(_ path: String) throws -> Model {
    let bytes = try readFile(path, limit: ModelLimits.fileBytes)
    do throws(ModelError) {
      return try Model.decode(bytes)
    } catch {
      throw CommandFailure(message: "\(path): \(error.description)", code: .dataError)
    }
  }

  private func show(_ summary: Summary, _ order: [Int], _ model: Model, _ details: [JSONValue]) {
    let name = policy ?? self.order.rawValue
    if json {
      Output.line(summary.json(order: order, policy: name, windows: audit ? details : nil))
      return
    }
    Output.line("model      \(model.name), \(summary.count) windows, policy \(name)")
    Output.line("order      \(order.map { model.modalities[$0].name }.joined(separator: ", "))")
    Output.line(
      "accuracy   \(Output.fixed(summary.accuracy, 4)), weighted F1 \(Output.fixed(summary.weightedF1, 4))")
    Output.line(
      "MACs       \(Output.fixed(summary.macsMean, 0)) a window, \(Output.fixed(100 * summary.macsSaved, 1))% saved"
    )
    Output.line("parameters \(Output.fixed(100 * summary.parametersSaved, 1))% saved")
    Output.line("speed      \(Output.fixed(summary.windowsPerSecond, 0)) windows/s")
    Output.table(
      ["exit", "asked", "answers", "share", "accuracy", "entropy"],
      summary.rows().map { row in
        [
          "\(row.modality)/\(row.exit)", "\(row.asked)", "\(row.answers)", Output.fixed(row.share, 3),
          row.accuracy.map { Output.fixed($0, 4) } ?? "-", row.meanEntropy.map { Output.fixed($0, 3) } ?? "-",
        ]
      })
    for detail in details { Output.line(detail.text) }
  }
}

/// One window of `--audit`.
enum AuditDetail {
  static func json(
    row: Int, label: Int, result: WindowResult, readings: [Reading], model: Model
  ) -> JSONValue {
    var exits: [JSONValue] = []
    var fusion = JSONValue.null
    for reading in readings {
      let entropy = JSONValue.real(Double(reading.entropy))
      let certainty = JSONValue.real(Double(reading.certainty))
      let answer = JSONValue.string(model.classes[reading.label])
      let correct = JSONValue.bool(reading.label == label)
      switch reading.exit {
      case .encoder(let modality, let exit):
        var row: JSONObject = [
          "modality": .string(model.modalities[modality].name), "exit": .integer(Int64(exit)),
          "entropy": entropy, "answer": answer, "correct": correct, "certainty": certainty,
        ]
        if let gain = reading.gain { row.append("gain", .real(Double(gain))) }
        if let overriding = reading.overriding { row.append("overriding", .real(Double(overriding))) }
        exits.append(.object(row))
      case .fusion:
        fusion = ["entropy": entropy, "answer": answer, "correct": correct, "certainty": certainty]
      }
    }
    let exit: JSONValue =
      switch result.answer.exit {
      case .encoder(let modality, let number)?:
        ["modality": .string(model.modalities[modality].name), "exit": .integer(Int64(number))]
      case .fusion?: "fusion"
      case nil: .null
      }
    return [
      "row": .integer(Int64(row)), "label": .string(model.classes[label]),
      "answer": result.answer.label.map { .string(model.classes[$0]) } ?? .null, "exit": exit,
      "entropy": .real(Double(result.answer.entropy)), "macs": .integer(result.macs),
      "exits": .array(exits), "fusion": fusion,
    ]
  }
}
