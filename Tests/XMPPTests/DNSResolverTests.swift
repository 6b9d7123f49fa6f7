import TestSupport
import Testing

@testable import XMPP

@Suite struct DNSResolverTests {
  private let server: FakeDNSServer
  private let waiter = Waiter(seconds: 20)

  init() throws { server = try FakeDNSServer() }

  private func resolver(
    _ families: AddressFamilies = .both, hosts: String = "/nonexistent", search: [String] = []
  ) throws -> Resolver {
    Resolver(
      server: try NameServer(parsing: server.address), families: families, hosts: hosts, search: search)
  }

  private func endpoints(_ tls: TLSMode = .auto, within seconds: Double = 15) throws -> [Endpoint] {
    try resolver().endpoints(
      of: "example.test", service: .client, tls: tls, waiter: waiter, until: .after(seconds: seconds))
  }

  private func addresses(
    of host: String = "host.test", _ families: AddressFamilies = .both, within seconds: Double = 15
  ) throws -> [String] {
    try resolver(families).addresses(of: host, waiter: waiter, until: .after(seconds: seconds)).map(\.text)
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

  @Test("D2: NXDOMAIN, no address, SERVFAIL, REFUSED and silence are told apart")
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
      try resolver.addresses(of: "host.test", waiter: Waiter(seconds: 0.3))
    }
    #expect(failure?.condition == "max-time" && failure?.status == .timeout)
    #expect(Deadline.now.milliseconds(since: began) < 5000)
  }

  @Test("a name server where nobody listens is said at once")
  func nobody() throws {
    let refusing = try LoopbackPort(.refusing)
    let resolver = Resolver(
      server: try NameServer(parsing: "127.0.0.1:\(refusing.port)"), families: .v4, hosts: "", search: [])
    let failure = #expect(throws: Failure.self) {
      try resolver.addresses(of: "host.test", waiter: waiter, until: .after(seconds: 8))
    }
    #expect(failure?.condition == "dns-unreachable" && failure?.status == .noConnection)
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
    let servers = [try NameServer(parsing: server.address), try NameServer(parsing: other.address)]
    for answer in [FakeDNSServer.Answer.code(2), .silence, .raw([0x81])] {
      server.answer("host.test", .a, answer)
      let question = DNSQuestion(name: try #require(DNSName("host.test")), type: .a)
      let answers = try DNSExchange.ask([question], of: servers, waiter: waiter, until: .after(seconds: 8))
      guard case .records = answers.first else {
        Issue.record("\(answers) after \(answer)")
        continue
      }
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
    #expect(#expect(throws: Failure.self) { try addresses(.v4) }?.condition == "alias-loop")
  }

  @Test("D4: aliases are followed within the answer")
  func aliases() throws {
    server.answer(
      "host.test", .a,
      .records([
        .alias("c.test", owner: "B.test"), .alias("b.test"), .address("192.0.2.1", owner: "c.TEST"),
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

  @Test("addresses, localhost and the hosts file need no question")
  func local() throws {
    #expect(try addresses(of: "192.0.2.1") == ["192.0.2.1"])
    #expect(try addresses(of: "[2001:db8::1]") == ["2001:db8::1"])
    #expect(try addresses(of: "Foo.LocalHost.") == ["::1", "127.0.0.1"])
    #expect(try addresses(of: "localhost", .v4) == ["127.0.0.1"])
    #expect(#expect(throws: Failure.self) { try addresses(of: "::1", .v4) }?.condition == "no-address")
    let file = try TemporaryFile("192.0.2.5 box.test\n")
    let found = try resolver(hosts: file.path).addresses(of: "box.test", waiter: waiter)
    #expect(found.map(\.text) == ["192.0.2.5"])
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

  @Test("a name of one label is looked for in the search list, for addresses alone")
  func searchList() throws {
    server.answer("box.b.test", .a, .records([.address("192.0.2.8")]))
    let resolver = try resolver(.v4, search: ["a.test", "b.test"])
    #expect(try resolver.addresses(of: "box", waiter: waiter).map(\.text) == ["192.0.2.8"])
    #expect(server.queries.map(\.name) == ["box.a.test", "box.b.test"])
    _ = try resolver.endpoints(of: "box", service: .client, tls: .starttls, waiter: waiter)
    #expect(server.queries.last?.name == "_xmpp-client._tcp.box")
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
    #expect(named == [Endpoint(host: "other.test", port: 5223, method: .directTLS, source: .option)])
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

  @Test("the system's name servers are read")
  func system() {
    #expect(!NameServers.system().servers.isEmpty)
  }
}
