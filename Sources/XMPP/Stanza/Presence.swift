/// The own presence (RFC 6121 §4).
public enum Presence {
  /// Available, to all who are subscribed; a priority below 0 wants no messages sent to the bare address (§4.7.2.3).
  public static func available(priority: Int8? = nil) -> Element {
    let content = priority.map { [Element("priority", Namespace.client, String($0))] } ?? []
    return Element("presence", Namespace.client, content)
  }

  /// No longer available.
  public static let unavailable = Element("presence", Namespace.client, ["type": "unavailable"])
}
