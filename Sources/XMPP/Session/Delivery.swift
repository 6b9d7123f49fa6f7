/// What becomes of each stanza a run sends: what it still waits for, and how it ended. No I/O.
///
/// A stanza is confirmed by the server when it is acknowledged (XEP-0198, or a round trip instead) and a later round trip
/// is complete: a bounce that the server itself generates has then arrived too. A stanza for another domain may also wait for
/// an error from that domain, until `endBounceWait`. Outcomes come in the order of sending.
public struct Delivery {
  /// What confirms a stanza.
  public enum Awaited: Sendable, Equatable {
    /// Nothing: sending it is enough.
    case nothing
    /// The server.
    case server
    /// The recipient's receipt (XEP-0184).
    case receipt
    /// The room's own copy (XEP-0045 §7.4).
    case copy
    /// The answer to an iq.
    case answer
  }

  /// How it ended.
  public enum Status: String, Sendable {
    /// The server took responsibility. Where more was awaited, that has not come.
    case acknowledged
    /// The recipient, the room or whoever was asked has answered.
    case received
    /// It was refused, or cannot be sent.
    case failed
    /// The run ended before it was sent.
    case notSent = "not-sent"
    /// Nobody knows, or nobody wanted to know.
    case unconfirmed
  }

  /// One stanza's end.
  public struct Outcome {
    /// Whom it was for; `nil` is the own account.
    public var to: String?
    /// Its id.
    public var id: String?
    /// What was to confirm it.
    public var awaited: Awaited
    /// How it ended.
    public var status: Status
    /// Why not.
    public var error: Failure?
    /// The answer to an iq.
    public var reply: Stanza?

    /// The end of a stanza.
    public init(
      of stanza: Element, awaiting awaited: Awaited, _ status: Status, error: Failure? = nil,
      reply: Stanza? = nil
    ) {
      to = stanza.attribute("to")
      id = stanza.attribute("id")
      (self.awaited, self.status, self.error, self.reply) = (awaited, status, error, reply)
    }

    /// Whether what was awaited has come.
    public var isReached: Bool {
      switch status {
      case .received: true
      case .acknowledged: awaited == .server
      case .failed, .notSent: false
      case .unconfirmed: awaited == .nothing
      }
    }
  }

  fileprivate struct Record {
    let stanza: Element
    let to: JID?
    let awaited: Awaited
    let bytes: Int
    var awaitsBounce: Bool
    var isAcknowledged = false
    var isBehindRoundTrip = false
    var outcome: (status: Status, error: Failure?, reply: Stanza?)?
  }

  /// The full JID in use; another one after a new session.
  public var account: JID
  /// The session's own occupants of rooms: the rooms' copies of its messages come from there.
  public var occupants: [JID] = []
  /// How many messages a copy without the id is compared with.
  private static let mostCompared = 16
  /// Unfinished records and finished ones behind them; the first has the number `first`.
  private var records: [Record?] = []
  private var start = 0
  private var first = 0
  private var numbers: [String.UTF8Key: [Int]] = [:]
  /// Stanzas that the server has taken responsibility for and that still wait for an error, until they are asked for.
  private var accepted: [Int] = []

  /// - Parameter account: the full JID that was bound.
  public init(account: JID) { self.account = account }

  /// How many have not ended, or wait for others before them.
  public var count: Int { records.count - start }

  /// The bytes of those, as far as they were told, and of the answers that wait with them.
  public private(set) var bytes = 0

  /// The number of the first stanza whose outcome is not told.
  public var firstNumber: Int { first }

  /// The number the next stanza gets.
  public var nextNumber: Int { first + count }

  /// Notes a stanza, and numbers it: the number is `nextNumber`.
  ///
  /// - Parameters:
  ///   - bytes: its size, for the sum of all.
  ///   - awaitsBounce: whether the server's word is not enough, and an error from another domain is waited for.
  @discardableResult
  public mutating func add(
    _ stanza: Element, to: JID?, awaiting awaited: Awaited, bytes: Int = 0, awaitsBounce: Bool = false
  ) -> Int {
    let number = nextNumber
    self.bytes += bytes
    var record = Record(
      stanza: stanza, to: to, awaited: awaited, bytes: bytes, awaitsBounce: awaitsBounce)
    if awaited == .nothing { record.outcome = (.unconfirmed, nil, nil) }
    records.append(record)
    if let id = stanza.attribute("id") { numbers[StanzaIdentifier.key(id), default: []].append(number) }
    return number
  }

  /// The stanza of that number, to be sent again after a resumption.
  public func stanza(_ number: Int) -> Element? { self[number]?.stanza }

  /// Notes that the server took responsibility for these.
  public mutating func acknowledged(_ numbers: some Sequence<Int>) {
    for number in numbers {
      self[number]?.isAcknowledged = true
      settle(number)
    }
  }

  /// Notes that a round trip is complete behind everything before `number`.
  public mutating func roundTrip(behind number: Int) {
    for number in first..<max(first, min(number, nextNumber)) {
      guard self[number]?.isBehindRoundTrip == false else { continue }
      self[number]?.isBehindRoundTrip = true
      settle(number)
    }
  }

  /// Takes out the numbers of stanzas that the server has newly taken responsibility for, and that now wait for an error alone.
  public mutating func takeAccepted() -> [Int] {
    defer { accepted = [] }
    return accepted
  }

  /// Notes that no error from another domain is waited for any longer.
  public mutating func endBounceWait(_ numbers: some Sequence<Int>) {
    for number in numbers {
      self[number]?.awaitsBounce = false
      settle(number)
    }
  }

  /// Notes that the domain of these stanzas cannot be reached.
  public mutating func refuse(_ numbers: some Sequence<Int>, with error: StanzaError) {
    for number in numbers {
      if let record = self[number] { end(number, .failed, error.failure(record.title)) }
    }
  }

  /// Whether all that wait for the server alone are acknowledged.
  public var isAcknowledged: Bool {
    records[start...].allSatisfy { $0.map { $0.outcome != nil || $0.isAcknowledged } ?? true }
  }

  /// The size in bytes of the largest stanza that is not acknowledged, if it is more than every server must accept (RFC 6120
  /// §13.12).
  public var largestUnacknowledged: Int? {
    let sizes = records[start...].compactMap { $0 }.filter { !$0.isAcknowledged }.map(\.bytes)
    return sizes.max().flatMap { $0 > 10_000 ? $0 : nil }
  }

  /// Takes a stanza that may be about one of ours: a bounce, a receipt, a room's copy, an answer.
  ///
  /// - Returns: whether it was.
  public mutating func take(_ stanza: Stanza) -> Bool {
    if let id = Receipt.received(in: stanza),
      finish(id, where: { $0.awaited == .receipt && $0.isFrom(stanza) }, .received)
    {
      return true
    }
    if stanza.kind == .message, stanza.isType("groupchat") { return takeCopy(stanza) }
    guard let id = stanza.id else { return takeNameless(stanza) }
    let account = account
    if let error = StanzaError(of: stanza) {
      return finish(
        id,
        where: {
          stanza.kind == .iq
            ? stanza.answers(requestTo: $0.to, of: account)
            : $0.isBounce(stanza) || $0.isFromServer(stanza, account)
        }, .failed, { error.failure($0.title) }, reply: stanza.kind == .iq ? stanza : nil, kind: stanza.kind)
    }
    switch stanza.kind {
    case .iq where stanza.isType("result"):
      return finish(
        id, where: { $0.awaited == .answer && stanza.answers(requestTo: $0.to, of: account) }, .received,
        reply: stanza,
        kind: .iq)
    case .iq, .message, .presence: return false
    }
  }

  /// Takes an error without the id that it should repeat (RFC 6120 §8.1.3). It concerns a stanza that was sent to its sender.
  /// Errors arrive in order, so it counts for the oldest one.
  private mutating func takeNameless(_ stanza: Stanza) -> Bool {
    guard stanza.kind != .iq, let error = StanzaError(of: stanza), let sender = stanza.sender else {
      return false
    }
    for number in first..<nextNumber {
      guard let record = self[number], record.outcome == nil || record.outcome?.status == .acknowledged,
        record.awaited != .nothing, record.stanza.name.isSame(as: stanza.kind.rawValue),
        record.isBounce(from: sender)
      else { continue }
      end(number, .failed, error.failure(record.title))
      return true
    }
    return false
  }

  /// Whether a message to a room waits for its copy.
  public func awaitsCopy(of room: JID) -> Bool {
    records[start...].contains { $0?.awaitsCopy(of: room) == true }
  }

  /// Notes that a room has read every message to it before `number`.
  public mutating func reflected(by room: JID, before number: Int) {
    for number in first..<max(first, min(number, nextNumber)) where self[number]?.awaitsCopy(of: room) == true
    {
      end(number, .received)
    }
  }

  /// Takes a room's copy of a message: from the session's own occupant, with the id or, as XEP-0045 §7.4 only recommends
  /// that, with the same text. What is delayed is history, and may be of an earlier run.
  private mutating func takeCopy(_ stanza: Stanza) -> Bool {
    guard let sender = stanza.sender, occupants.contains(sender) else { return false }
    let delays = [("delay", Namespace.delay), ("x", Namespace.legacyDelay)]
    if delays.contains(where: { stanza.element.child($0.0, $0.1) != nil }) { return false }
    let room = sender.bare
    if let id = stanza.id, finish(id, where: { $0.awaitsCopy(of: room) }, .received) { return true }
    let texts = RoomTexts(stanza.element)
    guard !texts.isEmpty else { return false }
    // A room reflects in the order of sending, so that the oldest few will do.
    var compared = 0
    for number in first..<nextNumber where self[number]?.awaitsCopy(of: room) == true {
      if self[number]?.texts == texts {
        end(number, .received)
        return true
      }
      compared += 1
      if compared == Delivery.mostCompared { break }
    }
    return false
  }

  /// Fails what waits for a room's copy, which does not come any more.
  public mutating func fail(awaiting room: JID, _ failure: Failure) {
    for number in first..<nextNumber where self[number]?.awaitsCopy(of: room) == true {
      end(number, .failed, failure)
    }
  }

  /// Notes that a stanza is not sent, and why.
  public mutating func fail(_ number: Int, _ failure: Failure) { end(number, .failed, failure) }

  /// Gives up those whose fate nobody knows.
  public mutating func lost(_ numbers: some Sequence<Int>) {
    for number in numbers { end(number, .unconfirmed) }
  }

  /// Gives up all that have not ended. What the server took responsibility for is still its own to deliver.
  public mutating func abandon() {
    for number in first..<nextNumber {
      end(number, self[number]?.isServersOwn == true ? .acknowledged : .unconfirmed)
    }
  }

  /// Takes out the outcomes that are known, up to the first that is not.
  public mutating func finished() -> [Outcome] {
    var outcomes: [Outcome] = []
    while start < records.count, let record = records[start], let outcome = record.outcome {
      outcomes.append(
        Outcome(
          of: record.stanza, awaiting: record.awaited, outcome.status, error: outcome.error,
          reply: outcome.reply))
      if let id = record.stanza.attribute("id") { forget(StanzaIdentifier.key(id), first) }
      bytes -= record.bytes + (outcome.reply?.element.footprint ?? 0)
      records[start] = nil
      start += 1
      first += 1
    }
    if start > 1024 {
      records.removeFirst(start)
      start = 0
    }
    return outcomes
  }

  fileprivate subscript(number: Int) -> Record? {
    get {
      let index = number - first + start
      return number >= first && index < records.count ? records[index] : nil
    }
    set {
      let index = number - first + start
      if number >= first, index < records.count { records[index] = newValue }
    }
  }

  private mutating func settle(_ number: Int) {
    guard let record = self[number], record.awaited == .server, record.isServersOwn else { return }
    if !record.awaitsBounce {
      end(number, .acknowledged)
    } else if record.outcome == nil {
      accepted.append(number)
    }
  }

  private mutating func end(_ number: Int, _ status: Status, _ error: Failure? = nil, _ reply: Stanza? = nil)
  {
    let known = self[number]?.outcome?.status
    // A bounce may come after the server's word, as long as that was not told.
    guard known == nil || known == .acknowledged && status == .failed else { return }
    self[number]?.outcome = (status, error, reply)
    bytes += reply?.element.footprint ?? 0
  }

  private mutating func finish(
    _ id: String, where matches: (Record) -> Bool, _ status: Status,
    _ error: (Record) -> Failure? = { _ in nil },
    reply: Stanza? = nil, kind: Stanza.Kind? = nil
  ) -> Bool {
    for number in candidates(id) {
      guard let record = self[number], matches(record),
        record.outcome == nil || record.outcome?.status == .acknowledged && status == .failed,
        kind == nil || record.stanza.name.isSame(as: kind?.rawValue ?? "")
      else { continue }
      end(number, status, error(record), reply)
      return true
    }
    return false
  }

  /// The stanzas that an id may mean, oldest first: those with that very id, and then those with one that servers turn into it.
  private func candidates(_ id: String) -> [Int] {
    guard let same = numbers[StanzaIdentifier.key(id)] else { return [] }
    guard same.count > 1 else { return same }
    let isExact = { self[$0]?.stanza.attribute("id")?.isSame(as: id) == true }
    return same.filter(isExact) + same.filter { !isExact($0) }
  }

  private mutating func forget(_ id: String.UTF8Key, _ number: Int) {
    numbers[id]?.removeAll { $0 == number }
    if numbers[id]?.isEmpty == true { numbers[id] = nil }
  }
}

/// What a message in a room says, compared byte for byte.
private struct RoomTexts: Equatable {
  private let texts: [String.UTF8Key?]

  init(_ message: Element) {
    texts = ["body", "subject"].map { message.child($0, Namespace.client).map { String.UTF8Key($0.text) } }
  }

  var isEmpty: Bool { texts.allSatisfy { $0 == nil } }
}

extension Delivery.Record {
  /// Whether it waits for the room's copy.
  fileprivate func awaitsCopy(of room: JID) -> Bool { awaited == .copy && outcome == nil && to?.bare == room }

  fileprivate var texts: RoomTexts { RoomTexts(stanza) }

  /// How a sentence about it begins.
  fileprivate var title: String {
    "the \(stanza.name) \(stanza.attribute("id") ?? "")" + (to.map { " to \($0.full)" } ?? "")
  }

  /// Whether the server took responsibility, and what it had to say at once has come.
  fileprivate var isServersOwn: Bool { isAcknowledged && isBehindRoundTrip }

  /// Whether a receipt comes from whom this one went to, or from another of their devices.
  fileprivate func isFrom(_ stanza: Stanza) -> Bool {
    guard let to, let sender = stanza.sender else { return false }
    return sender.bare == to.bare
  }

  /// Whether an error comes from whom this one went to. Of an address with a resourcepart, another resource has no say:
  /// in a room it would be another occupant.
  fileprivate func isBounce(_ stanza: Stanza) -> Bool { stanza.sender.map { isBounce(from: $0) } ?? false }

  fileprivate func isBounce(from sender: JID) -> Bool {
    guard let to else { return false }
    if sender == to || sender == to.bare { return true }
    return to.resourcepart == nil && awaited != .copy && sender.bare == to
  }

  /// Whether a stanza is the own server's word about it.
  fileprivate func isFromServer(_ stanza: Stanza, _ account: JID) -> Bool {
    guard stanza.from != nil else { return true }
    return [account.domain, account.bare].contains(stanza.sender)
  }
}
