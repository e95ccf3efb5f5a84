import CKernels

/// A node with its pointers in place: one kernel call, nothing left to look up. Plain data.
enum Step {
  case layer(
    UnsafePointer<mmx_layer>, from: UnsafePointer<Int8>, scratch: UnsafeMutableRawPointer,
    to: UnsafeMutablePointer<Int8>)
  case maxPool(mmx_window, from: UnsafePointer<Int8>, to: UnsafeMutablePointer<Int8>)
  case averagePool(mmx_window, mmx_requantize, from: UnsafePointer<Int8>, to: UnsafeMutablePointer<Int8>)
  case add(Term, Term, count: Int32, mmx_requantize, to: UnsafeMutablePointer<Int8>)
  /// `cells` times `count` products; the second factor begins anew with each cell.
  case multiply(Term, Term, cells: Int, count: Int32, mmx_requantize, to: UnsafeMutablePointer<Int8>)
  case table(UnsafePointer<Int8>, from: UnsafePointer<Int8>, count: Int32, to: UnsafeMutablePointer<Int8>)
  /// A part of a concat: `rows` runs of `count` values, `stride` apart in the output.
  case place(Term, outZero: Int32, rows: Int, count: Int32, stride: Int, to: UnsafeMutablePointer<Int8>)

  /// An operand with its scale already divided by the output's; of a product, the factor of the whole.
  struct Term {
    let from: UnsafePointer<Int8>
    let scale: Float
    let zero: Int32
  }

  func run(_ kernels: mmx_plain_kernels) {
    switch self {
    case .layer(let layer, let from, let scratch, let to):
      mmx_layer_run(layer, from, scratch, to)
    case .maxPool(var window, let from, let to):
      kernels.max_pool(&window, from, to)
    case .averagePool(var window, var requantize, let from, let to):
      kernels.average_pool(&window, from, &requantize, to)
    case .add(let a, let b, let count, let q, let to):
      kernels.add(
        a.from, b.from, count, a.scale, a.zero, b.scale, b.zero, q.out_zero_point, q.clamp_min, q.clamp_max,
        to)
    case .multiply(let a, let b, let cells, let count, let q, let to):
      for cell in 0..<cells {
        let place = cell * Int(count)
        kernels.multiply(
          a.from + place, b.from, count, a.zero, b.zero, a.scale, q.out_zero_point, q.clamp_min, q.clamp_max,
          to + place)
      }
    case .table(let table, let from, let count, let to):
      mmx_table_s8(from, count, table, to)
    case .place(let term, let outZero, let rows, let count, let stride, let to):
      for row in 0..<rows {
        kernels.requantize(
          term.from + row * Int(count), count, term.scale, term.zero, outZero, to + row * stride)
      }
    }
  }
}

extension Graph {
  /// The kernel calls of these nodes over an engine's memory.
  func steps(_ nodes: [Node], _ memory: EngineMemory) -> [Step] {
    var steps: [Step] = []
    for node in nodes {
      if case .concat = node.operation {
        steps += places(node, memory.arena)
      } else if let step = step(node, memory) {
        steps.append(step)
      }
    }
    return steps
  }

  /// nil for flatten, whose output stands where its input does.
  private func step(_ node: Node, _ memory: EngineMemory) -> Step? {
    let arena = memory.arena
    let input = activations[node.inputs[0]]
    let from = UnsafePointer(arena + plan.offsets[node.inputs[0]])
    guard let index = node.output else {
      guard case .layer(let layer) = node.operation else {
        preconditionFailure("only logits are no activation")
      }
      let to = UnsafeMutableRawPointer(memory.logits).assumingMemoryBound(to: Int8.self)
      return .layer(layer, from: from, scratch: memory.scratch, to: to)
    }
    let output = activations[index]
    let to = arena + plan.offsets[index]
    func requantize(_ multiplier: UnsafePointer<Float>?) -> mmx_requantize {
      mmx_requantize(
        multiplier: multiplier, in_zero_point: input.zeroPoint, out_zero_point: output.zeroPoint,
        clamp_min: node.relu ? output.zeroPoint : -128, clamp_max: 127)
    }
    switch node.operation {
    case .weighted: preconditionFailure("a graph's layers are packed")
    case .layer(let layer): return .layer(layer, from: from, scratch: memory.scratch, to: to)
    case .maxPool(let window): return .maxPool(window, from: from, to: to)
    case .averagePool(let window, let multiplier):
      return .averagePool(window, requantize(multiplier), from: from, to: to)
    case .add:
      return .add(
        term(node.inputs[0], of: output, arena), term(node.inputs[1], of: output, arena),
        count: Int32(output.shape.count), requantize(nil), to: to)
    case .multiply(let multiplier):
      let factor = activations[node.inputs[1]].shape.count
      func operand(_ index: Int) -> Step.Term {
        Step.Term(
          from: UnsafePointer(arena + plan.offsets[index]), scale: multiplier,
          zero: activations[index].zeroPoint)
      }
      return .multiply(
        operand(node.inputs[0]), operand(node.inputs[1]), cells: output.shape.count / factor,
        count: Int32(factor), requantize(nil), to: to)
    case .table(let table):
      return .table(table, from: from, count: Int32(output.shape.count), to: to)
    case .flatten, .concat: return nil
    }
  }

  private func term(_ index: Int, of output: Activation, _ arena: UnsafeMutablePointer<Int8>) -> Step.Term {
    Step.Term(
      from: UnsafePointer(arena + plan.offsets[index]), scale: activations[index].scale / output.scale,
      zero: activations[index].zeroPoint)
  }

  private func places(_ node: Node, _ arena: UnsafeMutablePointer<Int8>) -> [Step] {
    guard let index = node.output else { return [] }
    let output = activations[index]
    let rows = output.shape.height * output.shape.width
    var channel = 0
    return node.inputs.map { input in
      let count = activations[input].shape.channels
      defer { channel += count }
      return .place(
        term(input, of: output, arena), outZero: output.zeroPoint, rows: rows, count: Int32(count),
        stride: output.shape.channels, to: arena + plan.offsets[index] + channel)
    }
  }
}
