/// The ids that archives and rooms give to stanzas (XEP-0359).
public enum StanzaID {
  /// The id that `assigner`, the own account or a room, gave to the stanza. Ids by anybody else mean nothing here, and the
  /// caller must know that the assigner takes foreign ones out (§3.1, security considerations).
  public static func of(_ stanza: Stanza, by assigner: JID) -> String? {
    for child in stanza.element.elements where child.is("stanza-id", Namespace.stanzaIDs) {
      guard let by = child.attribute("by"), let jid = try? JID(parsing: by), jid == assigner else { continue }
      return child.attribute("id")
    }
    return nil
  }
}
