/// What becomes of each stanza a run sends: what it still waits for, and how it ended. No I/O.
///
/// A stanza is confirmed by the server when it is acknowledged (XEP-0198, or a round trip in its place) and a round trip
/// behind it is complete: a bounce that the server makes itself has then arrived too. Outcomes come in the order of sending.
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
    /// The server took responsibility.
    case acknowledged
    /// The recipient, the room or whoever was asked has answered.
    case received
    /// It was refused, or surely not sent.
    case failed
    /// Nobody knows.
    case unconfirmed
  }

  /// One stanza's end.
  public struct Outcome {
    public var to: String?
    public var id: String?
    public var status: Status
    /// Why not.
    public var error: Failure?
    /// The answer to an iq.
    public var reply: Stanza?

    /// An end with every part given.
    public init(to: String?, id: String?, status: Status, error: Failure?, reply: Stanza? = nil) {
      (self.to, self.id, self.status, self.error, self.reply) = (to, id, status, error, reply)
    }
  }

  fileprivate struct Record {
    let stanza: Element
    let to: JID?
    let awaited: Awaited
    var isAcknowledged = false
    var isBehindRoundTrip = false
    var outcome: (status: Status, error: Failure?, reply: Stanza?)?
  }

  /// The full JID in use; another one after a new session.
  public var account: JID
  /// Unfinished records and finished ones behind them; the first has the number `first`.
  private var records: [Record?] = []
  private var start = 0
  private var first = 0
  private var numbers: [String.UTF8Key: [Int]] = [:]

  /// - Parameter account: the full JID that was bound.
  public init(account: JID) { self.account = account }

  /// How many have not ended, or wait for others before them.
  public var count: Int { records.count - start }

  /// The number the next stanza gets.
  public var nextNumber: Int { first + count }

  /// Notes a stanza that is about to be sent, and numbers it.
  public mutating func add(_ stanza: Element, to: JID?, awaiting awaited: Awaited) -> Int {
    let number = nextNumber
    var record = Record(stanza: stanza, to: to, awaited: awaited)
    if awaited == .nothing { record.outcome = (.acknowledged, nil, nil) }
    records.append(record)
    if let id = stanza.attribute("id") { numbers[String.UTF8Key(id), default: []].append(number) }
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

  /// Whether all that wait for the server alone are acknowledged.
  public var isAcknowledged: Bool {
    records[start...].allSatisfy { $0.map { $0.outcome != nil || $0.isAcknowledged } ?? true }
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
    guard let id = stanza.id else { return false }
    if let error = StanzaError(of: stanza) {
      let name = "the \(stanza.kind.rawValue) \(id)" + (stanza.from.map { " to \($0)" } ?? "")
      let account = account
      return finish(
        id,
        where: {
          stanza.kind == .iq
            ? $0.isAnswer(stanza, account) : $0.isFrom(stanza) || $0.isFromServer(stanza, account)
        }, .failed, error.failure(name),
        reply: stanza.kind == .iq ? stanza : nil, kind: stanza.kind)
    }
    switch stanza.kind {
    case .iq where stanza.isType("result"):
      let account = account
      return finish(
        id, where: { $0.awaited == .answer && $0.isAnswer(stanza, account) }, .received, reply: stanza,
        kind: .iq)
    case .message where stanza.isType("groupchat"):
      return finish(id, where: { $0.awaited == .copy && $0.isFrom(stanza) }, .received)
    case .iq, .message, .presence: return false
    }
  }

  /// Gives up those whose fate nobody knows.
  public mutating func lost(_ numbers: some Sequence<Int>) {
    for number in numbers { end(number, .unconfirmed) }
  }

  /// Gives up all that have not ended.
  public mutating func abandon() {
    for number in first..<nextNumber { end(number, .unconfirmed) }
  }

  /// Takes out the outcomes that are known, up to the first that is not.
  public mutating func finished() -> [Outcome] {
    var outcomes: [Outcome] = []
    while start < records.count, let record = records[start], let outcome = record.outcome {
      let id = record.stanza.attribute("id")
      outcomes.append(
        Outcome(
          to: record.stanza.attribute("to"), id: id, status: outcome.status, error: outcome.error,
          reply: outcome.reply))
      if let id { forget(String.UTF8Key(id), first) }
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
    guard let record = self[number], record.awaited == .server, record.isAcknowledged,
      record.isBehindRoundTrip
    else { return }
    end(number, .acknowledged)
  }

  private mutating func end(_ number: Int, _ status: Status, _ error: Failure? = nil, _ reply: Stanza? = nil)
  {
    guard self[number]?.outcome == nil else { return }
    self[number]?.outcome = (status, error, reply)
  }

  private mutating func finish(
    _ id: String, where matches: (Record) -> Bool, _ status: Status, _ error: Failure? = nil,
    reply: Stanza? = nil, kind: Stanza.Kind? = nil
  ) -> Bool {
    for number in numbers[String.UTF8Key(id)] ?? [] {
      guard let record = self[number], record.outcome == nil, matches(record),
        kind == nil || record.stanza.name.isSame(as: kind?.rawValue ?? "")
      else { continue }
      end(number, status, error, reply)
      return true
    }
    return false
  }

  private mutating func forget(_ id: String.UTF8Key, _ number: Int) {
    numbers[id]?.removeAll { $0 == number }
    if numbers[id]?.isEmpty == true { numbers[id] = nil }
  }
}

extension Delivery.Record {
  /// Whether a stanza comes from whom this one went to, or from a device or occupant of theirs.
  fileprivate func isFrom(_ stanza: Stanza) -> Bool {
    guard let to, let sender = stanza.sender else { return false }
    return sender.bare == to.bare
  }

  /// Whether a stanza is the own server's word about it.
  fileprivate func isFromServer(_ stanza: Stanza, _ account: JID) -> Bool {
    guard stanza.from != nil else { return true }
    return [account.domain, account.bare].contains(stanza.sender)
  }

  /// Whether a stanza answers this iq (RFC 6120 §8.1.2.1): from exactly whom it asked, which may be left out for the own
  /// account.
  fileprivate func isAnswer(_ stanza: Stanza, _ account: JID) -> Bool {
    let own = [account.bare, account, account.domain]
    guard stanza.from != nil else { return to.map(own.contains) ?? true }
    guard let sender = stanza.sender else { return false }
    return to.map { sender == $0 } ?? own.contains(sender)
  }
}
