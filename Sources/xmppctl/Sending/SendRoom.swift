import XMPP

/// The rooms that a run sends to: joined before the first message, left after the last. No I/O.
struct SendRooms {
  /// One room, and what waits for its confirmation.
  private struct Room {
    var occupancy: RoomOccupancy
    /// When the room is asked for confirmation if it reflects nothing before; never if nothing waits for it.
    var pingDue = Deadline.never
    /// Seconds until the next question.
    var wait = SendRooms.shortestWait
    /// The first message after the question in flight.
    var barrier: Int?

    /// Whether it is neither joined nor given up, which includes asking whether it still exists.
    var isPending: Bool { occupancy.occupant == nil && occupancy.ending == nil }

    /// Whether a question is in flight.
    var isAsked: Bool { barrier != nil && occupancy.awaitsSelfPing }
  }

  /// What the sender has to do.
  enum Action {
    case send(Element)
    case notice(String)
    /// The room has read the messages to it before this number.
    case confirm(JID, before: Int)
    /// The room removed the session: what it has not reflected has failed.
    case fail(JID, Failure)
  }

  /// Seconds without a copy after which the room is asked, and the longest time between two questions.
  private static let shortestWait = 1.0
  private static let longestWait = 16.0

  private var rooms: [Room]
  private let hasPassword: Bool
  private let hasNick: Bool
  /// Whether a room that joining has created was destroyed, which the server has to read before the stream closes.
  private(set) var hasDestroyed = false

  /// - Parameters:
  ///   - occupants: the rooms with the requested nicknames as resourceparts.
  ///   - hasNick: whether the user chose the nickname.
  init(_ occupants: [JID], account: JID, password: String?, hasNick: Bool) {
    var policy = RoomOccupancy.Policy()
    policy.password = password
    policy.keepsNickname = hasNick
    policy.announcesPresence = true
    rooms = occupants.map { Room(occupancy: RoomOccupancy($0, account: account, policy: policy)) }
    hasPassword = password != nil
    self.hasNick = hasNick
  }

  /// Whether the run sends to no room.
  var isEmpty: Bool { rooms.isEmpty }

  /// The session's own occupants.
  var occupants: [JID] { rooms.compactMap(\.occupancy.occupant) }

  /// Whether a room has not answered yet.
  var isJoining: Bool { rooms.contains(where: \.isPending) }

  /// What the run waits for while it joins.
  var activity: String {
    guard let room = rooms.first(where: \.isPending)?.occupancy else { return "" }
    return room.awaitsCaptcha ? "waiting for the captcha of \(room.room.full)" : "joining \(room.room.full)"
  }

  /// When `elapse` must be called next.
  var due: Deadline {
    rooms.reduce(.never) { min($0, $1.occupancy.due, $1.isAsked ? .never : $1.pingDue) }
  }

  /// The requests to join, in a new session.
  mutating func begin(account: JID) -> [Action] {
    perform { room in
      (room.pingDue, room.barrier, room.wait) = (.never, nil, SendRooms.shortestWait)
      return room.occupancy.begin(account: account, at: .now)
    }
  }

  /// Takes a stanza.
  ///
  /// - Throws: why the last room removed the session.
  mutating func take(_ stanza: Stanza) throws(Failure) -> [Action] {
    guard !rooms.isEmpty, let sender = stanza.sender else { return [] }
    var removals: [Action] = []
    let actions = perform { room in
      let wasJoined = room.occupancy.occupant != nil
      if stanza.isType("groupchat"), sender == room.occupancy.occupant, room.pingDue != .never {
        (room.pingDue, room.wait) = (.after(seconds: SendRooms.shortestWait), SendRooms.shortestWait)
      }
      let events = room.occupancy.take(stanza, from: sender, at: .now).events
      if wasJoined, let failure = room.occupancy.ending {
        removals.append(.fail(room.occupancy.room, failure))
      }
      return events
    }
    if !removals.isEmpty, let refusal { throw refusal }
    return actions + removals
  }

  /// Does what is due.
  ///
  /// - Parameters:
  ///   - next: the number of the next message.
  ///   - isAwaited: whether a message to a room waits for its copy.
  mutating func elapse(next: Int, isAwaited: (JID) -> Bool) -> [Action] {
    let now = Deadline.now
    return perform { room in
      var events = room.occupancy.elapse(at: now)
      guard !room.isAsked, room.pingDue.hasPassed else { return events }
      guard isAwaited(room.occupancy.room) else {
        room.pingDue = .never
        return events
      }
      guard let ping = room.occupancy.ping(at: now) else {
        // Another question is in flight, which confirms nothing.
        room.pingDue = now.advanced(bySeconds: SendRooms.shortestWait)
        return events
      }
      room.barrier = next
      room.wait = min(SendRooms.longestWait, room.wait * 2)
      room.pingDue = now.advanced(bySeconds: room.wait)
      events.append(.send(ping))
      return events
    }
  }

  /// Notes that a message was sent that waits for the room's copy.
  mutating func sent(to room: JID?) {
    for index in rooms.indices where rooms[index].occupancy.room == room?.bare {
      if rooms[index].pingDue == .never { rooms[index].pingDue = .after(seconds: rooms[index].wait) }
    }
  }

  /// Why nothing can be sent to a recipient; `nil` unless it is a room that was not joined.
  func refusal(of recipient: JID?) -> Failure? {
    rooms.first { $0.occupancy.room == recipient?.bare }?.occupancy.ending.map(hinted)
  }

  /// Why no room at all was joined; `nil` if one was.
  var refusal: Failure? {
    guard let first = rooms.first?.occupancy.ending,
      rooms.allSatisfy({ $0.occupancy.ending != nil })
    else { return nil }
    return hinted(first)
  }

  /// The presences that leave the rooms.
  func leave() -> [Element] { occupants.map(XMPP.Room.leave) }

  private func hinted(_ failure: Failure) -> Failure {
    failure.withRoomHint(hasPassword: hasPassword, hasNick: hasNick)
  }

  private mutating func perform(_ step: (inout Room) -> [RoomOccupancy.Event]) -> [Action] {
    var actions: [Action] = []
    for index in rooms.indices {
      for event in step(&rooms[index]) {
        switch event {
        case .send(let element):
          actions.append(.send(element))
          hasDestroyed = hasDestroyed || element.child("query", Namespace.mucOwner) != nil
        case .notice(let text): actions.append(.notice(text))
        case .confirmed:
          guard let barrier = rooms[index].barrier else { continue }
          rooms[index].barrier = nil
          actions.append(.confirm(rooms[index].occupancy.room, before: barrier))
        case .joined, .interrupted, .ended: continue
        }
      }
    }
    return actions
  }
}
