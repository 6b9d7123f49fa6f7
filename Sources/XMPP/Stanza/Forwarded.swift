/// A message inside another (XEP-0297).
struct Forwarded {
  let message: Stanza
  let delay: Delay?

  /// Reads the one `<forwarded/>` of an element; `nil` where there is none or no message in it.
  init?(in element: Element) {
    guard let forwarded = element.child("forwarded", Namespace.forward),
      let message = forwarded.child("message", Namespace.client).flatMap(Stanza.init(_:))
    else { return nil }
    self.message = message
    delay = Delay(in: forwarded)
  }
}
