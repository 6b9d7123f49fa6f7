import Glibc
import XMPP

/// The engine of `listen`: stanzas in, lines out, and acknowledgements back for what was written.
///
/// One loop, which alone waits. It takes what is there while the lines have room, writes what stdout takes, tells the
/// session what is written, and waits for any of it to go on.
final class Listener {
  let plan: ListenPlan
  let session: Session<SentStanza>
  let waiter: Waiter
  var output: LineOutput
  var backlog = Backlog()
  var reconnection = Reconnection(isPersistent: true)
  var watch: Watch
  var requests: IQTracker<Request>
  var rooms: ListenedRooms
  /// Whether a room was given up, or the session was not in it at the end of the time to listen.
  var hasLostRooms: Bool { rooms.hasLost || wasAbsent }
  var wasAbsent = false
  /// How many lines there were.
  private(set) var lines = 0
  /// From when on the time without a line counts: the last line, or the end of the first reading of the archive.
  var idleStart = Deadline.never
  /// Receipts to be sent when so many stanzas are written.
  private var receipts: [(place: Int, receipt: Element)] = []
  private var receiptsKept = Footprint()
  /// What standard input has to be sent, and whether the server is known to have all of it.
  let source: SendSource?
  var sourceIsConfirmed = false
  /// Whether acknowledgement of the last of it was asked for in this connection.
  var isClosing = false
  /// Whether a round trip is on its way that stands for acknowledgement.
  var isDraining = false
  /// What was sent and is not acknowledged, in this session.
  var sentKept = Footprint()
  /// How many stanzas of standard input went down with a session.
  var lost = 0
  /// The archive: what of it is to be read, and what was read.
  var archive: ArchiveCatchUp
  /// When the session was opened; never where it has not been yet.
  var opened = Deadline.never
  /// Whether it was said that the session cannot be resumed by the next run.
  var hasToldOfState = false
  /// Until when the server may be delivering what it has stored, whose delay is then its own word.
  var deliveryLimit = Deadline.now

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
  /// Bytes that may be kept of receipts that wait for their lines.
  private static let mostKept = 4 << 20

  /// - Parameter saved: what the run before has left.
  init(_ plan: ListenPlan, session: Session<SentStanza>, after saved: SavedSession?, waiter: Waiter) {
    self.plan = plan
    archive = ArchiveCatchUp(
      since: plan.since, isKept: plan.reconnects || plan.state != nil, after: saved)
    source =
      plan.duplex
      ? SendSource(
        plan.style == .xml ? .xml : .ndjson, SendTemplate(recipients: [], account: session.jid),
        replacesInvalid: false, keepsGoing: false, canReplace: false) : nil
    self.session = session
    self.waiter = waiter
    output = LineOutput(plan.style, to: OutputSink(), plan.echoes)
    watch = Watch(interval: plan.pingInterval)
    requests = IQTracker(account: session.jid)
    rooms = ListenedRooms(plan, account: session.jid)
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
      let (left, interruption) = leave(after: error)
      guard error.isEndOfTime, opened != .never else { throw error }
      if let interruption { throw interruption }
      if let count = plan.count { throw .countNotReached(lines, of: count) }
      tellAbsentRooms()
      return try tell(left)
    }
    let (left, interruption) = leave()
    if let interruption { throw interruption }
    if !isFull, !sourceIsConfirmed { tellAbsentRooms() }
    try tell(left)
  }

  /// - Parameter left: how many stanzas of standard input are unconfirmed at the end, besides those lost before.
  private func tell(_ left: Int) throws(Failure) {
    if lost > 0 { throw .unconfirmed(lost + left, .noConnection) }
    if left > 0 { throw .unconfirmed(left, .timeout) }
  }

  private func listen() throws(Failure) {
    while true {
      let isDry = try read()
      settle(try output.write())
      try forward()
      // Answers that cannot be read yet are not late.
      let isReading = isDry && canTake
      // The rooms are joined after the presence; what they were in an earlier session does not count.
      let roomsAct = isReading && !archive.precedesPresence
      if roomsAct { perform(rooms.elapse()) }
      if let ending = rooms.ending { throw ending }
      if hasEnded { return }
      if isRequestDue { session.requestAcknowledgement() }
      try keep()
      try session.transmit()
      // What was read and not taken yet does not show in the socket.
      try wait(until: roomsAct ? rooms.due : isDry || !canTake ? .never : .now)
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
        Printer.diagnostic(
          "xmppctl: listen: stream: no stream management: \(plan.echoes.text(condition).shown)")
        warnOfState()
      case .management(.enabled(acknowledged: let sent)):
        forget(sent)
        warnOfState()
      case .management(.acknowledged(let sent)): forget(sent)
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
    guard let line, archive.mustHold(line) else { return take(line, of: stanza, isNew: true) }
    guard archive.hold(line) else { return take(line, of: stanza, isNew: archive.isNews(line)) }
    backlog.holds()
  }

  private func take(_ line: Line?, of stanza: Stanza, isNew: Bool) {
    owe(Receipt.answer(to: stanza))
    archive.note(backlog.taken)
    if isNew, let line { archive.remember(line, at: backlog.taken) }
    backlog.takes()
    put(isNew ? line : nil)
  }

  /// Notes a receipt that is due once the stanza that comes now is written.
  private func owe(_ receipt: @autoclosure () -> Element?) {
    guard plan.receipts, receiptsKept.bytes < Listener.mostKept, let receipt = receipt() else { return }
    receipts.append((backlog.taken, receipt))
    receiptsKept.add(receipt)
  }

  private func put(_ line: Line?) {
    guard let line, !isFull, plan.filter.fits(line.stanza) else { return output.pass() }
    output.add(line.stanza, line.envelope)
    lines += 1
    idleStart = .now
  }

  /// Ends the reading of the archive: what was held back follows, save what the archive had too.
  ///
  /// - Parameter isLost: whether it ends because its session is gone.
  func releaseHeld(isLost: Bool = false) {
    if !isLost, !archive.hasCaughtUp { idleStart = .now }
    let held = archive.end(isLost: isLost)
    for (line, isNew) in held {
      // The last line wanted is there: what has none stays the server's, and so does what came after it.
      if isFull { return }
      owe(Receipt.answer(to: line.stanza))
      if isNew { archive.remember(line, at: backlog.taken - 1) }
      put(isNew ? line : nil)
    }
    // They are written as one; their ids count from the last one on.
    archive.note(backlog.taken - 1)
    backlog.releases(held.count)
  }

  /// No line beyond the last one is wanted, so no stanza is either: the server keeps it.
  private var canTake: Bool {
    output.hasRoom && !isFull && rooms.ending == nil
      && (receiptsKept.bytes < Listener.mostKept || archive.isReading)
  }
  private var isFull: Bool { plan.count.map { lines >= $0 } ?? false }
  /// When the time without a line is over.
  var idleLimit: Deadline { plan.idle.map { idleStart.advanced(bySeconds: $0) } ?? .never }
  /// The same while the session is open: what the archive still has is waited for.
  private var openIdleLimit: Deadline { archive.isReading ? .never : idleLimit }
  private var hasEnded: Bool { output.isEmpty && (isFull || openIdleLimit.hasPassed || sourceIsConfirmed) }

  private func wait(until moment: Deadline) throws(Failure) {
    switch watch.look(at: session.connection.lastReceived, isReading: canTake) {
    case .ask: ask()
    case .lost:
      throw Failure(
        .stream, "ping-unanswered", "the server did not answer a ping", status: .noConnection)
    case .quiet: break
    }
    if archive.isReading {
      if !canTake { archive.heard() }
      if archive.limit.hasPassed { giveUpArchive("it does not answer") }
    }
    var others = [output.interest]
    if wantsInput { others.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)) }
    try session.wait(
      for: &others, readsInput: canTake,
      until: min(watch.next, output.isEmpty ? openIdleLimit : .never, archive.limit, moment),
      while: "waiting for stanzas")
    try checkReader(others[0])
    if others.count > 1, others[1].revents != 0 { try source?.read() }
  }

  /// - Throws: an output failure where nobody will read what is written.
  func checkReader(_ output: pollfd) throws(Failure) {
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
  func settle(_ written: Int) {
    let handled = backlog.wrote(written)
    if !receipts.isEmpty {
      let due = receipts.prefix { $0.place < backlog.written }
      for (_, receipt) in due {
        receiptsKept.remove(receipt)
        send(receipt)
      }
      receipts.removeFirst(due.count)
    }
    archive.wrote(before: backlog.written)
    session.handled(handled)
  }

  /// Writes down what must outlive the process, before the server learns of it.
  func keep() throws(Failure) {
    guard let state = plan.state else { return }
    try state.save(
      SavedSession(
        jid: session.jid, management: session.management, position: archive.written,
        firstOpened: archive.firstOpened, seen: archive.seen, written: backlog.written))
  }
}
