import Foundation
import TestSupport
import Testing
import XMPP

/// What certificates, and the files that say which to trust, do to a run of the executable.
@Suite struct CertificateRowsTests {
  private let certificates: TestCertificates
  private let dns: FakeDNSServer
  private let done = Dialogue.header() + Dialogue.features(Dialogue.plain)

  init() throws {
    certificates = try TestCertificates()
    dns = try FakeDNSServer()
  }

  /// What a run makes of a server that shows a certificate.
  private func row(
    _ issued: TestCertificates.Issued, trusting file: String? = nil, domain: String = "example.org",
    at place: SourceLocation = #_sourceLocation
  ) throws -> Row {
    let peer = try ScriptedPeer([.tls(TestTLSServer(issued)), .silence])
    let way = ["--connect-to", "127.0.0.1:\(peer.port)", "--tls", "direct", "--max-time", "15"]
    let row = try Row(
      way + ["--cacert", file ?? certificates.authorityFile, domain], command: "connect", at: place)
    try peer.finish()
    return row
  }

  /// A certificate with one name, of an authority with constraints.
  private func constrained(
    _ constraints: String, _ name: TestCertificates.Name
  ) throws -> TestCertificates.Issued {
    let middle = try certificates.issue(
      .init(commonName: "Middle", isAuthority: true, nameConstraints: constraints))
    return try certificates.issue(.init([name]), by: middle)
  }

  private static let names: [TestCertificates.Name] = [
    .dns("example.org"), .srv("_xmpp-client.example.org"), .xmppAddress("example.org"),
  ]

  @Test(
    "T22: an authority that may not issue for the domain cannot do so by a name of another kind",
    arguments: [
      "permitted;DNS:evil.test", "permitted;DNS:.example.org", "permitted;DNS:xmpp.example.org",
      "permitted;DNS:ample.org", "excluded;DNS:example.org", "excluded;DNS:org", "excluded;DNS:EXAMPLE.org",
      "permitted;DNS:evil.test,permitted;DNS:example.com", "permitted;DNS:example.org,excluded;DNS:org",
    ])
  func constraints(text: String) throws {
    for name in Self.names {
      let row = try row(constrained(text, name))
      // Without a stream in it, the run ends as soon as the certificate is judged.
      row.fails(.certificate, .certificate, "name-constraint")
      #expect(row["tls.certificate.reason"] == "name-constraint")
      #expect(row["tls.certificate.verified"] == false && row.message.contains("CN=Middle"), "\(row.message)")
    }
  }

  @Test("T22: the constraints of the trusted authority itself hold too")
  func constrainedRoot() throws {
    let root = try certificates.selfSigned(
      .init(commonName: "Root", isAuthority: true, nameConstraints: "permitted;DNS:evil.test"))
    for name in Self.names {
      try row(certificates.issue(.init([name]), by: root), trusting: root.certificate)
        .fails(.certificate, .certificate, "name-constraint")
    }
  }

  @Test("T22: constraints of other kinds of names are OpenSSL's, and what it cannot apply is refused")
  func otherConstraints() throws {
    let srv = "permitted;otherName:1.3.6.1.5.5.7.8.7;IA5STRING:_xmpp-client.evil.test"
    try row(constrained(srv, .srv("_xmpp-client.example.org")))
      .fails(.certificate, .certificate, "name-constraint")
    let network = "permitted;IP:192.0.2.0/255.255.255.0"
    try row(constrained(network, .ip([127, 0, 0, 1])), domain: "127.0.0.1")
      .fails(.certificate, .certificate, "name-constraint")
  }

  @Test(
    "T22: an authority that may issue for the domain does so",
    arguments: [
      "permitted;DNS:example.org", "permitted;DNS:org", "permitted;DNS:evil.test,permitted;DNS:example.org",
      "excluded;DNS:evil.test", "excluded;DNS:.example.org", "excluded;DNS:ample.org",
      "permitted;IP:192.0.2.0/255.255.255.0",
    ])
  func permitted(text: String) throws {
    for name in Self.names {
      let peer = try ScriptedPeer(
        .direct(TestTLSServer(try constrained(text, name)), done) + [.silence])
      let row = try Row(peer.way("direct", ["--cacert", certificates.authorityFile]))
      row.succeeds()
      try peer.finish()
    }
  }

  @Test("T23: days_left is that of the certificate of the verified chain that expires first")
  func earliest() throws {
    let middle = try certificates.issue(
      .init(commonName: "Middle", validTo: 5 * 86400 + 3600, isAuthority: true))
    let row = try row(certificates.issue(.init([.dns("example.com")]), by: middle))
    #expect(row["tls.certificate.days_left"] == 5)
    #expect(row["tls.certificate.expires_first"] == "CN=Middle")

    // The server does not send its root, and it counts all the same.
    let root = try certificates.selfSigned(
      .init(commonName: "Root", validTo: 3 * 86400 + 3600, isAuthority: true))
    let leaf = try certificates.issue(.init([.dns("example.org")]), by: root)
    let peer = try ScriptedPeer(.direct(TestTLSServer(leaf), done) + [.silence])
    let outcome = try Program.xmppctl.run(["connect"] + peer.way("direct", ["--cacert", root.certificate]))
    try peer.finish()
    #expect(outcome.status == 0 && outcome.output.contains("(3 days left, CN=Root expires first)\n"))

    let own = try self.row(
      certificates.issue(.init([.dns("example.com")], validTo: 10 * 86400 + 3600)))
    #expect(own["tls.certificate.days_left"] == 10 && !own.has("tls.certificate.expires_first"))
  }

  @Test("T24: a failed attempt has its TLS facts, so that an expired first server is seen")
  func attempts() throws {
    let trusted = ["--cacert", certificates.authorityFile]
    func way(_ first: ScriptedPeer, _ second: ScriptedPeer) -> [String] {
      dns.answer(
        "_xmpps-client._tcp.example.org", .srv,
        .records([
          .srv(1, 0, Int(first.port), "one.hosting.test"), .srv(2, 0, Int(second.port), "two.hosting.test"),
        ]))
      for host in ["one", "two"] {
        dns.answer("\(host).hosting.test", .a, .records([.address("127.0.0.1")]))
      }
      return ["--dns-server", dns.address, "--tls", "direct", "--max-time", "15"] + trusted + ["example.org"]
    }
    let expired = TestTLSServer(
      try certificates.issue(.init([.dns("example.org")], validFrom: -864000, validTo: -100_000)))
    let valid = TestTLSServer(try certificates.leaf("example.org"))

    let peers = try [
      ScriptedPeer([.tls(expired), .silence]), ScriptedPeer(.direct(valid, done) + [.silence]),
    ]
    let row = try Row(way(peers[0], peers[1]), command: "connect")
    row.succeeds()
    #expect(row["attempts.0.error.condition"] == "expired" && row["attempts.0.tls.version"] == "TLSv1.3")
    #expect(row["attempts.0.tls.certificate.reason"] == "expired")
    #expect(row["attempts.0.tls.certificate.days_left"] == -2)
    #expect(row["attempts.1.tls.certificate.verified"] == true && row["tls.certificate.verified"] == true)
    for peer in peers { try peer.finish() }

    let again = try [
      ScriptedPeer([.tls(expired), .silence]), ScriptedPeer(.direct(valid, done) + [.silence]),
    ]
    let outcome = try Program.xmppctl.run(["connect"] + way(again[0], again[1]))
    #expect(outcome.status == 0)
    #expect(
      outcome.output.contains("\n    TLSv1.3, certificate not verified (expired)\n"), "\(outcome.output)")
    for peer in again { try peer.finish() }

    let refusing = try ScriptedPeer([.tlsFails(tooOld(valid))])
    let none = try Row(refusing.way("direct", trusted), command: "connect")
    #expect(none.count("attempts") == 1 && !none.has("attempts.0.tls"))
    try refusing.finish()
  }

  private func tooOld(_ server: TestTLSServer) -> TestTLSServer {
    var server = server
    (server.oldest, server.newest) = (.tls10, .tls11)
    return server
  }

  @Test("T25: a server that requires a client certificate is told as that, with the option for it")
  func certificateRequired() throws {
    var server = TestTLSServer(try certificates.leaf("example.org"))
    server.requiresCertificate = true
    for (newest, condition) in [
      (TestTLSServer.Version.tls13, "certificate-required"), (.tls12, "handshake-failure"),
    ] {
      server.newest = newest
      let peer = try ScriptedPeer([.tlsFails(server)])
      let row = try Row(peer.way("direct", ["--cacert", certificates.authorityFile]))
      row.fails(.tls, .tls, condition)
      #expect((row["error.hint"] as String?)?.contains("--cert FILE") == true)
      try peer.finish()
    }
    // What the hint says.
    let own = try certificates.leaf("alice.test")
    let peer = try ScriptedPeer(.direct(server, done) + [.silence])
    let options = ["--cert", own.certificate, "--key", own.key, "--cacert", certificates.authorityFile]
    try Row(peer.way("direct", options)).succeeds()
    try peer.finish()
  }

  @Test("T26: --tls none warns each time, as --insecure does")
  func warnings() throws {
    let folder = try TemporaryFolder()
    let password = try folder.write("password", LoginScene.password + "\n", mode: 0o600)
    let login = ["--jid", "alice@example.org", "--password-file", password]
    for command in [
      ["connect", "example.org"], ["features", "example.org"], ["bind"] + login,
      ["send", "-m", "x", "bob@example.org"] + login, ["listen", "--no-reconnect"] + login,
    ] {
      let port = try LoopbackPort(.refusing)
      let outcome = try Program.xmppctl.run(
        command + ["--connect-to", "127.0.0.1:\(port.port)", "--tls", "none", "--max-time", "5"])
      #expect(
        outcome.error.hasPrefix("xmppctl: warning: the connection is not encrypted (--tls none)\n"),
        "\(command): \(outcome.error)")
      #expect(outcome.status == 69)
    }
  }
}
