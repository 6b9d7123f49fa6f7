/// Delivery receipts (XEP-0184).
public enum Receipt {
  /// The payload that asks for one.
  public static let request = Element("request", Namespace.receipts)

  /// The answer to a message that asks for a receipt; `nil` where none is due: it asks for none, has no id or sender, is
  /// an error or itself a receipt, or is of a room, whose occupants should not answer all at once (§5.3).
  public static func answer(to message: Stanza) -> Element? {
    guard message.kind == .message, let id = message.id, let from = message.from,
      !message.isType("error"), !message.isType("groupchat"),
      message.element.child("request", Namespace.receipts) != nil,
      message.element.child("received", Namespace.receipts) == nil
    else { return nil }
    // Its type is that of what it answers, so that it takes the same way (§5.4).
    return Element(
      "message", Namespace.client,
      ["type": message.element.attribute("type"), "id": StanzaIdentifier.random(), "to": from],
      [Element("received", Namespace.receipts, ["id": id])])
  }

  /// The id of the message whose receipt this is. The caller checks that the sender is the one it had sent it to.
  public static func received(in message: Stanza) -> String? {
    guard message.kind == .message, !message.isType("error") else { return nil }
    return message.element.child("received", Namespace.receipts)?.attribute("id")
  }
}
