import Glibc
import XMPP

/// How the listener comes to a session, back to it, and away.
extension Listener {
  /// Seconds that the server has to deliver what it has stored.
  private static let deliveryTime = 10.0
  /// Seconds that the server has to acknowledge the last of standard input.
  private static let patience = 2.0

  /// What is answered to requests.
  var manners: Manners {
    Manners(
      account: session.jid, name: "xmppctl", version: Version.number,
      features: plan.receipts ? [Namespace.receipts] : [])
  }

  /// Opens the session, or comes back to it.
  func open() throws(Failure) {
    defer { Printer.redirections(session.connection.report) }
    let opening = try session.open(resumable: plan.reconnects || plan.state != nil)
    if let failure = session.refusedResumption {
      Printer.diagnostic(
        "xmppctl: listen: stream: the session was not resumed: \(plan.echoes.text(failure.message).shown)")
    }
    sentKept = Footprint()
    switch opening {
    case .resumed(_, let resend):
      backlog.resumes()
      beginDelivery()
      for sent in resend {
        sentKept.add(sent.stanza)
        session.resend(sent.stanza)
      }
      if archive.isReading { archive.heard() }
      perform(rooms.resume(account: session.jid))
    case .new(_, let unconfirmed):
      backlog.abandons()
      if archive.isReading { releaseHeld(isLost: true) }
      lost += tell(unconfirmed: unconfirmed)
      if !session.management.canRequest { warnOfState() }
      greet()
    }
    isClosing = false
    isDraining = false
    watch.begin()
    opened = .now
  }

  /// Makes a new session what the plan wants it to be.
  private func greet() {
    requests = IQTracker(account: session.jid)
    if plan.carbons { send(requests.request(.set, Carbon.enable, for: .carbons)) }
    if let question = archive.begin(account: session.jid) {
      ask(archive: question)
    } else {
      if idleStart == .never { idleStart = .now }
      appear()
    }
  }

  /// Says once that the next run cannot resume the session, if it should.
  func warnOfState() {
    guard plan.state != nil, !session.isResumable, !hasToldOfState else { return }
    hasToldOfState = true
    Printer.diagnostic(
      "xmppctl: listen: stream: the server offers no resumable session (XEP-0198): the next run with --state can only ask the archive"
    )
  }

  /// Asks the archive for a page.
  func ask(archive question: Element) {
    send(requests.request(.set, question, for: .archive))
    archive.heard()
  }

  /// The server delivers what it has stored, at once.
  private func beginDelivery() { deliveryLimit = .after(seconds: Listener.deliveryTime) }

  /// Announces the presence, from which on messages come, and enters the rooms.
  func appear() {
    if let presence = plan.presence {
      send(presence)
      beginDelivery()
    }
    perform(rooms.begin(account: session.jid))
  }

  /// Makes the connection again, after pauses, until it holds; lines are written meanwhile.
  func comeBack(after failure: Failure) throws(Failure) {
    var failure = failure
    if idleStart == .never { idleStart = .now }
    var held = Deadline.now.milliseconds(since: opened) / 1000
    while true {
      guard plan.reconnects, let pause = reconnection.pause(after: failure, heldFor: held) else {
        throw failure
      }
      // The server's own end of the stream is answered; a stream that was cut off can be resumed.
      settle(try output.write())
      session.disconnect(
        closesStream: failure.status == .protocolViolation || failure.condition.isSame(as: "stream-closed"))
      Printer.diagnostic(
        "xmppctl: listen: \(failure.stage.rawValue): \(plan.echoes.text(failure.message).shown); connecting again"
      )
      try rest(seconds: pause)
      // A run that cannot even look whether there is more ends as the connection did.
      if idleLimit.hasPassed { throw failure }
      held = 0
      do throws(Failure) { return try open() } catch { failure = error }
    }
  }

  /// Waits, and writes what stdout takes.
  private func rest(seconds: Double) throws(Failure) {
    let end = min(Deadline.after(seconds: seconds), idleLimit)
    repeat {
      settle(try output.write())
      try keep()
      var others = [output.interest]
      _ = try waiter.wait(for: &others, until: end, doing: "waiting to connect again")
      try checkReader(others[0])
    } while !end.hasPassed
  }

  /// Finishes the line begun and tells the server what was written; then closes the stream, or leaves its session for the
  /// next run. Where it was the server that ended it, nobody is in a hurry, and the other lines are written too.
  ///
  /// - Returns: how many stanzas of standard input are left unconfirmed, and the signal that ended the leaving, if one did.
  func leave(after failure: Failure? = nil) -> (unconfirmed: Int, interruption: Failure?) {
    if failure?.stage != .output {
      let isOver = failure?.isInterruption == true || failure?.isEndOfTime == true
      settle(output.finish(all: !isOver, waiter.closing(within: Listener.patience)))
    }
    if failure == nil { try? awaitConfirmation() }
    guard plan.state != nil, session.isResumable, (try? keep()) != nil else {
      let left = tell(unconfirmed: session.unconfirmed)
      return (left, session.close(within: Listener.patience))
    }
    return (0, session.suspend(within: Listener.patience))
  }

  /// Waits a moment for the server's word about what was sent from standard input. What else comes meanwhile is not taken:
  /// it stays the server's.
  private func awaitConfirmation() throws(Failure) {
    let limit = Deadline.after(seconds: Listener.patience)
    while session.management.unacknowledged.contains(where: \.isInput), !limit.hasPassed {
      try forward(takesInput: false)
      if session.management.isOn, !session.management.awaitsAnswer { session.requestAcknowledgement() }
      while !limit.hasPassed, let arrival = try session.take() {
        if case .stanza(let stanza) = arrival, let reply = requests.take(stanza),
          case .drain(let count) = reply.purpose
        {
          drained(count)
        }
      }
      guard session.management.unacknowledged.contains(where: \.isInput) else { return }
      var nothing: [pollfd] = []
      try session.wait(for: &nothing, until: limit, while: "waiting for confirmation")
    }
  }

  /// Names the stanzas of standard input that the server never took responsibility for.
  ///
  /// - Returns: how many they are.
  private func tell(unconfirmed sent: [SentStanza]) -> Int {
    let input = sent.filter(\.isInput)
    for sent in input {
      let to = sent.stanza.attribute("to").map { " to \($0)" } ?? ""
      Printer.diagnostic(
        "xmppctl: listen: stanza: unconfirmed: \((sent.stanza.attribute("id") ?? "?").shown)\(to.shown)")
    }
    return input.count
  }
}

extension Failure {
  /// Whether the run's own time is over.
  var isEndOfTime: Bool { status == .timeout && condition == "max-time" }

  static func countNotReached(_ lines: Int, of count: Int) -> Failure {
    Failure(
      .timeout, "max-time", "\(lines) of \(count) lines came in time",
      remedy: .longerRun, status: .timeout)
  }

  static func unconfirmed(_ count: Int, _ status: ExitStatus) -> Failure {
    Failure(
      .stanza, "unconfirmed", "\(count) of the stanzas sent were not confirmed", status: status)
  }
}
