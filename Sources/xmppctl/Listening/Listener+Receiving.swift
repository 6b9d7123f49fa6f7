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
    switch stanza.kind {
    case .message: try receive(message: stanza)
    case .presence: try receive(presence: stanza)
    case .iq: try receive(iq: stanza)
    }
  }

  private func receive(message: Stanza) throws(Failure) -> Line? {
    if Carbon.looksLikeOne(message) {
      // Anybody could wrap anything; what did not come from the own account is nothing (XEP-0280 §11).
      guard plan.carbons, let carbon = Carbon(message, account: session.jid) else { return nil }
      let envelope = StanzaEnvelope(received: .now, delay: carbon.delay, carbon: carbon.direction)
      return live(carbon.message, envelope)
    }
    if ArchiveQuery.looksLikeResult(message) { return receive(result: message) }
    for index in rooms.indices where rooms[index].takesSubject(message) { return nil }
    return live(message, StanzaEnvelope(received: .now))
  }

  /// A message of the archive; `nil` where nobody asked for it, or it had a line already.
  private func receive(result message: Stanza) -> Line? {
    guard let (result, isLine) = reading?.result(message) else { return nil }
    hearArchive()
    guard isLine else { return nil }
    archive(result.id)
    guard recent.insert(result.id) else { return nil }
    return (
      result.message, StanzaEnvelope(received: .now, delay: result.delay, archive: result.id)
    )
  }

  /// A message that came by itself. While the archive is read it may come by both ways.
  private func live(_ message: Stanza, _ envelope: StanzaEnvelope) -> Line? {
    if reading?.phase == .gap { return (message, envelope) }
    return isNews(message) ? (message, envelope) : nil
  }

  /// Whether a message has no line yet; the archive's id of it is noted.
  func isNews(_ message: Stanza) -> Bool {
    guard let id = archiveID(message) else { return true }
    if reading == nil { archive(id) }
    return recent.insert(id)
  }

  /// Notes how far the archive is known. An id that no archive would give is none to go on from.
  private func archive(_ id: String) { if id.utf8.count <= RecentIDs.longest { archived = id } }

  /// The id that the own archive gave to a message. The server's own writing of the address is not prepared for each
  /// message; a server that writes it otherwise gives up being asked from there.
  private func archiveID(_ message: Stanza) -> String? {
    for child in message.element.elements where child.is("stanza-id", Namespace.stanzaIDs) {
      if child.attribute("by")?.isSame(as: account) == true { return child.attribute("id") }
    }
    return nil
  }

  private func receive(presence: Stanza) throws(Failure) -> Line? {
    // The server tells every resource of an account of each, the one it is about too.
    if let from = presence.from, from.isSame(as: session.jid.full) { return nil }
    for index in rooms.indices {
      if try rooms[index].takes(presence) { return nil }
    }
    return (presence, StanzaEnvelope(received: .now))
  }

  private func receive(iq: Stanza) throws(Failure) -> Line? {
    if let reply = requests.take(iq) {
      try receive(reply)
      return nil
    }
    let manners = manners
    if canAnswer, let answer = manners.answer(to: iq) { send(answer) }
    return manners.isHousekeeping(iq) ? nil : (iq, StanzaEnvelope(received: .now))
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
    if reading == nil { return }
    if let error = reply.error {
      let failure = error.failure("the question to the archive")
      // Who asked for the archive must not take what follows for all of it.
      if plan.since != nil { throw failure }
      Printer.diagnostic(
        "xmppctl: listen: stanza: what came meanwhile is unknown: \(plan.echoes.text(failure.message).shown)")
      return skipArchive()
    }
    switch reading?.ended(reply.stanza) {
    case .ask(let question): ask(archive: question)
    case .appear(let question):
      appear()
      ask(archive: question)
    case .finish: releaseHeld()
    case nil: break
    }
  }

  /// Goes on without the archive, which does not answer.
  func giveUpArchive() {
    Printer.diagnostic("xmppctl: listen: stanza: the archive does not answer; only what comes live follows")
    skipArchive()
  }

  private func skipArchive() {
    if reading?.phase != .gap { appear() }
    releaseHeld()
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
