/// Joining and leaving a room (XEP-0045 §7).
public enum Room {
  /// The presence that joins.
  ///
  /// - Parameters:
  ///   - occupant: the room with the nickname wished for as its resourcepart.
  ///   - history: how many of the last messages the room sends first (§7.2.14).
  public static func join(
    _ occupant: JID, id: String, password: String? = nil, history: Int = 0
  ) -> Element {
    var content = [Element("history", Namespace.muc, ["maxstanzas": String(history)])]
    if let password { content.insert(Element("password", Namespace.muc, password), at: 0) }
    return Element(
      "presence", Namespace.client, ["id": id, "to": occupant.full],
      [Element("x", Namespace.muc, content)])
  }

  /// The presence that leaves.
  public static func leave(_ occupant: JID) -> Element {
    Element("presence", Namespace.client, ["type": "unavailable", "to": occupant.full])
  }

  /// The iq that takes a room away that entering it has just made (§10.9): left behind, it would stay, locked.
  public static func destroy(_ room: JID) -> Element {
    IQ.request(
      .set, id: StanzaIdentifier.random(), to: room.bare,
      Element("query", Namespace.mucOwner, [Element("destroy", Namespace.mucOwner)]))
  }

  /// Why a room is not entered that was not there before.
  public static func missing(_ room: JID) -> Failure {
    Failure(
      .stanza, "item-not-found", "the room \(room.bare.full) did not exist",
      hint: "check its address; a new room is for its owner to make and configure", status: .refused)
  }
}

/// What a room says with a presence (XEP-0045 §7.2.2).
public struct RoomPresence: Sendable, Equatable {
  /// The occupant it is about.
  public let occupant: JID
  /// Whether the occupant is gone.
  public let isUnavailable: Bool
  /// The status codes, those of §15.6.2.
  public let codes: Set<Int>
  /// The new nickname of an occupant who changes it (code 303).
  public let newNick: String?

  /// Whether it is about oneself (code 110).
  public var isOwn: Bool { codes.contains(110) }
  /// Whether the room was made just now, and is locked until it is configured (code 201).
  public var isNewRoom: Bool { codes.contains(201) }
  /// Whether the room gave another nickname than was asked for (code 210).
  public var nickWasChanged: Bool { codes.contains(210) }
  /// Why one is in the room no longer, by the codes; `nil` where one left of one's own accord.
  public var removal: String? {
    guard isOwn, isUnavailable else { return nil }
    for (code, word) in RoomPresence.removals where codes.contains(code) { return word }
    return nil
  }

  /// Reads a presence; `nil` where it is none of the room, whose address decides: the rest anybody could write.
  public init?(_ stanza: Stanza, room: JID) {
    guard stanza.kind == .presence, let sender = stanza.sender, sender.bare == room.bare,
      let x = stanza.element.child("x", Namespace.mucUser)
    else { return nil }
    let unavailable = stanza.isType("unavailable")
    guard unavailable || stanza.isType("available") else { return nil }
    occupant = sender
    isUnavailable = unavailable
    codes = Set(
      x.elements.filter { $0.is("status", Namespace.mucUser) }.compactMap {
        $0.attribute("code").flatMap(Int.init)
      })
    newNick = codes.contains(303) ? x.child("item", Namespace.mucUser)?.attribute("nick") : nil
  }

  private static let removals = [
    (301, "banned"), (307, "kicked"), (321, "affiliation-changed"), (322, "members-only"), (332, "shutdown"),
    (333, "error"),
  ]
}
