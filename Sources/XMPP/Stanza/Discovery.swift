/// Service discovery (XEP-0030), as the one who is asked.
public enum Discovery {
  /// What this program says of itself: an automaton that answers pings and these questions.
  private static let features = [Namespace.discoInfo, Namespace.ping, Namespace.version]

  /// The answer to a question about this program; `nil` where the stanza is no such question.
  ///
  /// Nothing is known of any node (§3.2).
  ///
  /// - Parameter features: what it answers to beyond the questions themselves, as `urn:xmpp:receipts`.
  public static func answer(
    to request: Stanza, name: String, features: [String] = []
  ) -> Element? {
    guard request.kind == .iq, request.isType("get"),
      let query = request.element.child("query", Namespace.discoInfo)
    else { return nil }
    if query.attribute("node") != nil {
      return IQ.error(to: request, StanzaError("cancel", "item-not-found"))
    }
    let identity = Element(
      "identity", Namespace.discoInfo, ["category": "client", "type": "bot", "name": name])
    return IQ.result(
      to: request,
      Element(
        "query", Namespace.discoInfo,
        [identity]
          + (Discovery.features + features).map { Element("feature", Namespace.discoInfo, ["var": $0]) }))
  }

  /// The payload that asks for what another entity is and does.
  public static let question = Element("query", Namespace.discoInfo)

  /// Whether an answer names a feature.
  public static func has(_ feature: String, in answer: Stanza) -> Bool {
    answer.element.child("query", Namespace.discoInfo)?.elements.contains {
      $0.is("feature", Namespace.discoInfo) && $0.attribute("var")?.isSame(as: feature) == true
    } ?? false
  }
}
