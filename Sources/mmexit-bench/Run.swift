import Engine
import JSON
import Vocabulary

/// One part of a model and how long it took, round by round.
struct Part {
  let name: String
  let macs: Int64
  /// Nanoseconds.
  var times: [Int64] = []

  /// Nanoseconds below which this share of the rounds lies (nearest rank).
  func quantile(_ share: Double) -> Int64 {
    let sorted = times.sorted()
    let rank = Int((share * Double(sorted.count)).rounded(.up))
    return sorted[max(0, min(sorted.count, rank) - 1)]
  }

  /// The shortest.
  var best: Int64 { times.min() ?? 0 }

  /// Milliards of multiply-accumulates a second at the median; nil for what has none.
  var speed: Double? { speed(quantile(0.5)) }
  /// The same in the best round: what others on the machine take away is then least.
  var bestSpeed: Double? { speed(best) }

  private func speed(_ time: Int64) -> Double? { macs > 0 && time > 0 ? Double(macs) / Double(time) : nil }
}

/// An exit that predicts what going on would gain: what that costs, and when it is worth it.
struct GainLine {
  let exit: String
  let macs: Int64
  let looks: [String]
  /// At or below which the exit answers, -1...1; nil where it is switched off or differs by answer.
  let limit: Float?

  static func all(of model: Model) -> [GainLine] {
    model.modalities.flatMap { modality in
      modality.segments.enumerated().compactMap { index, segment in
        segment.gain.map { gain in
          GainLine(
            exit: "\(modality.name) exit \(index + 1)", macs: gain.macs,
            looks: model.modalities.indices.filter { gain.looks.contains(index: $0) }.map {
              model.modalities[$0].name
            },
            limit: segment.exit.classThresholds.isEmpty ? segment.exit.threshold.map { 2 * $0 - 1 } : nil)
        }
      }
    }
  }

  var text: String {
    let looking = looks.isEmpty ? "" : ", with a look at \(looks.joined(separator: ", "))"
    let ends = limit.map { "ends there at or below \(places($0))" } ?? "has no threshold for all answers"
    return "\(exit): predicts the gain of going on for \(macs) of its MACs\(looking); \(ends)"
  }

  var json: JSONValue {
    [
      "exit": .string(exit), "macs": .integer(macs), "looks": .array(looks.map { .string($0) }),
      "limit": limit.map { .real(Double($0)) } ?? .null,
    ]
  }

  /// Four places, with a sign.
  private func places(_ value: Float) -> String {
    let rounded = Int((abs(value) * 10_000).rounded())
    let digits = String(rounded % 10_000)
    return
      "\(value < 0 ? "-" : "")\(rounded / 10_000).\(String(repeating: "0", count: 4 - digits.count))\(digits)"
  }
}

/// Raw input that looks like nothing: the kernels' time does not depend on the values.
struct MadeUpInput {
  static let width = 640
  static let height = 480
  let pcm: [Int16]
  let vector: [Float]
  let pixels: [UInt8]

  init(_ features: Features) {
    var state: UInt32 = 1
    func next() -> UInt32 {
      state = state &* 1_664_525 &+ 1_013_904_223
      return state >> 8
    }
    var (samples, elements, bytes) = (0, 0, 0)
    switch features {
    case .spectrogram(let sound): samples = sound.window
    case .vector(let vector): elements = vector.length
    case .image: bytes = Self.width * Self.height * 3
    }
    pcm = (0..<samples).map { _ in Int16(truncatingIfNeeded: next()) / 4 }
    vector = (0..<elements).map { _ in Float(next() & 1023) / 512 - 1 }
    pixels = (0..<bytes).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  func set(_ modality: Int, _ features: Features, in engine: inout Engine) {
    switch features {
    case .spectrogram: pcm.withUnsafeBufferPointer { engine.setInput(modality, pcm: $0) }
    case .vector: vector.withUnsafeBufferPointer { engine.setInput(modality, vector: $0) }
    case .image:
      pixels.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { return }
        engine.setInput(
          modality, image: PixelView(base: base, width: Self.width, height: Self.height, channels: 3))
      }
    }
  }
}

extension MadeUpInput {
  /// How much later a window of sound is whose features share frames with those of the window before.
  static let laterMilliseconds = 250

  /// Times the features of such a window, the one before not counted; nanoseconds.
  func timeShared(_ modality: Int, _ sound: Features.Spectrogram, in engine: inout Engine) -> Int64 {
    let hops = Self.laterMilliseconds * sound.sampleRate / 1000 / sound.hop
    return pcm.withUnsafeBufferPointer { pcm in
      _ = engine.setInput(modality, pcm: pcm, at: SoundPosition(stream: 0, first: 0))
      let start = now()
      _ = engine.setInput(modality, pcm: pcm, at: SoundPosition(stream: 0, first: hops * sound.hop))
      return now() - start
    }
  }
}

func run(_ options: Options) throws(BenchFailure) {
  // Before anything else has taken memory.
  let first = try FirstAnswer(options)
  let model = try model(options)
  let rounds = try options.number("--rounds", in: 1...1_000_000) ?? 200
  let set = try options.set() ?? .best
  let parts = time(model, rounds: rounds)
  let layers = LayerTimes(model, rounds: rounds, set: set)
  if options.json {
    printJSON(model, rounds, first, parts, layers, set)
  } else {
    printTable(model, rounds, first, parts, layers, set)
  }
}

private func parts(of model: Model) -> [Part] {
  var parts: [Part] = []
  for modality in model.modalities {
    parts.append(Part(name: "\(modality.name) features", macs: 0))
    for (index, segment) in modality.segments.enumerated() {
      parts.append(Part(name: "\(modality.name) segment \(index + 1)", macs: segment.macs - segment.exitMacs))
      parts.append(Part(name: "\(modality.name) exit \(index + 1)", macs: segment.exitMacs))
    }
  }
  parts.append(Part(name: "fusion", macs: model.fusion.macs))
  parts.append(Part(name: "whole window", macs: model.totalMacs))
  for modality in model.modalities {
    guard case .spectrogram = modality.features else { continue }
    parts.append(
      Part(name: "\(modality.name) features \(MadeUpInput.laterMilliseconds) ms later", macs: 0))
  }
  return parts
}

/// Every part once a round, in the order in which a window runs them, after a tenth of the rounds to warm up.
private func time(_ model: Model, rounds: Int) -> [Part] {
  var parts = parts(of: model)
  for index in parts.indices { parts[index].times.reserveCapacity(rounds) }
  var engine = Engine(model)
  let inputs = model.modalities.map { MadeUpInput($0.features) }
  let warmUp = rounds / 10 + 1
  for round in 0..<rounds + warmUp {
    var part = 0
    func note(_ from: Int64, _ to: Int64) {
      if round >= warmUp { parts[part].times.append(to - from) }
      part += 1
    }
    let start = now()
    engine.beginWindow()
    for (index, modality) in model.modalities.enumerated() {
      var before = now()
      inputs[index].set(index, modality.features, in: &engine)
      var after = now()
      note(before, after)
      for _ in modality.segments {
        before = now()
        engine.runSegment(index)
        after = now()
        note(before, after)
        before = now()
        _ = engine.readExit(index)
        after = now()
        note(before, after)
      }
    }
    let before = now()
    _ = engine.fuse(.all(model.modalities.count))
    let end = now()
    note(before, end)
    note(start, end)
    for (index, modality) in model.modalities.enumerated() {
      guard case .spectrogram(let sound) = modality.features else { continue }
      note(0, inputs[index].timeShared(index, sound, in: &engine))
    }
  }
  return parts
}

private func printTable(
  _ model: Model, _ rounds: Int, _ first: FirstAnswer, _ parts: [Part], _ layers: LayerTimes,
  _ set: InstructionSet
) {
  print(
    "\(model.name): \(set), \(rounds) rounds, \(model.arenaBytes) bytes of activations; pictures from 640 x 480 RGB"
  )
  var resident = ""
  if let atOnce = first.residentAtOnceKiB, let kept = first.residentKiB {
    resident = "; \(atOnce) KiB resident then, \(kept) when what only that needed is given back"
  }
  print("from the file to the first answer: \(decimal(Double(first.nanoseconds) / 1000)) us\(resident)")
  var rows = [["", "median us", "p99 us", "MACs", "GMAC/s"]]
  for part in parts {
    rows.append([
      part.name, decimal(Double(part.quantile(0.5)) / 1000), decimal(Double(part.quantile(0.99)) / 1000),
      "\(part.macs)", part.speed.map(decimal) ?? "-",
    ])
  }
  printColumns(rows, textColumns: 1)
  for head in GainLine.all(of: model) { print(head.text) }
  print(
    "\nwhat \(set) can do here: \(decimal(layers.peak)) GMAC/s; a layer's share of it is of its best round")
  printColumns(layers.table(set), textColumns: 3)
}

/// Texts to the left of their columns, numbers to the right.
private func printColumns(_ rows: [[String]], textColumns: Int) {
  let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
  for row in rows {
    let cells = zip(row, widths).enumerated().map { column, cell in
      let space = String(repeating: " ", count: cell.1 - cell.0.count)
      return column < textColumns ? cell.0 + space : space + cell.0
    }
    print(cells.joined(separator: "  "))
  }
}

/// Two places.
func decimal(_ number: Double) -> String {
  let hundredths = Int((number * 100).rounded())
  let rest = hundredths % 100
  return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
}

private func printJSON(
  _ model: Model, _ rounds: Int, _ first: FirstAnswer, _ parts: [Part], _ layers: LayerTimes,
  _ set: InstructionSet
) {
  var object: JSONObject = [
    "model": .string(model.name), "isa": .string(set.description), "peak_gmac_per_s": .real(layers.peak),
    "rounds": .integer(Int64(rounds)),
    "arena_bytes": .integer(Int64(model.arenaBytes)), "total_macs": .integer(model.totalMacs),
    "total_parameters": .integer(model.totalParameters), "late_fusion_macs": .integer(model.lateFusionMacs),
    "late_fusion_parameters": .integer(model.lateFusionParameters),
  ]
  object.append(
    "parts",
    .array(
      parts.map { part in
        [
          "name": .string(part.name), "macs": .integer(part.macs),
          "median_ns": .integer(part.quantile(0.5)), "p99_ns": .integer(part.quantile(0.99)),
          "gmac_per_s": part.speed.map { .real($0) } ?? .null,
        ]
      }))
  object.append("gains", .array(GainLine.all(of: model).map(\.json)))
  object.append("first_answer_ns", .integer(first.nanoseconds))
  object.append("resident_at_once_kib", first.residentAtOnceKiB.map { .integer(Int64($0)) } ?? .null)
  object.append("resident_kib", first.residentKiB.map { .integer(Int64($0)) } ?? .null)
  object.append("layers", layers.json)
  print(JSONValue.object(object))
}
