import Vocabulary

/// Exit 0 of a camera: whether a picture differs from the one before or from the scene as it has lately been.
///
/// The picture is averaged to a grey thumbnail of 16 x 12. Two mean absolute differences are taken, to the last
/// thumbnail and to a background that follows by 1/16 a picture; the larger is the level. The background keeps
/// something that has stopped moving active for a while; a change of exposure common to all cells is taken off first.
/// Integers throughout: the same answers on every machine.
package struct FrameActivity: Equatable, Sendable {
  package struct Observation: Equatable, Sendable {
    /// Mean absolute difference in 1/16 of a grey level, 0...4080.
    package let level: Int
    package let active: Bool
    /// Mean grey level, and the mean absolute difference of the thumbnail's cells from it, both in 1/16 of a grey level.
    package let brightness: Int
    package let contrast: Int
  }

  /// Brightness below which a picture is black, and contrast below which something covers the lens: 8 and 1 grey levels. A
  /// camera's noise comes to less in a cell's mean; an even wall comes to more by its light alone.
  package static let black = 8 * 16
  package static let blank = 16

  package static let width = 16
  package static let height = 12
  private static let cells = 192

  /// Level from which on a picture is active, in 1/16 of a grey level.
  package let threshold: Int
  /// Pictures at the start during which everything counts as active while the background is learnt.
  package let warmUp: Int
  private var observed = 0
  /// Grey levels in 1/16.
  private var last = [Int32](repeating: 0, count: cells)
  private var background = [Int32](repeating: 0, count: cells)
  private var current = [Int32](repeating: 0, count: cells)

  /// - Parameter threshold: in 1/16 of a grey level; 24 (1.5 levels of 255) lies above a common camera's noise.
  package init(threshold: Int = 24, warmUp: Int = 8) {
    precondition(threshold > 0 && warmUp >= 1)
    self.threshold = threshold
    self.warmUp = warmUp
  }

  /// Takes one picture; they may change in size. Allocates nothing.
  package mutating func observe(_ image: PixelView) -> Observation {
    shrink(image)
    var level = 0
    if observed > 0 {
      level = max(Self.distance(current, last), Self.distance(current, background))
    }
    let active = observed < warmUp || level >= threshold
    for cell in 0..<Self.cells {
      last[cell] = current[cell]
      let step = current[cell] - background[cell]
      // Toward zero, but at least by one, so that it arrives.
      background[cell] += observed == 0 ? step : (step / 16 != 0 ? step / 16 : step.signum())
    }
    if observed < warmUp { observed += 1 }
    var sum = 0
    for cell in 0..<Self.cells { sum += Int(current[cell]) }
    let brightness = sum / Self.cells
    return Observation(
      level: level, active: active, brightness: brightness, contrast: Self.contrast(current, brightness))
  }

  /// Mean absolute difference without the mean difference.
  private static func distance(_ a: [Int32], _ b: [Int32]) -> Int {
    var sum = 0
    for cell in 0..<cells { sum += Int(a[cell] - b[cell]) }
    let common = sum / cells
    var total = 0
    for cell in 0..<cells { total += abs(Int(a[cell] - b[cell]) - common) }
    return total / cells
  }

  private static func contrast(_ picture: [Int32], _ mean: Int) -> Int {
    var total = 0
    for cell in 0..<Self.cells { total += abs(Int(picture[cell]) - mean) }
    return total / cells
  }

  private mutating func shrink(_ image: PixelView) {
    // Of a picture smaller than the cells, several cells see the same pixel.
    for y in 0..<Self.height {
      let top = y * image.height / Self.height
      let rows = top..<max(top + 1, (y + 1) * image.height / Self.height)
      for x in 0..<Self.width {
        let left = x * image.width / Self.width
        let columns = left..<max(left + 1, (x + 1) * image.width / Self.width)
        current[y * Self.width + x] = Self.mean(image, rows, columns)
      }
    }
  }

  /// Mean grey level of a block, in 1/16. Grey as the image features have it: (77 R + 150 G + 29 B) / 256.
  private static func mean(_ image: PixelView, _ rows: Range<Int>, _ columns: Range<Int>) -> Int32 {
    var sum = 0
    for row in rows {
      let line = image.base + row * image.width * image.channels
      if image.channels == 1 {
        for column in columns { sum += Int(line[column]) }
      } else {
        for column in columns {
          let pixel = line + column * 3
          sum += (77 * Int(pixel[0]) + 150 * Int(pixel[1]) + 29 * Int(pixel[2])) >> 8
        }
      }
    }
    return Int32(sum * 16 / (rows.count * columns.count))
  }
}
