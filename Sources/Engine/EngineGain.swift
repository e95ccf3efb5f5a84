import Vocabulary

/// What gain heads need beside an engine's other memory. Taken once.
struct LookMemory {
  /// By modality: what a look at it gives; nil where no head looks.
  let codes: [UnsafeMutablePointer<Int8>?]
  /// By modality: those that its exits' heads look at.
  let targets: [ModalitySet]
  /// Of all heads together.
  private let looked: ModalitySet
  let sums: UnsafeMutablePointer<Float>
  let sorted: UnsafeMutablePointer<Float>
  let logits: UnsafeMutablePointer<Int8>

  init(_ graph: Graph) {
    targets = graph.gains.map { heads in
      heads.reduce(into: ModalitySet()) { set, head in
        for look in head?.looks ?? [] { set.insert(ModalitySet(index: look.modality)) }
      }
    }
    let looked = targets.reduce(ModalitySet()) { $0.union($1) }
    self.looked = looked
    codes = graph.encoders.indices.map { modality in
      guard looked.contains(index: modality) else { return nil }
      let count = LookShape(graph.activations[graph.encoders[modality].input].shape).count
      let place = UnsafeMutablePointer<Int8>.allocate(capacity: count)
      place.initialize(repeating: 0, count: count)
      return place
    }
    let hidden = graph.gains.joined().reduce(1) { max($0, $1?.hidden ?? 0) }
    sums = .allocate(capacity: hidden)
    sums.initialize(repeating: 0, count: hidden)
    sorted = .allocate(capacity: GainHead.maximumLogits)
    sorted.initialize(repeating: 0, count: GainHead.maximumLogits)
    logits = .allocate(capacity: GainHead.maximumLogits)
    logits.initialize(repeating: 0, count: GainHead.maximumLogits)
  }

  func isTarget(_ modality: Int) -> Bool { looked.contains(index: modality) }

  func deallocate() {
    for place in codes { place?.deallocate() }
    sums.deallocate()
    sorted.deallocate()
    logits.deallocate()
  }
}

extension Engine {
  /// Modalities at whose input a head of this one looks, where the input is set before the modality's exits are read.
  package func looked(from modality: Int) -> ModalitySet { looks.targets[modality] }

  mutating func look(at modality: Int) {
    guard !progress[modality].isLookedAt, let codes = looks.codes[modality] else { return }
    let graph = model.graph
    let input = graph.encoders[modality].input
    LookShape(graph.activations[input].shape).look(at: memory.arena + graph.plan.offsets[input], to: codes)
    progress[modality].isLookedAt = true
  }

  /// What the head of an exit that has just been read says.
  mutating func gain(
    _ head: GainHead, _ reading: Reading, of modality: Int, temperature: Float
  ) -> Float {
    let sums = looks.sums
    sums.update(from: head.bias, count: head.hidden)
    head.encode(
      memory.logits, count: model.classes.count, temperature: temperature, entropy: reading.entropy,
      sorted: looks.sorted, to: looks.logits)
    head.add(head.logits, looks.logits, to: sums)
    let graph = model.graph
    if let feature = head.feature, let exit = exitNumber(reading),
      let input = graph.encoders[modality].stages[exit - 1].exitNodes.last?.inputs[0]
    {
      head.add(feature, memory.arena + graph.plan.offsets[input], to: sums)
    }
    for index in head.looks.indices {
      let look = head.looks[index]
      guard progress[look.modality].hasInput, let codes = looks.codes[look.modality] else { continue }
      self.look(at: look.modality)
      head.add(look.part, codes, to: sums)
      for row in 0..<head.hidden { sums[row] += look.bias[row] }
    }
    return head.gain(sums)
  }

  private func exitNumber(_ reading: Reading) -> Int? {
    if case .encoder(_, let exit) = reading.exit { exit } else { nil }
  }
}
