/// An address whose localpart has characters that none may have, such as a space or an apostrophe, as XEP-0106 escapes it.
struct EscapedLocalpart {
  /// The whole address, escaped.
  let address: String

  /// XEP-0106 §3.2.
  private static let escapes: [UInt8: String] = [
    UInt8(ascii: " "): "\\20", UInt8(ascii: "\""): "\\22", UInt8(ascii: "&"): "\\26",
    UInt8(ascii: "'"): "\\27", UInt8(ascii: "/"): "\\2f", UInt8(ascii: ":"): "\\3a",
    UInt8(ascii: "<"): "\\3c", UInt8(ascii: ">"): "\\3e", UInt8(ascii: "@"): "\\40",
  ]

  /// - Parameter text: an address that cannot be parsed. The localpart is what precedes the last `@`.
  /// - Returns: `nil` if it cannot be parsed with those characters escaped either, or has none of them.
  init?(in text: String) {
    guard !XMPPURI.isURI(text), !text.utf8.contains("://".utf8) else { return nil }
    let bytes = Array(text.utf8)
    guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return nil }
    let localpart = bytes[..<at]
    // §4.1: neither the first nor the last character may be an escaped space.
    guard localpart.first != UInt8(ascii: " "), localpart.last != UInt8(ascii: " ") else { return nil }
    var escaped: [UInt8] = []
    for (index, byte) in localpart.enumerated() {
      if let escape = EscapedLocalpart.escapes[byte] {
        escaped += escape.utf8
      } else if byte == UInt8(ascii: "\\"), EscapedLocalpart.isEscape(localpart[index...]) {
        escaped += "\\5c".utf8
      } else {
        escaped.append(byte)
      }
    }
    guard escaped.count > localpart.count else { return nil }
    let parts = bytes[at...].dropFirst().split(
      separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
    let resource = parts.count > 1 ? Array(parts[1]) : nil
    guard (try? JID(localpart: escaped, domainpart: Array(parts[0]), resourcepart: resource)) != nil else {
      return nil
    }
    address = String(decoding: escaped + bytes[at...], as: UTF8.self)
  }

  /// Whether a backslash begins one of the escapes, and so must be escaped itself.
  private static func isEscape(_ text: ArraySlice<UInt8>) -> Bool {
    let start = String(decoding: text.prefix(3).map(asciiLowercased), as: UTF8.self)
    return start.utf8.elementsEqual("\\5c".utf8) || escapes.values.contains { $0.isSame(as: start) }
  }
}
