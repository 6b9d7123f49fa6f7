import Glibc

/// A connection to an XMPP server, from a domain name to the goal a command names: the only part of the core that talks.
///
/// Ordinary blocking code, read top to bottom. All that is learnt on the way is in `report`, also after a failure.
public final class Connection {
  /// How long one answer of the server is waited for, in seconds, whatever limit the run has.
  static let answerLimit = 60.0

  /// What was learnt so far.
  public internal(set) var report: Report

  let settings: ConnectionSettings
  /// Waits for the connection; while that is being closed, for no longer than closing may take.
  private(set) var waiter: Waiter
  let trace: Trace?
  var channel: Channel?
  var reader: StreamReader
  /// Until when the endpoint being tried must have given a secured stream.
  var endpointLimit = Deadline.never
  /// What of stream management is to go along with the login, and the answers to it.
  var inline = InlineManagement()
  /// How DIGEST-MD5 encodes what it hashes, and whether a refused login may succeed with the other form.
  var digestForm = DigestMD5.Form.standard
  var hasOtherDigest = false
  /// Where the last stream error pointed to.
  var redirection: String?
  /// Whether the endpoint that failed last may speak another method: it was reached, and showed nothing of the one tried.
  var wantsOtherMethod = false
  /// Where the server of the connection before sent the run, to be tried first.
  var handover: Handover?
  private var isStreamOpen = false
  /// Who logs in on this connection, if somebody does.
  private var account: JID?
  /// Stanzas that came before an answer of the login.
  private var early = EarlyStanzas()
  /// Whether the server sent what cannot be read on from.
  private(set) var isUnreadable = false
  /// When the server was last heard of, by as much as a byte.
  public private(set) var lastReceived = Deadline.now

  /// Prepares a connection; nothing is sent. The process must ignore SIGPIPE.
  public init(_ settings: ConnectionSettings, waiter: Waiter, trace: Trace? = nil) {
    self.settings = settings
    self.waiter = waiter
    self.trace = trace
    reader = StreamReader(trace: trace)
    report = Report(domain: settings.domain.domainpart)
  }

  /// Goes as far as `goal`.
  ///
  /// - Parameter account: who logs in, where the goal asks for a login.
  /// - Throws: why it did not get there; the same is in the report, and the connection is closed.
  public func open(until goal: Goal, as account: Account? = nil) throws(Failure) {
    let start = Deadline.now
    defer { report.timings[.total] = Deadline.now.milliseconds(since: start) }
    self.account = account?.jid
    do throws(Failure) {
      guard let account else { return try reachEndpoint(until: goal) }
      if account.registers {
        try openRegistered(until: goal, as: account)
      } else {
        try openLoggedIn(until: goal, as: account)
      }
    } catch {
      let failure = error.at(report.endpoint, for: account?.jid, isConnected: channel != nil)
      report.failure = failure
      close()
      throw failure
    }
  }

  /// Closes the stream, TLS and TCP (RFC 6120 §4.4).
  ///
  /// - Parameter seconds: how long to wait for what is queued to leave and for the server to close its side; without it
  ///   only what can be done at once is done. It never takes longer than what is left of the run.
  /// - Returns: the signal that ended the waiting, if one did.
  @discardableResult
  public func close(within seconds: Double = 0) -> Failure? {
    guard let channel else { return nil }
    guard isStreamOpen else { return shut(within: 0) }
    write(redacted: nil) { $0.closeStream() }
    isStreamOpen = false
    let usual = waiter
    waiter = usual.closing(within: seconds)
    // The next endpoint has the run's own time again.
    defer { waiter = usual }
    do throws(Failure) {
      try channel.transmit()
      while !waiter.deadline.hasPassed, seconds > 0,
        let event = try next(until: waiter.deadline, while: "closing the stream")
      {
        // The server has read everything, and there is nothing more to wait for.
        if event == .end { return shut(within: 0) }
      }
    } catch {
      if error.isInterruption {
        _ = shut(within: 0)
        return error
      }
    }
    return shut(within: seconds)
  }

  /// Ends the connection and leaves the stream open, so that its session can be resumed (XEP-0198 §5).
  ///
  /// - Parameter seconds: how long to wait for what is queued to leave, and for the server to close its side.
  /// - Returns: the signal that ended the waiting, if one did.
  @discardableResult
  public func drop(within seconds: Double = 0) -> Failure? {
    isStreamOpen = false
    let usual = waiter
    waiter = usual.closing(within: seconds)
    defer { waiter = usual }
    do throws(Failure) {
      try transmit()
      while let channel, channel.pending > 0, !waiter.deadline.hasPassed {
        var others: [pollfd] = []
        try wait(for: &others, readsInput: false, until: waiter.deadline, while: "leaving")
        try transmit()
      }
    } catch {
      if error.isInterruption {
        _ = shut(within: 0)
        return error
      }
    }
    return shut(within: seconds)
  }

  /// Ends TLS and TCP.
  private func shut(within seconds: Double) -> Failure? {
    report.compressionRatio = channel?.compression?.ratio
    defer { channel = nil }
    return channel?.close(waiter.closing(within: seconds))
  }
}

// MARK: - The stream

extension Connection {
  /// Sends a stream header over a fresh parser and reads the answering one (RFC 6120 §4.2, §4.3.3).
  func openStream(_ kind: StreamStage.Kind) throws(Failure) {
    let start = Deadline.now
    defer { spend(.stream, since: start) }
    reader.restart()
    // Who it is remains private until TLS protects the stream (RFC 6120 §4.7.1). Prosody offers FAST only to those who say it.
    let sender = channel?.tls == nil || account?.localpart == nil ? nil : account?.bare.full
    write(redacted: nil) { writer in
      writer.openStream(
        content: Namespace.client,
        ["from": sender, "to": settings.domain.domainpart, "version": "1.0", "xml:lang": "en"])
    }
    isStreamOpen = true
    guard case .header(let root) = try answer(while: "waiting for the server's stream header") else {
      throw .protocolViolation("bad-format", "the server sent no stream header")
    }
    let header = try StreamHeader(root: root)
    report.stages.append(StreamStage(kind: kind, header: header))
    try StreamHeader.check(content: reader.contentNamespace)
    do throws(Failure) {
      try header.check(domain: settings.domain)
    } catch {
      // A server that has no such host may answer in any name, so its error is heard before its name is judged.
      let wrongName = error
      var answer: StreamParser.Event?
      do throws(Failure) {
        answer = try next(until: .after(seconds: 1), while: "waiting for a stream error")
      } catch {
        if error.isInterruption || error.condition.isSame(as: "max-time") { throw error }
      }
      if case .element(let element)? = answer, element.is("error", Namespace.stream) {
        throw streamError(element)
      }
      throw wrongName
    }
  }

  /// Reads the features of the stream that was just opened (RFC 6120 §4.3.2).
  @discardableResult
  func readFeatures() throws(Failure) -> StreamFeatures {
    guard let last = report.stages.indices.last else { return .none }
    if let known = report.stages[last].features { return known }
    var features = StreamFeatures.none
    if !report.stages[last].header.predatesFeatures {
      let start = Deadline.now
      defer { spend(.stream, since: start) }
      let element = try nextElement(while: "waiting for the stream features")
      guard element.is("features", Namespace.stream) else {
        throw unexpected(element, while: "waiting for the stream features")
      }
      features = StreamFeatures(element)
    }
    report.stages[last].features = features
    return features
  }

  /// Whether the server is the domain's own, or has the key the user insists on: a wrong pin ends the handshake, also where
  /// nothing else is verified.
  var isServerVerified: Bool {
    report.certificate.map { $0.verified || !settings.tls.pins.isEmpty } ?? false
  }

  /// Where the server has sent the run by the error that ended this stream, if it has.
  var nextHandover: Handover? {
    guard let redirection, let endpoint = report.endpoint else { return nil }
    let isInTLS = report.stages.last.map { $0.kind != .plain } ?? false
    return Handover(
      target: redirection, source: endpoint, isVerified: isServerVerified && isInTLS,
      address: report.address.flatMap(IPAddress.init))
  }

  /// How many bytes wait to be sent.
  var pendingBytes: Int { channel?.pending ?? 0 }

  /// The largest stanza that the server accepts, in bytes, if it says so (XEP-0478). A limit applies until the end of its
  /// stream: Prosody does not repeat it in the features that follow a login by SASL2.
  var stanzaLimit: Int? {
    for stage in report.stages.reversed() {
      let limits = stage.features?.feature("limits", Namespace.streamLimits)?.element
      if let limit = limits?.child("max-bytes", Namespace.streamLimits).flatMap({ Int($0.text) }) {
        return limit
      }
      guard stage.continuesStream else { return nil }
    }
    return nil
  }

  /// Sends an element.
  func send(_ element: Element) {
    write(redacted: trace?.redacted(element)) { $0.copy(element) }
  }

  /// Sends white space between stanzas (RFC 6120 §4.6.1).
  func pad(_ count: Int) { channel?.queue([UInt8](repeating: 0x20, count: count)) }

  private func write(redacted: String?, _ content: (inout XMLWriter) -> Void) {
    var writer = XMLWriter(inside: Namespace.client)
    content(&writer)
    channel?.queue(writer.bytes)
    trace?.show(.sent, writer.bytes, redacted: redacted)
  }

  /// The next element of the stream; a stream error and the end of the stream are failures.
  ///
  /// Once a resource is bound, anybody may send stanzas. Those that are not awaited are kept for `takeElement`.
  ///
  /// - Parameter isAwaited: whether a stanza is the answer that the login waits for.
  func nextElement(
    while doing: @autoclosure () -> String, unless isAwaited: (Element) -> Bool = { _ in false }
  ) throws(Failure) -> Element {
    let limit = Deadline.after(seconds: Connection.answerLimit)
    while true {
      let event = try answer(until: limit, while: doing())
      let element = try element(of: event, while: doing())
      var reason: SkipReason?
      if case .skipped(_, let skipReason) = event { reason = skipReason }
      if report.jid != nil, Stanza(element) != nil, reason != nil || !isAwaited(element) {
        try early.add(element, skipped: reason)
        continue
      }
      guard let reason else { return element }
      throw .protocolViolation(
        "policy-violation", "the server sent <\(element.name)/> with \(reason.description) while \(doing())")
    }
  }

  /// From here on stanzas may come from anybody: those that cannot be parsed are skipped and do not end the stream.
  func acceptStanzas() { reader.skipUnparsable() }

  /// Notes the resource that the server has bound. From here on it delivers stanzas.
  func bound(_ jid: JID) {
    report.jid = jid
    acceptStanzas()
  }

  /// The next element that is there already, and why its content was skipped, if it was; `nil` when there is none yet.
  func takeElement() throws(Failure) -> (element: Element, skipped: SkipReason?)? {
    if let stanza = early.take() { return stanza }
    let doing = "waiting for stanzas"
    guard let event = try take(while: doing) else { return nil }
    let element = try element(of: event, while: doing)
    if case .skipped(_, let reason) = event { return (element, reason) }
    return (element, nil)
  }

  /// The event that the conversation waits for. A server that falls silent in it must not keep a run without a limit.
  private func answer(
    until limit: Deadline = .after(seconds: Connection.answerLimit), while doing: @autoclosure () -> String
  ) throws(Failure) -> StreamParser.Event {
    guard let event = try next(until: limit, while: doing()) else {
      throw Failure(
        .timeout, "answer-timeout", "no answer within \(seconds(Connection.answerLimit)) s while \(doing())",
        status: .timeout)
    }
    return event
  }

  private func element(of event: StreamParser.Event, while doing: String) throws(Failure) -> Element {
    switch event {
    case .element(let element), .skipped(let element, _):
      if element.is("error", Namespace.stream) { throw streamError(element) }
      return element
    case .header: throw .protocolViolation("bad-format", "the server opened a stream inside the stream")
    case .end:
      throw Failure(
        .stream, "stream-closed", "the server closed the stream while \(doing)", status: .noConnection)
    }
  }

  /// The next event of the stream; `nil` when `moment` came first. What is queued is sent meanwhile.
  func next(
    until moment: Deadline = .never, while doing: @autoclosure () -> String
  ) throws(Failure) -> StreamParser.Event? {
    while true {
      if let event = try take(while: doing()) { return event }
      var others: [pollfd] = []
      try wait(for: &others, until: min(moment, endpointLimit), while: doing())
      // Also when a byte has come: a server that sends one now and then must not keep this going.
      if endpointLimit.hasPassed { throw endpointExpired(while: doing()) }
      if moment.hasPassed { return nil }
    }
  }

  /// The next event that is there already; `nil` when there is none yet. What is queued is sent as far as that goes.
  func take(while doing: @autoclosure () -> String) throws(Failure) -> StreamParser.Event? {
    while true {
      do throws(Failure) {
        if let event = try reader.next() { return event }
      } catch {
        // Before, it may be anybody in between who answers; afterwards it is the server.
        isUnreadable = reader.skipsUnparsable
        throw error
      }
      // Before each read: a server that never pauses must not put off deadlines and signals.
      try waiter.check(doing: doing())
      if endpointLimit.hasPassed { throw endpointExpired(while: doing()) }
      guard let channel else { throw lost(while: doing()) }
      try channel.transmit()
      switch try reader.receive(from: channel) {
      case .bytes: lastReceived = .now
      case .end: throw lost(while: doing())
      case .nothing: return nil
      }
    }
  }

  /// Sends what is queued as far as that goes now.
  func transmit() throws(Failure) { try channel?.transmit() }

  /// Waits until the connection may go on, one of the others is ready, or `moment` has come.
  ///
  /// - Parameters:
  ///   - others: what else to wait for; their `revents` are set.
  ///   - readsInput: whether what the server sends is waited for; not while there is no room for it.
  func wait(
    for others: inout [pollfd], readsInput: Bool = true, until moment: Deadline,
    while doing: @autoclosure () -> String
  ) throws(Failure) {
    guard let channel else { throw lost(while: doing()) }
    others.append(channel.interest(readsInput: readsInput))
    defer { others.removeLast() }
    _ = try waiter.wait(for: &others, until: moment, doing: doing())
  }

  /// Adds time to a part of the way.
  func spend(_ part: Timings.Part, since start: Deadline) {
    report.timings.add(part, since: start)
    if endpointLimit != .never, let last = report.attempts.indices.last {
      report.attempts[last].timings.add(part, since: start)
    }
  }
}

// MARK: - What goes wrong

extension Connection {
  /// A stream error as a failure.
  func streamError(_ element: Element) -> Failure {
    let error = StreamError(element)
    redirection = error.otherHost
    var failure = error.failure(
      domain: settings.domain.domainpart, isBound: report.jid != nil,
      answeringAs: report.stages.last?.header.from)
    // Anybody on the way may have written it, in words made to be believed.
    if report.endpoint?.method == .starttls && report.stages.last?.kind == .plain {
      failure.message += ", before TLS (not authenticated)"
    }
    return failure
  }

  /// An element that has no place where it came.
  func unexpected(_ element: Element, while doing: String) -> Failure {
    .protocolViolation(
      "unexpected-element", "the server sent <\(element.name) xmlns='\(element.namespace)'> while \(doing)")
  }

  /// The connection ended without a closing stream tag.
  private func lost(while doing: String) -> Failure {
    Failure(
      .stream, "connection-closed", "the server closed the connection while \(doing)", status: .noConnection)
  }

  /// The endpoint took longer than it may.
  func endpointExpired(while doing: String) -> Failure {
    // A middlebox may have cut what is said before TLS, so that the server waits for the rest.
    let isPlain = channel != nil && channel?.tls == nil && report.endpoint?.method == .starttls
    return .endpointExpired(limit: settings.connectTimeout, while: doing, mayBeFiltered: isPlain)
  }
}
