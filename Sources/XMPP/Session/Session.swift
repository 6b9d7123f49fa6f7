import Glibc

/// A bound resource over one connection after another: stanzas out, stanzas in, and XEP-0198's counts of both.
///
/// Nothing but `open`, `wait` and `close` waits. `Token` is what the caller wants back of a stanza it sent when the server
/// has taken responsibility for it.
public final class Session<Token: Sendable> {
  /// What came in.
  public enum Arrival {
    /// A stanza. It counts as unread until `handled` says that it was dealt with.
    case stanza(Stanza)
    /// What stream management says; answers it asks for have been sent.
    case management(StreamManagement<Token>.Event)
  }

  /// How the session began.
  public enum Opening {
    /// A new session. What was sent in the one before and never acknowledged is `unconfirmed`.
    case new(acknowledged: [Token], unconfirmed: [Token])
    /// The session of before goes on; `resend` must be sent again, and is counted already.
    case resumed(acknowledged: [Token], resend: [Token])
  }

  /// The connection in use.
  public private(set) var connection: Connection
  /// The counts of XEP-0198.
  public var management: StreamManagement<Token>
  /// The full JID.
  public private(set) var jid: JID
  /// Why the last `open` gave the previous session up: the server resumed it against the rules of XEP-0198.
  public private(set) var refusedResumption: Failure?

  private let settings: ConnectionSettings
  private var account: Account
  private let waiter: Waiter
  private let trace: Trace?
  /// How many bytes may wait to be sent before nothing more is answered.
  private let mostPending = 256 << 10
  /// What the login had brought along, to be taken first.
  private var first: Arrival?
  /// What became of stanzas of a session that is gone, until `open` or `unconfirmed` has told it.
  private var acknowledgedBefore: [Token] = []
  private var unconfirmedBefore: [Token] = []
  /// Whether the server was told less than is handled by now, after it asked.
  private var owesAnswer = false
  /// Whether the server broke the rules of XML or of stream management, so that resuming would bring the same again.
  private var isBroken = false

  /// Prepares a session; nothing is sent. The account's own resourcepart is the wish for binding.
  ///
  /// - Parameters:
  ///   - management: of a session kept from an earlier run, where there is one.
  ///   - jid: the full JID of that session.
  public init(
    _ settings: ConnectionSettings, account: Account, waiter: Waiter, trace: Trace? = nil,
    management: StreamManagement<Token> = StreamManagement(), jid: JID? = nil
  ) {
    self.settings = settings
    self.account = account
    self.waiter = waiter
    self.trace = trace
    self.management = management
    self.jid = jid ?? account.jid
    connection = Connection(settings, waiter: waiter, trace: trace)
  }

  /// Connects, logs in, and resumes the session of before or binds a resource for a new one.
  ///
  /// - Parameter resumable: whether the server is asked for a session that can be come back to.
  /// - Throws: why it did not get there; the connection's report tells more.
  public func open(resumable: Bool) throws(Failure) -> Opening {
    let resumes = management.resumption != nil && !isBroken
    refusedResumption = nil
    do throws(Failure) {
      return try attempt(resumable: resumable)
    } catch {
      // A server that has counted wrong does so again, in this run and in the next ones; a new session has new counts.
      guard resumes, isBroken, error.condition.isSame(as: "stream-management") else { throw error }
      trace?.note("the session cannot be resumed: \(error.message)")
      refusedResumption = error
      return try attempt(resumable: resumable)
    }
  }

  private func attempt(resumable: Bool) throws(Failure) -> Opening {
    let handover = connection.nextHandover
    connection = Connection(settings, waiter: waiter, trace: trace)
    connection.handover = handover
    if isBroken { abandon() }
    isBroken = false
    owesAnswer = false
    first = nil
    let resumes = management.resumption != nil
    connection.inline.resume = management.resumeRequest
    connection.inline.enable = StreamManagement<Token>.enableRequest(resumable: resumable)
    do throws(Failure) {
      try connection.open(until: resumes ? .authenticated : .bound, as: account)
      connection.acceptStanzas()
      if resumes {
        switch try resume() {
        case .resumed(let acknowledged, let resend):
          return .resumed(acknowledged: acknowledged, resend: resend)
        case .notResumed(_, let known, let unconfirmed):
          acknowledgedBefore += known
          unconfirmedBefore += unconfirmed
        default: abandon()
        }
        if connection.report.jid == nil { try connection.bind(account) }
      } else {
        abandon()
      }
      if let answer = connection.inline.enabling {
        _ = management.enable(resumable: resumable)
        first = .management(try management.receive(answer))
      } else if connection.offersStreamManagement {
        connection.send(management.enable(resumable: resumable))
      }
    } catch {
      noteBreak(error)
      connection.close()
      throw error
    }
    account.previousMechanism = connection.report.authentication?.mechanism
    jid = connection.report.jid ?? jid
    defer { (acknowledgedBefore, unconfirmedBefore) = ([], []) }
    return .new(acknowledged: acknowledgedBefore, unconfirmed: unconfirmedBefore)
  }

  /// Gives the session up: it is not resumed, and what was sent in it stays unconfirmed.
  private func abandon() { unconfirmedBefore += management.abandon() }

  /// What was sent and never acknowledged, also in sessions that are gone, as far as `open` has not told it.
  public var unconfirmed: [Token] { unconfirmedBefore + management.unacknowledged }

  /// Sends a stanza.
  ///
  /// - Returns: whether there was room for it among the unacknowledged; where not, nothing was sent.
  public func send(_ stanza: Element, token: Token) -> Bool {
    guard management.enqueue(token) else { return false }
    connection.send(stanza)
    return true
  }

  /// Sends a stanza without counting it: again, what a resumed session had lost, since it is counted already; or where
  /// nothing is counted.
  public func resend(_ stanza: Element) { connection.send(stanza) }

  /// Sends white space.
  ///
  /// Servers with a recent expat do not parse a tag that reached them in pieces before about as much again has come
  /// (CVE-2023-52425), and so may wait for more where we wait for their answer.
  public func pad(_ count: Int) { connection.pad(count) }

  /// How many bytes wait to be sent.
  public var pendingBytes: Int { connection.pendingBytes }

  /// The largest stanza the server takes, in bytes, where it says so (XEP-0478).
  public var stanzaLimit: Int? { connection.stanzaLimit }

  /// Asks for acknowledgement of all that was sent, where the server gives it.
  public func requestAcknowledgement() {
    if management.canRequest { connection.send(management.request()) }
  }

  /// The next thing that is there already; `nil` when there is none yet. What is queued is sent as far as that goes.
  ///
  /// - Throws: also the stream error the server ends the stream with. After what breaks the rules of XML or of stream
  ///   management the session is not resumed.
  public func take() throws(Failure) -> Arrival? {
    if let first {
      self.first = nil
      return first
    }
    do throws(Failure) {
      return try next()
    } catch {
      noteBreak(error)
      throw error
    }
  }

  private func noteBreak(_ failure: Failure) {
    if connection.isUnreadable || failure.condition.isSame(as: "stream-management") { isBroken = true }
  }

  private func next() throws(Failure) -> Arrival? {
    while let (element, skipped) = try connection.takeElement() {
      if element.namespace.isSame(as: Namespace.streamManagement), skipped == nil {
        let event = try management.receive(element)
        if case .answer(let answer) = event {
          // A server that asks and does not read is told once it does.
          if connection.pendingBytes < mostPending { connection.send(answer) }
          owesAnswer = true
        }
        return .management(event)
      }
      guard let stanza = Stanza(element, skipped: skipped) else { continue }
      management.arrived()
      return .stanza(stanza)
    }
    return nil
  }

  /// Says that the oldest stanzas that came have been dealt with, and tells the server where it asked for that.
  public func handled(_ count: Int) {
    guard count > 0 else { return }
    management.handled(count)
    if owesAnswer {
      connection.send(management.answer)
      owesAnswer = false
    }
  }

  /// Sends what is queued as far as that goes now; for while nothing is taken.
  public func transmit() throws(Failure) { try connection.transmit() }

  /// Waits until more may be there, one of the others is ready, or `moment` has come.
  ///
  /// - Parameter readsInput: whether what the server sends is waited for.
  public func wait(
    for others: inout [pollfd], readsInput: Bool = true, until moment: Deadline = .never,
    while doing: @autoclosure () -> String
  ) throws(Failure) {
    try connection.wait(for: &others, readsInput: readsInput, until: moment, while: doing())
  }

  /// Says how far it is and closes the stream, for good.
  ///
  /// - Parameter seconds: how long the server's closing is waited for.
  /// - Returns: the signal that ended the waiting, if one did.
  @discardableResult
  public func close(within seconds: Double) -> Failure? {
    if management.isOn { connection.send(management.answer) }
    defer { _ = management.abandon() }
    return connection.close(within: seconds)
  }

  /// Ends the connection after a failure, before the next `open`. Of a session that will not be resumed the server first
  /// learns how far it is.
  ///
  /// - Parameter closesStream: whether the end of the stream is sent; one that was only cut off can be resumed.
  public func disconnect(closesStream: Bool) {
    if isBroken, management.isOn { connection.send(management.answer) }
    if closesStream { connection.close() } else { connection.drop() }
    if isBroken { abandon() }
  }

  /// Whether the next run can resume the session.
  public var isResumable: Bool { management.resumption != nil && !isBroken }

  /// Says how far it is and ends the connection, so that the session can be resumed later.
  ///
  /// - Parameter seconds: how long to wait for that to leave.
  /// - Returns: the signal that ended the waiting, if one did.
  @discardableResult
  public func suspend(within seconds: Double) -> Failure? {
    if management.isOn { connection.send(management.answer) }
    return connection.drop(within: seconds)
  }

  private func resume() throws(Failure) -> StreamManagement<Token>.Event? {
    if let answer = connection.inline.resumption {
      _ = management.resume()
      return try management.receive(answer)
    }
    guard connection.offersStreamManagement, let request = management.resume() else { return nil }
    connection.send(request)
    let doing = "resuming the session"
    let answer = try connection.nextElement(while: doing)
    guard answer.namespace.isSame(as: Namespace.streamManagement) else {
      throw connection.unexpected(answer, while: doing)
    }
    return try management.receive(answer)
  }
}
