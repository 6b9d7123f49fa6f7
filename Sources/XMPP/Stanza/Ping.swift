/// Pings (XEP-0199).
public enum Ping {
  /// The payload of a request.
  public static let payload = Element("ping", Namespace.ping)

  /// Whether a request is a ping, which is answered with an empty result.
  public static func isPing(_ request: Stanza) -> Bool {
    request.kind == .iq && request.isType("get") && request.element.child("ping", Namespace.ping) != nil
  }
}
