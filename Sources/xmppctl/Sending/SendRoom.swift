import Glibc
import XMPP

/// The room a run sends to: joined before the first message, left behind the last.
final class SendRoom {
  private let join: RoomJoin
  private let password: String?
  private var occupant: JID?

  /// - Parameter occupant: the room with the nickname as its resourcepart.
  init(_ occupant: JID, password: String?) {
    join = RoomJoin(occupant)
    self.password = password
  }

  /// Joins, and waits until the room says that one is in.
  ///
  /// - Throws: why it does not let one in. A room that did not exist before is none to send to.
  func join(_ session: Session<Int>) throws(Failure) {
    occupant = nil
    guard session.send(join.request(password: password), token: Int.min) else { return }
    while occupant == nil {
      var nothing: [pollfd] = []
      try session.wait(for: &nothing, while: "joining \(join.occupant.bare.full)")
      while occupant == nil, let arrival = try session.take() {
        guard case .stanza(let stanza) = arrival else { continue }
        session.handled(1)
        guard let presence = try join.take(stanza) else { continue }
        occupant = presence.occupant
        if presence.isNewRoom {
          try leave(session)
          throw Failure(
            .stanza, "item-not-found", "the room \(join.occupant.bare.full) did not exist", status: .refused)
        }
      }
    }
  }

  /// Watches for being thrown out.
  ///
  /// - Throws: why one is no longer in the room.
  func take(_ stanza: Stanza) throws(Failure) {
    guard let occupant, let presence = RoomPresence(stanza, room: occupant), presence.isOwn,
      presence.isUnavailable
    else { return }
    self.occupant = nil
    let why = presence.removal ?? "removed"
    throw Failure(.stanza, why, "\(occupant.bare.full) put us out: \(why)", status: .refused)
  }

  /// Leaves.
  func leave(_ session: Session<Int>) throws(Failure) {
    guard let occupant else { return }
    self.occupant = nil
    _ = session.send(Room.leave(occupant), token: Int.min)
  }
}
