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
      return (
        carbon.message, StanzaEnvelope(received: .now, delay: carbon.delay, carbon: carbon.direction)
      )
    }
    if ArchiveQuery.looksLikeResult(message) { return nil }
    for index in rooms.indices where rooms[index].takesSubject(message) { return nil }
    return (message, StanzaEnvelope(received: .now))
  }

  private func receive(presence: Stanza) throws(Failure) -> Line? {
    // The server tells every resource of an account of each, the one it is about too.
    if let from = presence.from, from.utf8.elementsEqual(session.jid.full.utf8) { return nil }
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
    if let answer = manners.answer(to: iq) { send(answer) }
    return manners.isHousekeeping(iq) ? nil : (iq, StanzaEnvelope(received: .now))
  }

  private func receive(_ reply: IQTracker<Request>.Reply) throws(Failure) {
    switch reply.purpose {
    // A server that does not know pings has answered all the same.
    case .ping: break
    case .carbons: if let error = reply.error { throw error.failure("the request for carbons") }
    }
  }
}

extension Int64 {
  /// Milliseconds since 1970.
  fileprivate static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
