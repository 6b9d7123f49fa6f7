import Glibc
import XMPP

/// The engine of `listen`: stanzas in, lines out, and acknowledgements back for what was written.
///
/// One loop, which alone waits. It takes what is there while the lines have room, writes what stdout takes, tells the
/// session what is written, and waits for any of it to go on.
final class Listener {
  let plan: ListenPlan
  let session: Session<Element>
  let manners: Manners
  private let waiter: Waiter
  private var output: LineOutput
  private var backlog = Backlog()
  private var reconnection = Reconnection()
  private var watch: Watch
  var requests: IQTracker<Request>
  var rooms: [RoomSeat]
  /// How many lines there were, and when the last one was.
  private var lines = 0
  private var lastLine = Deadline.now
  /// When the session was opened; never where it has not been yet.
  private var opened = Deadline.never

  /// What the listener itself asks for.
  enum Request {
    case ping
    case carbons
  }

  init(_ plan: ListenPlan, session: Session<Element>, waiter: Waiter) {
    self.plan = plan
    self.session = session
    self.waiter = waiter
    output = LineOutput(plan.style, to: OutputSink())
    watch = Watch(interval: plan.pingInterval)
    requests = IQTracker(account: session.jid)
    rooms = plan.rooms.map(RoomSeat.init)
    manners = Manners(
      account: session.jid, name: "xmppctl", version: Version.text,
      features: plan.receipts ? [Namespace.receipts] : [])
  }

  /// Listens until the plan is fulfilled.
  ///
  /// - Throws: why it ended before that.
  func run() throws(Failure) {
    defer { leave() }
    do throws(Failure) {
      try open()
      while true {
        do throws(Failure) { return try listen() } catch { try comeBack(after: error) }
      }
    } catch {
      guard error.isEndOfTime, opened != .never else { throw error }
      if let count = plan.count { throw .countNotReached(lines, of: count) }
    }
  }

  private func listen() throws(Failure) {
    while true {
      try read()
      settle(try output.write())
      if hasEnded { return }
      if session.management.isRequestDue { session.requestAcknowledgement() }
      try session.transmit()
      try wait()
    }
  }

  /// Takes what is there, as long as its lines have room.
  private func read() throws(Failure) {
    while canTake, let arrival = try session.take() {
      switch arrival {
      case .management(.notEnabled(let condition)):
        Printer.diagnostic("xmppctl: listen: stream: no stream management: \(condition.shown)")
      case .management: continue
      case .stanza(let stanza):
        if let handled = backlog.arrives() {
          session.handled(handled)
        } else if let line = try receive(stanza), plan.filter.fits(line.stanza) {
          output.add(line.stanza, line.envelope)
          lines += 1
          lastLine = .now
        } else {
          output.pass()
        }
      }
    }
  }

  /// No line beyond the last one is wanted, so no stanza is either: the server keeps it.
  private var canTake: Bool { output.hasRoom && !isFull }
  private var isFull: Bool { plan.count.map { lines >= $0 } ?? false }
  private var idleLimit: Deadline { plan.idle.map { lastLine.advanced(bySeconds: $0) } ?? .never }
  private var hasEnded: Bool { output.isEmpty && (isFull || idleLimit.hasPassed) }

  private func wait() throws(Failure) {
    switch watch.look(at: session.connection.lastReceived, isReading: canTake) {
    case .ask: ask()
    case .lost:
      throw Failure(
        .stream, "ping-unanswered", "the server did not answer a ping", status: .noConnection)
    case .quiet: break
    }
    var others = [output.interest]
    try session.wait(
      for: &others, readsInput: canTake, until: min(watch.next, idleLimit), while: "waiting for stanzas")
    if output.isEmpty, Int32(others[0].revents) & (POLLERR | POLLHUP | POLLNVAL) != 0 {
      throw Failure(.output, "write-failed", "stdout: its reader is gone", status: .output)
    }
  }

  /// Makes the server say something. What is not answered soon shows that it is gone.
  private func ask() {
    if session.management.isOn {
      session.requestAcknowledgement()
    } else if requests.count == 0 {
      send(requests.request(.get, Ping.payload, for: .ping))
    }
  }

  /// Notes that stanzas were dealt with.
  private func settle(_ written: Int) { session.handled(backlog.wrote(written)) }

  /// Sends a stanza of the listener's own.
  func send(_ stanza: Element) {
    _ = session.send(stanza, token: stanza)
    // Where nothing is acknowledged there is nothing to wait for.
    _ = session.management.confirm(1)
  }
}

// MARK: - Connections

extension Listener {
  /// Opens the session, or comes back to it.
  private func open() throws(Failure) {
    let resumes = session.management.resumption != nil
    switch try session.open(resumable: plan.reconnects) {
    case .resumed(_, let resend):
      backlog.resumed(pending: output.pending)
      for stanza in resend { session.resend(stanza) }
    case .new:
      if resumes { backlog.abandoned(pending: output.pending) }
      greet()
    }
    watch.begin()
    opened = .now
    lastLine = .now
  }

  /// Makes a new session what the plan wants it to be.
  private func greet() {
    requests = IQTracker(account: session.jid)
    if plan.carbons { send(requests.request(.set, Carbon.enable, for: .carbons)) }
    if let presence = plan.presence { send(presence) }
    for index in rooms.indices {
      send(rooms[index].enter(password: plan.roomPassword, history: plan.history))
    }
  }

  /// Makes the connection again, after pauses, until it holds; lines are written meanwhile.
  private func comeBack(after failure: Failure) throws(Failure) {
    var failure = failure
    var held = Deadline.now.milliseconds(since: opened) / 1000
    while true {
      guard plan.reconnects, let pause = reconnection.pause(after: failure, heldFor: held) else {
        throw failure
      }
      // The server's own end of the stream is answered; a stream that was cut off can be resumed.
      if failure.status == .protocolViolation || failure.condition == "stream-closed" {
        session.connection.close()
      } else {
        session.connection.drop()
      }
      Printer.diagnostic(
        "xmppctl: listen: \(failure.stage.rawValue): \(failure.message.shown); connecting again")
      try rest(seconds: pause)
      held = 0
      do throws(Failure) { return try open() } catch { failure = error }
    }
  }

  /// Waits, and writes what stdout takes.
  private func rest(seconds: Double) throws(Failure) {
    let end = Deadline.after(seconds: seconds)
    repeat {
      settle(try output.write())
      var others = [output.interest]
      _ = try waiter.wait(for: &others, until: end, doing: "waiting to connect again")
      if output.isEmpty, others[0].revents != 0 {
        throw Failure(.output, "write-failed", "stdout: its reader is gone", status: .output)
      }
    } while !end.hasPassed
  }

  /// Finishes the line begun, tells the server what was written, and closes the stream.
  private func leave() {
    if let written = try? output.finishLine(Waiter(seconds: 2)) { settle(written) }
    session.close(within: 2)
  }
}

extension Failure {
  /// Whether the run's own time is over.
  fileprivate var isEndOfTime: Bool { status == .timeout && condition == "max-time" }

  fileprivate static func countNotReached(_ lines: Int, of count: Int) -> Failure {
    Failure(
      .timeout, "max-time", "\(lines) of \(count) lines came in time",
      hint: "allow more with --max-time", status: .timeout)
  }
}
