/// The head of an exit that predicts what going on would gain: two dense layers with ReLU between. Its inputs are int8
/// codes in parts, each with weights of its own: the exit's logits in falling order, what its logits are computed from,
/// and looks at the raw features of other modalities. See docs/model-format.md.
///
/// Sums of products are exact; what is added in float32 is added from left to right. So every machine predicts the same.
struct GainHead {
  /// `hidden x count` weights, row by row, and a factor a row.
  struct Part {
    let weight: UnsafePointer<Int8>
    let scale: UnsafePointer<Float>
    let count: Int
    let zeroPoint: Int32
  }

  struct Look {
    /// Whose input is looked at.
    let modality: Int
    let part: Part
    /// Added with the part where the modality can be looked at; where it cannot, neither is.
    let bias: UnsafePointer<Float>
  }

  let hidden: Int
  let bias: UnsafePointer<Float>
  let output: UnsafePointer<Float>
  let outputBias: Float
  /// Of the logits in falling order, the first `logits.count`.
  let logits: Part
  /// Of the activation that the exit's logits are computed from.
  let feature: Part?
  let looks: [Look]
  /// The looks' additions are among them where this is the modality's first exit with that look.
  let macs: Int64
  let parameters: Int64

  /// Most logits that a head takes.
  static let maximumLogits = 16
  /// How finely the distance of a logit to the largest is told, and where it ends: 16 below.
  static let stepsPerLogit: Float = 8
  static let stepsOfEntropy: Float = 127

  /// Adds one part to the hidden sums.
  func add(_ part: Part, _ codes: UnsafePointer<Int8>, to sums: UnsafeMutablePointer<Float>) {
    for row in 0..<hidden {
      let weights = part.weight + row * part.count
      var sum: Int32 = 0
      for index in 0..<part.count {
        sum &+= Int32(weights[index]) &* (Int32(codes[index]) &- part.zeroPoint)
      }
      sums[row] += part.scale[row] * Float(sum)
    }
  }

  /// - Parameter sums: of the hidden layer, with everything added.
  /// - Returns: -1...1.
  func gain(_ sums: UnsafePointer<Float>) -> Float {
    var gain = outputBias
    for row in 0..<hidden { gain += output[row] * max(0, sums[row]) }
    return gain.isNaN ? 1 : min(1, max(-1, gain))
  }

  /// Codes of the logits: the entropy in the first place, then how far each of the following lies below the largest,
  /// after the temperature.
  /// - Parameter codes: room for `logits.count`.
  /// - Parameter sorted: room for as many.
  func encode(
    _ values: UnsafePointer<Float>, count: Int, temperature: Float, entropy: Float,
    sorted: UnsafeMutablePointer<Float>, to codes: UnsafeMutablePointer<Int8>
  ) {
    let kept = logits.count
    var filled = 0
    for index in 0..<count {
      let value = values[index]
      var place = filled
      while place > 0, value > sorted[place - 1] {
        if place < kept { sorted[place] = sorted[place - 1] }
        place -= 1
      }
      if place < kept { sorted[place] = value }
      filled = min(kept, filled + 1)
    }
    codes[0] = Int8((min(1, max(0, entropy)) * Self.stepsOfEntropy).rounded(.toNearestOrEven))
    for index in 1..<max(1, kept) {
      let below = max(-16, (sorted[index] - sorted[0]) / temperature)
      codes[index] = Int8((below * Self.stepsPerLogit).rounded(.toNearestOrEven))
    }
  }
}

/// A look at a map before any network: of every column of cells the mean and the maximum over the rows, by channel; then
/// the same of every row over the columns, means and maxima each in rising order: where in the window something is heard says
/// nothing. Cells are means over whole blocks, at most 14 a side; rows and columns that fill no block are left out.
struct LookShape: Equatable {
  static let cells = 14

  let width: Int
  let channels: Int
  /// Extents of a cell, and how many there are.
  let cellHeight: Int
  let cellWidth: Int
  let rows: Int
  let columns: Int

  init(_ shape: Shape) {
    width = shape.width
    channels = shape.channels
    cellHeight = (shape.height + Self.cells - 1) / Self.cells
    cellWidth = (shape.width + Self.cells - 1) / Self.cells
    rows = shape.height / cellHeight
    columns = shape.width / cellWidth
  }

  /// Codes of the columns: by column the channels' means, then their maxima.
  var columnCount: Int { columns * 2 * channels }
  /// All codes: the columns', then by rank the rows'. A head takes the columns' or all.
  var count: Int { (columns + rows) * 2 * channels }
  /// Additions, counted as if they were multiply-accumulates.
  var macs: Int64 { Int64(rows * cellHeight) * Int64(columns * cellWidth) * Int64(channels) }

  /// Means are of the codes, rounded to the nearest, half up.
  func look(at map: UnsafePointer<Int8>, to codes: UnsafeMutablePointer<Int8>) {
    let cell = cellHeight * cellWidth
    for channel in 0..<channels {
      var rowTotals = InlineArray<14, Int>(repeating: 0)
      var rowLargest = InlineArray<14, Int>(repeating: Int.min)
      for column in 0..<columns {
        var total = 0
        var largest = Int.min
        for row in 0..<rows {
          let sum = cellSum(map, row, column, channel)
          total += sum
          largest = max(largest, sum)
          rowTotals[row] += sum
          rowLargest[row] = max(rowLargest[row], sum)
        }
        let place = column * 2 * channels + channel
        codes[place] = Self.mean(total, of: cell * rows)
        codes[place + channels] = Self.mean(largest, of: cell)
      }
      let ranks = codes + columnCount + channel
      for row in 0..<rows {
        insert(Self.mean(rowTotals[row], of: cell * columns), into: ranks, filled: row)
        insert(Self.mean(rowLargest[row], of: cell), into: ranks + channels, filled: row)
      }
    }
  }

  /// Into `filled` codes in rising order, as far apart as ranks are.
  private func insert(_ code: Int8, into ranks: UnsafeMutablePointer<Int8>, filled: Int) {
    let step = 2 * channels
    var rank = filled
    while rank > 0, ranks[(rank - 1) * step] > code {
      ranks[rank * step] = ranks[(rank - 1) * step]
      rank -= 1
    }
    ranks[rank * step] = code
  }

  private func cellSum(_ map: UnsafePointer<Int8>, _ row: Int, _ column: Int, _ channel: Int) -> Int {
    var sum = 0
    for y in row * cellHeight..<(row + 1) * cellHeight {
      for x in column * cellWidth..<(column + 1) * cellWidth {
        sum += Int(map[(y * width + x) * channels + channel])
      }
    }
    return sum
  }

  private static func mean(_ sum: Int, of count: Int) -> Int8 {
    let twice = 2 * sum + count
    let quotient = twice / (2 * count)
    return Int8(quotient * 2 * count > twice ? quotient - 1 : quotient)
  }
}
