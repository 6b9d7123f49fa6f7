import Glibc
import XMPP

/// How the sender joins rooms, and how their messages are confirmed.
extension Sender {
  /// Joins the rooms and waits until each has answered.
  ///
  /// - Throws: why no room was joined. Messages to one of several that refuses are refused each.
  func join() throws(Failure) {
    perform(rooms.begin(account: session.jid))
    while rooms.isJoining {
      while rooms.isJoining, let arrival = try session.take() { try take(arrival) }
      guard rooms.isJoining else { break }
      var nothing: [pollfd] = []
      try session.wait(for: &nothing, until: rooms.due, while: rooms.activity)
      elapseRooms()
    }
    if let refusal = rooms.refusal { throw refusal }
    delivery.occupants = rooms.occupants
  }

  /// Takes a stanza that may be a room's.
  ///
  /// - Throws: why the last room removed the session.
  func takeInRooms(_ stanza: Stanza) throws(Failure) {
    perform(try rooms.take(stanza))
    delivery.occupants = rooms.occupants
  }

  /// Asks rooms that reflect nothing whether they have read the messages.
  func elapseRooms() {
    guard rooms.due.hasPassed else { return }
    perform(rooms.elapse(next: delivery.nextNumber) { delivery.awaitsCopy(of: $0) })
  }

  /// Refuses a message to a room that was not joined.
  ///
  /// - Returns: whether it is one.
  func refuses(_ item: SendItem) -> Bool {
    guard let refusal = rooms.refusal(of: item.to) else { return false }
    delivery.fail(delivery.add(item.stanza, to: item.to, awaiting: item.awaited), refusal)
    return true
  }

  /// Leaves the rooms and closes the stream.
  ///
  /// - Parameter seconds: how long the server's closing is waited for, unless a room has to be destroyed by then.
  /// - Returns: the signal that ended the waiting, if one did.
  @discardableResult
  func close(within seconds: Double) -> Failure? {
    for leave in rooms.leave() { send(leave) }
    return session.close(within: rooms.hasDestroyed ? Sender.parting : seconds)
  }

  private func perform(_ actions: [SendRooms.Action]) {
    for action in actions {
      switch action {
      case .send(let element): send(element)
      case .notice(let text): output.say(text)
      case .confirm(let room, let number): delivery.reflected(by: room, before: number)
      case .fail(let room, let failure): delivery.fail(awaiting: room, failure)
      }
    }
  }
}
