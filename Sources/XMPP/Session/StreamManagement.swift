/// Stream management (XEP-0198): which stanzas the server has taken responsibility for, and which ones we have.
///
/// A state machine without I/O. The caller tells what it writes (`enqueue`), what arrives (`arrived`) and what it has
/// dealt with (`handled`); this says what is acknowledged and what to answer. `Token` is what the caller wants back of a
/// stanza it sent: the element where it may have to be sent again, an id where not.
///
/// Both counters are modulo 2³² and start where the other side starts them too (§4): what we send counts from our
/// `<enable/>` on, what we receive from its `<enabled/>` on. A stanza that arrives between the two is dealt with like any
/// other, and not counted.
public struct StreamManagement<Token: Sendable>: Sendable {
  /// What an element of the server's meant.
  public enum Event: Sendable {
    /// It counts from now on. What was sent before `<enable/>` has thereby been dealt with.
    case enabled(acknowledged: [Token])
    /// It does not, and says why by a stanza error's condition. What was sent is still to be confirmed in another way.
    case notEnabled(condition: String)
    /// The old session goes on; the stanzas to send again are counted already.
    case resumed(acknowledged: [Token], resend: [Token])
    /// The old session is gone. It is not known what became of the unconfirmed.
    case notResumed(condition: String, acknowledged: [Token], unconfirmed: [Token])
    /// The server took responsibility for these.
    case acknowledged([Token])
    /// The server asks how far we are; this is to be sent.
    case answer(Element)
  }

  /// What the server gave for coming back to the session.
  public struct Resumption: Sendable, Equatable {
    /// Its name for the session.
    public var id: String
    /// How many seconds it keeps it after the connection is lost, where it says so.
    public var seconds: Int?
    /// Where it would like us to come back, as `HOST[:PORT]` of XEP-0198 §5.
    public var location: String?

    /// A session to come back to.
    public init(id: String, seconds: Int? = nil, location: String? = nil) {
      self.id = id
      self.seconds = seconds
      self.location = location
    }
  }

  private enum State: Sendable, Equatable {
    case off
    case enabling
    case on
    case resuming
  }

  /// The session to come back to, where the server allows that.
  public private(set) var resumption: Resumption?
  /// Stanzas of the server's that were dealt with, modulo 2³²; what we send as `h`.
  public private(set) var handledCount: UInt32
  /// Stanzas of ours that the server acknowledged, modulo 2³².
  public private(set) var acknowledgedCount: UInt32
  /// What was sent and not acknowledged, oldest first.
  public private(set) var unacknowledged: [Token]

  private let window: Int
  private let capacity: Int
  private var state = State.off
  /// How many of `unacknowledged` were sent before `<enable/>`, and so are not counted.
  private var uncounted = 0
  /// Sent since acknowledgement was asked for last.
  private var sinceRequest = 0
  /// Requests that were not answered.
  private var requests = 0
  /// Arrived and not handled: those of before `<enabled/>`, which come first, and those that count.
  private var early = 0
  private var waiting = 0

  /// - Parameters:
  ///   - window: how many stanzas are sent before acknowledgement is asked for.
  ///   - capacity: how many may be unacknowledged at any time.
  public init(window: Int = 64, capacity: Int = 1024) {
    self.window = max(1, window)
    self.capacity = max(1, capacity)
    handledCount = 0
    acknowledgedCount = 0
    unacknowledged = []
  }

  /// A session kept from an earlier run, to be resumed.
  public init(
    resuming resumption: Resumption, handledCount: UInt32, acknowledgedCount: UInt32, unacknowledged: [Token],
    window: Int = 64, capacity: Int = 1024
  ) {
    self.init(window: window, capacity: capacity)
    self.resumption = resumption
    self.handledCount = handledCount
    self.acknowledgedCount = acknowledgedCount
    self.unacknowledged = unacknowledged
  }

  /// Whether acknowledgements can be asked for and given.
  public var isOn: Bool { state == .on }
  /// Whether acknowledgements can be asked for, if only together with the request for them.
  public var canRequest: Bool { state == .on || state == .enabling }
}

// MARK: - Beginning

extension StreamManagement {
  /// Asks the server to count; to be sent after a resource was bound (§3), once in a stream. Whatever is enqueued from
  /// now on counts.
  ///
  /// - Parameters:
  ///   - resumable: whether to ask for a session that can be come back to.
  ///   - seconds: how long the server should keep it.
  public mutating func enable(resumable: Bool, seconds: Int? = nil) -> Element {
    state = .enabling
    resumption = nil
    handledCount = 0
    acknowledgedCount = 0
    uncounted = unacknowledged.count
    early += waiting
    waiting = 0
    requests = 0
    sinceRequest = 0
    return StreamManagement.enableRequest(resumable: resumable, seconds: seconds)
  }

  /// What `enable` sends. A login by SASL2 can carry it (§10.1); `enable` is for when that was taken.
  static func enableRequest(resumable: Bool, seconds: Int? = nil) -> Element {
    Element(
      "enable", Namespace.streamManagement,
      ["resume": resumable ? "true" : nil, "max": resumable ? seconds.map { String($0) } : nil])
  }

  /// Asks the server for the old session; to be sent in a new stream after the login, in place of binding (§5), with
  /// nothing after it until the answer. `nil` where there is no session to come back to.
  ///
  /// What arrived in the old stream and was not handled will come again: the caller forgets it.
  public mutating func resume() -> Element? {
    guard let request = resumeRequest else { return nil }
    state = .resuming
    requests = 0
    return request
  }

  /// What `resume` sends. A login by SASL2 can carry it (§10.2); `resume` is for when that was taken.
  var resumeRequest: Element? {
    resumption.map {
      Element("resume", Namespace.streamManagement, ["h": String(handledCount), "previd": $0.id])
    }
  }

  /// Forgets the session, as when it was closed in good order.
  ///
  /// - Returns: what was never acknowledged.
  public mutating func abandon() -> [Token] {
    state = .off
    resumption = nil
    uncounted = 0
    requests = 0
    sinceRequest = 0
    defer { unacknowledged = [] }
    return unacknowledged
  }
}

// MARK: - Going on

extension StreamManagement {
  /// Whether another stanza may be sent before an acknowledgement comes.
  public var hasRoom: Bool { unacknowledged.count < capacity }

  /// Notes a stanza that is about to be sent.
  ///
  /// - Returns: whether there was room; where not, it must not be sent.
  public mutating func enqueue(_ token: Token) -> Bool {
    guard hasRoom else { return false }
    unacknowledged.append(token)
    sinceRequest += 1
    return true
  }

  /// Whether enough was sent for another `request`: a window full, or no room left and nothing asked.
  public var isRequestDue: Bool {
    guard state == .on, sinceRequest > 0 else { return false }
    return sinceRequest >= window || !hasRoom && requests == 0
  }

  /// Whether anything was sent since acknowledgement was asked for last.
  public var hasUnrequested: Bool { sinceRequest > 0 }

  /// Asks for acknowledgement, at any time while it `isOn`, the last thing before waiting at the latest.
  public mutating func request() -> Element {
    requests += 1
    sinceRequest = 0
    return Element("r", Namespace.streamManagement)
  }

  /// Whether everything asked for was answered.
  public var awaitsAnswer: Bool { requests > 0 }

  /// Notes a stanza that arrived; every one, in every state.
  public mutating func arrived() {
    if state == .on { waiting += 1 } else { early += 1 }
  }

  /// Notes that the oldest stanzas that arrived have been dealt with: their lines are written.
  public mutating func handled(_ count: Int = 1) {
    let uncounted = min(max(0, count), early)
    let counted = min(max(0, count) - uncounted, waiting)
    early -= uncounted
    waiting -= counted
    handledCount &+= UInt32(truncatingIfNeeded: counted)
  }

  /// What tells the server how far we are, asked or not.
  public var answer: Element {
    Element("a", Namespace.streamManagement, ["h": String(handledCount)])
  }

  /// Takes the oldest tokens out: a round trip behind them was completed. Where the server acknowledges, that alone counts,
  /// and nothing is taken out.
  public mutating func confirm(_ count: Int) -> [Token] {
    state == .off ? take(min(max(0, count), unacknowledged.count)) : []
  }

  /// Takes an element of the server's in the namespace of stream management.
  ///
  /// - Throws: where it is not one that may come now, or its `h` cannot be: too high, going back, or no number.
  public mutating func receive(_ element: Element) throws(Failure) -> Event {
    let kind = Kind.allCases.first { element.is($0.rawValue, Namespace.streamManagement) }
    switch (kind, state) {
    case (.enabled, .enabling):
      state = .on
      let id = element.attribute("id")
      let resumable = element.attribute("resume").map { $0.isSame(as: "true") || $0.isSame(as: "1") } ?? false
      if resumable, let id, !id.isEmpty {
        resumption = Resumption(
          id: id, seconds: element.attribute("max").flatMap { Int($0) },
          location: element.attribute("location"))
      }
      return .enabled(acknowledged: take(uncounted))
    case (.failed, .enabling):
      state = .off
      return .notEnabled(condition: condition(element))
    case (.failed, .off) where requests > 0:
      // A request for acknowledgement had left before it was known that there is none.
      requests = 0
      return .notEnabled(condition: condition(element))
    case (.resumed, .resuming):
      guard let id = element.attribute("previd"), let resumption, id.isSame(as: resumption.id) else {
        throw violation("resumed a session that was not asked for")
      }
      let acknowledged = try acknowledge(element)
      state = .on
      (early, waiting) = (0, 0)
      sinceRequest = unacknowledged.count
      return .resumed(acknowledged: acknowledged, resend: unacknowledged)
    case (.failed, .resuming):
      let acknowledged = element.attribute("h") == nil ? [] : try acknowledge(element)
      return .notResumed(
        condition: condition(element), acknowledged: acknowledged, unconfirmed: abandon())
    case (.acknowledgement, .on):
      let acknowledged = try acknowledge(element)
      requests = max(0, requests - 1)
      return .acknowledged(acknowledged)
    case (.request, .on):
      return .answer(answer)
    case (_?, _):
      throw violation("sent <\(element.name)/> where it cannot be")
    case (nil, _):
      throw violation("sent <\(element.name)/>, which does not exist")
    }
  }

  private enum Kind: String, CaseIterable {
    case enabled, resumed, failed
    case request = "r"
    case acknowledgement = "a"
  }

  /// Reads `h` and takes out what it acknowledges.
  private mutating func acknowledge(_ element: Element) throws(Failure) -> [Token] {
    let text = element.attribute("h") ?? ""
    guard !text.isEmpty, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let h = UInt32(text) else {
      throw violation("acknowledged h=“\(text)”, which is no number below 2³²")
    }
    // What is behind the counter looks like a large step forward; either way it was never sent.
    let step = h &- acknowledgedCount
    guard Int(step) <= unacknowledged.count - uncounted else {
      let sent = acknowledgedCount &+ UInt32(truncatingIfNeeded: unacknowledged.count - uncounted)
      throw violation("acknowledged \(h) stanzas after \(acknowledgedCount), of \(sent) that were sent")
    }
    acknowledgedCount = h
    return take(Int(step))
  }

  private mutating func take(_ count: Int) -> [Token] {
    let taken = Array(unacknowledged.prefix(count))
    unacknowledged.removeFirst(taken.count)
    uncounted = max(0, uncounted - taken.count)
    return taken
  }

  private func condition(_ failed: Element) -> String {
    failed.elements.first { $0.namespace.isSame(as: Namespace.stanzaErrors) }?.name ?? "undefined-condition"
  }

  private func violation(_ what: String) -> Failure {
    .protocolViolation("stream-management", "the server \(what) (stream management)")
  }
}
