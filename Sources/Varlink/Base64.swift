import CNettle

/// Bytes as text, after RFC 4648, section 4: with padding, without line ends; by nettle.
package enum Base64 {
  package static func text(_ bytes: [UInt8]) -> String {
    String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { text in
      text.withMemoryRebound(to: CChar.self) { nettle_base64_encode_raw($0.baseAddress, bytes.count, bytes) }
      return (bytes.count + 2) / 3 * 4
    }
  }

  /// Nil where the text is none.
  package static func bytes(_ text: String) -> [UInt8]? {
    var context = base64_decode_ctx()
    nettle_base64_decode_init(&context)
    var text = text
    var isText = false
    let bytes = text.withUTF8 { text in
      // What nettle writes at most: three bytes of four characters, and what is begun.
      [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3 + 3) { bytes, count in
        isText = text.withMemoryRebound(to: CChar.self) {
          nettle_base64_decode_update(&context, &count, bytes.baseAddress, $0.count, $0.baseAddress) == 1
        }
      }
    }
    return isText && nettle_base64_decode_final(&context) == 1 ? bytes : nil
  }
}
