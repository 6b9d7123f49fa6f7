/// A join that waits for the room's answer: the session's own presence, after those of all occupants, or an error
/// (XEP-0045 §7.2).
struct RoomJoining: Sendable {
  /// Seconds that a presence without status 110 waits for a better one: some rooms send no 110 at all.
  static let candidateWait = 2.0
  /// Seconds that the join may take once its domain is known to offer no rooms.
  private static let noServiceWait = 1.0
  /// Seconds after which the room is asked whether the session is an occupant, and again as often.
  private static let pingWait = 2.0
  /// Seconds after which presence is announced, unless the room has answered that the session is no occupant yet.
  private static let presenceWait = 6.0
  /// Seconds that a person has for a captcha.
  private static let captchaLimit = 120.0

  /// The id of the presence that joins.
  let id = StanzaIdentifier.random()
  /// The room with the nickname asked for.
  let occupant: JID
  /// When the join is given up.
  private var limit: Deadline
  /// The presence that may be the session's own, and until when a better one may come.
  private(set) var candidate: RoomPresence?
  private var candidateLimit = Deadline.never
  /// What the domain is.
  var service = RoomAnswer.Service.unknown
  /// A refusal whose meaning depends on what the domain is, and until when that may be answered.
  private(set) var refusal: StanzaError?
  private var verdictLimit = Deadline.never
  private(set) var awaitsCaptcha = false
  private var pingDue = Deadline.never
  private var presenceDue = Deadline.never

  /// What to do with it.
  enum Step {
    case wait
    case enter(RoomPresence)
    case pinged
    case refused(StanzaError)
    case noRoom
    case unanswered
    case ask
    case announce
  }

  init(_ occupant: JID, at now: Deadline, announcesPresence: Bool) {
    self.occupant = occupant
    limit = now.advanced(bySeconds: RoomOccupancy.joinLimit)
    pingDue = now.advanced(bySeconds: RoomJoining.pingWait)
    if announcesPresence { presenceDue = now.advanced(bySeconds: RoomJoining.presenceWait) }
  }

  var due: Deadline { min(limit, candidateLimit, verdictLimit, min(pingDue, presenceDue)) }

  /// Takes a presence of the room.
  mutating func take(_ stanza: Stanza, from sender: JID, at now: Deadline) -> Step {
    if let error = StanzaError(of: stanza) {
      guard sender == occupant || sender == occupant.bare, stanza.id.map({ $0.isSame(as: id) }) ?? true
      else { return .wait }
      return refuse(error, at: now)
    }
    guard let presence = RoomPresence(stanza, from: sender, room: occupant), !presence.isUnavailable
    else { return .wait }
    let isNamed = presence.occupant == occupant
    if isNamed || presence.nickWasChanged, presence.isOwn { return .enter(presence) }
    // The same nickname without a status code, or another nickname without 210: accepted unless a better one follows.
    guard isNamed || presence.isOwn, candidate?.occupant != occupant else { return .wait }
    candidate = presence
    candidateLimit = now.advanced(bySeconds: RoomJoining.candidateWait)
    return .wait
  }

  /// A message of the room comes after the session's own presence (§7.2.13).
  func entered() -> Step { candidate.map(Step.enter) ?? .wait }

  /// The room wants a captcha to be solved.
  mutating func demandCaptcha(at now: Deadline) {
    awaitsCaptcha = true
    limit = now.advanced(bySeconds: RoomJoining.captchaLimit)
    (pingDue, presenceDue) = (.never, .never)
  }

  /// The answer to a self-ping. jabberd2 drops a room's presence to a session without presence of its own, so that only
  /// this tells that the session is an occupant. An address that is no room may answer too.
  mutating func take(_ answer: RoomAnswer.SelfPing, _ error: StanzaError?) -> Step {
    switch answer {
    case .joined:
      guard error == nil, service == .offersRooms else { return .wait }
      return .pinged
    case .notJoined: presenceDue = .never
    case .undecided, .unknownOccupant: break
    }
    return .wait
  }

  /// The domain has told what it is.
  mutating func take(_ answer: RoomAnswer.Service, at now: Deadline) -> Step {
    service = answer
    if answer == .offersNone {
      if refusal != nil { return .noRoom }
      verdictLimit = now.advanced(bySeconds: RoomJoining.noServiceWait)
    } else if let refusal {
      return .refused(refusal)
    }
    return .wait
  }

  mutating func elapse(at now: Deadline) -> Step {
    if candidateLimit.hasPassed(at: now), let candidate { return .enter(candidate) }
    if verdictLimit.hasPassed(at: now) { return refusal.map(Step.refused) ?? .noRoom }
    if limit.hasPassed(at: now) { return .unanswered }
    if pingDue.hasPassed(at: now) {
      pingDue = now.advanced(bySeconds: RoomJoining.pingWait)
      if service == .offersRooms { return .ask }
    }
    if presenceDue.hasPassed(at: now) {
      presenceDue = .never
      return .announce
    }
    return .wait
  }

  private mutating func refuse(_ error: StanzaError, at now: Deadline) -> Step {
    // What a server or another component says to any presence, and a room too.
    let general = ["service-unavailable", "feature-not-implemented", "item-not-found", "bad-request"]
    guard general.contains(where: { $0.isSame(as: error.condition) }) else { return .refused(error) }
    switch service {
    case .offersNone: return .noRoom
    case .offersRooms: return .refused(error)
    case .unknown:
      refusal = error
      verdictLimit = now.advanced(bySeconds: RoomJoining.noServiceWait)
      return .wait
    }
  }
}

// MARK: - Stanzas of the room

extension RoomOccupancy {
  /// Takes a stanza.
  ///
  /// - Parameter sender: the parsed sender of the stanza.
  /// - Returns: whether it concerns joining alone, and what it causes.
  public mutating func take(
    _ stanza: Stanza, from sender: JID, at now: Deadline
  ) -> (isConsumed: Bool, events: [Event]) {
    if stanza.kind == .iq {
      guard let reply = requests.take(stanza) else { return (false, []) }
      return (true, take(reply, at: now))
    }
    guard sender.bare == room else { return (false, []) }
    switch state {
    case .idle, .asking, .pausing, .ended: return (false, [])
    case .joining(var joining):
      guard stanza.kind == .presence else {
        let isCaptcha = sender == room && !joining.awaitsCaptcha
        if isCaptcha, let address = RoomAnswer.captcha(stanza) {
          joining.demandCaptcha(at: now)
          state = .joining(joining)
          return (false, [.notice("\(room.full) asks for a captcha to be solved: \(address)")])
        }
        return (false, stanza.isType("groupchat") ? perform(joining.entered(), joining, at: now) : [])
      }
      let step = joining.take(stanza, from: sender, at: now)
      state = .joining(joining)
      return (true, perform(step, joining, at: now))
    case .joined(var joined):
      joined.heard = now
      state = .joined(joined)
      guard stanza.kind == .presence, sender == joined.occupant else { return (false, []) }
      return (false, take(ownPresence: stanza, from: sender, joined, at: now))
    }
  }

  /// A presence of the session's own occupant, after the join.
  private mutating func take(
    ownPresence stanza: Stanza, from sender: JID, _ joined: JoinedRoom, at now: Deadline
  ) -> [Event] {
    var joined = joined
    guard let presence = RoomPresence(stanza, from: sender, room: room), presence.isUnavailable else {
      return []
    }
    if let name = presence.newNick {
      guard let occupant = try? room.with(resourcepart: name) else { return [] }
      joined.occupant = occupant
      nickname = occupant
      state = .joined(joined)
      return []
    }
    if presence.removal != nil || presence.codes.contains(110) { return remove(presence.removal, at: now) }
    // Another session of the account may have left that shares the nickname.
    state = .joined(joined)
    return ping(at: now).map { [.send($0)] } ?? []
  }

  /// The answer to a question.
  private mutating func take(_ reply: IQTracker<Question>.Reply, at now: Deadline) -> [Event] {
    let isMissing = reply.error?.condition.isSame(as: "item-not-found") == true
    switch (state, reply.purpose) {
    case (.joining(var joining), .service):
      let step = joining.take(RoomAnswer.service(reply.stanza, reply.error), at: now)
      state = .joining(joining)
      return perform(step, joining, at: now)
    case (.joining(var joining), .selfPing):
      let step = joining.take(RoomAnswer.selfPing(reply.error), reply.error)
      state = .joining(joining)
      return perform(step, joining, at: now)
    case (.asking, .existence):
      guard isMissing else { return join(at: now) }
      return interrupt(
        Failure(
          .stanza, "item-not-found", "the room \(room.full) does not exist any more", status: .refused),
        at: now)
    case (.joined(var joined), .selfPing(let number)):
      guard number == joined.asked else { return [] }
      (joined.heard, joined.pingLimit, joined.unanswered) = (now, .never, 0)
      switch RoomAnswer.selfPing(reply.error) {
      case .joined:
        state = .joined(joined)
        return [.confirmed]
      case .undecided:
        state = .joined(joined)
        return []
      case .unknownOccupant:
        joined.pingLimit = now.advanced(bySeconds: JoinedRoom.patience)
        state = .joined(joined)
        return [.send(ask(.existence(number), room, Discovery.question))]
      case .notJoined:
        return interrupt(lost(reply.error?.condition ?? "the session is not an occupant"), at: now)
      }
    case (.joined(var joined), .existence(let number)):
      guard number == joined.asked else { return [] }
      if isMissing { return interrupt(lost("the room does not exist any more"), at: now) }
      joined.pingLimit = .never
      state = .joined(joined)
      return [.confirmed]
    default: return []
    }
  }

  /// Does what a join has come to.
  mutating func perform(_ step: RoomJoining.Step, _ joining: RoomJoining, at now: Deadline) -> [Event] {
    switch step {
    case .wait: return []
    case .enter(let presence):
      // Another occupant's presence may carry status 201 too. Only a presence with the requested nickname may lead to the
      // destruction of the room.
      return enter(presence.occupant, isNew: presence.isNewRoom && presence.occupant == nickname, at: now)
    case .pinged: return enter(nickname, isNew: false, at: now)
    case .ask: return [.send(selfPing(nickname))]
    case .announce:
      return [
        .send(Presence.available(priority: -1)),
        .send(Room.join(nickname, id: joining.id, password: policy.password, history: history)),
      ]
    case .noRoom:
      return end(
        Failure(
          .stanza, "not-a-room", "\(room.full) is not a room: \(room.domainpart) offers no rooms",
          status: .refused))
    case .unanswered:
      let what = joining.awaitsCaptcha ? "the captcha of \(room.full) was not solved" : nil
      let failure = Failure(
        .stanza, "join-unanswered", what ?? "\(room.full) did not answer the request to join",
        status: .timeout)
      return wasJoined ? interrupt(failure, at: now) : end(failure)
    case .refused(let error):
      let failure = error.failure("joining \(room.full)")
      if error.condition.isSame(as: "conflict") { return retryNickname(failure, at: now) }
      return isTemporary(error) ? interrupt(failure, at: now) : end(failure)
    }
  }

  /// Whether a refusal may end by itself. A server that was left without a connection to the room's says so with errors of
  /// other types too.
  private func isTemporary(_ error: StanzaError) -> Bool {
    if error.type?.isSame(as: "wait") == true { return true }
    let passing = ["remote-server-not-found", "remote-server-timeout", "internal-server-error"]
    return wasJoined && passing.contains { $0.isSame(as: error.condition) }
  }
}
