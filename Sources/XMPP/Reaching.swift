/// The way to a secured stream: endpoints in their order, STARTTLS or direct TLS, and redirections.
extension Connection {
  /// How often a stream error may send a run elsewhere.
  private static let mostRedirections = 3

  /// Tries every endpoint in order until one gives a stream as secure as asked for (RFC 6120 §3.2.1), and where the goal is
  /// further away its features too: a server that sends us elsewhere does so in their place.
  func reachEndpoint(until goal: Goal) throws(Failure) {
    let start = Deadline.now
    let resolver = Resolver(server: settings.nameServer, families: settings.families)
    defer { if report.attempts.isEmpty { report.timings.add(.dns, since: start) } }
    var steps = try resolver.endpoints(
      of: settings.domain.asciiDomain, service: settings.service, tls: settings.tlsMode,
      connectTo: settings.connectTo, through: settings.proxy, waiter: waiter
    ).map { Step(endpoint: $0) }[...]
    // If that place does not work out, the domain's own endpoints are still there.
    if let handover, case .success(let step) = try follow(handover, with: resolver) {
      steps.insert(step, at: steps.startIndex)
    }
    var lookup = Timings()
    lookup.add(.dns, since: start)

    var furthest: Failure?
    var last: Endpoint?
    while let step = steps.popFirst() {
      report.timings = lookup
      defer { last = step.endpoint }
      do throws(Failure) {
        try secure(step, with: Dialer(resolver: resolver), until: goal)
        return
      } catch {
        guard error.leavesOtherEndpoints else { throw error }
        var failure = error
        if let next = steps.first, next.endpoint.isAlternative(to: step.endpoint), !wantsOtherMethod {
          steps.removeFirst()
        }
        if let next = nextHandover {
          switch try follow(next, with: resolver) {
          case .success(let other): steps.insert(other, at: steps.startIndex)
          case .failure(let refusal):
            failure.message += "; not followed: \(refusal.reason)"
            failure.remedy = refusal.place.map { .place($0) }
            report.attempts[report.attempts.count - 1].failure = failure
          }
        }
        // Of the two methods at one place, the failure of the one that the server speaks is told.
        let isAlternative = last.map(step.endpoint.isAlternative) ?? false
        let keepsFurthest = { (known: Failure) in
          isAlternative ? self.wantsOtherMethod : known.rank > failure.rank
        }
        furthest = furthest.map { keepsFurthest($0) ? $0 : failure } ?? failure
      }
    }
    throw furthest ?? Failure(.dns, "no-endpoint", "there is nowhere to go", status: .noHost)
  }

  /// Brings one endpoint to a secured stream, its features read where they are wanted, and notes how that went.
  private func secure(_ step: Step, with dialer: Dialer, until goal: Goal) throws(Failure) {
    let endpoint = step.endpoint
    report.stages = []
    report.tls = nil
    report.certificate = nil
    report.endpoint = endpoint
    report.address = nil
    report.attempts.append(Attempt(endpoint: endpoint))
    redirection = nil
    wantsOtherMethod = false
    endpointLimit = .after(seconds: settings.connectTimeout)
    defer { endpointLimit = .never }
    do throws(Failure) {
      try dial(step, with: dialer)
      switch endpoint.method {
      case .directTLS:
        try startTLS(direct: true)
        try openStream(.tls)
      case .starttls:
        try openStream(.plain)
        try negotiateSTARTTLS(readFeatures())
        try startTLS(direct: false)
        try openStream(.tls)
      case .plain:
        try openStream(.plain)
      }
      if goal > .secured { try readFeatures() }
    } catch {
      // Wherever an endpoint's time ran out, it is a deadline that passed.
      var failure = error
      if failure.condition.isSame(as: Failure.endpointExpired) {
        (failure.stage, failure.status) = (.timeout, .timeout)
      }
      failure = failure.at(endpoint, isConnected: channel != nil)
      wantsOtherMethod = failure.leavesOtherEndpoints && showsNothing(of: endpoint.method, failure)
      if wantsOtherMethod { (failure.hint, failure.remedy) = (nil, otherMethod(endpoint, failure)) }
      report.attempts[report.attempts.count - 1].failure = failure
      trace?.note("that failed: \(failure.message)")
      close()
      throw failure
    }
  }

  /// Whether the server was reached and showed nothing of a method: it closed the connection, kept silent, or said what belongs
  /// to the other one.
  private func showsNothing(of method: Endpoint.Method, _ failure: Failure) -> Bool {
    guard let channel else { return false }
    switch method {
    case .starttls, .plain:
      let isMute = failure.status == .noConnection || failure.stage == .timeout
      return report.stages.isEmpty && (isMute || reader.beginsWithAlert)
    case .directTLS: return channel.tls?.mayBeOtherProtocol ?? false
    }
  }

  /// What to try at such a server: the other method, unless that is tried anyway.
  private func otherMethod(_ endpoint: Endpoint, _ failure: Failure) -> Remedy? {
    let isNamed = endpoint.source == .option
    let isTriedAnyway = isNamed && settings.tlsMode == .auto
    if failure.stage == .timeout {
      return .longerAttempt(mayBeFiltered: endpoint.method == .starttls && !isTriedAnyway)
    }
    guard !isTriedAnyway else { return nil }
    let place = isNamed || !endpoint.isPlain ? nil : endpoint.place
    return .method(endpoint.method == .directTLS ? .starttls : .directTLS, place: place)
  }

  private func dial(_ step: Step, with dialer: Dialer) throws(Failure) {
    let endpoint = step.endpoint
    trace?.note("connecting to \(endpoint.host) port \(endpoint.port) (\(endpoint.method.rawValue))")
    var record = DialRecord()
    defer {
      report.address = record.address
      report.attempts[report.attempts.count - 1].address = record.address
      let part = settings.proxy == nil ? Timings.Part.tcp : .proxy
      for (part, milliseconds) in [(.dns, record.dns), (part, record.tcp)] {
        guard let milliseconds else { continue }
        report.timings.add(part, milliseconds)
        report.attempts[report.attempts.count - 1].timings.add(part, milliseconds)
      }
    }
    let socket =
      if let addresses = step.addresses {
        try dialer.connect(to: endpoint, at: addresses, waiter: waiter, until: endpointLimit, record: &record)
      } else {
        try dialer.connect(
          to: endpoint, through: settings.proxy, waiter: waiter, until: endpointLimit, record: &record)
      }
    channel = Channel(socket)
    trace?.note("connected to \(record.address ?? endpoint.host)")
  }

  /// Asks for TLS where it is offered and goes no other way (RFC 6120 §5.4).
  private func negotiateSTARTTLS(_ features: StreamFeatures) throws(Failure) {
    let start = Deadline.now
    defer { spend(.starttls, since: start) }
    guard features.startTLS != nil else {
      let predates = report.stages.last?.header.predatesFeatures ?? false
      throw Failure(
        .starttls, "starttls-missing",
        predates
          ? "the server speaks XMPP older than 1.0, which has no STARTTLS"
          : "the server does not offer STARTTLS",
        remedy: .withoutSTARTTLS, status: .tls)
    }
    // The server speaks only when asked; what is already here was sent too early (RFC 6120 §5.4.2.3), unless it is the error
    // that the server ends the stream with.
    guard !reader.hasLeftover else {
      if case .element(let element)? = try? reader.next(), element.is("error", Namespace.stream) {
        throw streamError(element)
      }
      throw .protocolViolation("unexpected-element", "the server went on before it was asked for STARTTLS")
    }
    send(Element("starttls", Namespace.tls))
    let answer = try nextElement(while: "waiting for the answer to STARTTLS")
    if answer.is("failure", Namespace.tls) {
      throw Failure(.starttls, "starttls-failure", "the server refused STARTTLS", status: .tls)
    }
    guard answer.is("proceed", Namespace.tls) else {
      throw Failure(
        .starttls, "starttls-failure", "the server answered STARTTLS with <\(answer.name)>", status: .tls)
    }
    // Whatever stands behind it was not encrypted, and anybody may have put it there.
    guard !reader.hasLeftover else {
      throw Failure(
        .starttls, "plaintext-after-proceed", "unencrypted bytes follow <proceed/>; they were not read",
        status: .tls)
    }
  }

  private func startTLS(direct: Bool) throws(Failure) {
    guard let channel else { return }
    let start = Deadline.now
    defer { spend(.tls, since: start) }
    let session = try TLSSession(
      descriptor: channel.descriptor, domain: settings.domain.domainAddress ?? settings.domain.asciiDomain,
      service: settings.service, direct: direct, options: settings.tls)
    defer {
      report.tls = session.description
      report.certificate = session.certificate
      report.attempts[report.attempts.count - 1].tls = session.description
      report.attempts[report.attempts.count - 1].certificate = session.certificate
    }
    // Nothing learnt or left over before TLS may be taken for something said inside it.
    reader.restart()
    try channel.startTLS(session, waiter: waiter, until: endpointLimit)
    if let tls = session.description { trace?.note("\(tls.version) \(tls.cipher)") }
  }

}

// MARK: - Redirections

extension Connection {
  /// An endpoint to try.
  private struct Step {
    var endpoint: Endpoint
    /// The only addresses of it that may be used; `nil` for all that its name has.
    var addresses: [IPAddress]?
  }

  /// Why a redirection is not followed.
  private struct Refusal: Error {
    var reason: String
    /// Where it leads, if that can be typed as it is.
    var place: String?
  }

  /// Decides where a stream error sends the run, and notes it in the report.
  ///
  /// The domain stays what the next server must show too (RFC 6120 §4.9.3.19).
  ///
  /// - Throws: only when the run itself is over.
  private func follow(
    _ handover: Handover, with resolver: Resolver
  ) throws(Failure) -> Result<Step, Refusal> {
    let result = try step(to: handover, with: resolver)
    var redirection = Redirection(source: handover.source, target: handover.target)
    switch result {
    case .success: trace?.note("redirected to \(handover.target)")
    case .failure(let refusal):
      trace?.note("redirected to \(handover.target), not followed: \(refusal.reason)")
      redirection.refusal = refusal.reason
    }
    report.redirections.append(redirection)
    return result
  }

  private func step(
    to handover: Handover, with resolver: Resolver
  ) throws(Failure) -> Result<Step, Refusal> {
    let endpoint = handover.source
    guard let place = try? HostAndPort(parsing: handover.target, for: "see-other-host") else {
      return .failure(Refusal(reason: "it names no host and port"))
    }
    let next = Endpoint(
      host: place.host, port: place.port ?? endpoint.port, method: endpoint.method, source: .redirect)
    let typed = next.isPlain ? next.place : nil
    func refuse(_ reason: String) -> Result<Step, Refusal> {
      .failure(Refusal(reason: reason, place: typed))
    }
    guard handover.isVerified else { return refuse("the server is not verified") }
    guard settings.connectTo == nil else { return refuse("the user named another place to connect to") }
    guard report.redirections.count(where: { $0.refusal == nil }) < Connection.mostRedirections else {
      return refuse("there were \(Connection.mostRedirections) redirections already")
    }
    let rule = RedirectionRule(from: settings.proxy == nil ? handover.address : nil)
    if settings.proxy != nil {
      guard let address = IPAddress(place.host) else {
        return refuse("only the proxy can resolve the name, which may be that of an internal address")
      }
      guard rule.permits(address) else { return refuse("\(address.text) is an internal address") }
      return .success(Step(endpoint: next))
    }
    let addresses: [IPAddress]
    do throws(Failure) {
      let limit = Deadline.after(seconds: settings.connectTimeout)
      addresses = try resolver.addresses(of: place.host, from: .redirect, waiter: waiter, until: limit)
    } catch {
      guard error.leavesOtherEndpoints else { throw error }
      return refuse(error.message)
    }
    let permitted = addresses.filter(rule.permits)
    if permitted.isEmpty, let first = addresses.first {
      return refuse(
        first.text == place.host
          ? "\(first.text) is an internal address"
          : "\(place.host) has the internal address \(first.text)")
    }
    return .success(Step(endpoint: next, addresses: permitted))
  }
}

extension Endpoint {
  /// Whether it can be typed in a shell as it is written.
  fileprivate var isPlain: Bool {
    host.utf8.first != UInt8(ascii: "-")
      && host.utf8.allSatisfy {
        switch $0 {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"):
          true
        default: false
        }
      }
  }
}

extension Failure {
  /// Whether another endpoint may still do better: not when the run itself is over or asks for the impossible.
  fileprivate var leavesOtherEndpoints: Bool {
    switch stage {
    case .dns, .tcp, .proxy, .starttls, .tls, .certificate, .stream: status != .internalError
    case .timeout: condition.isSame(as: Failure.endpointExpired)
    case .usage, .config, .auth, .bind, .stanza, .output, .input, .interrupted: false
    }
  }

  /// How far it got, to tell the most telling of several.
  fileprivate var rank: Int {
    switch stage {
    case .dns: 0
    case .tcp, .proxy: 1
    case .timeout: 2
    case .starttls, .tls: 3
    case .stream: 4
    default: 5
    }
  }

  fileprivate static let endpointExpired = "connect-timeout"

  /// One endpoint took longer than it may.
  ///
  /// - Parameter mayBeFiltered: whether a middlebox may have cut what precedes TLS.
  static func endpointExpired(
    limit: Double, while doing: String, mayBeFiltered: Bool = false
  ) -> Failure {
    Failure(
      .timeout, endpointExpired, "no answer within \(seconds(limit)) s while \(doing)",
      remedy: .longerAttempt(mayBeFiltered: mayBeFiltered), status: .timeout)
  }
}
