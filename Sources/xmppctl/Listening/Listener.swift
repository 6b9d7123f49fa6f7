import Glibc
import XMPP

/// The engine of `listen`: stanzas in, lines out, and acknowledgements back for what was written.
///
/// One loop, which alone waits. It takes what is there while the lines have room, writes what stdout takes, tells the
/// session what is written, and waits for any of it to go on.
final class Listener {
  let plan: ListenPlan
  let session: Session<Element>
  /// The own bare JID, which an anonymous login learns from the server.
  private(set) var account = ""
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
  /// Receipts to be sent when so many stanzas are written.
  private var receipts: [(place: Int, receipt: Element)] = []
  /// What standard input has to be sent, and whether the server is known to have all of it.
  let source: SendSource?
  var sourceIsConfirmed = false
  /// Whether acknowledgement of the last of it was asked for in this connection.
  var isClosing = false
  /// Whether a round trip is on its way that stands for acknowledgement.
  var isDraining = false
  /// How many messages went down with a session.
  private var lost = 0
  /// The way through the archive, the last id of it with a line, and what is held back meanwhile.
  var reading: ArchiveReading?
  var archived: String?
  /// Those ids by the place of their stanza among the lines, and the last one whose line was written.
  private var marks: [(place: Int, id: String)] = []
  private var written: String?
  var recent = RecentIDs()
  private var held: [Line] = []
  /// When the archive is given up, unless more of it comes before.
  private var archiveLimit = Deadline.never
  /// When the session was opened; never where it has not been yet.
  private var opened = Deadline.never
  private var openedAt = Int64.now

  /// What the listener itself asks for.
  enum Request {
    case ping
    case carbons
    case archive
    /// What shows that so many of the stanzas sent were dealt with, where nothing is acknowledged.
    case drain(Int)
  }

  /// How many stanzas of ours the server may leave unacknowledged.
  static let capacity = 4096
  /// How many are held back at most.
  private static let mostHeld = 1000
  /// Seconds that the archive has for each message.
  private static let archivePatience = 10.0

  /// - Parameter saved: what the run before has left.
  init(_ plan: ListenPlan, session: Session<Element>, after saved: SavedSession?, waiter: Waiter) {
    self.plan = plan
    archived = saved?.archived
    written = saved?.archived
    source =
      plan.duplex
      ? SendSource(
        plan.style == .xml ? .xml : .ndjson, SendTemplate(recipients: []), replacesInvalid: false,
        keepsGoing: false) : nil
    self.session = session
    self.waiter = waiter
    output = LineOutput(plan.style, to: OutputSink())
    watch = Watch(interval: plan.pingInterval)
    requests = IQTracker(account: session.jid)
    rooms = plan.rooms.map(RoomSeat.init)
  }

  /// Listens until the plan is fulfilled.
  ///
  /// - Throws: why it ended before that.
  func run() throws(Failure) {
    do throws(Failure) {
      try open()
      while true {
        do throws(Failure) {
          try listen()
          break
        } catch { try comeBack(after: error) }
      }
    } catch {
      let left = leave(after: error)
      guard error.isEndOfTime, opened != .never else { throw error }
      if let count = plan.count { throw .countNotReached(lines, of: count) }
      if lost == 0, left > 0 { throw .unconfirmed(left, .timeout) }
      return try tellLost()
    }
    leave()
    try tellLost()
  }

  private func tellLost() throws(Failure) {
    if lost > 0 { throw .unconfirmed(lost, .noConnection) }
  }

  private func listen() throws(Failure) {
    while true {
      let isDry = try read()
      settle(try output.write())
      try forward()
      if hasEnded { return }
      if session.management.isRequestDue { session.requestAcknowledgement() }
      try keep()
      try session.transmit()
      // What was read and not taken yet does not show in the socket.
      try wait(until: isDry || !canTake ? .never : .now)
    }
  }

  /// Takes what is there, as long as its lines have room.
  ///
  /// - Returns: whether all was taken that is there.
  private func read() throws(Failure) -> Bool {
    while canTake {
      try keep()
      guard let arrival = try session.take() else { return true }
      switch arrival {
      case .management(.notEnabled(let condition)):
        Printer.diagnostic("xmppctl: listen: stream: no stream management: \(condition.shown)")
      case .management: continue
      case .stanza(let stanza):
        if let handled = backlog.arrives() {
          session.handled(handled)
        } else {
          take(try receive(stanza), of: stanza)
        }
      }
    }
    return false
  }

  /// Gives a stanza its place among the lines, or holds it back.
  private func take(_ line: Line?, of stanza: Stanza) {
    if let line, reading?.phase == .gap, line.envelope.archive == nil, line.stanza.kind == .message,
      held.count < Listener.mostHeld
    {
      backlog.holds()
      held.append(line)
      return
    }
    if plan.receipts, let receipt = Receipt.answer(to: stanza) { receipts.append((backlog.taken, receipt)) }
    note(backlog.taken)
    backlog.takes()
    put(line)
  }

  /// Notes which of the archive's ids belongs to a place among the lines, so that it counts once that is written.
  private func note(_ place: Int) {
    guard let archived, !archived.utf8.elementsEqual((marks.last?.id ?? written ?? "").utf8) else { return }
    marks.append((place, archived))
  }

  private func put(_ line: Line?) {
    guard let line, !isFull, plan.filter.fits(line.stanza) else { return output.pass() }
    output.add(line.stanza, line.envelope)
    lines += 1
    lastLine = .now
  }

  /// Ends the reading of the archive: what was held back follows, save what the archive had too.
  func releaseHeld() {
    reading = nil
    archiveLimit = .never
    defer { held = [] }
    for line in held {
      // The last line wanted is there: what has none stays the server's, and so does what came behind it.
      if isFull { return }
      if plan.receipts, let receipt = Receipt.answer(to: line.stanza) {
        receipts.append((backlog.taken, receipt))
      }
      put(isNews(line.stanza) ? line : nil)
    }
    // They are written as one; their ids count from the last one on.
    note(backlog.taken - 1)
    backlog.releases(held.count)
  }

  /// No line beyond the last one is wanted, so no stanza is either: the server keeps it.
  private var canTake: Bool { output.hasRoom && !isFull }
  private var isFull: Bool { plan.count.map { lines >= $0 } ?? false }
  private var idleLimit: Deadline { plan.idle.map { lastLine.advanced(bySeconds: $0) } ?? .never }
  private var hasEnded: Bool { output.isEmpty && (isFull || idleLimit.hasPassed || sourceIsConfirmed) }

  private func wait(until moment: Deadline) throws(Failure) {
    switch watch.look(at: session.connection.lastReceived, isReading: canTake) {
    case .ask: ask()
    case .lost:
      throw Failure(
        .stream, "ping-unanswered", "the server did not answer a ping", status: .noConnection)
    case .quiet: break
    }
    if archiveLimit != .never {
      if !canTake { hearArchive() }
      if archiveLimit.hasPassed { giveUpArchive() }
    }
    var others = [output.interest]
    if wantsInput { others.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)) }
    try session.wait(
      for: &others, readsInput: canTake,
      until: min(watch.next, output.isEmpty ? idleLimit : .never, archiveLimit, moment),
      while: "waiting for stanzas")
    try checkReader(others[0])
    if others.count > 1, others[1].revents != 0 { try source?.read() }
  }

  /// - Throws: an output failure where nobody will read what is written.
  private func checkReader(_ output: pollfd) throws(Failure) {
    guard self.output.isEmpty, Int32(output.revents) & (POLLERR | POLLHUP | POLLNVAL) != 0 else { return }
    throw Failure(.output, "write-failed", "stdout: its reader is gone", status: .output)
  }

  /// Makes the server say something. What is not answered soon shows that it is gone.
  private func ask() {
    if session.management.isOn {
      session.requestAcknowledgement()
    } else if !requests.unanswered.contains(where: { $0.purpose.isPing }) {
      send(requests.request(.get, Ping.payload, for: .ping))
    }
  }

  /// Notes that lines were written: their stanzas are dealt with, but for the receipts.
  private func settle(_ written: Int) {
    let handled = backlog.wrote(written)
    if !receipts.isEmpty {
      let due = receipts.prefix { $0.place < backlog.written }
      for (_, receipt) in due { send(receipt) }
      receipts.removeFirst(due.count)
    }
    if let last = marks.lastIndex(where: { $0.place < backlog.written }) {
      self.written = marks[last].id
      marks.removeFirst(last + 1)
    }
    session.handled(handled)
  }

  /// Writes down what must outlive the process, before the server learns of it.
  private func keep() throws(Failure) {
    guard let state = plan.state else { return }
    try state.save(SavedSession(jid: session.jid, management: session.management, archived: written))
  }
}

// MARK: - Connections

extension Listener {
  /// What is answered to requests.
  var manners: Manners {
    Manners(
      account: session.jid, name: "xmppctl", version: Version.number,
      features: plan.receipts ? [Namespace.receipts] : [])
  }

  /// Opens the session, or comes back to it.
  private func open() throws(Failure) {
    let resumes = session.management.resumption != nil
    switch try session.open(resumable: plan.reconnects || plan.state != nil) {
    case .resumed(_, let resend):
      backlog.resumes()
      for stanza in resend { session.resend(stanza) }
      if reading != nil { hearArchive() }
    case .new(_, let unconfirmed):
      if resumes { backlog.abandons() }
      lost += tell(unconfirmed: unconfirmed)
      greet()
    }
    account = session.jid.bare.full
    isClosing = false
    isDraining = false
    watch.begin()
    if opened == .never { lastLine = .now }
    opened = .now
    openedAt = .now
  }

  /// Makes a new session what the plan wants it to be.
  private func greet() {
    requests = IQTracker(account: session.jid)
    if plan.carbons { send(requests.request(.set, Carbon.enable, for: .carbons)) }
    reading = firstReading
    if let reading {
      ask(archive: reading.question)
    } else {
      appear()
    }
  }

  /// Asks the archive for a page.
  func ask(archive question: Element) {
    send(requests.request(.set, question, for: .archive))
    hearArchive()
  }

  /// The archive is heard of, or cannot be.
  func hearArchive() { archiveLimit = .after(seconds: Listener.archivePatience) }

  /// What of the archive is to be read: what came since the last line, or what the user asked for.
  private var firstReading: ArchiveReading? {
    if let archived { return ArchiveReading(after: archived, start: nil, account: session.jid) }
    if opened != .never {
      return ArchiveReading(after: nil, start: Timestamp.text(seconds: openedAt / 1000), account: session.jid)
    }
    return plan.since.map { ArchiveReading(since: $0, account: session.jid) }
  }

  /// Announces the presence, from which on messages come, and enters the rooms.
  func appear() {
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
      try keep()
      var others = [output.interest]
      _ = try waiter.wait(for: &others, until: end, doing: "waiting to connect again")
      try checkReader(others[0])
    } while !end.hasPassed
  }

  /// Finishes the line begun and tells the server what was written; then closes the stream, or leaves its session for the
  /// next run. Where it was the server that ended it, nobody is in a hurry, and the other lines are written too.
  ///
  /// - Returns: how many messages are left unconfirmed.
  @discardableResult
  private func leave(after failure: Failure? = nil) -> Int {
    if failure?.stage != .output {
      let isOver =
        failure?.status == .interrupted || failure?.status == .terminated || failure?.isEndOfTime == true
      settle(output.finish(all: !isOver, Waiter(seconds: 2)))
    }
    for room in rooms { if let undoing = room.undoing { send(undoing) } }
    guard plan.state != nil, session.management.resumption != nil, (try? keep()) != nil else {
      let left = tell(unconfirmed: session.management.unacknowledged)
      session.close(within: 2)
      return left
    }
    session.suspend(within: 2)
    return 0
  }

  /// Names the messages of the input that the server never took responsibility for.
  ///
  /// - Returns: how many they are.
  private func tell(unconfirmed stanzas: [Element]) -> Int {
    let messages = stanzas.filter {
      $0.is("message", Namespace.client) && $0.child("received", Namespace.receipts) == nil
    }
    for message in messages {
      let id = message.attribute("id") ?? "a message without id"
      Printer.diagnostic("xmppctl: listen: stanza: unconfirmed: \(id.shown)")
    }
    return messages.count
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

  fileprivate static func unconfirmed(_ count: Int, _ status: ExitStatus) -> Failure {
    Failure(
      .stanza, "unconfirmed", "of the messages sent, \(count) were never confirmed",
      hint: "they may have arrived or not", status: status)
  }
}
