/// Links that go with a message (XEP-0066 §3).
enum OutOfBand {
  /// The payload that carries a link.
  static func link(_ url: String) -> Element {
    Element("x", Namespace.outOfBand, [Element("url", Namespace.outOfBand, url)])
  }
}
