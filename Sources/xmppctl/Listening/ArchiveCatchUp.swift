import XMPP

/// How `listen` keeps up with the account's archive (XEP-0313): what of it is to be read, which of its messages have a line
/// already, what comes live meanwhile, and how far the lines that are written go. No I/O.
struct ArchiveCatchUp {
  typealias Line = Listener.Line

  /// Seconds that the archive has for each message.
  private static let patience = 10.0
  /// How many messages are held back at most, and their bytes.
  private static let mostHeld = 1000
  private static let mostHeldBytes = 4 << 20

  private let since: Since?
  /// Whether the archive may be read later: by the next session, or by the next run.
  private let isKept: Bool
  private var reading: ArchiveReading?
  /// How many readings there were, and whether one of them has come to its end.
  private var readings = 0
  private(set) var hasCaughtUp = false
  /// How far the archive is known to be read.
  private var position: ArchivePosition?
  /// The position from which the archive was asked by time, because it did not know the id.
  private var askedByTime: ArchivePosition?
  /// Positions by the place of their message among the lines, and that of the last one whose line was written.
  private var marks: [(place: Int, position: ArchivePosition)] = []
  private(set) var written: ArchivePosition?
  /// Ids of the archive that were read, messages that came live, and those that this reading of the archive brought.
  var recent = RecentIDs()
  private(set) var seen: SeenMessages
  private var archived = SeenMessages()
  private var held: [Line] = []
  private var heldKept = Footprint()
  /// When the archive is given up, unless more of it comes before.
  private(set) var limit = Deadline.never
  /// When the first session of this run and of the runs that it continues was opened; what was archived before is not new.
  let firstOpened: Int64
  /// Whether there was such a session before.
  private var wasOpened: Bool

  /// - Parameters:
  ///   - since: what the user wants of the archive.
  ///   - isKept: whether the archive may be read again, by the next session or the next run.
  ///   - saved: what the run before has left.
  init(since: Since?, isKept: Bool, after saved: SavedSession? = nil) {
    self.since = since
    self.isKept = isKept
    position = saved?.position
    written = saved?.position
    seen = saved?.seen ?? SeenMessages()
    firstOpened = saved?.firstOpened ?? .now
    wasOpened = saved != nil
  }

  /// Whether the archive is being read.
  var isReading: Bool { reading != nil }
  /// Whether the presence has to wait until the past has been read.
  var precedesPresence: Bool { reading.map { $0.phase != .gap } ?? false }
  /// Whether this is the first reading of the run.
  var isFirstReading: Bool { readings == 1 }
}

// MARK: - Reading

extension ArchiveCatchUp {
  /// Begins a reading in a new session: of what came since the last line, or of what the user asked for.
  ///
  /// - Returns: what to ask for; `nil` if there is nothing to be read.
  mutating func begin(account: JID) -> Element? {
    askedByTime = nil
    reading = nextReading(account)
    wasOpened = true
    archived = SeenMessages(key: seen.key)
    guard let reading else {
      seen.endMatching()
      return nil
    }
    readings += 1
    seen.beginMatching()
    archived.beginMatching()
    return reading.question
  }

  private func nextReading(_ account: JID) -> ArchiveReading? {
    if let position {
      return ArchiveReading(after: position.id, start: start(of: position), account: account)
    }
    // Also if the session was lost before the archive had answered.
    if let since, !hasCaughtUp { return ArchiveReading(since: since, account: account) }
    guard wasOpened else { return nil }
    return ArchiveReading(after: nil, start: Timestamp.text(seconds: firstOpened / 1000), account: account)
  }

  /// The time from which the archive is read on. A position of the archive has the archive's own time. For one of this machine
  /// it is earlier by as much as the clocks may differ: `seen` recognizes messages that already have a line. Messages older than
  /// the first session are not read then.
  private func start(of position: ArchivePosition) -> String {
    let time =
      position.id == nil ? max(firstOpened, position.time - SeenMessages.margin) : position.time
    return Timestamp.text(seconds: time / 1000)
  }

  /// The archive answers, or cannot be heard.
  mutating func heard() { limit = .after(seconds: ArchiveCatchUp.patience) }

  /// Takes a result of the archive.
  ///
  /// - Returns: its line; `nil` if nobody asked for it, or it has a line already.
  mutating func result(_ message: Stanza) -> Line? {
    guard let (result, isLine) = reading?.result(message) else { return nil }
    heard()
    guard isLine else { return nil }
    let moment = result.delay?.moment
    let time = moment ?? .now
    if result.id.utf8.count <= RecentIDs.longest {
      position = ArchivePosition(id: result.id, time: moment ?? time - SeenMessages.margin)
    }
    guard recent.insert(result.id), !seen.match(result.message, at: time) else { return nil }
    // Also before the presence is sent: the server then delivers from its offline storage what the archive has too.
    archived.add(result.message, at: time, place: 0)
    return (
      result.message, StanzaEnvelope(received: .now, sent: moment, delay: result.delay, archive: result.id)
    )
  }

  /// Takes the end of a page.
  mutating func ended(_ answer: Stanza) -> ArchiveReading.Step {
    reading?.ended(answer) ?? .finish
  }

  /// The archive has refused what it was asked for. An id that it does not know any more is replaced by the time of its message,
  /// once for each.
  ///
  /// - Returns: what to ask for instead, if there is anything.
  mutating func refused(account: JID) -> Element? {
    guard let reading, reading.isAskedByID, let position, position != askedByTime else { return nil }
    askedByTime = position
    let other = ArchiveReading(after: nil, start: start(of: position), account: account, phase: reading.phase)
    self.reading = other
    return other.question
  }

  /// Ends the reading.
  ///
  /// - Parameter isLost: whether it ends because its session is gone. What was held back is then met again in the archive.
  /// - Returns: what was held back, and whether the archive did not have it.
  mutating func end(isLost: Bool) -> [(line: Line, isNew: Bool)] {
    if !isLost { hasCaughtUp = true }
    reading = nil
    limit = .never
    seen.endMatching()
    let lines = held.map { (line: $0, isNew: isNews($0)) }
    if !isLost, let last = held.last { position = ArchivePosition(id: nil, time: last.envelope.received) }
    (held, heldKept) = ([], Footprint())
    archived = SeenMessages(key: seen.key)
    return lines
  }
}

// MARK: - Live messages

extension ArchiveCatchUp {
  /// A message came live; while the archive is read it may come by both ways.
  mutating func live(_ line: Line) {
    if reading == nil { position = ArchivePosition(id: nil, time: line.envelope.received) }
  }

  /// Whether a line has to wait for the end of the reading, which may bring its message too.
  func mustHold(_ line: Line) -> Bool {
    reading?.phase == .gap && line.envelope.archive == nil && line.stanza.kind == .message
  }

  /// Holds a line back.
  ///
  /// - Returns: whether there was room for it.
  mutating func hold(_ line: Line) -> Bool {
    guard held.count < ArchiveCatchUp.mostHeld, heldKept.bytes < ArchiveCatchUp.mostHeldBytes else {
      return false
    }
    held.append(line)
    heldKept.add(line.stanza.element)
    return true
  }

  /// Whether this reading has brought no line for a message that came live.
  mutating func isNews(_ line: Line) -> Bool { !archived.match(line.stanza, at: line.envelope.time) }

  /// Notes a message that came live, since the archive may bring it once more. Those of a room are not noted: an account's
  /// archive seldom has them, and a busy room would push out all others.
  mutating func remember(_ line: Line, at place: Int) {
    guard isKept || isReading, line.stanza.kind == .message, line.envelope.archive == nil,
      !line.stanza.isType("groupchat")
    else { return }
    seen.add(line.stanza, at: line.envelope.time, place: place)
  }
}

// MARK: - What is written

extension ArchiveCatchUp {
  /// Notes how far the archive is read at a place among the lines, so that it counts once that is written.
  mutating func note(_ place: Int) {
    guard let position, position != marks.last?.position ?? written else { return }
    marks.append((place, position))
  }

  /// The lines before a place are written.
  mutating func wrote(before place: Int) {
    guard let last = marks.lastIndex(where: { $0.place < place }) else { return }
    written = marks[last].position
    marks.removeFirst(last + 1)
  }
}
