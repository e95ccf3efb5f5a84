/// The header of a PAM file: lines of a word and a value, `ENDHDR` the last (netpbm's pam(5)).
enum PAMHeader {
  static let magic = Array("P7".utf8)
  /// Bytes; what netpbm writes has less than 100, the rest is for comments.
  private static let limit = 4_096

  static func layout(_ bytes: [UInt8], path: String) throws(SensingError) -> PNMLayout {
    var numbers: [String: Int] = [:]
    var kind: [String] = []
    var start = 0
    while let end = bytes[start..<min(bytes.count, limit)].firstIndex(of: UInt8(ascii: "\n")) {
      let words = bytes[start..<end].split(whereSeparator: PNMHeader.isSpace).map {
        String(decoding: $0, as: UTF8.self)
      }
      let isFirst = start == 0
      start = end + 1
      guard let word = words.first else { continue }
      switch word {
      case "P7" where isFirst && words.count == 1: break
      case "ENDHDR": return try layout(numbers, kind.joined(separator: " "), start: start, path: path)
      case "WIDTH", "HEIGHT", "DEPTH", "MAXVAL":
        guard words.count == 2, let value = number(words[1]) else {
          throw SensingError(path, .malformed("picture header"))
        }
        numbers[word] = value
      case "TUPLTYPE": kind += words.dropFirst()
      case _ where word.hasPrefix("#") && !isFirst: break
      default: throw SensingError(path, .malformed("picture header"))
      }
    }
    throw SensingError(path, .malformed("picture header"))
  }

  private static func layout(
    _ numbers: [String: Int], _ kind: String, start: Int, path: String
  ) throws(SensingError) -> PNMLayout {
    guard let width = numbers["WIDTH"], let height = numbers["HEIGHT"], let depth = numbers["DEPTH"],
      let largest = numbers["MAXVAL"]
    else { throw SensingError(path, .malformed("picture header")) }
    let channels: Int
    let hasAlpha = kind.hasSuffix("_ALPHA")
    switch kind {
    case "" where depth == 1 || depth == 3: channels = depth
    case "BLACKANDWHITE", "GRAYSCALE", "BLACKANDWHITE_ALPHA", "GRAYSCALE_ALPHA": channels = 1
    case "RGB", "RGB_ALPHA": channels = 3
    default:
      let shown = kind.isEmpty ? "\(depth) channels without a name" : String(kind.prefix(40))
      throw SensingError(path, .unsupported("a PAM of \(shown)", use: "GRAYSCALE or RGB"))
    }
    guard depth == channels + (hasAlpha ? 1 : 0) else {
      throw SensingError(path, .malformed("\(kind) of \(depth) channels"))
    }
    return PNMLayout(
      width: width, height: height, channels: channels, hasAlpha: hasAlpha, largest: largest, start: start)
  }

  private static func number(_ word: String) -> Int? {
    guard (1...9).contains(word.utf8.count), word.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(word)
  }
}
