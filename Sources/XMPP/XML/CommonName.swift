/// Names and namespaces that nearly every stanza has. Every tape keeps them at the same places, which are the raw values, so
/// that an element or attribute is told by a number and not by comparing text.
public enum CommonName: UInt32, CaseIterable, Sendable {
  case empty
  // Namespaces
  case client, xml, delay, stanzaErrors
  // Elements
  case message, presence, iq, body, subject, thread, show, status, priority, error
  // Attributes
  case from, to, id, type, lang

  /// The name itself.
  var string: String {
    switch self {
    case .empty: ""
    case .client: Namespace.client
    case .xml: Namespace.xml
    case .delay: Namespace.delay
    case .stanzaErrors: Namespace.stanzaErrors
    case .message, .presence, .iq, .body, .subject, .thread, .show, .status, .priority, .error: "\(self)"
    case .from, .to, .id, .type, .lang: "\(self)"
    }
  }

  /// All of them, each at its place.
  static let strings = allCases.map(\.string)
}

extension Element {
  /// The local name, where it is a common one.
  public var commonName: CommonName? { CommonName(rawValue: cell.name) }
  /// The namespace, where it is a common one.
  public var commonNamespace: CommonName? { CommonName(rawValue: cell.namespace) }
}

extension Attribute {
  /// The local name, where it is a common one.
  public var commonName: CommonName? { CommonName(rawValue: tape.cells[index].name) }
  /// The namespace, where it is a common one.
  public var commonNamespace: CommonName? { CommonName(rawValue: tape.cells[index].namespace) }
}
