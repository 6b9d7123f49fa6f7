import XMPP

/// A stanza that was sent, as it is kept until the server has acknowledged it.
struct SentStanza: Sendable {
  let stanza: Element
  /// Whether it is from standard input: what becomes of it is told then.
  let isInput: Bool
}
