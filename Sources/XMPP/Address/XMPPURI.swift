/// An `xmpp:` URI or IRI (RFC 5122): `xmpp:romeo@example.net/orchard?message;body=Hello`.
public struct XMPPURI: Sendable, Equatable {
  /// Who is to log in, from `xmpp://account@domain/…`.
  public let account: JID?
  /// Whom it is about; absent in `xmpp://account@domain`.
  public let address: JID?
  /// The query type of XEP-0147, such as `message` or `join`.
  public let action: String?
  /// The pairs after the query type, decoded, in their order.
  public let parameters: [Parameter]

  /// One `name=value` of the query.
  public struct Parameter: Sendable, Equatable {
    /// Its key.
    public let name: String
    /// Its value; empty where the `=` is missing.
    public let value: String
  }

  /// The address it is about, else the account that is to log in.
  public var target: JID? { address ?? account }

  /// The value of the first parameter of that name.
  public func parameter(_ name: String) -> String? {
    parameters.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }

  /// Whether a text begins with `xmpp:`, so that it must be a URI: no domain holds a colon.
  public static func isURI(_ text: String) -> Bool {
    text.utf8.prefix(scheme.utf8.count).map(asciiLowercased).elementsEqual(scheme.utf8)
  }

  /// Reads a URI. The fragment means nothing to XMPP and is left out.
  ///
  /// - Throws: `uri-malformed` or `jid-malformed`.
  public init(parsing text: String) throws(Failure) {
    guard XMPPURI.isURI(text) else { throw XMPPURI.malformed("it does not begin with xmpp:") }
    let bytes = Array(text.utf8.dropFirst(XMPPURI.scheme.utf8.count))
    let (whole, _) = XMPPURI.cut(bytes[...], UInt8(ascii: "#"))
    let (hierarchy, query) = XMPPURI.cut(whole, UInt8(ascii: "?"))
    if hierarchy.starts(with: "//".utf8) {
      let (authority, path) = XMPPURI.cut(hierarchy.dropFirst(2), UInt8(ascii: "/"))
      account = try XMPPURI.jid(authority)
      if let path, !path.isEmpty { address = try XMPPURI.jid(path) } else { address = nil }
    } else {
      account = nil
      address = try XMPPURI.jid(hierarchy)
    }
    guard let query, !query.isEmpty else {
      action = nil
      parameters = []
      return
    }
    let (type, pairs) = XMPPURI.cut(query, UInt8(ascii: ";"))
    action = try XMPPURI.text(type)
    var parameters: [Parameter] = []
    for pair in (pairs ?? []).split(separator: UInt8(ascii: ";")) {
      let (name, value) = XMPPURI.cut(pair, UInt8(ascii: "="))
      parameters.append(Parameter(name: try XMPPURI.text(name), value: try XMPPURI.text(value ?? [])))
    }
    self.parameters = parameters
  }

  private static let scheme = "xmpp:"

  /// The parts are cut at the delimiters as written and decoded after that, so that `%2F` is no delimiter
  /// (RFC 3986 §2.4).
  private static func jid(_ bytes: ArraySlice<UInt8>) throws(Failure) -> JID {
    let (address, resource) = cut(bytes, UInt8(ascii: "/"))
    let (first, second) = cut(address, UInt8(ascii: "@"))
    return try JID(
      localpart: second == nil ? nil : decode(first), domainpart: decode(second ?? first),
      resourcepart: resource == nil ? nil : decode(resource ?? []))
  }

  /// What is before the first `delimiter` and, where there is one, what is behind it.
  private static func cut(
    _ bytes: ArraySlice<UInt8>, _ delimiter: UInt8
  ) -> (ArraySlice<UInt8>, ArraySlice<UInt8>?) {
    guard let index = bytes.firstIndex(of: delimiter) else { return (bytes, nil) }
    return (bytes[..<index], bytes[index...].dropFirst())
  }

  private static func text(_ bytes: ArraySlice<UInt8>) throws(Failure) -> String {
    String(decoding: try decode(bytes), as: UTF8.self)
  }

  /// Percent-decoding (RFC 3986 §2.1).
  private static func decode(_ bytes: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
    var decoded: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(hexadecimalValue),
        let low = rest.popFirst().flatMap(hexadecimalValue)
      else {
        throw malformed("a % is not followed by two hexadecimal digits")
      }
      decoded.append(high << 4 | low)
    }
    guard String(validating: decoded, as: UTF8.self) != nil else { throw malformed("it is not UTF-8") }
    return decoded
  }

  private static func malformed(_ why: String) -> Failure {
    Failure(.input, "uri-malformed", "not an xmpp: URI: \(why)", status: .data)
  }
}

/// The value of a hexadecimal digit.
func hexadecimalValue(_ digit: UInt8) -> UInt8? {
  switch digit {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
  default: nil
  }
}

extension JID {
  /// What a command was told to go to: an address, or an `xmpp:` URI that names one.
  ///
  /// - Throws: `jid-malformed` or `uri-malformed`.
  public init(target text: String, stage: Failure.Stage = .input) throws(Failure) {
    guard XMPPURI.isURI(text) else {
      self = try JID(parsing: text, stage: stage)
      return
    }
    guard let target = try XMPPURI(parsing: text).target else {
      throw Failure(stage, "uri-malformed", "the xmpp: URI names no address", status: .data)
    }
    self = target
  }
}
