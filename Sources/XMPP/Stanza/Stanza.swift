/// A message, presence or iq (RFC 6120 §8): a view over the element that is one.
public struct Stanza: Sendable, Equatable {
  /// The three kinds, by their element names.
  public enum Kind: String, Sendable, CaseIterable {
    case message, presence, iq
  }

  /// The element itself, as it was on the wire.
  public let element: Element
  /// What it is.
  public let kind: Kind
  /// Why its content could not be parsed and `element` is its start tag alone; `nil` for a whole stanza.
  public let skipped: SkipReason?

  /// A whole element as a stanza; `nil` if it is none of the three in `jabber:client`.
  public init?(_ element: Element) { self.init(element, skipped: nil) }

  /// An element as a stanza; `nil` if it is none of the three in `jabber:client`.
  ///
  /// - Parameter skipped: why the element is a start tag alone.
  public init?(_ element: Element, skipped: SkipReason?) {
    guard element.commonNamespace == .client else { return nil }
    switch element.commonName {
    case .message: kind = .message
    case .presence: kind = .presence
    case .iq: kind = .iq
    default: return nil
    }
    self.element = element
    self.skipped = skipped
  }

  /// The type, with the defaults of RFC 6121 where the wire leaves it out: `normal` (§5.2.2), `available` (§4.7.1). Empty
  /// for an iq that lacks what it must have.
  public var type: String { element.attribute("type") ?? defaultType }

  /// The type that leaving it out means; empty for an iq.
  public var defaultType: String {
    switch kind {
    case .message: "normal"
    case .presence: "available"
    case .iq: ""
    }
  }

  /// Its id, as written.
  public var id: String? { element.attribute("id") }
  /// Who sent it, as written; absent where the server speaks for the own account (RFC 6120 §8.1.2.1).
  public var from: String? { element.attribute("from") }
  /// Whom it is for, as written.
  public var to: String? { element.attribute("to") }
  /// Its `xml:lang`.
  public var language: String? { element.language }

  /// Who sent it, where that is an address. Preparing it costs time; where bytes will do, use `from`.
  public var sender: JID? { from.flatMap(Stanza.address) }
  /// Whom it is for, where that is an address.
  public var recipient: JID? { to.flatMap(Stanza.address) }

  /// Whether it has that type, byte for byte, the default filled in.
  public func isType(_ type: String) -> Bool { self.type.isSame(as: type) }

  /// Whether it is an iq that must be answered (RFC 6120 §8.2.3).
  public var isRequest: Bool { kind == .iq && (isType("get") || isType("set")) }

  private static func address(_ text: String) -> JID? { try? JID(parsing: text) }
}
