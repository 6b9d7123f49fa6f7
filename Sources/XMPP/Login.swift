/// From a secured stream to a bound resource: SASL, compression, binding.
extension Connection {
  /// Connects and logs in.
  func openLoggedIn(until goal: Goal, as account: Account) throws(Failure) {
    try reachEndpoint(until: goal)
    do throws(Failure) {
      try logIn(account, until: goal)
    } catch {
      guard changeDigestForm() else { throw error }
      close()
      try reachEndpoint(until: goal)
      try logIn(account, until: goal)
    }
  }

  /// Registers the account and logs in over another connection: jabberd2 never answers a request to bind on the stream that
  /// registered.
  func openRegistered(until goal: Goal, as account: Account) throws(Failure) {
    try reachEndpoint(until: goal)
    try register(account)
    close()
    do throws(Failure) {
      try openLoggedIn(until: goal, as: account)
    } catch {
      var failure = error
      failure.message += "; the account \(account.jid.bare.full) exists now"
      throw failure
    }
  }

  /// Negotiates what the goal asks for, one step at a time.
  func logIn(_ account: Account, until goal: Goal) throws(Failure) {
    if account.describesSession {
      inline.enable = StreamManagement<Never>.enableRequest(resumable: true)
    }
    try negotiate(Negotiation(goal: goal, wantsCompression: account.compresses), account)
    if account.describesSession, goal == .bound { try describeSession() }
  }

  /// Binds a resource on a stream that is logged in already.
  func bind(_ account: Account) throws(Failure) {
    var negotiation = Negotiation(goal: .bound, wantsCompression: false)
    negotiation.finished(.authenticate)
    try negotiate(negotiation, account)
  }

  private func negotiate(_ negotiation: Negotiation, _ account: Account) throws(Failure) {
    var negotiation = negotiation
    let goal = negotiation.goal
    var features = try readFeatures()
    while let step = negotiation.next(features) {
      switch step {
      case .authenticate:
        if try authenticate(account, features, goal) { negotiation.finished(.bind) }
        // A session that goes on is where it was: nothing more is negotiated, and no features come (XEP-0198 §10.2).
        if inline.isResumed { return }
        features = try readFeatures()
      case .compress:
        try compress()
        features = try readFeatures()
      case .bind: try bindResource(account, features)
      case .startSession: try startSession()
      }
      negotiation.finished(step)
    }
  }

  /// Whether the stream as it is now offers XEP-0198.
  var offersStreamManagement: Bool {
    report.stages.last?.features?.feature("sm", Namespace.streamManagement) != nil
  }

  /// Sends a request to the server and reads the answer with its id.
  func ask(_ request: Element, id: String, while doing: String) throws(Failure) -> Element {
    send(request)
    func isAnswer(_ element: Element) -> Bool {
      guard element.is("iq", Namespace.client), let answered = element.attribute("id"),
        answered.isSame(as: id), let type = element.attribute("type")
      else { return false }
      return type.isSame(as: "result") || type.isSame(as: "error")
    }
    let answer = try nextElement(while: doing, unless: isAnswer)
    guard isAnswer(answer) else { throw unexpected(answer, while: doing) }
    return answer
  }
}

// MARK: - SASL

extension Connection {
  /// Logs in, once: a second try would only help whoever guesses (RFC 6120 §6.4.5).
  ///
  /// - Returns: whether a resource was bound in the same exchange (XEP-0386).
  private func authenticate(
    _ account: Account, _ features: StreamFeatures, _ goal: Goal
  ) throws(Failure) -> Bool {
    let start = Deadline.now
    defer { spend(.auth, since: start) }
    let sasl2 = usableSASL2(account, features)
    var sent = inline.offered(by: sasl2)
    // A resource for where there is no session to be resumed, or it is gone.
    let bindsInline =
      (goal == .bound || sent.resume != nil) && account.jid.resourcepart == nil && !account.compresses
      && sasl2?.inline.contains { $0.element.is("bind", Namespace.bind2) } == true
    if !bindsInline { sent.enable = nil }
    let bind =
      bindsInline
      ? Element(
        "bind", Namespace.bind2,
        [Element("tag", Namespace.bind2, "xmppctl"), sent.enable].compactMap { $0 }) : nil
    let profile =
      sasl2 == nil ? SASLProfile.classic : .sasl2(inline: [sent.resume, bind].compactMap { $0 })

    let choice = choose(account, features.offer(sasl2: sasl2 != nil))
    report.authentication = AuthenticationReport(
      choice, features.offer(sasl2: sasl2 != nil), sasl2: sasl2 != nil)
    var mechanism = try makeMechanism(choice, account)
    trace?.note("logging in by \(mechanism.name)")
    send(profile.start(mechanism.name, try mechanism.initialResponse()))
    while true {
      let element = try nextElement(while: "logging in by \(mechanism.name)")
      switch try profile.answer(element) {
      case .challenge(let data): send(profile.response(try mechanism.respond(to: data)))
      case .failure(let refusal):
        let digest = mechanism as? DigestMD5
        hasOtherDigest = digest?.hasOtherForm == true && refusal.condition.isSame(as: "not-authorized")
        throw refusal.failure(of: choice)
      case .continued(let tasks):
        throw .authentication(
          "continue", "the server requires more than a login: \(tasks.joined(separator: ", "))",
          remedy: features.offer(sasl2: false).mechanisms.isEmpty ? nil : .withoutSASL2)
      case .other: throw unexpected(element, while: "logging in")
      case .success(let data, let success):
        try mechanism.finish(with: data)
        report.authentication?.isServerAuthenticated = try choice.chosen().authenticatesServer
        inline.take(success, sent: sent)
        return try settle(success, account, profile, isBinding: bindsInline && !inline.isResumed)
      }
    }
  }

  /// SASL2 as it is offered; `nil` if it has no mechanism that can be used and the list of RFC 6120 has one.
  private func usableSASL2(_ account: Account, _ features: StreamFeatures) -> StreamFeature? {
    guard account.usesSASL2, let sasl2 = features.feature("authentication", Namespace.sasl2) else {
      return nil
    }
    func isUsable(_ offer: SASLOffer) -> Bool { choose(account, offer).candidate != nil }
    return isUsable(features.offer(sasl2: true)) || !isUsable(features.offer(sasl2: false)) ? sasl2 : nil
  }

  /// What follows success: a new stream (RFC 6120 §6.4.6), or with SASL2 new features on this one (XEP-0388 §2.6.1).
  private func settle(
    _ success: Element, _ account: Account, _ profile: SASLProfile, isBinding: Bool
  ) throws(Failure) -> Bool {
    guard case .sasl2 = profile else {
      guard !reader.hasLeftover else { throw unexpectedBytes(after: "<success/>") }
      try openStream(.authenticated)
      return false
    }
    guard let identifier = success.child("authorization-identifier", Namespace.sasl2)?.text else {
      throw .authentication("invalid-authzid", "the server does not say as whom it logged us in")
    }
    let isBound = isBinding && success.child("bound", Namespace.bind2) != nil
    do throws(Failure) {
      let jid = try JID(parsing: identifier, stage: .auth)
      let isOurs =
        account.jid.localpart == nil ? jid.domain == account.jid.domain : jid.bare == account.jid.bare
      guard isOurs else {
        throw .authentication("invalid-authzid", "it is not \(account.jid.bare.full)")
      }
    } catch {
      throw .authentication(
        "invalid-authzid", "the server logged us in as “\(identifier)”: \(error.message)")
    }
    if isBound { bound(try ResourceBinding(account: account.jid, wish: nil).jid(named: identifier)) }
    if let header = report.stages.last?.header {
      report.stages.append(StreamStage(kind: .authenticated, header: header, continuesStream: true))
    }
    return isBound
  }

  /// Whether the refused login can be tried once more, with another form of DIGEST-MD5.
  ///
  /// RFC 2831 has names and passwords hashed in ISO 8859-1 if possible; ejabberd hashes UTF-8, and its refusal looks like that
  /// of a wrong password.
  func changeDigestForm() -> Bool {
    guard hasOtherDigest, digestForm == .standard else { return false }
    hasOtherDigest = false
    digestForm = .utf8
    trace?.note("logging in once more: DIGEST-MD5 with the name and the password hashed in UTF-8")
    return true
  }

  private func choose(_ account: Account, _ offer: SASLOffer) -> MechanismChoice {
    let security: MechanismChoice.Facts.Security =
      report.tls == nil ? .plaintext : isServerVerified ? .verified : .unverified
    return MechanismChoice(
      from: offer,
      MechanismChoice.Facts(
        security: security, channelBindings: report.tls?.channelBindings ?? [],
        hasLocalpart: account.jid.localpart != nil,
        // There is one to be had wherever there is a name it belongs to.
        hasPassword: account.jid.localpart != nil,
        hasClientCertificate: settings.tls.clientCertificate != nil,
        allowed: account.mechanisms, previous: account.previousMechanism))
  }

  private func makeMechanism(_ choice: MechanismChoice, _ account: Account) throws(Failure)
    -> any SASLMechanism
  {
    let needsPassword = try choice.chosen().needsPassword
    // The certificate says who we are where it names one account, ours; else the server must be told (XEP-0178 §3).
    let names = settings.tls.clientCertificate?.names.filter { $0.kind == .xmppAddress } ?? []
    let isObvious = names.count == 1 && (try? JID(parsing: names[0].value)) == account.jid.bare
    let credentials = MechanismChoice.Credentials(
      username: account.jid.localpart ?? "", password: needsPassword ? try account.password() : nil,
      domain: account.jid.domainpart,
      authorizationID: choice.candidate == .external && !isObvious && account.jid.localpart != nil
        ? account.jid.bare.full : nil, digestForm: digestForm)
    let waiter = waiter
    return try choice.makeMechanism(
      credentials, nonce: try freshNonce(), bindingData: { channel?.tls?.channelBinding($0) },
      checkpoint: { () throws(Failure) in try waiter.check(doing: "computing the proof for SCRAM") })
  }

  private func unexpectedBytes(after what: String) -> Failure {
    .protocolViolation("unexpected-element", "the server went on after \(what) without being asked")
  }
}

// MARK: - Compression and binding

extension Connection {
  /// Agrees on zlib and opens a compressed stream (XEP-0138).
  private func compress() throws(Failure) {
    send(
      Element(
        "compress", Namespace.compression, [:], [Element("method", Namespace.compression, [:], "zlib")]))
    let answer = try nextElement(while: "waiting for the answer to compression")
    if answer.is("failure", Namespace.compression) {
      let condition = answer.elements.first { _ in true }?.name ?? "undefined-condition"
      throw Failure(
        .stream, condition, "the server refused compression: \(condition)", remedy: .withoutCompression,
        status: .protocolViolation)
    }
    guard answer.is("compressed", Namespace.compression) else {
      throw unexpected(answer, while: "waiting for the answer to compression")
    }
    guard !reader.hasLeftover else { throw unexpectedBytes(after: "<compressed/>") }
    try channel?.startCompression()
    try openStream(.compressed)
  }

  private func bindResource(_ account: Account, _ features: StreamFeatures) throws(Failure) {
    let start = Deadline.now
    defer { spend(.bind, since: start) }
    guard features.feature("bind", Namespace.bind) != nil else {
      throw Failure(.bind, "bind-missing", "the server does not offer resource binding", status: .bind)
    }
    let binding = ResourceBinding(account: account.jid, wish: account.jid.resourcepart)
    let id = try freshNonce()
    let answer = try ask(binding.request(id: id), id: id, while: "binding a resource")
    bound(try binding.jid(from: answer))
  }

  /// Learns what kind of session this is, by asking for one that can be come back to (XEP-0198 §3).
  private func describeSession() throws(Failure) {
    let start = Deadline.now
    defer { spend(.bind, since: start) }
    var management = StreamManagement<Never>()
    let request = management.enable(resumable: true)
    var answer = inline.enabling
    if answer == nil, offersStreamManagement {
      send(request)
      // Stanzas may come before it.
      repeat {
        answer = try nextElement(while: "asking for stream management")
      } while answer?.namespace.isSame(as: Namespace.streamManagement) == false
    }
    guard let answer else { return }
    _ = try management.receive(answer)
    report.session = SessionReport(management)
  }

  /// RFC 3921 §3: needed by servers older than RFC 6121 alone.
  private func startSession() throws(Failure) {
    let start = Deadline.now
    defer { spend(.bind, since: start) }
    let id = try freshNonce()
    let request = Element(
      "iq", Namespace.client, ["type": "set", "id": id], [Element("session", Namespace.session)])
    let answer = try ask(request, id: id, while: "starting a session")
    guard answer.attribute("type")?.isSame(as: "result") == true else {
      throw Failure(.bind, "session-refused", "the server refused to start a session", status: .bind)
    }
  }
}
