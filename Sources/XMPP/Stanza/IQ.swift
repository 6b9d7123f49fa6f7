/// Requests and their answers (RFC 6120 §8.2.3).
public enum IQ {
  /// What a request is for.
  public enum Kind: String, Sendable {
    case get, set
  }

  /// A request; with `to` absent the own account answers, that is, the server.
  public static func request(_ kind: Kind, id: String, to: JID?, _ payload: Element) -> Element {
    Element("iq", Namespace.client, ["type": kind.rawValue, "id": id, "to": to?.full], [payload])
  }

  /// The positive answer to a request.
  public static func result(to request: Stanza, _ payload: Element? = nil) -> Element {
    Element(
      "iq", Namespace.client, ["type": "result", "id": request.id, "to": request.from],
      payload.map { [$0] } ?? [])
  }

  /// The negative answer to a request, which every get and set that is not understood must have (RFC 6120 §8.4).
  public static func error(to request: Stanza, _ error: StanzaError = .serviceUnavailable) -> Element {
    Element(
      "iq", Namespace.client, ["type": "error", "id": request.id, "to": request.from], [error.element])
  }
}
