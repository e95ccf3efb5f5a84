/// Where every activation stands in an engine's one block of memory. Activations that are never alive together share
/// bytes. Encoders may take turns in any order, so each has a region of its own, and so has fusion.
struct ArenaPlan {
  static let alignment = 64

  /// By activation index.
  let offsets: [Int]
  let byteCount: Int

  /// One activation's life in a region, in steps of that region.
  struct Life {
    let size: Int
    var from: Int
    var through: Int
  }

  /// - Returns: nil when `limit` bytes do not suffice.
  init?(
    activations: [Activation], encoders: [Encoder], fusionInputs: [Int], fusion: Stage, limit: Int
  ) {
    var offsets = [Int](repeating: 0, count: activations.count)
    var base = 0
    let regions =
      encoders.map { (inputs: [$0.input], stages: $0.stages, kept: [$0.feature]) }
      + [(inputs: fusionInputs, stages: [fusion], kept: [])]
    for region in regions {
      let nodes = region.stages.flatMap { $0.nodes + $0.exitNodes }
      var owners = Owners(count: activations.count)
      let lives = Self.lives(
        activations, inputs: region.inputs, nodes: nodes, kept: region.kept, owners: &owners)
      let (places, size) = Self.place(lives)
      for (activation, owner) in owners.pairs {
        guard let place = places[owner] else { continue }
        offsets[activation] = base + place
      }
      base += size
      guard base <= limit else { return nil }
    }
    self.offsets = offsets
    byteCount = base
  }

  /// Which activation's bytes an activation lives in: its own, or those it was flattened from.
  private struct Owners {
    private(set) var pairs: [(activation: Int, owner: Int)] = []
    private var owner: [Int?]
    init(count: Int) { owner = Array(repeating: nil, count: count) }
    subscript(activation: Int) -> Int {
      get { owner[activation] ?? activation }
      set {
        owner[activation] = newValue
        pairs.append((activation, newValue))
      }
    }
  }

  private static func lives(
    _ activations: [Activation], inputs: [Int], nodes: [Node], kept: [Int], owners: inout Owners
  ) -> [Int: Life] {
    var lives: [Int: Life] = [:]
    for input in inputs {
      owners[input] = input
      lives[input] = Life(size: activations[input].shape.count, from: 0, through: 0)
    }
    for (step, node) in nodes.enumerated() {
      for input in node.inputs { lives[owners[input]]?.through = step }
      guard let output = node.output else { continue }
      if case .flatten = node.operation {
        owners[output] = owners[node.inputs[0]]
      } else {
        owners[output] = output
        lives[output] = Life(size: activations[output].shape.count, from: step, through: step)
      }
    }
    for activation in kept { lives[owners[activation]]?.through = nodes.count }
    return lives
  }

  /// Largest first, each at the lowest place free during its life (greedy by size; Pisarchyk and Lee 2020).
  private static func place(_ lives: [Int: Life]) -> (offsets: [Int: Int], size: Int) {
    var placed: [(life: Life, offset: Int)] = []
    var offsets: [Int: Int] = [:]
    var size = 0
    let order = lives.sorted { ($0.value.size, $1.key) > ($1.value.size, $0.key) }
    for (activation, life) in order {
      var offset = 0
      for other in placed
      where other.life.from <= life.through && life.from <= other.life.through
        && offset < other.offset + other.life.size && other.offset < offset + life.size
      {
        offset = roundUp(other.offset + other.life.size)
      }
      offsets[activation] = offset
      let index = placed.firstIndex { $0.offset > offset } ?? placed.count
      placed.insert((life, offset), at: index)
      size = max(size, roundUp(offset + life.size))
    }
    return (offsets, size)
  }

  static func roundUp(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }
}
