import XMPP

/// What `--since` asks for.
enum Since: Equatable {
  /// Everything from a moment on, as XEP-0082 writes it.
  case time(String)
  /// The last so many messages.
  case last(Int)

  /// Reads `2026-11-22`, `2026-11-22T10:00:00Z` or a number; `nil` where it is neither.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    if let count = Int(text) {
      guard count > 0, count <= Int32.max else { return nil }
      self = .last(count)
    } else if Since.matches(bytes, "dddd-dd-dd") {
      self = .time(text + "T00:00:00Z")
    } else if bytes.count <= 40, Since.matches(Array(bytes.prefix(19)), "dddd-dd-ddTdd:dd:dd"),
      Since.isZone(bytes.dropFirst(19))
    {
      self = .time(text)
    } else {
      return nil
    }
  }

  private static func matches(_ bytes: [UInt8], _ form: String) -> Bool {
    bytes.count == form.utf8.count
      && zip(bytes, form.utf8).allSatisfy { $1 == UInt8(ascii: "d") ? 0x30...0x39 ~= $0 : $0 == $1 }
  }

  private static func isZone(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst().drop { 0x30...0x39 ~= $0 } }
    let zone = Array(rest)
    return matches(zone, "Z") || matches(zone, "+dd:dd") || matches(zone, "-dd:dd")
  }
}

/// How far the archive is known to be read.
struct ArchivePosition: Equatable {
  /// The archive's own id of the last message, if that came from the archive. A live message has none: what it carries as such
  /// anybody can write.
  var id: String?
  /// When that message was archived or received; milliseconds since 1970.
  var time: Int64
}

/// The way through the archive up to the present, page by page (XEP-0313). No I/O.
///
/// Before the presence, so that nothing comes live meanwhile; then once more behind it, for what fell between. What comes
/// live during that last part waits, and is left out where the archive had it.
struct ArchiveReading {
  /// Where it stands.
  enum Phase {
    /// Counting back from the end, to find where the last messages begin.
    case measuring
    /// Reading what was there before the presence.
    case past
    /// Reading what came since, with the presence out.
    case gap
    case done
  }

  /// What follows the end of a page.
  enum Step {
    /// Ask for another page.
    case ask(Element)
    /// The past has been read; announce the presence, then ask for this.
    case appear(Element)
    /// The present is reached.
    case finish
  }

  private static let page = 100

  private(set) var phase = Phase.past
  private var query: ArchiveQuery
  private var start: String?
  private var after: String?
  /// How many messages are still to be counted back, one more than wanted: reading begins behind it.
  private var uncounted = 0
  private var before: ResultSet.Page = .last

  /// A way from what the user asked for.
  init(since: Since, account: JID) {
    query = ArchiveQuery(account: account)
    switch since {
    case .time(let time): start = time
    case .last(let count):
      phase = .measuring
      uncounted = count &+ 1
    }
  }

  /// A way on from the last message that is known, or else a moment.
  init(after id: String?, start: String?, account: JID) {
    query = ArchiveQuery(account: account)
    after = id
    self.start = id == nil ? start : nil
  }

  /// What to ask for next.
  var question: Element {
    if phase == .measuring {
      return query.payload(page: before, size: min(uncounted, ArchiveReading.page))
    }
    return query.payload(start: start, page: after.map { .after($0) } ?? .first, size: ArchiveReading.page)
  }

  /// The messages of this reading; `nil` for all else. Those that are only counted have no line.
  mutating func result(_ stanza: Stanza) -> (result: ArchiveQuery.Result, isLine: Bool)? {
    guard phase != .done, let result = query.result(stanza) else { return nil }
    guard phase == .measuring else { return (result, true) }
    uncounted -= 1
    return (result, false)
  }

  /// Takes the end of a page.
  mutating func ended(_ answer: Stanza) -> Step {
    guard let end = query.end(answer) else { return .finish }
    if phase == .measuring { return measured(end) }
    // A server that gives no id of the last one cannot be asked for the next.
    if let last = end.set.last { after = last }
    if !end.isComplete, end.set.last != nil { return .ask(question) }
    if phase == .past {
      phase = .gap
      return .appear(question)
    }
    phase = .done
    return .finish
  }

  private mutating func measured(_ end: ArchiveQuery.End) -> Step {
    if uncounted > 0, !end.isComplete, let first = end.set.first {
      before = .before(first)
      return .ask(question)
    }
    // A page is told oldest first, so that only a page with one message too many begins with it.
    after = uncounted <= 0 ? end.set.first : nil
    phase = .past
    return .ask(question)
  }
}
