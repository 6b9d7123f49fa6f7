import XMPP

/// How far the archive is known to be read.
struct ArchivePosition: Equatable {
  /// The archive's own id of the last message, if that came from the archive. A live message has none: what it carries as such
  /// anybody can write.
  var id: String?
  /// When that message was archived or received; milliseconds since 1970.
  var time: Int64
}

/// One reading of the archive up to the present, page by page (XEP-0313). No I/O.
///
/// First what there is before the presence is sent, so that nothing comes live meanwhile; then once more, for what came in
/// between. What comes live during that last part waits, and is left out if the archive had it.
struct ArchiveReading {
  /// Where it stands.
  enum Phase {
    /// Counting back from the end, to find where the last messages begin.
    case measuring
    /// Reading what was there before the presence.
    case past
    /// Reading what came since, with the presence sent.
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
    /// The archive cannot be read on, for this reason.
    case stuck(String)
  }

  private static let page = 100

  private(set) var phase: Phase
  private var query: ArchiveQuery
  private var start: String?
  private var after: String?
  /// How many messages are still to be counted back, one more than wanted: reading begins after it.
  private var uncounted = 0
  private var before: ResultSet.Page = .last
  /// The ids of the first and the last result of this page.
  private var ids: (first: String, last: String)?
  private var pages = RepeatedPages()

  /// A reading of what the user asked for.
  init(since: Since, account: JID) {
    query = ArchiveQuery(account: account)
    phase = .past
    switch since {
    case .time(let time): start = time
    case .last(let count):
      phase = .measuring
      uncounted = count &+ 1
    }
  }

  /// A reading of what follows the last message that is known, or else a moment.
  ///
  /// - Parameter phase: `.gap` if the presence was sent already.
  init(after id: String?, start: String?, account: JID, phase: Phase = .past) {
    query = ArchiveQuery(account: account)
    self.phase = phase
    after = id
    self.start = id == nil ? start : nil
  }

  /// Whether it asks for what follows an id, which the archive may not know any more.
  var isAskedByID: Bool { phase != .measuring && after != nil }

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
    ids = (ids?.first ?? result.id, result.id)
    guard phase == .measuring else { return (result, true) }
    uncounted -= 1
    return (result, false)
  }

  /// Takes the end of a page.
  ///
  /// Servers leave out what XEP-0059 demands: then the ids of the results themselves lead on. Only what says that it is the last
  /// page, or an empty page, is the end.
  mutating func ended(_ answer: Stanza) -> Step {
    guard let end = query.end(answer) else { return .stuck("its answer has no <fin/>") }
    let (first, last) = (end.set.first ?? ids?.first, end.set.last ?? ids?.last)
    let isEmpty = ids == nil
    ids = nil
    if !end.isComplete, first ?? last == nil, !end.set.isPresent {
      return .stuck("it does not say whether there is more")
    }
    if phase == .measuring { return measured(end, first) }
    let isSame = last.map { after?.isSame(as: $0) == true } ?? false
    if let last { after = last }
    if !end.isComplete, let last {
      if pages.hasRepeated(last) || isSame && isEmpty {
        return .stuck("it repeats the same page, which ends with \(last)")
      }
      return .ask(question)
    }
    if phase == .past {
      phase = .gap
      pages = RepeatedPages()
      return .appear(question)
    }
    phase = .done
    return .finish
  }

  private mutating func measured(_ end: ArchiveQuery.End, _ first: String?) -> Step {
    if uncounted > 0, !end.isComplete, let first {
      if pages.hasRepeated(first) { return .stuck("it repeats the same page, which begins with \(first)") }
      before = .before(first)
      return .ask(question)
    }
    // The oldest of a page comes first, so that only a page with one message too many begins with it.
    after = uncounted <= 0 ? first : nil
    phase = .past
    pages = RepeatedPages()
    return .ask(question)
  }
}

/// Finds out that the pages of an archive repeat, in constant memory (Brent's algorithm for cycles): each id is compared with
/// one that is kept, and the one that is kept is replaced after 1, 2, 4, 8, … pages.
struct RepeatedPages {
  private var kept: String?
  private var count = 0
  private var limit = 1

  /// Takes the id that stands for the next page.
  ///
  /// - Returns: whether the pages are known to repeat.
  mutating func hasRepeated(_ id: String) -> Bool {
    if let kept, kept.isSame(as: id) { return true }
    count += 1
    if count >= limit { (kept, count, limit) = (id, 0, limit &* 2) }
    return false
  }
}
