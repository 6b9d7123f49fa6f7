/// The occupancy of one room, from the request to join to its end (XEP-0045 §7, XEP-0410). No I/O and no clock: the caller
/// passes stanzas and the time, and does what the events say.
public struct RoomOccupancy: Sendable {
  /// How the room is joined.
  public struct Policy: Sendable {
    /// The room's password.
    public var password: String?
    /// Whether no other nickname is tried if the requested one is taken.
    public var keepsNickname = false
    /// Whether the room is joined again, after growing pauses, when the occupancy was lost and may be restored.
    public var rejoins = false
    /// Seconds of silence of the room after which it is asked whether the session is still an occupant; `nil` is never.
    public var silence: Double?
    /// Whether to announce presence if nothing answers the join: a server may drop what a room sends to a session without
    /// presence of its own.
    public var announcesPresence = false

    /// A single join that tries other nicknames.
    public init() {}
  }

  /// What the caller has to do.
  public enum Event: Sendable {
    /// Send this.
    case send(Element)
    /// The session is an occupant now.
    case joined
    /// The room has answered a self-ping: the session is an occupant, and the room has read what was sent before.
    case confirmed
    /// Tell the user.
    case notice(String)
    /// The occupancy is lost; the room is joined again later. Told once until it is joined.
    case interrupted(Failure)
    /// The room is given up.
    case ended(Failure)
  }

  /// The room and the requested nickname.
  public let requested: JID
  let policy: Policy
  var state = State.idle
  /// The questions in flight.
  var requests: IQTracker<Question>
  /// Whether the session, or one before it, was an occupant.
  private(set) var wasJoined = false
  /// The room with the nickname that the session has or asks for.
  public internal(set) var nickname: JID
  /// How many nicknames were tried.
  var nicknamesTried = 1
  /// How many self-pings were sent, in all sessions: only the answer to the newest one counts.
  private var selfPings = 0
  /// Which history the next join asks for.
  public var history = Room.History()
  private var pauses = Reconnection(shortest: 1, longest: 60)
  private var joinedSince = Deadline.never
  /// Whether the user knows that the occupancy is lost.
  private var isInterruptionTold = false
  /// Until when a taken nickname may be held by the session before this one.
  private var ghostLimit = Deadline.never

  /// What is asked.
  enum Question {
    case service
    /// With the number of the self-ping that led to it; 0 before a join.
    case existence(Int)
    /// With its number.
    case selfPing(Int)
  }

  enum State {
    case idle
    /// Asks whether the room exists, since joining would create it.
    case asking(until: Deadline)
    case joining(RoomJoining)
    case joined(JoinedRoom)
    case pausing(until: Deadline)
    case ended(Failure)
  }

  /// Seconds until a join without an answer is given up.
  static let joinLimit = 30.0
  /// Seconds until it is joined although the question whether it exists was not answered.
  private static let existenceLimit = 3.0
  /// Seconds that the server may keep the session before this one in the room.
  private static let longestGhost = 900.0
  /// Questions in flight; older ones are forgotten, so that a silent room costs no memory.
  private static let mostQuestions = 32

  /// - Parameters:
  ///   - requested: the room with the nickname as its resourcepart.
  ///   - account: the full JID.
  public init(_ requested: JID, account: JID, policy: Policy) {
    self.requested = requested
    self.policy = policy
    nickname = requested
    requests = IQTracker(account: account)
  }

  /// The room's address.
  public var room: JID { requested.bare }

  /// The session's own occupant; `nil` unless it is in the room.
  public var occupant: JID? { if case .joined(let joined) = state { joined.occupant } else { nil } }

  /// Why the room was given up.
  public var ending: Failure? { if case .ended(let failure) = state { failure } else { nil } }

  /// Whether a join waits for its answer.
  public var isJoining: Bool { if case .joining = state { true } else { false } }

  /// Whether a captcha has to be solved before the room is joined.
  public var awaitsCaptcha: Bool {
    if case .joining(let joining) = state { joining.awaitsCaptcha } else { false }
  }

  /// Whether a question to the session's own occupant is in flight, which the room may pass on to this session.
  public var awaitsSelfPing: Bool {
    if case .joined(let joined) = state { joined.pingLimit != .never } else { isJoining }
  }

  /// When `elapse` must be called next.
  public var due: Deadline {
    switch state {
    case .idle, .ended: .never
    case .asking(let limit), .pausing(let limit): limit
    case .joining(let joining): joining.due
    case .joined(let joined): joined.due(policy)
    }
  }
}

// MARK: - Beginning

extension RoomOccupancy {
  /// Begins in a new session: joins the room, or joins it again.
  public mutating func begin(account: JID, at now: Deadline) -> [Event] {
    guard ending == nil else { return [] }
    requests = IQTracker(account: account)
    return wasJoined ? askExistence(at: now) : join(at: now)
  }

  /// Takes over a session that was resumed after a run that had joined the room, and asks whether it is still there.
  public mutating func resume(account: JID, at now: Deadline) -> [Event] {
    guard case .idle = state else { return [] }
    requests = IQTracker(account: account)
    wasJoined = true
    var joined = JoinedRoom(occupant: nickname, at: now)
    let ping = selfPing(&joined, at: now)
    state = .joined(joined)
    return [.send(ping)]
  }

  /// Joins; asks beside it whether there are rooms at that domain.
  mutating func join(at now: Deadline) -> [Event] {
    let joining = RoomJoining(nickname, at: now, announcesPresence: policy.announcesPresence)
    state = .joining(joining)
    return [
      .send(Room.join(nickname, id: joining.id, password: policy.password, history: history)),
      .send(ask(.service, room.domain, Discovery.question)),
    ]
  }

  private mutating func askExistence(at now: Deadline) -> [Event] {
    state = .asking(until: now.advanced(bySeconds: RoomOccupancy.existenceLimit))
    return [.send(ask(.existence(0), room, Discovery.question))]
  }

  mutating func ask(_ question: Question, _ to: JID, _ payload: Element) -> Element {
    if requests.count >= RoomOccupancy.mostQuestions { _ = requests.removeAll() }
    return requests.request(.get, to: to, payload, for: question)
  }

  /// The session is an occupant.
  mutating func enter(_ occupant: JID, isNew: Bool, at now: Deadline) -> [Event] {
    if isNew {
      let destroy = Event.send(Room.destroy(room))
      let missing = Failure(
        .stanza, "item-not-found", "the room \(room.full) did not exist", status: .refused)
      return [destroy] + (wasJoined ? interrupt(missing, at: now) : end(missing))
    }
    (wasJoined, isInterruptionTold, ghostLimit, joinedSince) = (true, false, .never, now)
    nickname = occupant
    state = .joined(JoinedRoom(occupant: occupant, at: now))
    return [.joined]
  }
}

// MARK: - Endings

extension RoomOccupancy {
  /// Gives the room up.
  mutating func end(_ failure: Failure) -> [Event] {
    state = .ended(failure)
    return [.ended(failure)]
  }

  /// Joins again later, if that is wanted.
  mutating func interrupt(_ failure: Failure, at now: Deadline) -> [Event] {
    guard policy.rejoins else { return end(failure) }
    let held = joinedSince == .never ? 0 : now.milliseconds(since: joinedSince) / 1000
    joinedSince = .never
    let passing = Failure(.stanza, failure.condition, failure.message, status: .noConnection)
    state = .pausing(until: now.advanced(bySeconds: pauses.pause(after: passing, heldFor: held) ?? 60))
    if isInterruptionTold { return [] }
    isInterruptionTold = true
    return [.interrupted(failure)]
  }

  /// A taken nickname: another is tried, or the same again while the session before this one may hold it.
  mutating func retryNickname(_ failure: Failure, at now: Deadline) -> [Event] {
    if wasJoined, policy.rejoins {
      if ghostLimit == .never { ghostLimit = now.advanced(bySeconds: RoomOccupancy.longestGhost) }
      // Another occupant who takes the nickname must not end the run.
      if policy.keepsNickname || !ghostLimit.hasPassed(at: now) { return interrupt(failure, at: now) }
    }
    guard !policy.keepsNickname, nicknamesTried < 9 else { return end(failure) }
    nicknamesTried += 1
    let name = (requested.resourcepart ?? "") + "-\(nicknamesTried)"
    guard let other = try? requested.with(resourcepart: name) else { return end(failure) }
    nickname = other
    return join(at: now)
  }

  /// The room removed the session's occupant.
  mutating func remove(_ removal: RoomPresence.Removal?, at now: Deadline) -> [Event] {
    let failure = Failure(
      .stanza, removal?.kind.rawValue ?? "removed", removal?.sentence(room) ?? "removed from \(room.full)",
      status: .refused)
    return removal?.isTemporary == true ? interrupt(failure, at: now) : end(failure)
  }
}

// MARK: - Time

extension RoomOccupancy {
  /// Does what is due.
  public mutating func elapse(at now: Deadline) -> [Event] {
    guard due != .never, due <= now else { return [] }
    switch state {
    case .idle, .ended: return []
    case .asking: return join(at: now)
    case .pausing: return wasJoined ? askExistence(at: now) : join(at: now)
    case .joining(var joining):
      let step = joining.elapse(at: now)
      state = .joining(joining)
      return perform(step, joining, at: now)
    case .joined(var joined):
      guard joined.pingLimit != .never else {
        let ping = selfPing(&joined, at: now)
        state = .joined(joined)
        return [.send(ping)]
      }
      joined.unanswered += 1
      guard joined.unanswered < 2 || policy.silence == nil else {
        return interrupt(lost("it does not answer pings"), at: now)
      }
      joined.pingLimit = .never
      let again = policy.silence == nil ? nil : selfPing(&joined, at: now)
      state = .joined(joined)
      return again.map { [.send($0)] } ?? []
    }
  }

  /// Asks the room whether the session is still an occupant; `nil` if it is none, or a question is in flight.
  public mutating func ping(at now: Deadline) -> Element? {
    guard case .joined(var joined) = state, joined.pingLimit == .never else { return nil }
    let ping = selfPing(&joined, at: now)
    state = .joined(joined)
    return ping
  }

  private mutating func selfPing(_ joined: inout JoinedRoom, at now: Deadline) -> Element {
    joined.pingLimit = now.advanced(bySeconds: min(JoinedRoom.patience, policy.silence ?? .infinity))
    let ping = selfPing(joined.occupant)
    joined.asked = selfPings
    return ping
  }

  /// A self-ping with a number of its own.
  mutating func selfPing(_ occupant: JID) -> Element {
    selfPings += 1
    return ask(.selfPing(selfPings), occupant, Ping.payload)
  }

  /// The failure of an occupancy that is gone without a word.
  func lost(_ why: String) -> Failure {
    Failure(.stanza, "not-in-room", "no longer in \(room.full): \(why)", status: .refused)
  }
}

/// An occupancy that is established.
struct JoinedRoom: Sendable {
  /// Seconds that the answer to a self-ping may take.
  static let patience = 30.0

  /// The session's own occupant.
  var occupant: JID
  /// When the room was heard of.
  var heard: Deadline
  /// Until when the answer to a self-ping may come; never if none is in flight.
  var pingLimit = Deadline.never
  /// The number of the newest self-ping. An answer to an older one says nothing about what was sent since.
  var asked = 0
  /// How many were not answered.
  var unanswered = 0

  init(occupant: JID, at now: Deadline) { (self.occupant, heard) = (occupant, now) }

  func due(_ policy: RoomOccupancy.Policy) -> Deadline {
    if pingLimit != .never { return pingLimit }
    return policy.silence.map { heard.advanced(bySeconds: $0) } ?? .never
  }
}

extension Deadline {
  /// Whether it has come at a time.
  func hasPassed(at now: Deadline) -> Bool { self != .never && now >= self }
}
