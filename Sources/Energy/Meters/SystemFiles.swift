import Linux

/// Files of sysfs: a number or a word each, below one root.
package struct SystemFiles: Sendable {
  package let root: String

  package init(root: String = "/sys") { self.root = root }

  /// Names in a folder, in byte order; none where it is not there.
  func names(_ folder: String) -> [String] { (try? directoryNames(root + "/" + folder)) ?? [] }

  func text(_ path: String) -> String? {
    guard let bytes = try? readFile(root + "/" + path, limit: 4096) else { return nil }
    let kept = bytes.prefix { $0 != 0x0A && $0 != 0 }
    return String(decoding: kept, as: UTF8.self)
  }

  func isThere(_ path: String) -> Bool { text(path) != nil }

  func number(_ path: String) throws(MeterFault) -> Int64 {
    do {
      return try Self.number(readFile(root + "/" + path, limit: 256))
    } catch let fault as MeterFault {
      throw fault
    } catch {
      throw MeterFault(gap: .unreadable)
    }
  }

  /// A whole decimal number, with a newline or without.
  static func number(_ bytes: [UInt8]) throws(MeterFault) -> Int64 {
    let digits = bytes.last == 0x0A ? bytes.dropLast() : bytes[...]
    // An empty file is what some drivers give for "nothing".
    guard !digits.isEmpty else { throw MeterFault(gap: .unreadable) }
    guard let number = Int64(String(decoding: digits, as: UTF8.self)) else {
      throw MeterFault(gap: .malformed)
    }
    return number
  }
}

struct MeterFault: Error { let gap: MeterGap }
