/// What the answers to questions about a room mean.
enum RoomAnswer {
  /// What the answer to a self-ping says (XEP-0410 §3.2).
  enum SelfPing {
    case joined, notJoined, undecided
    /// The nickname has just changed, or the whole room is gone.
    case unknownOccupant
  }

  /// Reads the answer to a ping to the session's own occupant.
  static func selfPing(_ error: StanzaError?) -> SelfPing {
    guard let error else { return .joined }
    return switch error.condition {
    // The room passed the ping on to a client that does not support it.
    case "service-unavailable", "feature-not-implemented": .joined
    case "item-not-found": .unknownOccupant
    case "remote-server-not-found", "remote-server-timeout": .undecided
    default: .notJoined
    }
  }

  /// What the domain of a room is, by its answer to disco#info.
  enum Service {
    case unknown, offersRooms, offersNone
  }

  /// Reads the answer of a domain (XEP-0045 §6.1). A gateway may have rooms without saying so.
  static func service(_ answer: Stanza, _ error: StanzaError?) -> Service {
    guard error == nil, answer.skipped == nil,
      let query = answer.element.child("query", Namespace.discoInfo)
    else { return .unknown }
    if Discovery.has(Namespace.muc, in: answer) { return .offersRooms }
    let identities = query.elements.filter { $0.is("identity", Namespace.discoInfo) }
    let mayHaveRooms = identities.contains { identity in
      ["conference", "gateway"].contains { identity.attribute("category")?.isSame(as: $0) == true }
    }
    if mayHaveRooms { return .offersRooms }
    return query.elements.contains { $0.is("feature", Namespace.discoInfo) } ? .offersNone : .unknown
  }

  /// The address that a room's captcha message names; `nil` if the message is none (XEP-0158 §3).
  static func captcha(_ message: Stanza) -> String? {
    guard message.kind == .message, !message.isType("groupchat"), !message.isType("error"),
      message.element.child("captcha", Namespace.captcha) != nil
    else { return nil }
    let body = message.element.child("body", Namespace.client)?.text ?? ""
    let link = body.split(whereSeparator: \.isWhitespace).first {
      $0.utf8.starts(with: "https://".utf8) || $0.utf8.starts(with: "http://".utf8)
    }
    return link.map(String.init)
      ?? message.element.child("x", Namespace.outOfBand)?.child("url", Namespace.outOfBand)?.text
      ?? (body.isEmpty ? nil : body)
  }
}
