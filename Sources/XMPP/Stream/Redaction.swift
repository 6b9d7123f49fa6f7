/// What a trace shows in place of elements that carry secrets: the element itself, its secrets as `***`.
///
/// Secrets are told by where they stand: SASL data, passwords and tokens by the names of their elements and attributes, what
/// a form or an HTTP header holds by the name in an attribute. What a server repeats elsewhere is found by `EchoRedaction`.
enum Redaction {
  /// What stands in place of a secret.
  static let placeholder = Array("***".utf8)

  /// The redacted form; `nil` if there is nothing to redact.
  static func text(for element: Element) -> String? { redacted(element)?.xml }

  /// The redacted element; `nil` if there is nothing to redact. Walks the cells of the element once, whatever its depth.
  private static func redacted(_ element: Element) -> Element? {
    var scope = Scope()
    guard (element.index..<element.end).contains(where: { scope.isSecret($0, in: element.tape) }) else {
      return nil
    }
    scope = Scope()
    return element.replacingValues { index, _ in
      scope.isSecret(index, in: element.tape) ? placeholder : nil
    }
  }

  /// Walks the cells of a tape in their order and knows which of them are within an element whose text is secret.
  private struct Scope {
    /// The index after the last cell of the outermost secret element.
    private var end = 0

    /// Whether an attribute or a text is secret; `false` for an element's own cell, which must be asked about all the same.
    mutating func isSecret(_ index: Int, in tape: Tape) -> Bool {
      let cell = tape.cells[index]
      switch cell.kind {
      case .element:
        if index >= end, isSecretElement(Element(tape: tape, index: index)) { end = Int(cell.second) }
        return false
      case .attribute: return cell.second > 0 && isSecretName(tape.names[Int(cell.name)], in: attributes)
      case .text: return index < end
      }
    }
  }

  private static func isSecretElement(_ element: Element) -> Bool {
    let name = element.name
    switch name {
    // SASL (RFC 6120 §6, XEP-0388), and the digest of jabber:iq:auth (XEP-0078).
    case "auth", "challenge", "response", "success", "initial-response", "additional-data", "digest":
      return true
    // A form's field (XEP-0004): muc#roomconfig_roomsecret, password-verify.
    case "field":
      return element.attribute("type")?.isSame(as: "text-private") == true
        || element.attribute("var").map { isSecretName($0, in: words) } ?? false
    // A header of an upload slot (XEP-0363).
    case "header": return element.attribute("name").map { isSecretName($0, in: headers) } ?? false
    default: return isSecretName(name, in: words)
    }
  }

  private static let words = ["password", "passwd", "passphrase", "secret", "token"]
  /// `pwd` is that of ICE (XEP-0176).
  private static let attributes = words + ["pwd"]
  private static let headers = ["authorization", "cookie"]

  /// Whether a name contains one of the words, in any case.
  private static func isSecretName(_ name: String, in words: [String]) -> Bool {
    var name = name
    return name.withUTF8 { name in words.contains { contains(name, $0) } }
  }

  /// Whether ASCII text contains a word in lower case, in any case. A name may be long, so nothing is made of it.
  private static func contains(_ name: UnsafeBufferPointer<UInt8>, _ word: String) -> Bool {
    let word = word.utf8
    guard name.count >= word.count else { return false }
    return (0...name.count - word.count).contains { start in
      word.elementsEqual(name[start..<start + word.count].lazy.map(asciiLowercased))
    }
  }
}
