import Foundation
import TestSupport
import Testing
import XMPP

/// What servers do around TLS, seen from outside.
@Suite struct TLSRowsTests {
  let trusted: [String]
  let server: TestTLSServer

  init() throws {
    trusted = try Certificates.trusted
    server = try Certificates.server
  }

  private static let done = Dialogue.header() + Dialogue.features(Dialogue.plain)

  /// The usual server, changed a little.
  private func server(_ change: (inout TestTLSServer) -> Void) -> TestTLSServer {
    var server = server
    change(&server)
    return server
  }

  @Test(
    "T1: without STARTTLS nothing but the stream is opened and closed", arguments: ["connect", "features"])
  func missing(command: String) throws {
    let peer = try ScriptedPeer(.opened(TLSRowsTests.done) + [.silence])
    let row = try Row(peer.way("starttls", trusted), command: command)
    row.fails(.tls, .starttls, "starttls-missing")
    let sent = try #require(try peer.finish().first).text
    #expect(isNothingButTheStream(sent) && !sent.contains("<starttls"), "\(sent)")
  }

  @Test(
    "T2: bytes behind <proceed/> are never parsed, and nothing is sent after them",
    arguments: [
      Dialogue.header() + Dialogue.features(Dialogue.plain), Dialogue.features(Dialogue.plain), " ", "\u{16}",
      "<!DOCTYPE x>",
    ])
  func injected(behind: String) throws {
    let peer = try ScriptedPeer(.asked + [.send(Dialogue.proceed + behind), .silence])
    let row = try Row(peer.way("starttls", trusted))
    row.fails(.tls, .starttls, "plaintext-after-proceed")
    #expect(row.count("stages") == 1 && row.count("stages.0.features") == 1)
    let connection = try #require(try peer.finish().first)
    #expect(isNothingButTheStream(connection.text))
    #expect(connection.wire == connection.bytes)
  }

  @Test("T2: text that comes where the handshake should is no TLS")
  func textForAHandshake() throws {
    let peer = try ScriptedPeer(
      .asked + [.send(Dialogue.proceed), .expectBytes(1), .send(TLSRowsTests.done), .silence])
    let row = try Row(peer.way("starttls", trusted))
    row.fails(.tls, .tls, "not-tls")
    #expect(row.count("stages") == 1)
    try peer.finish()
  }

  @Test(
    "T3: <proceed/> before it was asked for is a violation",
    arguments: [Dialogue.proceed, Dialogue.features(Dialogue.startTLS) + Dialogue.proceed])
  func early(answer: String) throws {
    let peer = try ScriptedPeer(.opened(Dialogue.header() + answer) + [.silence])
    let row = try Row(peer.way("starttls", trusted))
    row.fails(.protocolViolation, .stream, "unexpected-element")
    let connection = try #require(try peer.finish().first)
    #expect(isNothingButTheStream(connection.text))
    #expect(!connection.text.contains("<starttls"))
  }

  @Test(
    "T4: a refusal of STARTTLS, or an unknown answer, ends it; it never goes on in the clear",
    arguments: [
      "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>",
      "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "<proceed xmlns='urn:example:other'/>",
      "<proceed/>",
      "<message from='example.org'/>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
      Dialogue.features(Dialogue.plain),
    ])
  func refused(answer: String) throws {
    let peer = try ScriptedPeer(.asked + [.send(answer), .silence])
    let row = try Row(peer.way("starttls", trusted))
    row.fails(.tls, .starttls, "starttls-failure")
    let connection = try #require(try peer.finish().first)
    #expect(isNothingButTheStream(connection.text))
    #expect(connection.wire == connection.bytes)
  }

  @Test("T5: what comes before TLS is shown as not authenticated, and escaped")
  func beforeTLS() throws {
    let content = Dialogue.startTLS + "<login xmlns='urn:\(hostile)'>go to evil.test</login>"
    let peer = try ScriptedPeer(
      .opened(Dialogue.header() + Dialogue.features(content)) + [
        .expectElement, .send(Dialogue.proceed), .tls(server), .expectHeader, .send(TLSRowsTests.done),
        .silence,
      ])
    let outcome = try Program.xmppctl.run(["features"] + peer.way("starttls", trusted))
    try peer.finish()
    #expect(outcome.status == 0)
    expectHarmless(outcome)
    #expect(outcome.output.contains("before TLS (not authenticated)\n"))
    #expect(outcome.output.contains("\\u009b31mRED\\u202e"))
  }

  @Test("T5: an error before TLS is shown as not authenticated; one inside TLS is not")
  func errorBeforeTLS() throws {
    let error = Dialogue.error(
      Dialogue.condition("policy-violation")
        + "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\(hostile)</text>")
    for (script, isMarked) in [
      (.opened(Dialogue.header() + error), true),
      (.upgraded(server) + .opened(Dialogue.header() + error), false),
    ] as [([ScriptedPeer.Step], Bool)] {
      let peer = try ScriptedPeer(script + [.silence])
      let row = try Row(peer.way("starttls", trusted))
      row.fails(.protocolViolation, .stream, "policy-violation")
      #expect(row.message.contains("not authenticated") == isMarked, "\(row.message)")
      #expect(row.message.contains(hostile))
      #expect(row.outcome.error.contains("\\u009b31mRED\\u202e"))
      try peer.finish()
    }
  }

  @Test(
    "T6: a certificate that names only the SRV target is not for the domain",
    arguments: ["starttls", "direct"])
  func targetOnly(mode: String) throws {
    let other = TestTLSServer(try Certificates.shared.leaf("xmpp.hosting.test"))
    let before: [ScriptedPeer.Step] = mode == "direct" ? [.tls(other)] : .upgraded(other)
    let peer = try ScriptedPeer(before + [.silence])
    let dns = try FakeDNSServer()
    let service = mode == "direct" ? "_xmpps-client._tcp.example.org" : "_xmpp-client._tcp.example.org"
    dns.answer(service, .srv, .records([.srv(0, 0, Int(peer.port), "xmpp.hosting.test")]))
    dns.answer("xmpp.hosting.test", .a, .records([.address("127.0.0.1")]))
    let row = try Row(["--dns-server", dns.address] + trusted + ["example.org"])
    row.fails(.certificate, .certificate, "wrong-name")
    #expect(row["tls.certificate.reason"] == "wrong-name" && row["tls.certificate.verified"] == false)
    #expect(row["tls.certificate.reference"] == "example.org" && !row.has("tls.certificate.matched"))
    let connection = try #require(try peer.finish().first)
    #expect(connection.session?.serverName == "example.org")
    #expect(connection.text.isEmpty || isNothingButTheStream(connection.text))
  }

  @Test(
    "T7: a DNS-ID or an SRV-ID alone is enough",
    arguments: [
      (TestCertificates.Name.dns("example.org"), "dns:example.org"),
      (.dns("EXAMPLE.org"), "dns:EXAMPLE.org"),
      (.srv("_xmpp-client.example.org"), "srv:_xmpp-client.example.org"),
    ])
  func names(name: TestCertificates.Name, matched: String) throws {
    let certificate = try Certificates.shared.issue(.init(commonName: "another.test", [name]))
    let peer = try ScriptedPeer(.direct(TestTLSServer(certificate), TLSRowsTests.done) + [.silence])
    let row = try Row(peer.way("direct", trusted))
    row.succeeds()
    #expect(row["tls.certificate.verified"] == true && row["tls.certificate.matched"] == matched)
    try peer.finish()
  }

  @Test(
    "T8: a common name, a partial wildcard, a name with NUL, another service's name: none is for the domain",
    arguments: [
      [], [.dns("e*.org")], [.dns("*")], [.dns("*.example.org")],
      [.rawDNS(Array("example.org\0.evil.test".utf8))],
      [.rawDNS(Array("example.org\0".utf8))], [.srv("_xmpp-server.example.org")],
      [.dns("example.org.evil.test"), .dns("notexample.org")],
    ] as [[TestCertificates.Name]])
  func wrongNames(names: [TestCertificates.Name]) throws {
    let certificate = try Certificates.shared.issue(.init(commonName: "example.org", names))
    try rejects(certificate, "wrong-name")
  }

  @Test("T9: why a certificate is not accepted is told apart")
  func reasons() throws {
    let all = try Certificates.shared
    let names = [TestCertificates.Name.dns("example.org")]
    let noAuthority = try all.leaf("issuer.test")
    let stranger = try TestCertificates(authority: "Stranger")
    try rejects(all.issue(.init(names, validFrom: -7200, validTo: -3600)), "expired")
    try rejects(all.issue(.init(names, validFrom: 3600)), "not-yet-valid")
    try rejects(all.selfSigned(.init(names)), "self-signed")
    try rejects(all.issue(.init(names), by: noAuthority), "issuer-not-a-ca")
    try rejects(stranger.leaf("example.org"), "unknown-issuer")
    try rejects(all.issue(.init(names, extendedKeyUsage: "clientAuth")), "invalid-purpose")
    try rejects(all.issue(.init(names, key: .rsa1024)), "weak-key")
    let pin = "sha256//" + Data(repeating: 7, count: 32).base64EncodedString()
    try rejects(all.leaf("example.org"), "wrong-pin", options: ["--pin", pin])
  }

  /// Expects status 80 for that reason, and not a byte of a stream inside TLS.
  private func rejects(
    _ certificate: TestCertificates.Issued, _ reason: String, options: [String] = [],
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let peer = try ScriptedPeer([.tls(TestTLSServer(certificate)), .silence])
    let row = try Row(peer.way("direct", trusted + options), command: "connect", at: place)
    row.fails(.certificate, .certificate, reason, at: place)
    #expect(row["tls.certificate.reason"] == reason, sourceLocation: place)
    #expect(row["tls.certificate.verified"] == false, sourceLocation: place)
    #expect(try peer.finish().first?.bytes.isEmpty == true, sourceLocation: place)
  }

  @Test("T11: TLS 1.1 or older alone is refused", arguments: [TestTLSServer.Version.tls10, .tls11])
  func oldVersions(newest: TestTLSServer.Version) throws {
    let old = server {
      $0.oldest = .tls10
      $0.newest = newest
    }
    for (mode, before) in [("direct", []), ("starttls", .asked + [.send(Dialogue.proceed)])]
      as [(String, [ScriptedPeer.Step])]
    {
      let peer = try ScriptedPeer(before + [.tlsFails(old)])
      try Row(peer.way(mode, trusted)).fails(.tls, .tls, "protocol-version")
      try peer.finish()
    }
  }

  @Test("T12: in direct TLS, ALPN xmpp-client or none is fine; SNI is the domain")
  func applicationProtocols() throws {
    for (protocols, alpn) in [(TestTLSServer.Protocols.none, nil), (.choose("xmpp-client"), "xmpp-client")] {
      let peer = try ScriptedPeer(
        .direct(server { $0.protocols = protocols }, TLSRowsTests.done) + [.silence])
      let row = try Row(peer.way("direct", trusted))
      row.succeeds()
      #expect(row["tls.alpn"] == alpn)
      let session = try #require(try peer.finish().first?.session)
      #expect(session.serverName == "example.org" && session.offeredProtocols == ["xmpp-client"])
    }
  }

  @Test("T12: a wrong ALPN, or a refusal of ours, is a failure of TLS")
  func wrongApplicationProtocol() throws {
    let choosing = try ScriptedPeer([.tls(server { $0.protocols = .choose("h2") }), .silence])
    try Row(choosing.way("direct", trusted)).fails(.tls, .tls)
    #expect((try? choosing.finish())?.first?.bytes.isEmpty != false)
    let refusing = try ScriptedPeer([.tlsFails(server { $0.protocols = .refuse })])
    try Row(refusing.way("direct", trusted)).fails(.tls, .tls, "no-application-protocol")
    try refusing.finish()
  }

  @Test(
    "T12: STARTTLS offered again inside TLS is shown and not taken up", arguments: ["direct", "starttls"])
  func offeredAgain(mode: String) throws {
    let before: [ScriptedPeer.Step] = mode == "direct" ? [.tls(server)] : .upgraded(server)
    let again = Dialogue.header() + Dialogue.features(Dialogue.startTLS + Dialogue.plain)
    let peer = try ScriptedPeer(before + .opened(again) + [.silence])
    let row = try Row(peer.way(mode, trusted))
    row.succeeds()
    let last = mode == "direct" ? 0 : 1
    #expect(row.count("stages") == last + 1)
    #expect(row.each("stages.\(last).features", "name") == ["starttls", "mechanisms"])
    let sent = try #require(try peer.finish().first).text
    #expect(sent.matches(of: #/<starttls/#).count == last)
  }

  @Test("T13: session tickets and KeyUpdate in mid-stream", arguments: [true, false])
  func keyUpdates(tickets: Bool) throws {
    let peer = try ScriptedPeer([
      .tls(server { $0.sendsTickets = tickets }), .updateKeys, .expectHeader, .updateKeys,
      .send(Dialogue.header()), .updateKeys, .send(Dialogue.features(Dialogue.plain)), .updateKeys, .silence,
    ])
    let row = try Row(peer.way("direct", trusted))
    row.succeeds()
    #expect(row["stages.0.features.0.values.0"] == "PLAIN")
    #expect(try peer.finish().first?.text.hasSuffix(Dialogue.end) == true)
  }

  @Test("T14: renegotiation is refused")
  func renegotiation() throws {
    let peer = try ScriptedPeer([
      .tls(server { $0.newest = .tls12 }), .expectHeader, .send(Dialogue.header()), .renegotiate, .end,
    ])
    let row = try Row(peer.way("direct", trusted))
    #expect(
      [XMPP.ExitStatus.tls.rawValue, XMPP.ExitStatus.noConnection.rawValue].contains(row.outcome.status))
    #expect(try peer.finish().first?.renegotiationError?.contains("no renegotiation") == true)
  }

  @Test(
    "T15: an end without close_notify is a lost connection, unless all that was wanted has come",
    arguments: [TestTLSServer.Version.tls12, .tls13])
  func truncation(newest: TestTLSServer.Version) throws {
    let header = Dialogue.header()
    for (text, condition) in [
      (header, "connection-closed"), (header + "<stream:features><x xmlns='y'>", "connection-closed"),
      (header + Dialogue.end, "stream-closed"), (TLSRowsTests.done, nil),
      (TLSRowsTests.done + Dialogue.end, nil),
    ] as [(String, String?)] {
      let peer = try ScriptedPeer(.direct(server { $0.newest = newest }, text) + [.end])
      let row = try Row(peer.way("direct", trusted))
      if let condition { row.fails(.noConnection, .stream, condition) } else { row.succeeds() }
      try peer.finish()
    }
  }

  @Test("T18: the client hello offers no compression")
  func compression() throws {
    let peer = try ScriptedPeer(.direct(server, TLSRowsTests.done) + [.silence])
    try Row(peer.way("direct", trusted)).succeeds()
    let hello = try #require(try peer.finish().first).wire
    // Record (5), handshake header (4), version (2), random (32), then three lists that carry their length.
    try #require(hello.count > 44 && hello[5] == 1)
    let suites = 43 + 1 + Int(hello[43])
    let compression = suites + 2 + Int(hello[suites]) << 8 + Int(hello[suites + 1])
    #expect(Array(hello[compression...(compression + 1)]) == [1, 0])
  }

  @Test("T19: a dribbled handshake ends by --max-time, or by --connect-timeout")
  func dribbled() throws {
    for (options, condition) in [
      (["-m", "1"], "max-time"), (["--connect-timeout", "1", "-m", "10"], "connect-timeout"),
    ] {
      let peer = try ScriptedPeer([.tlsFails(server { $0.dribble = (1, 0.1) })])
      let place = ["--connect-to", "127.0.0.1:\(peer.port)", "--tls", "direct"]
      let row = try Row(place + trusted + options + ["example.org"])
      row.fails(.timeout, .timeout, condition)
      #expect(row.outcome.duration < .seconds(5))
      try peer.finish()
    }
  }
}
