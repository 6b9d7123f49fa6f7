/// Stanzas that came after a resource was bound and before the login was complete, in the order in which they came. No I/O.
///
/// A server may deliver as soon as there is a resource (RFC 6120 §7.1, RFC 6121 §4.2), while it still owes an answer, such as
/// that to the session of RFC 3921.
struct EarlyStanzas {
  /// The maximum number of stanzas.
  private static let maximumCount = 4096
  /// The size, in bytes, from which on no further stanza is kept.
  private static let maximumBytes = 1 << 20

  private var stanzas: [(element: Element, skipped: SkipReason?)] = []
  private var next = 0
  private var bytes = 0

  /// Keeps a stanza.
  ///
  /// - Parameter skipped: why the element is a start tag alone.
  /// - Throws: `policy-violation` if there are too many.
  mutating func add(_ element: Element, skipped: SkipReason?) throws(Failure) {
    guard stanzas.count < EarlyStanzas.maximumCount, bytes < EarlyStanzas.maximumBytes else {
      throw .protocolViolation(
        "policy-violation", "the server sent \(stanzas.count) stanzas before the answer to the login")
    }
    stanzas.append((element, skipped))
    bytes += element.footprint
  }

  /// Removes the oldest stanza and returns it.
  mutating func take() -> (element: Element, skipped: SkipReason?)? {
    guard next < stanzas.count else { return nil }
    defer {
      next += 1
      if next == stanzas.count { self = EarlyStanzas() }
    }
    return stanzas[next]
  }
}
