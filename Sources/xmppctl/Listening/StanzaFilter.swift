import XMPP

/// Which stanzas get a line: those that one of the values of each kind of filter fits.
struct StanzaFilter {
  /// Kinds of stanza (`message`, `presence`, `iq`) and types of message (`chat`).
  private let types: [String]
  /// Senders, as full JID, bare JID or domain.
  private let senders: [JID]
  /// Namespaces of payloads.
  private let namespaces: [String]

  /// - Throws: a usage failure for what can fit nothing.
  init(types: [String], senders: [String], namespaces: [String]) throws(Failure) {
    let known = Stanza.Kind.allCases.map(\.rawValue) + Message.Kind.allCases.map(\.rawValue) + ["error"]
    for type in types where !known.contains(type) {
      throw .usage("--type \(type) is none of \(known.joined(separator: ", "))")
    }
    self.types = types
    var addresses: [JID] = []
    for sender in senders { addresses.append(try JID(parsing: sender)) }
    self.senders = addresses
    self.namespaces = namespaces
  }

  /// Whether the stanza gets a line.
  func fits(_ stanza: Stanza) -> Bool { fitsType(stanza) && fitsNamespace(stanza) && fitsSender(stanza) }

  private func fitsType(_ stanza: Stanza) -> Bool {
    types.isEmpty
      || types.contains { type in
        stanza.kind.rawValue.utf8.elementsEqual(type.utf8) || stanza.kind == .message && stanza.isType(type)
      }
  }

  private func fitsNamespace(_ stanza: Stanza) -> Bool {
    namespaces.isEmpty
      || stanza.element.elements.contains { child in
        namespaces.contains { child.namespace.utf8.elementsEqual($0.utf8) }
      }
  }

  private func fitsSender(_ stanza: Stanza) -> Bool {
    if senders.isEmpty { return true }
    guard let sender = stanza.sender else { return false }
    return senders.contains { $0 == sender || $0 == sender.bare || $0 == sender.domain }
  }
}
