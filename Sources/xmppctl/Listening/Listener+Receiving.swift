import Glibc
import XMPP

/// What a stanza means to the listener, and what of it is printed.
extension Listener {
  /// A stanza to be printed, and what is known of it beyond itself.
  typealias Line = (stanza: Stanza, envelope: StanzaEnvelope)

  /// Does what a stanza asks for.
  ///
  /// - Returns: what is printed, which may be what it wraps; `nil` where it concerns the listener alone.
  /// - Throws: why there is nothing to listen to.
  func receive(_ stanza: Stanza) throws(Failure) -> Line? {
    if let reason = stanza.skipped { return try receive(skipped: stanza, reason) }
    return switch stanza.kind {
    case .message: try receive(message: stanza)
    case .presence: try receive(presence: stanza)
    case .iq: try receive(iq: stanza)
    }
  }

  /// A stanza of which only the start tag is known. An answer is one all the same, and a request is answered.
  private func receive(skipped stanza: Stanza, _ reason: SkipReason) throws(Failure) -> Line? {
    let from = stanza.from.map { " from \"\($0)\"" } ?? ""
    Printer.diagnostic(
      "xmppctl: listen: stanza: skipped a \(stanza.kind.rawValue)\(from.shown): \(reason.description)",
      patience: 0)
    if stanza.kind == .iq { _ = try receive(iq: stanza) }
    return (stanza, StanzaEnvelope(received: .now))
  }

  private func receive(message: Stanza) throws(Failure) -> Line? {
    // A stranger can wrap any message in a carbon, so only carbons from the account itself are unwrapped (XEP-0280 §11).
    if plan.carbons, let carbon = Carbon(message, account: session.jid) {
      let envelope = StanzaEnvelope(
        received: .now, sent: carbon.delay?.moment, delay: carbon.delay, carbon: carbon.direction)
      return live(carbon.message, envelope)
    }
    if isOwnResult(message) { return archive.result(message) }
    let (hasNoLine, isHistory, actions) = rooms.take(message)
    perform(actions)
    if hasNoLine { return nil }
    return live(message, StanzaEnvelope(received: .now, sent: moment(of: message, isHistory: isHistory)))
  }

  /// When a message was sent, according to a delay that can be trusted: one from the account's server while it delivers
  /// stored messages, or one from a room while it sends its history.
  ///
  /// A sender can add a delay of its own. The server appends its delay after it, and adds none to live messages.
  private func moment(of message: Stanza, isHistory: Bool) -> Int64? {
    var found: Delay?
    for child in message.element.elements where child.commonNamespace == .delay {
      found = Delay(child) ?? found
    }
    guard let found, let from = found.from, let author = try? JID(parsing: from) else { return nil }
    let own = session.jid
    guard
      !deliveryLimit.hasPassed && (author == own.domain || author == own.bare)
        || isHistory && author == message.sender?.bare
    else { return nil }
    return found.moment
  }

  /// Whether a message is a result of the archive of the account itself. Those of no query of this run are no longer wanted.
  private func isOwnResult(_ message: Stanza) -> Bool {
    guard ArchiveQuery.looksLikeResult(message), !message.isType("error") else { return false }
    return message.from == nil || message.sender == session.jid.bare
  }

  /// A message that came by itself. While the archive is read it may come by both ways.
  private func live(_ message: Stanza, _ envelope: StanzaEnvelope) -> Line? {
    archive.live((message, envelope))
    return (message, envelope)
  }

  private func receive(presence: Stanza) throws(Failure) -> Line? {
    // The server tells every resource of an account of each, the one it is about too.
    if let from = presence.from, from.isSame(as: session.jid.full) { return nil }
    let (hasNoLine, _, actions) = rooms.take(presence)
    perform(actions)
    return hasNoLine ? nil : (presence, StanzaEnvelope(received: .now))
  }

  private func receive(iq: Stanza) throws(Failure) -> Line? {
    if let reply = requests.take(iq) {
      try receive(reply)
      return nil
    }
    let (isAnswer, _, actions) = rooms.take(iq)
    perform(actions)
    if isAnswer { return nil }
    let isSelfPing = rooms.isSelfPing(iq)
    let manners = manners
    if canAnswer, let answer = manners.answer(to: iq) { send(answer) }
    return isSelfPing || manners.isHousekeeping(iq) ? nil : (iq, StanzaEnvelope(received: .now))
  }

  private func receive(_ reply: IQTracker<Request>.Reply) throws(Failure) {
    switch reply.purpose {
    // A server that does not know pings has answered all the same.
    case .ping: break
    case .carbons: if let error = reply.error { throw error.failure("the request for carbons") }
    case .drain(let count): drained(count)
    case .archive: try receive(page: reply)
    }
  }

  private func receive(page reply: IQTracker<Request>.Reply) throws(Failure) {
    // It was given up.
    guard archive.isReading else { return }
    if reply.stanza.skipped != nil { return giveUpArchive("its answer was skipped") }
    if let error = reply.error {
      if let question = archive.refused(account: session.jid) { return ask(archive: question) }
      let failure = error.failure("the question to the archive")
      // Who asked for the archive must not take what follows for all of it. Later on, the other lines are worth more.
      if plan.since != nil, archive.isFirstReading { throw failure }
      Printer.diagnostic(
        "xmppctl: listen: stanza: what came meanwhile is unknown: \(plan.echoes.text(failure.message).shown)")
      return skipArchive()
    }
    switch archive.ended(reply.stanza) {
    case .ask(let question): ask(archive: question)
    case .appear(let question):
      appear()
      ask(archive: question)
    case .finish: releaseHeld()
    case .stuck(let reason): giveUpArchive(reason)
    }
  }

  /// Goes on without the archive, which does not lead on.
  func giveUpArchive(_ reason: String) {
    Printer.diagnostic(
      "xmppctl: listen: stanza: the rest of the archive cannot be read: \(plan.echoes.text(reason).shown); continuing with live messages"
    )
    skipArchive()
  }

  private func skipArchive() {
    if archive.precedesPresence { appear() }
    releaseHeld()
  }
}

extension Delay {
  /// The moment that it names, in milliseconds since 1970; `nil` if it is none, or is to come.
  var moment: Int64? {
    guard let moment = Timestamp.milliseconds(stamp), moment <= .now + SeenMessages.margin else { return nil }
    return moment
  }
}

extension Int64 {
  /// Milliseconds since 1970.
  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
