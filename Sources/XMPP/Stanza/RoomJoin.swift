/// The wait for a room to let one in: the own presence comes last of all occupants' (XEP-0045 §7.2.2), or an error.
public struct RoomJoin: Sendable {
  /// The room with the nickname wished for.
  public let occupant: JID
  private let id: String

  /// - Parameter occupant: the room with the nickname as its resourcepart.
  public init(_ occupant: JID) {
    self.occupant = occupant
    id = StanzaIdentifier.random()
  }

  /// The presence to be sent.
  public func request(password: String? = nil, history: Int = 0) -> Element {
    Room.join(occupant, id: id, password: password, history: history)
  }

  /// Takes a stanza that may be the room's answer.
  ///
  /// - Returns: the own presence once one is in, with the nickname the room gave; `nil` until then.
  /// - Throws: why the room lets one not in.
  public func take(_ stanza: Stanza) throws(Failure) -> RoomPresence? {
    guard stanza.kind == .presence else { return nil }
    if let error = StanzaError(of: stanza) {
      guard let sender = stanza.sender, sender == occupant || sender == occupant.bare,
        stanza.id.map({ StanzaIdentifier.matches($0, id) }) ?? true
      else { return nil }
      throw error.failure("joining \(occupant.bare.full)", hint: RoomJoin.hint(error.condition))
    }
    guard let presence = RoomPresence(stanza, room: occupant), presence.isOwn, !presence.isUnavailable
    else { return nil }
    return presence
  }

  /// What the conditions mean when one joins (§7.2).
  private static func hint(_ condition: String) -> String? {
    switch condition {
    case "not-authorized": "the room wants a password: --room-password-file or --room-password-command"
    case "forbidden": "this account is banned from the room"
    case "item-not-found": "the room does not exist, or is locked until its owner has configured it"
    case "not-allowed": "rooms may not be made there by this account"
    case "not-acceptable": "the room wants the nickname that is registered there: --nick"
    case "registration-required": "the room is for its members only"
    case "conflict": "the nickname is taken; choose another with --nick"
    case "service-unavailable": "the room is full"
    case "jid-malformed": "the room does not take that nickname: --nick"
    default: nil
    }
  }
}
