import CKernels
import Vocabulary

/// Runs a model over one window at a time, segment by segment. All memory is taken at `init`; nothing afterwards
/// allocates, blocks or fails. Wrong use (an input of the wrong length, advancing past the end) is a programming error
/// and traps. It may be handed to another thread, since nobody else can hold any part of it.
package struct Engine: ~Copyable, @unchecked Sendable {
  package let model: Model
  let memory: EngineMemory
  let kernels: mmx_plain_kernels
  /// By modality.
  private let extractors: [FeatureExtractor]
  /// By modality and segment.
  private let stages: [[StageSteps]]
  private let fusion: StageSteps
  /// What the exits of this window have done, by modality.
  var progress = InlineArray<8, Progress>(repeating: Progress())
  let looks: LookMemory

  struct Progress {
    var hasInput = false
    /// Segments run, and exits read.
    var segments = 0
    var exits = 0
    /// A gain head has looked at the input.
    var isLookedAt = false
  }

  /// Kernel calls of a segment, then of its exit.
  private struct StageSteps {
    let nodes: [Step]
    let exit: [Step]

    init(_ stage: Stage, _ graph: Graph, _ memory: EngineMemory) {
      nodes = graph.steps(stage.nodes, memory)
      exit = graph.steps(stage.exitNodes, memory)
    }
  }

  package init(_ model: Model) {
    let graph = model.graph
    self.model = model
    let memory = EngineMemory(graph)
    self.memory = memory
    let kernels = mmx_plain(graph.set.isa).pointee
    self.kernels = kernels
    extractors = zip(model.modalities, graph.encoders).map { modality, encoder in
      FeatureExtractor(
        modality.features, graph.activations[encoder.input], kernels,
        input: memory.arena + graph.plan.offsets[encoder.input])
    }
    stages = graph.encoders.map { encoder in encoder.stages.map { StageSteps($0, graph, memory) } }
    fusion = StageSteps(graph.fusion, graph, memory)
    looks = LookMemory(graph)
  }

  deinit {
    memory.deallocate()
    looks.deallocate()
  }

  /// Forgets the inputs and features of the window before.
  package mutating func beginWindow() {
    for index in 0..<8 { progress[index] = Progress() }
  }

  /// - Precondition: the modality takes sound and `pcm` has exactly `window` samples.
  package mutating func setInput(_ modality: Int, pcm: UnsafeBufferPointer<Int16>) {
    _ = setInput(modality, pcm: pcm, at: nil)
  }

  /// The same for one window of a stream: frames that the window before had, a whole number of hops earlier, are not
  /// computed again. The features are the same to the bit.
  /// - Parameter position: where the window lies in its stream; nil where it lacks samples that may still come.
  /// - Returns: how much was computed.
  package mutating func setInput(
    _ modality: Int, pcm: UnsafeBufferPointer<Int16>, at position: SoundPosition?
  ) -> SpectrogramWork {
    restart(modality)
    return extractors[modality].extract(pcm: pcm, at: position)
  }

  /// - Parameter mirrored: what the picture shows in a mirror.
  /// - Precondition: the modality takes pictures; neither extent is above 16384.
  package mutating func setInput(_ modality: Int, image: PixelView, mirrored: Bool = false) {
    extractors[modality].extract(image: image, mirrored: mirrored)
    restart(modality)
  }

  /// NaN counts as the input's zero point.
  /// - Precondition: the modality takes vectors and `vector` has exactly `length` elements.
  package mutating func setInput(_ modality: Int, vector: UnsafeBufferPointer<Float>) {
    extractors[modality].extract(vector: vector)
    restart(modality)
  }

  /// Features from elsewhere, in the input activation's layout (`[height, width, channels]`, `[frames, bands, 1]` or
  /// `[length]`), normalized but not quantized. For tools that compare with another implementation.
  package mutating func setInput(_ modality: Int, features: UnsafeBufferPointer<Float>) {
    extractors[modality].take(features: features)
    restart(modality)
  }

  /// The same, quantized already.
  package mutating func setInput(_ modality: Int, quantized: UnsafeBufferPointer<Int8>) {
    extractors[modality].take(quantized: quantized)
    restart(modality)
  }

  private mutating func restart(_ modality: Int) {
    progress[modality] = Progress(hasInput: true)
  }

  /// Whether the modality's encoder has run to its end for this window.
  package func isComplete(_ modality: Int) -> Bool {
    progress[modality].exits == model.modalities[modality].segments.count
  }

  /// Exits of the modality that have been read for this window.
  package func exitsRead(of modality: Int) -> Int { progress[modality].exits }

  /// How much of a window of sound at that place would be computed now. Nil where the modality takes no sound.
  package func spectrogramWork(_ modality: Int, at position: SoundPosition?) -> SpectrogramWork? {
    extractors[modality].work(at: position)
  }

  /// Runs the modality's next segment and its exit.
  /// - Precondition: its input is set, and it has not run to its end.
  package mutating func advance(_ modality: Int) -> Reading {
    runSegment(modality)
    return readExit(modality)
  }

  /// The first half of `advance`, for timing.
  package mutating func runSegment(_ modality: Int) {
    let done = progress[modality]
    precondition(done.hasInput, "set the modality's input first")
    precondition(done.segments == done.exits, "read the exit before the next segment")
    precondition(done.segments < model.modalities[modality].segments.count, "the encoder has run to its end")
    // The first segment may overwrite the input.
    if done.segments == 0 && looks.isTarget(modality) { look(at: modality) }
    run(stages[modality][done.segments].nodes)
    progress[modality].segments += 1
  }

  /// The second half of `advance`.
  package mutating func readExit(_ modality: Int) -> Reading {
    let index = progress[modality].exits
    precondition(progress[modality].segments == index + 1, "run the segment first")
    run(stages[modality][index].exit)
    progress[modality].exits += 1
    let segment = model.modalities[modality].segments[index]
    var reading = reading(
      .encoder(modality: modality, exit: index + 1), segment.exit, macs: segment.macs,
      parameters: segment.parameters)
    if segment.predictsGain, let head = model.graph.gains[modality][index] {
      reading.gain = gain(head, reading, of: modality, temperature: segment.exit.temperature)
    }
    return reading
  }

  /// Runs fusion over the features of the modalities present; a missing one's feature is its zero point throughout.
  /// May be called again in the same window when more have come.
  /// - Precondition: every modality present has run to its end.
  package mutating func fuse(_ present: ModalitySet) -> Reading {
    let graph = model.graph
    for modality in graph.fusionInputs.indices {
      let target = graph.fusionInputs[modality]
      let copy = memory.arena + graph.plan.offsets[target]
      let feature = graph.activations[target]
      if present.contains(index: modality) {
        precondition(isComplete(modality), "fusion wants encoders that have run to their end")
        copy.update(
          from: memory.arena + graph.plan.offsets[graph.encoders[modality].feature],
          count: feature.shape.count)
      } else {
        copy.update(repeating: Int8(feature.zeroPoint), count: feature.shape.count)
      }
    }
    run(fusion.nodes)
    run(fusion.exit)
    return reading(
      .fusion, model.fusion.exit, macs: model.fusion.macs, parameters: model.fusion.parameters)
  }

  /// Calibrated probabilities of the last reading, by class.
  package func withProbabilities<R>(_ body: (UnsafeBufferPointer<Float>) -> R) -> R {
    body(UnsafeBufferPointer(start: memory.probabilities, count: model.classes.count))
  }

  /// Logits of the last reading, before the temperature.
  package func withLogits<R>(_ body: (UnsafeBufferPointer<Float>) -> R) -> R {
    body(UnsafeBufferPointer(start: memory.logits, count: model.classes.count))
  }

  /// By index: iterating over values of this size takes heap memory in an unoptimized build.
  private func run(_ steps: [Step]) {
    for index in steps.indices { steps[index].run(kernels) }
  }

  private func reading(_ id: ExitID, _ exit: ExitDescription, macs: Int64, parameters: Int64) -> Reading {
    var best: Int32 = 0
    let entropy = kernels.softmax_entropy(
      memory.logits, Int32(model.classes.count), exit.temperature, memory.probabilities, &best)
    return Reading(
      exit: id, entropy: entropy, label: Int(best), certainty: memory.probabilities[Int(best)], macs: macs,
      parameters: parameters, overriding: model.overridingClass.map { memory.probabilities[$0] })
  }
}
