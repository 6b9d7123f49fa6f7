import TestSupport
import Testing
import XMPP

/// The ways to a server that are not in a table of failures: through a proxy, to an international domain, by one family of
/// addresses, to the real servers through DNS.
@Suite struct ReachingTests {
  private static let done: [ScriptedPeer.Step] =
    .opened(Dialogue.header("id='s1' version='1.0'") + Dialogue.features(Dialogue.plain)) + [.silence]

  @Test("a proxy gets the name and the login, and no name server is asked")
  func proxy() throws {
    let dns = try FakeDNSServer()
    let peer = try ScriptedPeer(.direct(try Certificates.server, Dialogue.header() + Dialogue.features("")))
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.login = "bob:s:cret"
    behaviour.routes = ["xmpp.example.org:5223": peer.port]
    let proxy = try FakeSOCKSServer(behaviour)
    let way = [
      "--proxy", "socks5h://bob:s%3Acret@127.0.0.1:\(proxy.port)", "--connect-to", "xmpp.example.org:5223",
    ]
    let row = try Row(["--dns-server", dns.address] + way + Certificates.trusted + ["example.org"])
    row.succeeds()
    #expect(proxy.requests == ["xmpp.example.org:5223"] && proxy.addressTypes == [3])
    #expect(dns.queries.isEmpty)
    #expect(row.has("timings.proxy") && !row.outcome.error.contains("s:cret"))
    try peer.finish()
  }

  @Test("ALL_PROXY is a proxy too; what a proxy refuses is told by its word")
  func refusingProxy() throws {
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.reply = 2
    let proxy = try FakeSOCKSServer(behaviour)
    let outcome = try Program.xmppctl.run(
      ["features", "--json", "example.org"], environment: ["ALL_PROXY": "socks5h://127.0.0.1:\(proxy.port)"])
    try Row(outcome).fails(.noConnection, .proxy, "not-allowed")
    #expect(proxy.requests == ["example.org:5222"])
  }

  @Test(
    "an international domain: A-labels for DNS, SNI and the certificate, U-labels in the stream",
    arguments: [
      "bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "alice@bücher.example",
      "xmpp:alice@b%C3%BCcher.example",
    ])
  func international(target: String) throws {
    let dns = try FakeDNSServer()
    let server = TestTLSServer(try Certificates.shared.leaf("xn--bcher-kva.example"))
    let peer = try ScriptedPeer([.tls(server)] + ReachingTests.done)
    dns.answer(
      "_xmpps-client._tcp.xn--bcher-kva.example", .srv, .records([.srv(0, 0, Int(peer.port), "host.test")]))
    dns.answer("host.test", .a, .records([.address("127.0.0.1")]))
    let row = try Row(["--dns-server", dns.address] + Certificates.trusted + [target])
    row.succeeds()
    #expect(row["domain"] == "bücher.example")
    #expect(row["tls.certificate.matched"] == "dns:xn--bcher-kva.example")
    let connection = try #require(try peer.finish().first)
    #expect(connection.session?.serverName == "xn--bcher-kva.example")
    #expect(connection.text.contains("to='bücher.example'"))
    #expect(dns.queries.allSatisfy { !$0.name.contains("ü") })
  }

  @Test(
    "-4 and -6 leave the other family alone", arguments: [("-4", "127.0.0.1", UInt16(28)), ("-6", "::1", 1)])
  func family(option: String, address: String, other: UInt16) throws {
    let dns = try FakeDNSServer()
    let refusing = try LoopbackPort(.refusing)
    dns.answer("host.test", .a, .records([.address("127.0.0.1")]))
    dns.answer("host.test", .aaaa, .records([.address("::1")]))
    let row = try Row(
      ["--dns-server", dns.address, option, "--connect-to", "host.test:\(refusing.port)", "example.org"])
    row.fails(.noConnection, .tcp, "connection-refused")
    #expect(
      row.message.contains("\(address): ") && !row.message.contains(option == "-4" ? "::1" : "127.0.0.1"))
    #expect(!dns.queries.contains { $0.kind == other })
  }

  @Test(
    "a real server is found through DNS: the better SRV record first, its target's name never the reference")
  func found() throws {
    let prosody = try Prosody.shared
    let dns = try FakeDNSServer()
    dns.answer(
      "_xmpp-client._tcp.example.test", .srv, .records([.srv(10, 0, Int(prosody.port), "a.hosting.test")]))
    dns.answer(
      "_xmpps-client._tcp.example.test", .srv,
      .records([.srv(5, 0, Int(prosody.directTLSPort), "b.hosting.test")]))
    for host in ["a.hosting.test", "b.hosting.test"] {
      dns.answer(host, .a, .records([.address("127.0.0.1")]))
    }
    let row = try Row(["--dns-server", dns.address, "--cacert", prosody.caFile, "example.test"])
    row.succeeds()
    #expect(row["endpoint.method"] == "direct-tls" && row["endpoint.host"] == "b.hosting.test")
    #expect(row["tls.certificate.reference"] == "example.test" && row["tls.alpn"] == nil as String?)
    let starttls = try Row(
      ["--dns-server", dns.address, "--cacert", prosody.caFile, "--tls", "starttls", "example.test"])
    starttls.succeeds()
    #expect(starttls["endpoint.host"] == "a.hosting.test" && starttls.count("stages") == 2)
  }
}
