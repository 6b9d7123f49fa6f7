/// Joining and leaving a room (XEP-0045 §7).
public enum Room {
  /// Which of its last messages a room sends to a new occupant (XEP-0045 §7.2.14).
  public struct History: Sendable, Equatable {
    /// How many at most.
    public var count: Int
    /// Only those since this time (XEP-0082); `nil` sets no limit.
    public var since: String?

    /// The last messages, or those of them since a time.
    public init(count: Int = 0, since: String? = nil) { (self.count, self.since) = (count, since) }
  }

  /// The presence that joins.
  ///
  /// - Parameters:
  ///   - occupant: the room with the requested nickname as its resourcepart.
  ///   - history: which of the last messages the room sends first (§7.2.14).
  public static func join(
    _ occupant: JID, id: String, password: String? = nil, history: History = History()
  ) -> Element {
    var content = [
      Element(
        "history", Namespace.muc, ["maxstanzas": String(history.count), "since": history.since])
    ]
    if let password { content.insert(Element("password", Namespace.muc, password), at: 0) }
    return Element(
      "presence", Namespace.client, ["id": id, "to": occupant.full],
      [Element("x", Namespace.muc, content)])
  }

  /// The presence that leaves.
  public static func leave(_ occupant: JID) -> Element {
    Element("presence", Namespace.client, ["type": "unavailable", "to": occupant.full])
  }

  /// The iq that destroys a room which joining it has just created (§10.9): otherwise it would stay, locked.
  public static func destroy(_ room: JID) -> Element {
    IQ.request(
      .set, id: StanzaIdentifier.random(), to: room.bare,
      Element("query", Namespace.mucOwner, [Element("destroy", Namespace.mucOwner)]))
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
  /// Why the occupant was removed, if the room says so.
  public let removal: Removal?

  /// Whether the room says that it is about the session itself: code 110, and those that nobody else gets (201, 210).
  public var isOwn: Bool { !codes.isDisjoint(with: [110, 201, 210]) }
  /// Whether joining has created the room, which is locked until it is configured (code 201).
  public var isNewRoom: Bool { codes.contains(201) }
  /// Whether the room gave another nickname than the requested one (code 210).
  public var nickWasChanged: Bool { codes.contains(210) }

  /// Parses a presence; `nil` if it is none of the room. The sender's address decides: anybody could write the rest.
  public init?(_ stanza: Stanza, room: JID) {
    guard let sender = stanza.sender else { return nil }
    self.init(stanza, from: sender, room: room)
  }

  /// Parses a presence whose sender is parsed already.
  init?(_ stanza: Stanza, from sender: JID, room: JID) {
    guard stanza.kind == .presence, sender.resourcepart != nil, sender.bare == room.bare else { return nil }
    let unavailable = stanza.isType("unavailable")
    guard unavailable || stanza.isType("available") else { return nil }
    occupant = sender
    isUnavailable = unavailable
    let x = stanza.element.child("x", Namespace.mucUser)
    codes = Set(x.map(RoomPresence.codes) ?? [])
    let item = x?.child("item", Namespace.mucUser)
    newNick = codes.contains(303) ? item?.attribute("nick") : nil
    removal = unavailable ? Removal(x, codes) : nil
  }

  private static func codes(_ x: Element) -> [Int] {
    x.elements.filter { $0.is("status", Namespace.mucUser) }.compactMap {
      $0.attribute("code").flatMap(Int.init)
    }
  }
}

extension RoomPresence {
  /// Why an occupant was removed (XEP-0045 §15.6.2, §10.9).
  public struct Removal: Sendable, Equatable {
    /// The kinds of removal; the raw value is the condition.
    public enum Kind: String, Sendable {
      case banned, kicked, shutdown, destroyed
      case affiliation = "affiliation-changed"
      case membersOnly = "members-only"
      case technical = "connection-lost"
    }

    /// What happened.
    public let kind: Kind
    /// Who did it: a nickname or an address.
    public let actor: String?
    /// Why, in the actor's words.
    public let reason: String?
    /// The room that replaces a destroyed one.
    public let alternative: String?

    /// Whether joining again may succeed: the service restarts (332), or a technical problem removed the occupant (333,
    /// also beside 307).
    public var isTemporary: Bool { kind == .shutdown || kind == .technical }

    fileprivate init?(_ x: Element?, _ codes: Set<Int>) {
      guard let x else { return nil }
      let item = x.child("item", Namespace.mucUser)
      let destroy = x.child("destroy", Namespace.mucUser)
      guard let kind = destroy == nil ? Removal.kind(codes) : .destroyed else { return nil }
      self.kind = kind
      let actor = item?.child("actor", Namespace.mucUser)
      self.actor = actor?.attribute("nick") ?? actor?.attribute("jid")
      let reason = (destroy ?? item)?.child("reason", Namespace.mucUser)?.text
      self.reason = reason?.isEmpty == false ? reason : nil
      alternative = destroy?.attribute("jid")
    }

    private static func kind(_ codes: Set<Int>) -> Kind? {
      let kinds: [(Int, Kind)] = [
        (301, .banned), (333, .technical), (332, .shutdown), (307, .kicked), (321, .affiliation),
        (322, .membersOnly),
      ]
      return kinds.first { codes.contains($0.0) }?.1
    }

    /// The sentence for a person.
    func sentence(_ room: JID) -> String {
      let room = room.bare.full
      var sentence =
        switch kind {
        case .banned: "banned from \(room)"
        case .kicked: "kicked from \(room)"
        case .shutdown: "the service of \(room) is shutting down"
        case .destroyed: "\(room) was destroyed"
        case .affiliation: "removed from \(room), whose affiliations changed"
        case .membersOnly: "removed from \(room), which is for members only now"
        case .technical: "removed from \(room) because of a technical problem"
        }
      if let actor { sentence += " by \"\(actor)\"" }
      if let reason { sentence += ": \"\(reason)\"" }
      if let alternative { sentence += "; it is replaced by \(alternative)" }
      return sentence
    }
  }
}
