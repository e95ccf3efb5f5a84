extension StringProtocol {
  /// The text as one line that commands no terminal and forges no line of a journal: what does not show itself stands
  /// escaped. Newline, return and tab are `\n`, `\r` and `\t`, all else `\u{1b}`: control characters, separators of
  /// lines and paragraphs, and what turns the direction of writing or is not seen. All other text is as it was, a
  /// backslash too: it is for people, and not to be read back.
  package var printable: String {
    guard unicodeScalars.contains(where: \.isUnprintable) else { return String(self) }
    var text = ""
    for scalar in unicodeScalars {
      guard scalar.isUnprintable else {
        text.unicodeScalars.append(scalar)
        continue
      }
      switch scalar {
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      default: text += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return text
  }

  /// The same for text of JSON, in its own escapes: it means what it meant. JSON's writer escapes what lies below a
  /// space; the rest stands in strings only.
  package var printableJSON: String {
    guard unicodeScalars.contains(where: \.isUnprintable) else { return String(self) }
    var text = ""
    for scalar in unicodeScalars {
      guard scalar.isUnprintable else {
        text.unicodeScalars.append(scalar)
        continue
      }
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
    }
    return text
  }
}

extension String {
  /// At most so many bytes of its beginning, whole code points, and an ellipsis where some are left out.
  package func clipped(to bytes: Int) -> String {
    guard utf8.count > bytes else { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: bytes)
    while end > utf8.startIndex && utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
    // A copy: a substring would keep the whole.
    return String(self[..<end]) + "..."
  }
}

extension Unicode.Scalar {
  /// Categories Cc, Zl, Zp, and Cf but for the two joiners that scripts and emoji are written with.
  fileprivate var isUnprintable: Bool {
    if value < 0x7F { return value < 0x20 }
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: return true
    case .format: return value != 0x200C && value != 0x200D
    default: return false
    }
  }
}
