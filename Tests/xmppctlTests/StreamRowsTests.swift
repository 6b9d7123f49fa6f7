import Foundation
import TestSupport
import Testing
import XMPP

/// Stream headers, redirections and stream errors, seen from outside.
@Suite struct StreamRowsTests {
  let trusted: [String]
  let server: TestTLSServer
  let dns: FakeDNSServer

  init() throws {
    trusted = try Certificates.trusted
    server = try Certificates.server
    dns = try FakeDNSServer()
  }

  private static let namespaces = "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
  private static let features = Dialogue.features(Dialogue.plain)

  /// What comes of a server without TLS that says this.
  private func answer(_ text: String, at place: SourceLocation = #_sourceLocation) throws -> Row {
    let peer = try ScriptedPeer(.opened(text) + [.silence])
    let row = try Row(peer.way("none"), at: place)
    #expect(try peer.finish().first?.text.hasSuffix(Dialogue.end) == true, sourceLocation: place)
    return row
  }

  @Test(
    "S1: a stream header that names the domain, nobody, or a version 1.x is fine",
    arguments: [
      "id='s' from='example.org' version='1.0'", "id='s' version='1.0'",
      "id='s' from='EXAMPLE.org' version='1.0'",
      "id='s' from='example.org' to='' version='1.1' xml:lang='en'", "id='s' version='01.00'",
    ])
  func goodHeaders(attributes: String) throws {
    let row = try answer(Dialogue.header(attributes) + StreamRowsTests.features)
    row.succeeds()
    #expect(row["stages.0.stream.id"] == "s" && row["stages.0.features.0.values.0"] == "PLAIN")
  }

  @Test(
    "S1: no id, another version, another sender, another namespace: each is a violation of its own name",
    arguments: [
      ("<stream:stream \(namespaces) from='example.org' version='1.0'>", "bad-format"),
      ("<stream:stream \(namespaces) id='' from='example.org' version='1.0'>", "bad-format"),
      ("<stream:stream \(namespaces) id='s' from='example.org' version='2.0'>", "unsupported-version"),
      ("<stream:stream \(namespaces) id='s' from='example.org' version='1'>", "unsupported-version"),
      (
        "<stream:stream \(namespaces) id='s' from='example.org' version='99999999999.0'>",
        "unsupported-version"
      ),
      ("<stream:stream \(namespaces) id='s' from='evil.test' version='1.0'>", "invalid-from"),
      ("<stream:stream \(namespaces) id='s' from='' version='1.0'>", "invalid-from"),
      ("<stream:stream \(namespaces) id='s' from='alice@example.org' version='1.0'>", "invalid-from"),
      ("<stream:stream \(namespaces) id='s' from='xample.org' version='1.0'>", "invalid-from"),
      (
        "<stream:stream xmlns='jabber:client' xmlns:stream='urn:x' id='s' version='1.0'>", "invalid-namespace"
      ),
      ("<stream xmlns='http://www.w3.org/1999/xhtml'>", "invalid-namespace"), ("<html>", "bad-format"),
    ])
  func badHeaders(header: String, condition: String) throws {
    try answer(header + StreamRowsTests.features).fails(.protocolViolation, .stream, condition)
  }

  @Test("S1: a header without version is XMPP 0.9: an empty set of features, and no STARTTLS")
  func oldServer() throws {
    let header = Dialogue.header("id='s' from='example.org'")
    let row = try answer(header)
    row.succeeds()
    #expect(row.count("stages") == 1 && row.has("stages.0.features") && row.count("stages.0.features") == 0)
    #expect(!row.has("stages.0.stream.version"))
    let peer = try ScriptedPeer(.opened(header) + [.silence])
    try Row(peer.way("starttls", trusted)).fails(.tls, .starttls, "starttls-missing")
    #expect(try peer.finish().first.map { isNothingButTheStream($0.text) } == true)
  }

  // MARK: - Redirections

  private static func redirection(_ place: String) -> String {
    Dialogue.header() + Dialogue.error(Dialogue.condition("see-other-host", place)) + Dialogue.end
  }

  /// The options that lead to a peer by DNS, as only then a redirection is followed.
  private func way(
    to peer: ScriptedPeer, _ mode: String, _ others: [String]
  ) -> [String] {
    let service = mode == "direct" ? "_xmpps-client" : "_xmpp-client"
    dns.answer(
      "\(service)._tcp.example.org", .srv, .records([.srv(0, 0, Int(peer.port), "xmpp.hosting.test")]))
    dns.answer("xmpp.hosting.test", .a, .records([.address("127.0.0.1")]))
    return ["--dns-server", dns.address, "--tls", mode, "--max-time", "15"] + others + ["example.org"]
  }

  @Test("S3: see-other-host before TLS, or from a server that was not verified, is not followed")
  func notVerified() throws {
    let other = try LoopbackPort(.silent)
    let stranger = TestTLSServer(try TestCertificates(authority: "Stranger").leaf("example.org"))
    let text = StreamRowsTests.redirection("127.0.0.1:\(other.port)")
    for (script, mode, options) in [
      (.opened(text), "starttls", trusted), (.opened(text), "none", []),
      (.direct(stranger, text), "direct", ["-k"]),
    ] as [([ScriptedPeer.Step], String, [String])] {
      let peer = try ScriptedPeer(script + [.silence])
      let row = try Row(way(to: peer, mode, options))
      row.fails(.protocolViolation, .stream, "see-other-host")
      #expect(row.message.contains("not followed: the server is not verified"), "\(row.message)")
      #expect(row.count("attempts") == 1 && row.message.contains("127.0.0.1:\(other.port)"))
      try peer.finish()
    }
    #expect(other.accepted == 0)
  }

  @Test(
    "S3, S14: after TLS it is followed, which is said, and the domain stays what it was",
    arguments: ["starttls", "direct"])
  func followed(mode: String) throws {
    func script(_ text: String) -> [ScriptedPeer.Step] {
      (mode == "direct" ? [.tls(server)] : .upgraded(server)) + .opened(text) + [.silence]
    }
    let other = try ScriptedPeer(script(Dialogue.header() + StreamRowsTests.features))
    let peer = try ScriptedPeer(script(StreamRowsTests.redirection("127.0.0.1:\(other.port)")))
    let row = try Row(way(to: peer, mode, trusted))
    #expect(row.outcome.status == 0, "\(row.outcome.error)")
    #expect(
      row.outcome.error
        == "xmppctl: warning: xmpp.hosting.test:\(peer.port) redirected to 127.0.0.1:\(other.port)\n")
    #expect(row["redirects.0.followed"] == true && !row.has("redirects.0.reason"))
    #expect(row["redirects.0.from"] == "xmpp.hosting.test:\(peer.port)")
    #expect(row["redirects.0.target"] == "127.0.0.1:\(other.port)")
    #expect(row.each("attempts", "port") == [Int(peer.port), Int(other.port)])
    #expect(row.each("attempts", "ok") == [false, true])
    #expect(row["attempts.0.error.condition"] == "see-other-host" && row["endpoint.source"] == "redirect")
    #expect(row["endpoint.port"] == Int(other.port) && row["domain"] == "example.org")
    try peer.finish()
    let connection = try #require(try other.finish().first)
    #expect(connection.session?.serverName == "example.org")
    #expect(connection.text.contains("to=\"example.org\"") || connection.text.contains("to='example.org'"))
  }

  @Test("S3: the other host has to show a certificate for the domain, not for its own name")
  func otherName() throws {
    let other = try ScriptedPeer([.tls(TestTLSServer(try Certificates.shared.leaf("localhost"))), .silence])
    let peer = try ScriptedPeer(
      .direct(server, StreamRowsTests.redirection("localhost:\(other.port)")) + [.silence])
    let row = try Row(way(to: peer, "direct", trusted + ["-4"]))
    row.fails(.certificate, .certificate, "wrong-name")
    #expect(row["tls.certificate.reference"] == "example.org" && row.count("attempts") == 2)
    try peer.finish()
    #expect(try other.finish().first?.bytes.isEmpty == true)
  }

  @Test("S3: a loop of redirections ends after three")
  func loop() throws {
    let gate = Gate()
    let port = Place()
    let turn: [ScriptedPeer.Step] = [
      .tls(server), .expectHeader, .wait(gate),
      .reply { _ in StreamRowsTests.redirection("127.0.0.1:\(port.value)") }, .silence,
    ]
    let peer = try ScriptedPeer(scripts: Array(repeating: turn, count: 4))
    port.value = peer.port
    gate.open()
    let row = try Row(way(to: peer, "direct", trusted))
    row.fails(.protocolViolation, .stream, "see-other-host")
    #expect(row.count("attempts") == 4 && row.count("redirects") == 4)
    #expect(row.message.contains("not followed: there were 3 redirections already"))
    #expect(try peer.finish().count == 4)
  }

  @Test(
    "S3: a redirection to nowhere is only an error",
    arguments: ["", "[::1", "127.0.0.1:99999", "127.0.0.1:0", "a b", "http://evil.test/", ":5222", hostile])
  func nowhere(place: String) throws {
    let peer = try ScriptedPeer(.direct(server, StreamRowsTests.redirection(place)) + [.silence])
    let row = try Row(way(to: peer, "direct", trusted))
    row.fails(.protocolViolation, .stream, "see-other-host")
    #expect(row.count("attempts") == 1)
    #expect(row.message.contains("not followed: "), "\(row.message)")
    try peer.finish()
  }

  @Test("S13: with --connect-to a redirection is told and not followed; the hint leads there")
  func namedPlace() throws {
    let other = try ScriptedPeer(.direct(server, Dialogue.header() + StreamRowsTests.features) + [.silence])
    let peer = try ScriptedPeer(
      .direct(server, StreamRowsTests.redirection("127.0.0.1:\(other.port)")) + [.silence])
    let row = try Row(peer.way("direct", trusted))
    row.fails(.protocolViolation, .stream, "see-other-host")
    #expect(row.count("attempts") == 1 && row["redirects.0.followed"] == false)
    #expect(row.message.contains("not followed: the user named another place"), "\(row.message)")
    try peer.finish()
    let hint: String = try #require(row["error.hint"])
    let typed = try #require(hint.firstMatch(of: #/--connect-to (\S+)$/#)?.1)
    let way =
      ["--connect-to", String(typed), "--tls", "direct", "--max-time", "15"] + trusted + ["example.org"]
    try Row(way).succeeds()
    try other.finish()
  }

  @Test(
    "S13: a redirection to an address that is no host's, or by a name that has one, is not followed",
    arguments: ["0.0.0.0", "[::]", "[::ffff:0.0.0.0]", "any.hosting.test", "239.1.2.3", "255.255.255.255"])
  func unspecified(host: String) throws {
    let other = try LoopbackPort(.silent)
    let peer = try ScriptedPeer(
      .direct(server, StreamRowsTests.redirection("\(host):\(other.port)")) + [.silence])
    dns.answer("any.hosting.test", .a, .records([.address("0.0.0.0")]))
    let row = try Row(way(to: peer, "direct", trusted))
    row.fails(.protocolViolation, .stream, "see-other-host")
    #expect(row.message.contains("internal address"), "\(row.message)")
    #expect(row.count("attempts") == 1 && other.accepted == 0)
    try peer.finish()
  }

  @Test(
    "S13: through a proxy, where no address is known, neither an internal address nor a name is followed",
    arguments: ["127.0.0.1", "[::1]", "10.0.0.1", "localhost", "internal.example.org"])
  func throughAProxy(host: String) throws {
    let other = try LoopbackPort(.silent)
    let peer = try ScriptedPeer(
      .upgraded(server) + .opened(StreamRowsTests.redirection("\(host):\(other.port)")) + [.silence])
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.routes = ["example.org:5222": peer.port]
    let proxy = try FakeSOCKSServer(behaviour)
    let row = try Row(
      ["--proxy", "socks5h://127.0.0.1:\(proxy.port)", "--max-time", "15"] + trusted + ["example.org"])
    row.fails(.protocolViolation, .stream, "see-other-host")
    #expect(row.message.contains("not followed: "), "\(row.message)")
    #expect(row.count("attempts") == 1 && other.accepted == 0)
    try peer.finish()
  }

  // MARK: - Stream errors

  @Test(
    "S4: a stream error is shown and ends the run at once, though the socket stays open",
    arguments: [
      ("conflict", "conflict", nil), ("policy-violation", "policy-violation", nil),
      ("system-shutdown", "system-shutdown", "try again later"), ("not-a-condition", "not-a-condition", nil),
      ("host-unknown", "host-unknown", nil), ("reset", "reset", nil),
    ] as [(String, String, String?)])
  func errors(name: String, condition: String, hint: String?) throws {
    let text = "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='de'>genug jetzt</text>"
    let error = Dialogue.error(Dialogue.condition(name) + text + "<too-many xmlns='urn:example:app'/>")
    for (script, mode) in [
      (.opened(Dialogue.header() + error), "none"), (.opened(Dialogue.header() + error), "starttls"),
      (.upgraded(server) + .opened(Dialogue.header() + error), "starttls"),
    ] as [([ScriptedPeer.Step], String)] {
      let peer = try ScriptedPeer(script + [.silence])
      let row = try Row(peer.way(mode, trusted))
      row.fails(.protocolViolation, .stream, condition)
      #expect(row.message.contains(": \(name) (“genug jetzt”), {urn:example:app}too-many"))
      if let hint { #expect((row["error.hint"] ?? "").contains(hint)) }
      #expect(row.count("attempts") == 1 && row.outcome.duration < .seconds(5))
      #expect(try peer.finish().first?.text.hasSuffix(Dialogue.end) == true)
    }
  }

  @Test(
    "S4: an error without a condition, or with a foreign one alone, is undefined-condition",
    arguments: ["", "<x xmlns='urn:example:app'/>", "words", Dialogue.condition("text", "words")])
  func undefined(content: String) throws {
    try answer(Dialogue.header() + Dialogue.error(content))
      .fails(.protocolViolation, .stream, "undefined-condition")
  }

  @Test("S4: the server's error explains a header in another name")
  func errorAfterForeignHeader() throws {
    let header = Dialogue.header("id='s' from='other.test' version='1.0'")
    try answer(header + Dialogue.error(Dialogue.condition("host-unknown")) + Dialogue.end)
      .fails(.protocolViolation, .stream, "host-unknown")
  }
}

/// A port that is known later than the script that names it.
private final class Place: @unchecked Sendable {
  var value: UInt16 = 0
}
