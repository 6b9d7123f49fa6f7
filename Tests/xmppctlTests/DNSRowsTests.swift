import Foundation
import TestSupport
import Testing
import XMPP

/// What name servers say and what networks do, seen from outside.
@Suite struct DNSRowsTests {
  private static let direct = "_xmpps-client._tcp.example.org"
  private static let starttls = "_xmpp-client._tcp.example.org"
  private static let loopback = FakeDNSServer.Answer.records([.address("127.0.0.1")])

  let dns: FakeDNSServer

  init() throws { dns = try FakeDNSServer() }

  private func features(
    _ options: [String] = [], maxTime: String = "15", at place: SourceLocation = #_sourceLocation
  ) throws -> Row {
    try Row(
      ["--dns-server", dns.address, "--max-time", maxTime] + (try Certificates.trusted) + options + [
        "example.org"
      ],
      at: place)
  }

  /// A server that gives its features over TLS.
  private func working(_ mode: String = "starttls") throws -> ScriptedPeer {
    let server = try Certificates.server
    let before: [ScriptedPeer.Step] = mode == "direct" ? [.tls(server)] : .upgraded(server)
    return try ScriptedPeer(
      before + .opened(Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence])
  }

  /// Says where the services are: targets `t0.example.org` and so on, all on 127.0.0.1, in this order.
  private func serve(_ service: String = starttls, at ports: [UInt16]) {
    let records = ports.enumerated().map {
      FakeDNSServer.Record.srv($0.offset, 0, Int($0.element), "t\($0.offset).example.org")
    }
    dns.answer(service, .srv, .records(records))
    for index in ports.indices { dns.answer("t\(index).example.org", .a, DNSRowsTests.loopback) }
  }

  @Test("D1: a target of . for both services says that there are none")
  func denied() throws {
    for service in [DNSRowsTests.direct, DNSRowsTests.starttls] {
      dns.answer(service, .srv, .records([.srv(0, 0, 0, ".")]))
    }
    dns.answer("example.org", .a, DNSRowsTests.loopback)
    let row = try features()
    row.fails(.noHost, .dns, "not-offered")
    #expect(row.count("attempts") == 0)
    #expect(!dns.queries.contains { $0.name == "example.org" })
  }

  @Test(
    "D1: a target of . for direct TLS leaves STARTTLS, and the reverse", arguments: ["starttls", "direct"])
  func deniedInPart(mode: String) throws {
    let peer = try working(mode)
    let (given, other) =
      mode == "direct"
      ? (DNSRowsTests.direct, DNSRowsTests.starttls) : (DNSRowsTests.starttls, DNSRowsTests.direct)
    dns.answer(other, .srv, .records([.srv(0, 0, 5222, ".")]))
    serve(given, at: [peer.port])
    let row = try features()
    row.succeeds()
    #expect(row["endpoint.method"] == (mode == "direct" ? "direct-tls" : "starttls"))
    #expect(row["endpoint.source"] == "srv" && row["endpoint.host"] == "t0.example.org")
    try peer.finish()
  }

  @Test("D2: a name that is not there, a name server that fails, and one that keeps silent are told apart")
  func toldApart() throws {
    try features().fails(.noHost, .dns, "nxdomain")
    let failing = try FakeDNSServer(other: .code(2))
    try Row(["--dns-server", failing.address, "example.org"]).fails(.noHost, .dns, "servfail")
    // Nobody knows whether there are services, so the domain itself is no guess to be made.
    #expect(failing.queries.allSatisfy { $0.kind == FakeDNSServer.Kind.srv.rawValue })
    let refusing = try FakeDNSServer(other: .code(5))
    try Row(["--dns-server", refusing.address, "example.org"]).fails(.noHost, .dns, "refused")
    let silent = try FakeDNSServer(other: .silence)
    let row = try Row(["--dns-server", silent.address, "--max-time", "1", "example.org"])
    row.fails(.timeout, .timeout, "max-time")
    #expect(row.outcome.duration < .seconds(5))
  }

  @Test("D2: a target without an address, and silence about a target, are told apart too")
  func targets() throws {
    dns.answer(DNSRowsTests.starttls, .srv, .records([.srv(0, 0, 5222, "gone.example.org")]))
    try features().fails(.noHost, .dns, "nxdomain")
    dns.answer("gone.example.org", .a, .records([]))
    dns.answer("gone.example.org", .aaaa, .records([]))
    try features().fails(.noHost, .dns, "no-address")
    dns.answer("gone.example.org", .a, .silence)
    dns.answer("gone.example.org", .aaaa, .silence)
    let row = try features(["--connect-timeout", "1"])
    #expect(row.outcome.status == XMPP.ExitStatus.timeout.rawValue, "\(row.outcome.error)")
    #expect(row.outcome.duration < .seconds(5))
  }

  @Test("D3: 200 targets of weight 0 are tried in the order of their priorities")
  func manyTargets() throws {
    let refusing = try LoopbackPort(.refusing)
    let priorities = Array(0..<200).shuffled()
    dns.answer(
      DNSRowsTests.starttls, .srv,
      .records(priorities.map { .srv($0, 0, Int(refusing.port), "t\($0).example.org") }))
    for priority in priorities { dns.answer("t\(priority).example.org", .a, DNSRowsTests.loopback) }
    let row = try features()
    row.fails(.noConnection, .tcp, "connection-refused")
    #expect(row.each("attempts", "priority") == Array(0..<200))
  }

  @Test("D3: 200 silent targets share one deadline")
  func oneDeadline() throws {
    let silent = try LoopbackPort(.silent)
    serve(at: Array(repeating: silent.port, count: 200))
    let row = try features(["--connect-timeout", "0.3"], maxTime: "2")
    row.fails(.timeout, .timeout, "max-time")
    #expect(row.outcome.duration < .seconds(10) && (2..<20).contains(row.count("attempts")))
  }

  @Test("D4: loops of compression and of aliases, and answers that end too early, are failures and no hang")
  func brokenAnswers() throws {
    let question = FakeDNSServer.wire(DNSRowsTests.starttls) + [0, 33, 0, 1]
    let head: [UInt8] = [0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
    let here = UInt8(12 + question.count)
    for answer in [
      [0xC0, here, 0, 33, 0, 1, 0, 0, 0, 60, 0, 8, 0, 0, 0, 0, 0x14, 0x66, 0xC0, here],
      [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 8, 0, 0, 0, 0, 0x14, 0x66, 0xC0, here + 18],
      [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0xFF, 0xFF, 0, 0], [0xC0], [],
    ] as [[UInt8]] {
      dns.answer(DNSRowsTests.starttls, .srv, .raw(head + question + answer))
      let row = try features(["--tls", "starttls"])
      row.fails(.noHost, .dns, "malformed-answer")
      #expect(row.outcome.duration < .seconds(10))
    }
    for (name, alias) in [("a.test", "b.test"), ("b.test", "a.test")] {
      dns.answer(name, .a, .records([.alias(alias), .alias(name, owner: alias)]))
      dns.answer(name, .aaaa, .records([.alias(alias), .alias(name, owner: alias)]))
    }
    dns.answer(DNSRowsTests.starttls, .srv, .records([.srv(0, 0, 5222, "a.test")]))
    let row = try features()
    row.fails(.noHost, .dns)
    #expect(row.outcome.duration < .seconds(10))
  }

  @Test("D4: an answer that was cut off is asked for again over TCP")
  func cutOff() throws {
    let peer = try working()
    dns.answer("t0.example.org", .a, DNSRowsTests.loopback)
    dns.answer(
      DNSRowsTests.starttls, .srv, .truncated(.records([.srv(0, 0, Int(peer.port), "t0.example.org")])))
    try features().succeeds()
    #expect(dns.queries.contains { $0.tcp && $0.name == DNSRowsTests.starttls })
    try peer.finish()
  }

  @Test(
    "D5: the first target refuses, the second hangs, the third works", arguments: ["silent", "black hole"])
  func third(second: String) throws {
    let refusing = try LoopbackPort(.refusing)
    let hanging = try LoopbackPort(second == "silent" ? .silent : .blackHole)
    let peer = try working()
    serve(at: [refusing.port, hanging.port, peer.port])
    let row = try features(["--connect-timeout", "1"])
    row.succeeds()
    #expect(row.each("attempts", "host") == ["t0.example.org", "t1.example.org", "t2.example.org"])
    #expect(row.each("attempts", "ok") == [false, false, true])
    #expect(row["attempts.0.error.condition"] == "connection-refused" && row["attempts.0.error.code"] == 69)
    #expect(row["attempts.1.error.condition"] == "connect-timeout" && row["attempts.1.error.code"] == 75)
    #expect(row["endpoint.host"] == "t2.example.org" && row["endpoint.address"] == "127.0.0.1")
    try peer.finish()
  }

  @Test("D7: where SRV records exist and their targets fail, the domain itself is left alone")
  func noFallback() throws {
    let refusing = try LoopbackPort(.refusing)
    serve(at: [refusing.port, refusing.port])
    dns.answer("example.org", .a, DNSRowsTests.loopback)
    let row = try features()
    row.fails(.noConnection, .tcp, "connection-refused")
    #expect(row.each("attempts", "source") == ["srv", "srv"])
    #expect(row.each("attempts", "host") == ["t0.example.org", "t1.example.org"])
    #expect(!dns.queries.contains { $0.name == "example.org" })
  }

  @Test("D7: without a record, the domain itself is tried, and only then")
  func fallback() throws {
    // A name server that knows no service, and no address either: what is asked shows where it would have gone.
    let row = try features(["--connect-timeout", "2"])
    #expect(row.each("attempts", "source") == ["fallback"] && row.each("attempts", "host") == ["example.org"])
    #expect(dns.queries.contains { $0.name == "example.org" })
  }
}

/// A connection that breaks at each step.
@Suite struct BrokenConnectionRowsTests {
  /// How far the server goes before it leaves, and what the run must come to.
  private static func steps(
    _ server: TestTLSServer
  ) -> [(name: String, script: [ScriptedPeer.Step], mode: String, status: XMPP.ExitStatus)] {
    let header = Dialogue.header()
    let half = "<stream:features><starttls xmlns='urn"
    return [
      ("at once", [], "none", .noConnection),
      ("before the header", [.expectHeader], "starttls", .noConnection),
      ("in the header", .opened("<stream:stream xmlns="), "starttls", .noConnection),
      ("after the header", .opened(header), "starttls", .noConnection),
      ("in the features", .opened(header + half), "starttls", .noConnection),
      ("after <starttls/>", .asked, "starttls", .noConnection),
      ("in the handshake", .asked + [.send(Dialogue.proceed), .expectBytes(1)], "starttls", .tls),
      ("in the handshake", [.expectBytes(1)], "direct", .tls),
      ("after the handshake", .upgraded(server), "starttls", .noConnection),
      (
        "after the second header was asked for", .upgraded(server) + [.expectHeader], "starttls",
        .noConnection
      ),
      ("before the features", .direct(server, header), "direct", .noConnection),
      ("in the features over TLS", .upgraded(server) + .opened(header + half), "starttls", .noConnection),
    ]
  }

  @Test("D9: FIN at each step")
  func fin() throws { try leave(.end) }

  @Test("D9: RST at each step")
  func rst() throws { try leave(.reset) }

  @Test("D9: a goodbye of TLS at each step")
  func goodbye() throws { try leave(.close) }

  private func leave(_ last: ScriptedPeer.Step) throws {
    for step in BrokenConnectionRowsTests.steps(try Certificates.server) {
      let peer = try ScriptedPeer(step.script + [last])
      let row = try Row(peer.way(step.mode, try Certificates.trusted))
      #expect(row.outcome.status == step.status.rawValue, "\(step.name): \(row.outcome.error)")
      #expect(row.count("attempts") == 1 && row["attempts.0.ok"] == false, "\(step.name)")
      #expect(row.outcome.duration < .seconds(10))
      _ = try peer.finish()
    }
  }
}
