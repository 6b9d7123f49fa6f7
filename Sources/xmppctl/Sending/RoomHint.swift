import XMPP

extension Failure {
  /// The failure of a room with what the user can do about it.
  ///
  /// - Parameters:
  ///   - hasPassword: whether a password for rooms was given.
  ///   - hasNick: whether a nickname was given.
  func withRoomHint(hasPassword: Bool, hasNick: Bool) -> Failure {
    guard stage == .stanza, hint == nil else { return self }
    var failure = self
    failure.hint = Failure.roomHint(condition, hasPassword: hasPassword, hasNick: hasNick)
    return failure
  }

  /// What the conditions mean when a room is joined (XEP-0045 §7.2).
  private static func roomHint(_ condition: String, hasPassword: Bool, hasNick: Bool) -> String? {
    switch condition {
    case "not-authorized":
      hasPassword
        ? "the room has another password"
        : "the room requires a password: --room-password-file or --room-password-command"
    case "forbidden": "this account is banned from the room"
    case "item-not-found": "check its address; a new room must be created and configured by its owner"
    case "not-allowed": "this account may not create rooms there"
    case "not-acceptable": "the room requires the nickname that is registered there: --nick"
    case "registration-required": "the room is for members only"
    case "conflict":
      hasNick
        ? "another occupant has that nickname; choose another with --nick" : "choose a nickname with --nick"
    case "service-unavailable", "resource-constraint": "the room may be full; try again later"
    case "jid-malformed": "the room does not accept that nickname: --nick"
    case "not-a-room": "to write to a user, omit --room"
    default: nil
    }
  }
}
