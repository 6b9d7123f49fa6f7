import XMPP

/// A room to be listened to: the wait for being let in, and what belongs to that.
struct RoomSeat {
  private let occupant: JID
  /// The wait, until one is in.
  private var join: RoomJoin?
  /// The subject comes last of what a room sends to whoever enters (XEP-0045 §7.2.15).
  private var awaitsSubject = false
  /// Whether entering it has made it.
  private var isNew = false

  /// - Parameter occupant: the room, with the nickname as its resourcepart.
  init(_ occupant: JID) { self.occupant = occupant }

  /// The presence that asks to be let in.
  mutating func enter(password: String?, history: Int) -> Element {
    let join = RoomJoin(occupant)
    self.join = join
    awaitsSubject = true
    return join.request(password: password, history: history)
  }

  /// What is left to be sent to it at the end: a room that was not there before is not there afterwards.
  var undoing: Element? { isNew ? Room.destroy(occupant) : nil }

  /// Whether a presence is part of being let in: those of the occupants, the own one last.
  ///
  /// - Throws: why the room does not let one in, or has put one out. A room that did not exist before is none to listen to:
  ///   it is locked, and nobody else will ever come in.
  mutating func takes(_ presence: Stanza) throws(Failure) -> Bool {
    guard let sender = presence.sender, sender.bare == occupant.bare else { return false }
    guard let join else {
      if let removal = RoomPresence(presence, room: occupant)?.removal {
        throw Failure(
          .stanza, removal, "\(occupant.bare) has put this session out: \(removal)", status: .refused)
      }
      return false
    }
    guard let own = try join.take(presence) else { return true }
    self.join = nil
    isNew = own.isNewRoom
    if isNew { throw Room.missing(occupant) }
    return true
  }

  /// Whether a message may be of the history that the room sends before its subject (XEP-0045 §7.2.13).
  func isHistory(_ message: Stanza) -> Bool {
    awaitsSubject && join == nil && message.isType("groupchat") && message.sender?.bare == occupant.bare
  }

  /// Whether a message is the subject that every room tells at first.
  mutating func takesSubject(_ message: Stanza) -> Bool {
    guard awaitsSubject, join == nil, message.isType("groupchat"),
      message.element.child("subject", Namespace.client) != nil,
      message.element.child("body", Namespace.client) == nil, message.sender?.bare == occupant.bare
    else { return false }
    awaitsSubject = false
    return true
  }
}
