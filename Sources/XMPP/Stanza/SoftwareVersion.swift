/// Name and version of the software (XEP-0092), told to whoever asks.
public enum SoftwareVersion {
  /// The answer to the question; `nil` where the stanza is none.
  public static func answer(to request: Stanza, name: String, version: String) -> Element? {
    guard request.kind == .iq, request.isType("get"),
      request.element.child("query", Namespace.version) != nil
    else { return nil }
    return IQ.result(
      to: request,
      Element(
        "query", Namespace.version,
        [Element("name", Namespace.version, name), Element("version", Namespace.version, version)]))
  }
}
