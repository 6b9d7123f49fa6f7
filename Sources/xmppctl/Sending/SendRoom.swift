import XMPP

/// The room a run sends to: joined before the first message, left behind the last. No I/O.
struct SendRoom {
  /// Who one is there, once one is in: the room may have given another nickname.
  private(set) var occupant: JID?

  private let join: RoomJoin
  private let password: String?

  /// - Parameter occupant: the room with the nickname as its resourcepart.
  init(_ occupant: JID, password: String?) {
    join = RoomJoin(occupant)
    self.password = password
  }

  /// The room's own address.
  var address: JID { join.occupant.bare }

  /// The presence that joins.
  mutating func request() -> Element {
    occupant = nil
    return join.request(password: password)
  }

  /// The presence that leaves, where one is in.
  mutating func leave() -> Element? {
    defer { occupant = nil }
    return occupant.map(Room.leave)
  }

  /// Takes a stanza that may be the room's word about oneself.
  ///
  /// - Throws: why it does not let one in, or has put one out. A room that did not exist before is none to send to.
  mutating func take(_ stanza: Stanza) throws(Failure) {
    guard let occupant else {
      guard let presence = try join.take(stanza) else { return }
      self.occupant = presence.occupant
      guard !presence.isNewRoom else {
        throw Failure(.stanza, "item-not-found", "the room \(address.full) did not exist", status: .refused)
      }
      return
    }
    guard let presence = RoomPresence(stanza, room: occupant), presence.isOwn, presence.isUnavailable else {
      return
    }
    self.occupant = nil
    let why = presence.removal ?? "removed"
    throw Failure(.stanza, why, "\(address.full) put us out: \(why)", status: .refused)
  }
}
