import XMPP

/// The room a run sends to: joined before the first message, left behind the last. No I/O.
struct SendRoom {
  /// Who one is there, once one is in: the room may have given another nickname.
  private(set) var occupant: JID?

  private let join: RoomJoin
  /// Whether entering it has made it.
  private(set) var isNew = false
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

  /// What leaves the room, where one is in; one that was not there before is not there afterwards.
  mutating func leave() -> Element? {
    defer { occupant = nil }
    return isNew ? Room.destroy(address) : occupant.map(Room.leave)
  }

  /// Takes a stanza that may be the room's word about oneself.
  ///
  /// - Throws: why it does not let one in, or has put one out. A room that did not exist before is none to send to.
  mutating func take(_ stanza: Stanza) throws(Failure) {
    guard let occupant else {
      guard let presence = try join.take(stanza) else { return }
      self.occupant = presence.occupant
      isNew = presence.isNewRoom
      if isNew { throw Room.missing(address) }
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
