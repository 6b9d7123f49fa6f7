/// The one XML declaration XMPP has: version 1.0, in UTF-8 if it says so (RFC 6120 §11.5, §11.6).
enum XMLDeclaration {
  /// Checks a whole declaration, `<?xml` and `?>` included.
  static func check(_ bytes: some Collection<UInt8>) throws(Failure) {
    var rest = Substring(decoding: bytes.dropFirst(5).dropLast(2), as: UTF8.self).utf8
    guard let version = pseudoAttribute("version", &rest) else { throw malformed }
    guard version.elementsEqual("1.0".utf8) else {
      throw .protocolViolation("not-well-formed", "the server declared XML version \(quoted(version))")
    }
    if let encoding = pseudoAttribute("encoding", &rest) {
      guard encoding.map({ $0 | 0x20 }).elementsEqual("utf-8".utf8) else {
        throw .protocolViolation(
          "unsupported-encoding", "the server declared the encoding \(quoted(encoding)); XMPP has UTF-8 alone"
        )
      }
    }
    if let standalone = pseudoAttribute("standalone", &rest) {
      guard standalone.elementsEqual("yes".utf8) || standalone.elementsEqual("no".utf8) else {
        throw malformed
      }
    }
    guard rest.allSatisfy(isWhitespace) else { throw malformed }
  }

  /// Takes ` name = "value"` off the front; `nil` when something else stands there.
  private static func pseudoAttribute(
    _ name: String, _ rest: inout Substring.UTF8View
  ) -> Substring.UTF8View? {
    var bytes = rest
    let blank = bytes.prefix(while: isWhitespace)
    bytes.removeFirst(blank.count)
    guard !blank.isEmpty, bytes.starts(with: name.utf8) else { return nil }
    bytes = bytes.dropFirst(name.utf8.count).drop(while: isWhitespace)
    guard bytes.popFirst() == UInt8(ascii: "=") else { return nil }
    bytes = bytes.drop(while: isWhitespace)
    guard let quote = bytes.popFirst(), quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'"),
      let end = bytes.firstIndex(of: quote)
    else { return nil }
    let value = bytes[..<end]
    rest = bytes[bytes.index(after: end)...]
    return value
  }

  private static func quoted(_ value: Substring.UTF8View) -> String { "\"\(Substring(value))\"" }

  private static var malformed: Failure {
    .protocolViolation("not-well-formed", "the server sent a malformed XML declaration")
  }
}
