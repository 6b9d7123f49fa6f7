/// That a stanza is older than its arrival (XEP-0203). Anybody can write this; whose word it is stands in `from`.
public struct Delay: Sendable, Equatable {
  /// When it was sent first, as written (XEP-0082).
  public var stamp: String
  /// Who delayed it, as written.
  public var from: String?
  /// Why, in words.
  public var reason: String?

  /// Reads `<delay/>`; `nil` where the element is none.
  public init?(_ element: Element) {
    guard element.is("delay", Namespace.delay), let stamp = element.attribute("stamp") else { return nil }
    self.stamp = stamp
    from = element.attribute("from")
    reason = element.text.isEmpty ? nil : element.text
  }

  /// The first one in an element: a stanza, or what wraps a forwarded one.
  public init?(in element: Element) {
    guard let delay = element.child("delay", Namespace.delay) else { return nil }
    self.init(delay)
  }
}
