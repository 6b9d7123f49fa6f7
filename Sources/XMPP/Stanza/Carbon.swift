/// Copies of what the account's other devices received or sent (XEP-0280).
public struct Carbon: Sendable, Equatable {
  /// Whether the other device received or sent it.
  public enum Direction: String, Sendable {
    case received, sent
  }

  /// Which way it went.
  public let direction: Direction
  /// The message that went there.
  public let message: Stanza
  /// When, where that was another time.
  public let delay: Delay?

  /// The payload that asks the server for copies.
  public static let enable = Element("enable", Namespace.carbons)

  /// Unwraps a copy; `nil` where the stanza is none, or is not from the account itself: anybody could wrap anything
  /// (§11, CVE-2017-5589).
  ///
  /// - Parameter account: the own address; its resourcepart does not matter.
  public init?(_ stanza: Stanza, account: JID) {
    guard stanza.kind == .message, !stanza.isType("error"), let wrapper = Carbon.wrapper(in: stanza),
      stanza.sender == account.bare,
      let forwarded = Forwarded(in: wrapper.element)
    else { return nil }
    direction = wrapper.direction
    message = forwarded.message
    delay = forwarded.delay
  }

  /// Whether the stanza has the form of a copy, whoever sent it.
  public static func looksLikeOne(_ stanza: Stanza) -> Bool {
    stanza.kind == .message && wrapper(in: stanza) != nil
  }

  private static func wrapper(in stanza: Stanza) -> (direction: Direction, element: Element)? {
    for child in stanza.element.elements {
      if child.is("received", Namespace.carbons) { return (.received, child) }
      if child.is("sent", Namespace.carbons) { return (.sent, child) }
    }
    return nil
  }
}
