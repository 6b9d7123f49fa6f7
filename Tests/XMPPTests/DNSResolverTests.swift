import TestSupport
import Testing

@testable import XMPP

@Suite struct DNSResolverTests {
  private let server: FakeDNSServer
  private let waiter = Waiter(seconds: 20)
  /// A `resolv.conf` without a word, so that the machine's own rules do not matter.
  private let noRules: TemporaryFile

  init() throws {
    server = try FakeDNSServer()
    noRules = try TemporaryFile("")
  }

  private func resolver(
    _ families: AddressFamilies = .both, at servers: [String] = [], rules: TemporaryFile? = nil
  ) throws -> Resolver {
    var terms = DNSChannel.Terms(resolvConf: (rules ?? noRules).path)
    terms.servers = try (servers.isEmpty ? [server.address] : servers).map { try NameServer(parsing: $0) }
    return Resolver(terms, families: families)
  }

  private func endpoints(_ tls: TLSMode = .auto, within seconds: Double = 15) throws -> [Endpoint] {
    try resolver().endpoints(
      of: "example.test", service: .client, tls: tls, waiter: waiter, until: .after(seconds: seconds))
  }

  private func addresses(
    of host: String = "host.test", _ families: AddressFamilies = .both, within seconds: Double = 15
  ) throws -> [String] {
    try resolver(families).addresses(
      of: host, from: .fallback, waiter: waiter, until: .after(seconds: seconds)
    ).map(\.text)
  }

  private static let direct = "_xmpps-client._tcp.example.test"
  private static let starttls = "_xmpp-client._tcp.example.test"

  @Test("both SRV names are asked for side by side, each with an id and a port of its own")
  func asksBoth() throws {
    server.answer(Self.direct, .srv, .delayed(0.2, .records([.srv(1, 0, 443, "A.example.test")])))
    server.answer(Self.starttls, .srv, .delayed(0.2, .records([.srv(2, 0, 5222, "b.example.test")])))
    let found = try endpoints()
    #expect(
      found == [
        Endpoint(
          host: "a.example.test", port: 443, method: .directTLS, source: .srv, priority: 1, weight: 0),
        Endpoint(
          host: "b.example.test", port: 5222, method: .starttls, source: .srv, priority: 2, weight: 0),
      ])
    let queries = server.queries
    #expect(Set(queries.map(\.name)) == [Self.direct, Self.starttls])
    #expect(queries.count == 2 && queries[0].port != queries[1].port)
  }

  @Test("D1: a target of . alone is not-offered, and leaves the other name")
  func root() throws {
    server.answer(Self.direct, .srv, .records([.srv(0, 0, 0, ".")]))
    let failure = #expect(throws: Failure.self) { try endpoints(.direct) }
    #expect(failure?.condition == "not-offered" && failure?.status == .noHost && failure?.stage == .dns)
    server.answer(Self.starttls, .srv, .records([.srv(2, 0, 5222, "b.example.test")]))
    #expect(try endpoints().map(\.host) == ["b.example.test"])
  }

  @Test("no SRV record, by NXDOMAIN or NODATA: the domain itself")
  func fallback() throws {
    server.answer(Self.direct, .srv, .records([]))
    #expect(
      try endpoints() == [
        Endpoint(host: "example.test", port: 5222, method: .starttls, source: .fallback)
      ])
    #expect(try endpoints(.direct).map(\.port) == [5223])
  }

  @Test("D2: NXDOMAIN, no address, SERVFAIL, REFUSED, NOTIMP, unknown codes and silence are told apart")
  func toldApart() throws {
    func condition(_ answer: FakeDNSServer.Answer) -> (String?, XMPP.ExitStatus?) {
      server.answer("host.test", .a, answer)
      server.answer("host.test", .aaaa, answer)
      let failure = #expect(throws: Failure.self) { try addresses(within: 0.5) }
      #expect(failure?.stage == .dns)
      return (failure?.condition, failure?.status)
    }
    #expect(condition(.nxdomain) == ("nxdomain", .noHost))
    #expect(condition(.records([])) == ("no-address", .noHost))
    #expect(condition(.code(2)) == ("servfail", .noHost))
    #expect(condition(.code(5)) == ("refused", .noHost))
    #expect(condition(.code(4)) == ("notimp", .noHost))
    #expect(condition(.code(9)) == ("rcode-9", .noHost))
    #expect(condition(.silence) == ("dns-timeout", .timeout))
  }

  @Test("D2: SERVFAIL or silence for SRV is not an answer of none")
  func noGuess() throws {
    server.answer(Self.starttls, .srv, .code(2))
    #expect(#expect(throws: Failure.self) { try endpoints() }?.condition == "servfail")
    server.answer(Self.starttls, .srv, .silence)
    #expect(#expect(throws: Failure.self) { try endpoints(within: 0.4) }?.condition == "dns-timeout")
    server.answer(Self.direct, .srv, .records([.srv(1, 0, 443, "a.example.test")]))
    #expect(try endpoints(within: 0.4).map(\.host) == ["a.example.test"])
  }

  @Test("D2: the run's deadline ends a silent lookup")
  func runDeadline() throws {
    server.answer("host.test", .a, .silence)
    let resolver = try resolver(.v4)
    let began = Deadline.now
    let failure = #expect(throws: Failure.self) {
      try resolver.addresses(of: "host.test", from: .option, waiter: Waiter(seconds: 0.3))
    }
    #expect(failure?.condition == "max-time" && failure?.status == .timeout)
    #expect(Deadline.now.milliseconds(since: began) < 5000)
  }

  @Test("a name server where nobody listens is said at once")
  func nobody() throws {
    let refusing = try LoopbackPort(.refusing)
    let resolver = try resolver(at: ["127.0.0.1:\(refusing.port)"])
    let began = Deadline.now
    for lookup in [
      { _ = try resolver.addresses(of: "host.test", from: .option, waiter: waiter) },
      { _ = try resolver.endpoints(of: "host.test", service: .client, tls: .auto, waiter: waiter) },
    ] as [() throws -> Void] {
      let failure = #expect(throws: Failure.self) { try lookup() }
      #expect(failure?.condition == "dns-unreachable" && failure?.status == .noConnection)
    }
    #expect(Deadline.now.milliseconds(since: began) < 4000)
  }

  @Test("a lost question is asked again")
  func asksAgain() throws {
    server.answer("host.test", .a, .first(.silence, then: .records([.address("192.0.2.1")])))
    #expect(try addresses(.v4) == ["192.0.2.1"])
    #expect(server.queries.count == 2)
  }

  @Test("the next server is asked when one fails or keeps silent")
  func nextServer() throws {
    let other = try FakeDNSServer()
    other.answer("host.test", .a, .records([.address("192.0.2.7")]))
    for answer in [FakeDNSServer.Answer.code(2), .silence, .raw([0x81])] {
      server.answer("host.test", .a, answer)
      let resolver = try resolver(.v4, at: [server.address, other.address])
      let found = try resolver.addresses(of: "host.test", from: .option, waiter: waiter)
      #expect(found.map(\.text) == ["192.0.2.7"], "\(answer)")
    }
    #expect(other.queries.count == 3)
  }

  @Test("D11: an answer to another id or question is passed over")
  func forgeries() throws {
    server.answer("host.test", .a, .afterForgeries(.records([.address("192.0.2.1")])))
    #expect(try addresses(.v4) == ["192.0.2.1"])
  }

  @Test("D4: an answer that was cut off is asked for again over TCP")
  func overTCP() throws {
    let many = (1...200).map { FakeDNSServer.Record.address("192.0.2.\($0)") }
    server.answer("host.test", .a, .truncated(.records(many)))
    #expect(try addresses(.v4).count == 200)
    #expect(server.queries.map(\.tcp) == [false, true])
  }

  @Test("D4: cut off over TCP as well, broken, and looping answers end in a failure")
  func brokenAnswers() throws {
    let question = FakeDNSServer.wire("host.test") + [0, 1, 0, 1]
    let loop: [UInt8] = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0] + question + [0xC0, 27, 0, 1, 0, 1]
    server.answer("host.test", .a, .raw(loop))
    #expect(#expect(throws: Failure.self) { try addresses(.v4) }?.condition == "malformed-answer")
    server.answer("host.test", .a, .truncated(.raw([0x83, 0x80, 0, 1, 0, 0, 0, 0, 0, 0] + question)))
    #expect(#expect(throws: Failure.self) { try addresses(.v4) }?.condition == "malformed-answer")
    server.answer(
      "host.test", .a, .records([.alias("b.test"), .alias("host.test", owner: "b.test")]))
    #expect(#expect(throws: Failure.self) { try addresses(.v4) }?.condition == "no-address")
  }

  @Test("D4: aliases are followed within the answer")
  func aliases() throws {
    server.answer(
      "host.test", .a,
      .records([
        .alias("b.test"), .alias("c.test", owner: "B.test"), .address("192.0.2.1", owner: "c.TEST"),
        .address("192.0.2.66", owner: "stranger.test"),
      ]))
    #expect(try addresses(.v4) == ["192.0.2.1"])
    server.answer("host.test", .a, .records([.address("192.0.2.66", owner: "stranger.test")]))
    #expect(#expect(throws: Failure.self) { try addresses(.v4) }?.condition == "no-address")
  }

  @Test("a server that does not know EDNS is asked without")
  func withoutEDNS() throws {
    server.answer("host.test", .a, .onlyWithoutEDNS(.records([.address("192.0.2.1")])))
    #expect(try addresses(.v4) == ["192.0.2.1"])
  }

  @Test(
    "both families are asked for, one where the user said so; one silent family does not hold up the other")
  func families() throws {
    server.answer("host.test", .a, .records([.address("192.0.2.1")]))
    server.answer("host.test", .aaaa, .records([.address("2001:db8::1")]))
    #expect(try addresses() == ["2001:db8::1", "192.0.2.1"])
    #expect(try addresses(.v4) == ["192.0.2.1"])
    #expect(try addresses(.v6) == ["2001:db8::1"])
    server.answer("host.test", .aaaa, .silence)
    let began = Deadline.now
    #expect(try addresses() == ["192.0.2.1"])
    #expect(Deadline.now.milliseconds(since: began) < 6000)
  }

  @Test("addresses and localhost need no question")
  func local() throws {
    #expect(try addresses(of: "192.0.2.1") == ["192.0.2.1"])
    #expect(try addresses(of: "[2001:db8::1]") == ["2001:db8::1"])
    #expect(try addresses(of: "Foo.LocalHost.") == ["::1", "127.0.0.1"])
    #expect(try addresses(of: "localhost", .v4) == ["127.0.0.1"])
    #expect(#expect(throws: Failure.self) { try addresses(of: "::1", .v4) }?.condition == "no-address")
    for domain in ["localhost", "192.0.2.1", "[2001:db8::1]", "a.localhost"] {
      let found = try resolver().endpoints(of: domain, service: .client, tls: .auto, waiter: waiter)
      #expect(found.map(\.source) == [.fallback])
    }
    #expect(server.queries.isEmpty)
  }

  @Test("localhost is a whole label")
  func notLocal() throws {
    server.answer("notlocalhost.test", .a, .records([.address("192.0.2.1")]))
    #expect(throws: Failure.self) { try addresses(of: "notlocalhost", .v4) }
    #expect(server.queries.map(\.name) == ["notlocalhost"])
  }

  @Test(
    "N2: the search list and ndots of resolv.conf hold for names that a person wrote, for addresses alone")
  func searchList() throws {
    server.answer("box.b.test", .a, .records([.address("192.0.2.8")]))
    server.answer("box.team", .a, .records([.address("192.0.2.9")]))
    let rules = try TemporaryFile("search a.test b.test\noptions ndots:2\n")
    let resolver = try resolver(.v4, rules: rules)
    func asked(_ host: String, _ source: Endpoint.Source) -> [String] {
      let before = server.queries.count
      _ = try? resolver.addresses(of: host, from: source, waiter: waiter)
      return server.queries[before...].map(\.name)
    }
    #expect(asked("box", .fallback) == ["box.a.test", "box.b.test"])
    #expect(asked("box.team", .option) == ["box.team.a.test", "box.team.b.test", "box.team"])
    #expect(asked("a.b.c", .option) == ["a.b.c", "a.b.c.a.test", "a.b.c.b.test"])
    // A record's name is whole, and so is one that ends in a dot.
    #expect(asked("box.team", .srv) == ["box.team"])
    #expect(asked("box", .redirect) == ["box"])
    #expect(asked("box.team.", .option) == ["box.team"])
    _ = try resolver.endpoints(of: "box", service: .client, tls: .starttls, waiter: waiter)
    #expect(server.queries.last?.name == "_xmpp-client._tcp.box")
  }

  @Test(
    "N3: timeout and attempts of resolv.conf are kept within their limits, and RES_OPTIONS has the last word")
  func limits() {
    func limits(_ text: String, _ environment: String? = nil) -> [Int] {
      let options = ResolverOptions(resolvConf: Array(text.utf8), environment: environment)
      return [options.timeout, options.attempts]
    }
    #expect(limits("nameserver 127.0.0.1\n#options timeout:9\n") == [1, 3])
    #expect(limits("options ndots:5 timeout:2\toptions\noptions attempts:4\r\n") == [2, 4])
    #expect(limits("options timeout:0 attempts:99\n") == [1, 5])
    #expect(limits("options timeout:-1 attempts:x timeout:\n") == [1, 3])
    #expect(limits("options timeout:2 attempts:1", "attempts:2  timeout:77") == [30, 2])
  }

  @Test("N3: a silent server is asked as often as resolv.conf says, and the failure names it")
  func attempts() throws {
    server.answer("host.test", .a, .silence)
    let rules = try TemporaryFile("options attempts:1\n")
    let failure = #expect(throws: Failure.self) {
      try resolver(.v4, rules: rules).addresses(of: "host.test", from: .option, waiter: waiter)
    }
    #expect(failure?.condition == "dns-timeout" && failure?.message.contains(server.address) == true)
    #expect(server.queries.count == 1)
  }

  @Test("with a proxy or --connect-to nothing is asked")
  func asksNothing() throws {
    let proxy = try Proxy(parsing: "socks5h://127.0.0.1")
    let found = try resolver().endpoints(
      of: "example.test", service: .client, tls: .auto, through: proxy, waiter: waiter)
    #expect(found.map(\.host) == ["example.test"])
    let place = try HostAndPort(parsing: "other.test:5223", for: "--connect-to")
    let named = try resolver().endpoints(
      of: "example.test", service: .client, tls: .auto, connectTo: place, waiter: waiter)
    #expect(named.map(\.method) == [.directTLS, .starttls])
    #expect(named.allSatisfy { $0.host == "other.test" && $0.port == 5223 && $0.source == .option })
    #expect(server.queries.isEmpty)
  }

  @Test("names that cannot be asked for are refused before a question")
  func badNames() throws {
    for bad in ["bücher.test", "a..b", "", "a b.test", "a\0b"] {
      #expect(#expect(throws: Failure.self) { try addresses(of: bad) }?.condition == "bad-name", "\(bad)")
    }
    #expect(server.queries.isEmpty)
  }

  @Test("--dns-server takes an address with or without a port, and no name")
  func nameServers() throws {
    #expect(try NameServer(parsing: "192.0.2.1").text == "192.0.2.1:53")
    #expect(try NameServer(parsing: "192.0.2.1:5353").text == "192.0.2.1:5353")
    #expect(try NameServer(parsing: "2001:db8::1").text == "[2001:db8::1]:53")
    #expect(try NameServer(parsing: "[2001:db8::1]:5353").text == "[2001:db8::1]:5353")
    for bad in [
      "", "dns.test", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "[192.0.2.1]:1", "[::1", "[::1]x",
    ] {
      #expect(#expect(throws: Failure.self) { try NameServer(parsing: bad) }?.status == .usage, "\(bad)")
    }
  }

  @Test("N2: the system's name servers and rules are read")
  func system() throws {
    let system = try DNSChannel(DNSChannel.Terms(), for: .asking)
    #expect(!system.servers.isEmpty)
    #expect(try !system.rules().sources.isEmpty)
    let rules = try TemporaryFile(
      "nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch A.test b.test\noptions ndots:4 rotate\n")
    let own = try DNSChannel(DNSChannel.Terms(resolvConf: rules.path), for: .asking)
    #expect(own.servers.map(\.text) == ["192.0.2.1:53", "[2001:db8::1]:53"])
    let found = try own.rules()
    #expect(found.dots == 4 && found.search.map { $0.lowercased() } == ["a.test", "b.test"])
  }
}
