import Glibc
import XMPP

/// Whether a recipient that refused a message is a room, which only its own occupants may send to (XEP-0045 §7.4). Servers
/// refuse such a message as they refuse one to an account that does not exist, so the recipient is asked (XEP-0030).
struct RoomQuestion {
  /// The recipient.
  let address: JID

  /// How long the answer is waited for; seconds.
  private static let limit = 2.0
  private static let conditions = [
    "service-unavailable", "bad-request", "not-acceptable", "not-allowed", "forbidden",
  ]

  /// - Parameters:
  ///   - outcome: what came of a stanza.
  ///   - account: who sent it; rooms are never on an account's own domain.
  /// - Returns: `nil` if the recipient can be no room.
  init?(_ outcome: Delivery.Outcome, account: JID) {
    guard outcome.status == .failed, outcome.awaited != .copy, outcome.reply == nil,
      let error = outcome.error,
      RoomQuestion.conditions.contains(where: { $0.isSame(as: error.condition) }),
      let to = outcome.to.flatMap({ try? JID(parsing: $0) }), to.isBare, to.localpart != nil,
      to.domain != account.domain
    else { return nil }
    address = to
  }

  /// Asks once everything is confirmed, when only a signal is still a failure.
  ///
  /// - Returns: what to do about a room.
  func hint(_ session: Session<Int>) throws(Failure) -> String? {
    do throws(Failure) {
      return try isAnsweredByRoom(session) ? "\(address) is a room: use --room" : nil
    } catch {
      if error.isInterruption { throw error }
      return nil
    }
  }

  /// Asks, and waits for the answer for a short time.
  ///
  /// - Returns: `false` also if there is no answer.
  private func isAnsweredByRoom(_ session: Session<Int>) throws(Failure) -> Bool {
    var tracker = IQTracker<Void>(account: session.jid)
    let request = tracker.request(.get, to: address, Element("query", Namespace.discoInfo), for: ())
    guard session.send(request, token: .min) else { return false }
    let limit = Deadline.after(seconds: RoomQuestion.limit)
    while !limit.hasPassed {
      while let arrival = try session.take() {
        guard case .stanza(let stanza) = arrival else { continue }
        session.handled(1)
        if let reply = tracker.take(stanza) { return reply.stanza.isOfRoom }
      }
      var nothing: [pollfd] = []
      try session.wait(for: &nothing, until: limit, while: "asking whether \(address) is a room")
    }
    return false
  }
}

extension Stanza {
  /// Whether it is the answer of a room about itself (XEP-0045 §6.4).
  fileprivate var isOfRoom: Bool {
    element.child("query", Namespace.discoInfo)?.elements.contains {
      $0.is("identity", Namespace.discoInfo) && $0.attribute("category")?.isSame(as: "conference") == true
    } == true
  }
}
