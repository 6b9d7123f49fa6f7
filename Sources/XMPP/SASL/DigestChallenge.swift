/// DIGEST-MD5's digest-challenge (RFC 2831 §2.1.1).
struct DigestChallenge {
  /// One `name=value`; the name in lower case, the value without its quotes.
  struct Directive: Equatable {
    let name: String
    let value: [UInt8]
  }

  /// The server's nonce.
  let nonce: [UInt8]
  /// Whether names and passwords go as UTF-8; ISO 8859-1 otherwise.
  let isUTF8: Bool
  private let realms: [String]

  /// - Throws: `digest-malformed`, or `digest-unsupported` when it asks for what this client does not do.
  init(_ challenge: [UInt8]) throws(Failure) {
    let directives = try DigestChallenge.directives(challenge)
    guard let nonce = try DigestChallenge.single("nonce", directives), !nonce.isEmpty else {
      throw DigestChallenge.malformed("the nonce is missing")
    }
    self.nonce = nonce
    guard try DigestChallenge.isToken("md5-sess", DigestChallenge.single("algorithm", directives)) else {
      throw .authentication(
        "digest-unsupported", "the server's DIGEST-MD5 has another algorithm than md5-sess")
    }
    if let charset = try DigestChallenge.single("charset", directives) {
      guard DigestChallenge.isToken("utf-8", charset) else {
        throw DigestChallenge.malformed("the charset is not utf-8")
      }
      isUTF8 = true
    } else {
      isUTF8 = false
    }
    // Without the directive it is "auth".
    if let qualities = try DigestChallenge.single("qop", directives) {
      let offered = qualities.split { $0 == UInt8(ascii: ",") || DigestChallenge.isSpace($0) }
      guard offered.contains(where: { DigestChallenge.isToken("auth", Array($0)) }) else {
        throw .authentication("digest-unsupported", "the server's DIGEST-MD5 does not offer qop=auth")
      }
    }
    let isUTF8 = isUTF8
    realms = directives.filter { $0.name.isSame(as: "realm") }.map {
      isUTF8
        ? String(decoding: $0.value, as: UTF8.self)
        : String(String.UnicodeScalarView($0.value.map { Unicode.Scalar($0) }))
    }
  }

  /// The realm to log in to: the domain where it is offered or nothing is, else the first.
  func realm(for domain: String) -> String {
    if realms.contains(where: { $0.utf8.elementsEqual(domain.utf8) }) { return domain }
    return realms.first ?? domain
  }

  /// Splits `#( name "=" ( token | quoted-string ) )` (RFC 2831 §7.1). White space around elements and empty
  /// elements pass, as does a final line break: the example of RFC 3920 §6.5 has one.
  static func directives(_ message: [UInt8]) throws(Failure) -> [Directive] {
    var directives: [Directive] = []
    var rest = message[...]
    while true {
      rest = rest.drop { isSpace($0) || $0 == UInt8(ascii: ",") }
      guard !rest.isEmpty else { return directives }
      let name = rest.prefix(while: isTokenByte)
      rest = rest.dropFirst(name.count).drop(while: isSpace)
      guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "=") else {
        throw malformed("a directive has no =")
      }
      rest = rest.drop(while: isSpace)
      let value = try value(&rest)
      rest = rest.drop(while: isSpace)
      guard rest.isEmpty || rest.first == UInt8(ascii: ",") else {
        throw malformed("a directive has two values")
      }
      directives.append(
        Directive(name: String(decoding: name.map(asciiLowercased), as: UTF8.self), value: value))
    }
  }

  private static func value(_ rest: inout ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
    guard rest.first == UInt8(ascii: "\"") else {
      let token = rest.prefix(while: isTokenByte)
      guard !token.isEmpty else { throw malformed("a directive has no value") }
      rest = rest.dropFirst(token.count)
      return Array(token)
    }
    rest = rest.dropFirst()
    var value: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return value
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst() else { throw malformed("a quoted string does not end") }
        value.append(escaped)
      default: value.append(byte)
      }
    }
    throw malformed("a quoted string does not end")
  }

  /// The value of a directive that may be there once.
  private static func single(_ name: String, _ directives: [Directive]) throws(Failure) -> [UInt8]? {
    let values = directives.filter { $0.name.isSame(as: name) }
    guard values.count < 2 else { throw malformed("\(name) is there twice") }
    return values.first?.value
  }

  private static func isToken(_ token: String, _ value: [UInt8]?) -> Bool {
    (value ?? []).map(asciiLowercased).elementsEqual(token.utf8)
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (0x09...0x0D).contains(byte) && byte != 0x0B && byte != 0x0C
  }

  /// `token` (RFC 2831 §7.1): visible ASCII that is no separator.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    (0x21...0x7E).contains(byte) && !"()<>@,;:\\\"/[]?={}".utf8.contains(byte)
  }

  private static func malformed(_ why: String) -> Failure {
    .authentication("digest-malformed", "the server's DIGEST-MD5 challenge is malformed: \(why)")
  }
}
