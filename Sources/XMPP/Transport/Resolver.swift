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

/// Finds a domain's endpoints and a host's addresses.
///
/// It asks name servers itself, since the C library's functions keep neither a deadline nor the difference between a name
/// that is not there and a server that is not. Names are in ASCII (A-labels).
public struct Resolver: Sendable {
  private let server: NameServer?
  private let families: AddressFamilies
  private let hosts: String
  private let search: [String]?

  /// - Parameters:
  ///   - server: the name server to ask in place of the system's.
  ///   - families: which addresses to look for.
  public init(server: NameServer? = nil, families: AddressFamilies = .both) {
    self.init(server: server, families: families, hosts: "/etc/hosts", search: nil)
  }

  init(server: NameServer?, families: AddressFamilies, hosts: String, search: [String]?) {
    self.server = server
    self.families = families
    self.hosts = hosts
    self.search = search
  }

  /// The endpoints of a domain, in the order to try them.
  ///
  /// Nothing is asked for an IP address or a name below `localhost` (RFC 6761 §6.3), nor with a proxy, which alone resolves
  /// names then: there it is the domain itself. Where `connectTo` says where to go, it is that alone.
  ///
  /// - Throws: `not-offered`, `servfail` and its like (status 68), `dns-timeout` (75), `dns-unreachable` (69), `bad-name` (68);
  ///   what `Waiter.wait` throws.
  public func endpoints(
    of domain: String, service: XMPPService, tls: TLSMode, connectTo: HostAndPort? = nil,
    through proxy: Proxy? = nil, waiter: Waiter, until moment: Deadline = .never
  ) throws(Failure) -> [Endpoint] {
    if let connectTo { return [Endpoint(connectTo: connectTo, service: service, tls: tls)] }
    let plan = EndpointPlan(domain: Resolver.bare(domain), service: service, tls: tls)
    if proxy != nil || IPAddress(plan.domain) != nil { return [plan.fallback] }
    if try isLocal(name(plan.domain)) { return [plan.fallback] }
    var questions: [DNSQuestion] = []
    for method in plan.methods {
      questions.append(DNSQuestion(name: try name(plan.serviceName(method)), type: .srv))
    }
    let answers = try DNSExchange.ask(questions, of: nameServers.servers, waiter: waiter, until: moment)
    var random = SystemRandomNumberGenerator()
    return try plan.endpoints(
      zip(plan.methods, answers).map { ($0, ServiceAnswer($1)) }, using: &random)
  }

  /// The addresses of a host: itself when it is one, the loopback for `localhost`, what `/etc/hosts` says, and else DNS.
  ///
  /// A name of one label is looked for in the search list first.
  ///
  /// - Parameter moment: when to give up.
  /// - Returns: at least one address, all of the families allowed.
  /// - Throws: `nxdomain`, `no-address`, `servfail` and its like (status 68), `dns-timeout` (75), `dns-unreachable` (69),
  ///   `bad-name` (68); what `Waiter.wait` throws.
  public func addresses(
    of host: String, waiter: Waiter, until moment: Deadline = .never
  ) throws(Failure) -> [IPAddress] {
    let host = Resolver.bare(host)
    if let address = IPAddress(host) { return try allowed([address], host) }
    let name = try name(host)
    if isLocal(name) { return try allowed(["::1", "127.0.0.1"].compactMap(IPAddress.init), host) }
    let known = HostsFile(path: hosts).addresses(of: name).filter(families.allow)
    if !known.isEmpty { return known }

    let system = nameServers
    var names = [name]
    if !host.utf8.contains(UInt8(ascii: ".")) {
      names = system.search.compactMap { DNSName("\(host).\($0)") } + names
    }
    for candidate in names.dropLast() {
      let answers = try ask(candidate, system.servers, waiter, moment)
      if let found = Resolver.addresses(in: answers) { return found }
    }
    let answers = try ask(name, system.servers, waiter, moment)
    if let found = Resolver.addresses(in: answers) { return found }
    throw failure(host, answers)
  }

  private func ask(
    _ name: DNSName, _ servers: [NameServer], _ waiter: Waiter, _ moment: Deadline
  ) throws(Failure) -> [DNSAnswer] {
    let types: [DNSType] =
      switch families {
      case .both: [.aaaa, .a]
      case .v4: [.a]
      case .v6: [.aaaa]
      }
    return try DNSExchange.ask(
      types.map { DNSQuestion(name: name, type: $0) }, of: servers, waiter: waiter, until: moment)
  }

  private static func addresses(in answers: [DNSAnswer]) -> [IPAddress]? {
    var found: [IPAddress] = []
    for case .records(let records) in answers {
      for case .address(let address) in records.map(\.content) where !found.contains(address) {
        found.append(address)
      }
    }
    return found.isEmpty ? nil : found
  }

  /// What to say when no answer held an address: that the name is not there, else what failed, else that it has none.
  private func failure(_ host: String, _ answers: [DNSAnswer]) -> Failure {
    if answers.contains(.noSuchName) {
      return Failure(
        .dns, "nxdomain", "\(host) does not exist",
        hint: "check the spelling; --connect-to HOST goes there without asking DNS", status: .noHost)
    }
    for case .failed(let failure) in answers { return failure }
    return noAddress(host)
  }

  private func allowed(_ addresses: [IPAddress], _ host: String) throws(Failure) -> [IPAddress] {
    let allowed = addresses.filter(families.allow)
    guard !allowed.isEmpty else { throw noAddress(host) }
    return allowed
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

  private var nameServers: NameServers {
    var result = NameServers.system()
    if let server { result.servers = [server] }
    if let search { result.search = search }
    return result
  }

  private func name(_ text: String) throws(Failure) -> DNSName {
    guard let name = DNSName(text) else {
      throw Failure(.dns, "bad-name", "\(text) is not a host name", status: .noHost)
    }
    return name
  }

  private func isLocal(_ name: DNSName) -> Bool { name.wire.suffix(11) == DNSName("localhost")?.wire[...] }

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

extension ServiceAnswer {
  fileprivate init(_ answer: DNSAnswer) {
    switch answer {
    case .noData, .noSuchName: self = .none
    case .failed(let failure): self = .failed(failure)
    case .records(let records):
      self = .records(
        records.compactMap { record in
          guard case .service(let service) = record.content else { return nil }
          return service
        })
    }
  }
}
