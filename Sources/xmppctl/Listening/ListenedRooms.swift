import XMPP

/// All rooms that are listened to. No I/O.
struct ListenedRooms {
  private var rooms: [ListenedRoom]
  private let hasPassword: Bool
  private let hasNick: Bool

  /// What the listener has to do.
  enum Action {
    case send(Element)
    case tell(String)
  }

  init(_ plan: ListenPlan, account: JID) {
    rooms = plan.rooms.map { ListenedRoom($0, plan, account: account) }
    hasPassword = plan.roomPassword != nil
    hasNick = plan.hasNick
  }

  /// When `elapse` must be called next.
  var due: Deadline { rooms.reduce(.never) { min($0, $1.occupancy.due) } }

  /// Why the last room was given up; `nil` while one is left, or if there was none.
  var ending: Failure? {
    guard let last = rooms.last, rooms.allSatisfy({ $0.occupancy.ending != nil }) else { return nil }
    return (lastEnding ?? last.occupancy.ending)?.withRoomHint(hasPassword: hasPassword, hasNick: hasNick)
  }
  private var lastEnding: Failure?

  /// Whether a room was given up.
  var hasLost: Bool { rooms.contains { $0.occupancy.ending != nil } }

  /// The rooms that are not given up and whose occupant the session is not.
  var absent: [JID] {
    rooms.filter { $0.occupancy.ending == nil && $0.occupancy.occupant == nil }.map(\.occupancy.room)
  }

  /// Joins the rooms in a new session.
  mutating func begin(account: JID) -> [Action] { perform { $0.occupancy.begin(account: account, at: .now) } }

  /// Goes on in a resumed session.
  mutating func resume(account: JID) -> [Action] {
    perform { $0.occupancy.resume(account: account, at: .now) }
  }

  /// Does what is due.
  mutating func elapse() -> [Action] {
    let now = Deadline.now
    return perform { $0.occupancy.elapse(at: now) }
  }

  /// Takes a stanza.
  ///
  /// - Returns: whether it gets no line, whether a room vouches for its delay, and what it causes.
  mutating func take(_ stanza: Stanza) -> (hasNoLine: Bool, isHistory: Bool, actions: [Action]) {
    guard !rooms.isEmpty, let sender = stanza.sender else { return (false, false, []) }
    var (hasNoLine, isHistory) = (false, false)
    let now = Deadline.now
    let actions = perform { room in
      let (isConsumed, events) = room.occupancy.take(stanza, from: sender, at: now)
      hasNoLine = hasNoLine || isConsumed
      guard stanza.kind == .message, sender.bare == room.occupancy.room else { return events }
      switch room.take(stanza) {
      case .subjectOfJoin, .repeated: hasNoLine = true
      case .history: isHistory = true
      case .live: break
      }
      return events
    }
    return (hasNoLine, isHistory, actions)
  }

  /// Whether a request is the listener's own question to itself, which a room passes on (XEP-0410 §3).
  func isSelfPing(_ request: Stanza) -> Bool {
    guard Ping.isPing(request), let sender = request.sender else { return false }
    return rooms.contains { $0.occupancy.awaitsSelfPing && $0.occupancy.nickname == sender }
  }

  private mutating func perform(_ step: (inout ListenedRoom) -> [RoomOccupancy.Event]) -> [Action] {
    var actions: [Action] = []
    for index in rooms.indices {
      rooms[index].prepare()
      for event in step(&rooms[index]) {
        rooms[index].note(event)
        switch event {
        case .send(let element): actions.append(.send(element))
        case .notice(let text): actions.append(.tell(text))
        case .interrupted(let failure): actions.append(.tell(failure.message + "; joining again"))
        case .ended(let failure):
          lastEnding = Failure(
            failure.stage, failure.condition, failure.message, hint: failure.hint, status: .refused)
          // The last one is what the run fails with.
          if ending == nil { actions.append(.tell(failure.message)) }
        case .joined, .confirmed: break
        }
      }
    }
    return actions
  }
}

extension Listener {
  /// Does what the rooms ask for.
  func perform(_ actions: [ListenedRooms.Action]) {
    for action in actions {
      switch action {
      case .send(let element): send(element)
      case .tell(let text): Printer.diagnostic("xmppctl: listen: stanza: \(plan.echoes.text(text).shown)")
      }
    }
  }

  /// Tells which rooms the session was not in at the end of a run that was to listen until a time.
  func tellAbsentRooms() {
    for room in rooms.absent {
      wasAbsent = true
      Printer.diagnostic("xmppctl: listen: stanza: not in \(room.full.shown) at the end")
    }
  }
}
