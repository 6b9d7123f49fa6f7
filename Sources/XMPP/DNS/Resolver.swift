/// Which address families a run may use: `-4`, `-6`.
public enum AddressFamilies: Sendable, CaseIterable {
  /// Either.
  case both
  /// IPv4 alone.
  case v4
  /// IPv6 alone.
  case v6

  /// Whether an address may be used.
  func allow(_ address: IPAddress) -> Bool {
    switch self {
    case .both: true
    case .v4: address.family == .v4
    case .v6: address.family == .v6
    }
  }
}

/// Finds a domain's endpoints and a host's addresses: in DNS and in the hosts file, by the system's rules, read by c-ares.
///
/// The C library's own functions keep no deadline, and do not tell a name that does not exist from a server that fails.
/// Names are in ASCII (A-labels).
public struct Resolver: Sendable {
  private let terms: DNSChannel.Terms
  private let families: AddressFamilies

  /// - Parameters:
  ///   - server: the name server to ask in place of the system's.
  ///   - families: which addresses to look for.
  public init(server: NameServer? = nil, families: AddressFamilies = .both) {
    self.init(DNSChannel.Terms(servers: server.map { [$0] } ?? []), families: families)
  }

  init(_ terms: DNSChannel.Terms, families: AddressFamilies = .both) {
    self.terms = terms
    self.families = families
  }

  /// The endpoints of a domain, in the order to try them.
  ///
  /// Nothing is asked for an IP address or a name below `localhost` (RFC 6761 §6.3), nor with a proxy, which alone resolves
  /// names then: there it is the domain itself. If `connectTo` says where to go, it is that alone, with each method.
  ///
  /// - Throws: `not-offered`, `servfail` and its like (status 68), `dns-timeout` (75), `dns-unreachable` (69), `bad-name` (68);
  ///   what `Waiter.wait` throws.
  public func endpoints(
    of domain: String, service: XMPPService, tls: TLSMode, connectTo: HostAndPort? = nil,
    through proxy: Proxy? = nil, waiter: Waiter, until moment: Deadline = .never
  ) throws(Failure) -> [Endpoint] {
    if let connectTo { return Endpoint.named(connectTo, service: service, tls: tls) }
    let plan = EndpointPlan(domain: Resolver.bare(domain), service: service, tls: tls)
    if proxy != nil || IPAddress(plan.domain) != nil { return [plan.fallback] }
    let name = try name(plan.domain)
    if name.isLocal { return [plan.fallback] }
    var questions: [DNSQuestion] = []
    for method in plan.methods {
      questions.append(DNSQuestion(name: try self.name(plan.serviceName(method)), kind: .srv))
    }
    let answers = try ask(questions, waiter, moment)
    var services: [ServiceAnswer] = []
    for (question, answer) in zip(questions, answers) {
      services.append(try serviceAnswer(answer, question.name))
    }
    var isKnown = false
    if services.contains(where: \.isFailure) {
      isKnown = try !DNSChannel(terms, for: .hostsFile).hosts(name).isEmpty
    }
    var random = SystemRandomNumberGenerator()
    return try plan.endpoints(Array(zip(plan.methods, services)), isKnown: isKnown, using: &random)
  }

  /// The addresses of a host: itself if it is one, the loopback for `localhost`, and else what the hosts file and DNS say, in
  /// the system's order.
  ///
  /// The search list counts for names that a person wrote, not for those of records and redirections, which are whole.
  ///
  /// - Parameters:
  ///   - source: where the name comes from.
  ///   - moment: when to give up.
  /// - Returns: at least one address, all of the families allowed.
  /// - Throws: `nxdomain`, `no-address`, `servfail` and its like (status 68), `dns-timeout` (75), `dns-unreachable` (69),
  ///   `bad-name` (68); what `Waiter.wait` throws.
  public func addresses(
    of host: String, from source: Endpoint.Source, waiter: Waiter, until moment: Deadline = .never
  ) throws(Failure) -> [IPAddress] {
    let isWhole = source == .srv || source == .redirect || host.utf8.last == UInt8(ascii: ".")
    let host = Resolver.bare(host)
    if let address = IPAddress(host) { return try allowed([address], host) }
    let name = try name(host)
    if name.isLocal { return try allowed(["::1", "127.0.0.1"].compactMap(IPAddress.init), host) }
    let rules = try DNSChannel(terms, for: .asking).rules()
    var verdict = DNSAnswer.noSuchName
    for place in rules.sources {
      switch place {
      case .hostsFile:
        let known = try DNSChannel(terms, for: .hostsFile).hosts(name).filter(families.allow)
        if !known.isEmpty { return known }
      case .dns:
        let names = isWhole ? [name] : rules.candidates(for: name)
        verdict = try addresses(of: names, waiter, moment)
        if case .addresses(let found) = verdict { return found }
      }
    }
    switch verdict {
    case .failed(let problem): throw try failure(problem, host, source)
    case .noSuchName: throw unknown(host, source)
    case .addresses, .services, .noData: throw noAddress(host)
    }
  }

  /// Asks for the first of these names that has addresses; else what stands in the way, and what is known of the last.
  private func addresses(
    of names: [HostName], _ waiter: Waiter, _ moment: Deadline
  ) throws(Failure) -> DNSAnswer {
    let kinds: [DNSQuestion.Kind] =
      switch families {
      case .both: [.aaaa, .a]
      case .v4: [.a]
      case .v6: [.aaaa]
      }
    var verdict = DNSAnswer.noSuchName
    for name in names {
      let answers = try ask(kinds.map { DNSQuestion(name: name, kind: $0) }, waiter, moment)
      let found = answers.flatMap { answer in
        if case .addresses(let some) = answer { some } else { [] as [IPAddress] }
      }
      if !found.isEmpty { return .addresses(found) }
      for case .failed(let problem) in answers where !answers.contains(.noSuchName) {
        // Servers that cannot be asked cannot be asked for the next name either.
        if problem == .timeout || problem == .unreachable { return .failed(problem) }
        verdict = .failed(problem)
      }
      if case .failed = verdict { continue }
      if answers.contains(.noData), !answers.contains(.noSuchName) { verdict = .noData }
    }
    return verdict
  }

  /// Asks, and once more in another form what ended in an error.
  private func ask(
    _ questions: [DNSQuestion], _ waiter: Waiter, _ moment: Deadline
  ) throws(Failure) -> [DNSAnswer] {
    var answers = try DNSChannel.ask(questions, terms, for: .asking, waiter: waiter, until: moment)
    let open = answers.indices.filter { answers[$0].isErrorCode }
    guard !open.isEmpty, !moment.hasPassed else { return answers }
    let more = try DNSChannel.ask(
      open.map { questions[$0] }, terms, for: .askingOthers, waiter: waiter, until: moment)
    for (index, answer) in zip(open, more) {
      // Of two errors the first one is told: the second channel tells no codes.
      if case .failed = answer { continue }
      answers[index] = answer
    }
    return answers
  }

  private func serviceAnswer(_ answer: DNSAnswer, _ name: HostName) throws(Failure) -> ServiceAnswer {
    switch answer {
    case .noData, .noSuchName, .addresses: .none
    case .failed(let problem) where problem.isUnsupported:
      .unsupported(try failure(problem, name.text, .fallback))
    case .failed(let problem): .failed(try failure(problem, name.text, .fallback))
    case .services(let records): .records(records)
    }
  }

  private func allowed(_ addresses: [IPAddress], _ host: String) throws(Failure) -> [IPAddress] {
    let allowed = addresses.filter(families.allow)
    guard !allowed.isEmpty else { throw noAddress(host) }
    return allowed
  }

  private func name(_ text: String) throws(Failure) -> HostName {
    guard let name = HostName(text) else {
      throw Failure(.dns, "bad-name", "\(text) is not a host name", status: .noHost)
    }
    return name
  }

  /// Without the brackets of an IPv6 address in a JID, and without the final dot of a name.
  private static func bare(_ host: String) -> String {
    let bytes = host.utf8
    if bytes.first == UInt8(ascii: "["), bytes.last == UInt8(ascii: "]") {
      return String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)
    }
    if bytes.last == UInt8(ascii: ".") { return String(decoding: bytes.dropLast(), as: UTF8.self) }
    return host
  }
}

// MARK: - What to say

extension Resolver {
  private func unknown(_ host: String, _ source: Endpoint.Source) -> Failure {
    let remedy: Remedy =
      switch source {
      case .option: .spelling(host)
      case .srv, .redirect: .otherHost(mayBeMistyped: false)
      case .fallback: .otherHost(mayBeMistyped: true)
      }
    return Failure(.dns, "nxdomain", "\(host) does not exist", remedy: remedy, status: .noHost)
  }

  private func noAddress(_ host: String) -> Failure {
    switch families {
    case .both: Failure(.dns, "no-address", "\(host) has no address", status: .noHost)
    case .v4:
      Failure(.dns, "no-address", "\(host) has no IPv4 address", hint: "try without -4", status: .noHost)
    case .v6:
      Failure(.dns, "no-address", "\(host) has no IPv6 address", hint: "try without -6", status: .noHost)
    }
  }

  private func failure(
    _ problem: DNSProblem, _ name: String, _ source: Endpoint.Source
  ) throws(Failure) -> Failure {
    let servers = try DNSChannel(terms, for: .asking).servers.map(\.text)
    let list = servers.joined(separator: ", ")
    let who = servers.count == 1 ? "the name server \(list)" : "a name server (of \(list))"
    let (condition, message, status): (String, String, ExitStatus) =
      switch problem {
      case .code(let code):
        {
          let (condition, word) = Resolver.word(code)
          return (condition, "\(who) answered \(word) for \(name)", .noHost)
        }()
      case .malformed: ("malformed-answer", "\(who) sent a malformed answer for \(name)", .noHost)
      case .timeout: ("dns-timeout", "no name server answered for \(name) (asked \(list))", .timeout)
      case .unreachable:
        ("dns-unreachable", "no name server can be reached for \(name) (tried \(list))", .noConnection)
      case .system(let reason): ("resolver-failed", "resolving \(name) failed: \(reason)", .noConnection)
      }
    // Nothing that was typed already.
    let remedy = Remedy.withoutDNS(named: source == .option, canAskOthers: terms.servers.isEmpty)
    return Failure(.dns, condition, message, remedy: remedy, status: status)
  }

  private static func word(_ code: UInt8) -> (condition: String, text: String) {
    switch code {
    case 1: ("formerr", "FORMERR")
    case 2: ("servfail", "SERVFAIL")
    case 4: ("notimp", "NOTIMP")
    case 5: ("refused", "REFUSED")
    default: ("rcode-\(code)", "response code \(code)")
    }
  }
}

extension DNSAnswer {
  fileprivate var isErrorCode: Bool {
    if case .failed(.code) = self { true } else { false }
  }
}
