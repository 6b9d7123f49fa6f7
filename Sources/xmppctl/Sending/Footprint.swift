import XMPP

/// Bytes of stanzas that are kept: a number beside them, so that nobody has to go through them all.
struct Footprint {
  private(set) var bytes = 0

  mutating func add(_ stanza: Element) { bytes += stanza.footprint }
  mutating func remove(_ stanza: Element) { bytes -= stanza.footprint }
}
