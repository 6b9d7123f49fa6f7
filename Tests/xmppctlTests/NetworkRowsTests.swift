import Foundation
import TestSupport
import Testing
import XMPP

/// Names as hosts files, name servers with limits, and Kubernetes give them; proxies; ports with another TLS.
@Suite struct NetworkRowsTests {
  private static let domain = "example.org"
  private static let services = ["_xmpps-client._tcp.example.org", "_xmpp-client._tcp.example.org"]

  /// Runs `features` on a domain, with these variables.
  private func features(_ arguments: [String], _ environment: [String: String] = [:]) throws -> Row {
    try Row(
      try Program.xmppctl.run(
        ["features", "--json", "--max-time", "15"] + Certificates.trusted + arguments,
        environment: environment))
  }

  @Test("N1, N3: a domain that only the hosts file has, with every kind of broken name server")
  func hostsFile() throws {
    let refusing = try LoopbackPort(.refusing)
    let failing = try FakeDNSServer(other: .code(2))
    let silent = try FakeDNSServer(other: .silence)
    let hosts = try TemporaryFile("127.0.0.2 Chat.Example.org chat # ours\n127.0.0.3 chat.example.org\n")
    for server in ["127.0.0.1:\(refusing.port)", failing.address, silent.address] {
      for domain in ["chat.example.org", "chat"] {
        let row = try features(
          ["--dns-server", server, "--connect-timeout", "5", domain],
          ["CARES_HOSTS": hosts.path, "RES_OPTIONS": "attempts:1", "LOCALDOMAIN": "invalid"])
        // Nothing listens there, but it went there: both addresses of the file, without another question.
        row.fails(.noConnection, .tcp, "connection-refused")
        #expect(row.each("attempts", "source") == ["fallback"] && row["attempts.0.port"] == 5222)
        let both = row.message.contains("127.0.0.2:") && row.message.contains("127.0.0.3:")
        #expect(row.message.contains("127.0.0.2") && (both || domain == "chat"), "\(row.message)")
      }
    }
    #expect(silent.queries.allSatisfy { $0.kind == FakeDNSServer.Kind.srv.rawValue })
  }

  @Test("N1: a name server that knows no SRV records leaves the domain itself", arguments: [UInt8(1), 4, 5])
  func addressesAlone(code: UInt8) throws {
    let refusing = try LoopbackPort(.refusing)
    let dns = try FakeDNSServer()
    for service in Self.services { dns.answer(service, .srv, .code(code)) }
    dns.answer(Self.domain, .a, .records([.address("127.0.0.1")]))
    let row = try features(["--dns-server", dns.address, Self.domain])
    #expect(row.each("attempts", "source") == ["fallback"] && row.each("attempts", "host") == [Self.domain])
    // A record of the other kind of service is not overruled by a guess.
    dns.answer(Self.services[0], .srv, .records([.srv(0, 0, Int(refusing.port), "t.example.org")]))
    dns.answer("t.example.org", .a, .records([.address("127.0.0.1")]))
    let found = try features(["--dns-server", dns.address, Self.domain])
    #expect(found.each("attempts", "source") == ["srv"])
  }

  @Test("N2: search list and ndots, as in Kubernetes, find a service by its short name")
  func searchList() throws {
    let refusing = try LoopbackPort(.refusing)
    let dns = try FakeDNSServer()
    dns.answer("prosody.chat.svc.test", .a, .records([.address("127.0.0.1")]))
    let kubernetes = ["LOCALDOMAIN": "chat.svc.test svc.test", "RES_OPTIONS": "ndots:5"]
    for host in ["prosody", "prosody.chat"] {
      let row = try features(["--dns-server", dns.address, host], kubernetes)
      #expect(row["attempts.0.address"] == nil && row["attempts.0.host"] == host)
      row.fails(.noConnection, .tcp, "connection-refused")
      let named = try features(
        ["--dns-server", dns.address, "--connect-to", "\(host):\(refusing.port)", Self.domain], kubernetes)
      named.fails(.noConnection, .tcp, "connection-refused")
    }
    #expect(!dns.queries.contains { $0.name == "prosody" })
  }

  @Test("N4: no hint of DNS says again what was typed")
  func hints() throws {
    let failing = try FakeDNSServer(other: .code(2))
    let empty = try FakeDNSServer()
    let server = ["--dns-server", failing.address]
    func hint(_ arguments: [String]) throws -> String {
      try features(arguments + [Self.domain])["error.hint"] ?? ""
    }
    let typed = try hint(server)
    #expect(typed.contains("--connect-to") && !typed.contains("--dns-server"))
    let named = ["--connect-to", "xmpp.example.org"]
    #expect(try hint(server + named) == "use an IP address instead of the name")
    #expect(
      try hint(["--dns-server", empty.address] + named) == "check the spelling of xmpp.example.org")
    #expect(try hint(["--dns-server", empty.address]).contains("--connect-to HOST"))
  }

  // MARK: - The other method

  private static let stream = Dialogue.header() + Dialogue.features(Dialogue.plain)
  /// How servers that expect TLS answer a stream header; the last one with an alert.
  private static let foreign: [[ScriptedPeer.Step]] = [
    [.expectBytes(1), .end], [.expectBytes(1), .reset],
    [.expectHeader, .sendBytes([0x15, 3, 1, 0, 2, 2, 0x46]), .end],
  ]

  @Test(
    "N8: with --connect-to, direct TLS is tried at a place that does not answer a stream, and verified alike")
  func directAfterSTARTTLS() throws {
    for first in Self.foreign {
      for certificate in ["example.org", "other.example"] {
        let server = TestTLSServer(try Certificates.shared.leaf(certificate))
        let second: [ScriptedPeer.Step] =
          certificate == Self.domain ? .direct(server, Self.stream) + [.silence] : [.tls(server), .silence]
        let peer = try ScriptedPeer(scripts: [first, second])
        let row = try features(["--connect-to", "127.0.0.1:\(peer.port)", Self.domain])
        if certificate == Self.domain { row.succeeds() } else { row.fails(.certificate, .certificate) }
        #expect(row.each("attempts", "method") == ["starttls", "direct-tls"])
        _ = try peer.finish()
      }
    }
  }

  @Test("N8: on a port for direct TLS, STARTTLS comes second")
  func starttlsAfterDirect() throws {
    let server = try Certificates.server
    let peer = try ScriptedPeer(scripts: [
      [.expectBytes(1), .send("<?xml version='1.0'?><stream:stream"), .end],
      .upgraded(server) + .opened(Self.stream) + [.silence],
    ])
    var behaviour = FakeHTTPProxy.Behaviour()
    behaviour.routes = ["xmpp.example.org:443": peer.port]
    let proxy = try FakeHTTPProxy(behaviour)
    let row = try features(
      ["--connect-to", "xmpp.example.org:443", "--proxy", "http://127.0.0.1:\(proxy.port)", Self.domain])
    row.succeeds()
    #expect(row.each("attempts", "method") == ["direct-tls", "starttls"])
    _ = try peer.finish()
  }

  @Test("N8: a server that refuses, or speaks the first method, is not tried with the other one")
  func oneMethod() throws {
    let refusing = try LoopbackPort(.refusing)
    let refused = try features(["--connect-to", "127.0.0.1:\(refusing.port)", Self.domain])
    refused.fails(.noConnection, .tcp, "connection-refused")
    #expect(refused.count("attempts") == 1)
    let other = TestTLSServer(try Certificates.shared.leaf("other.example"))
    for (script, stage) in [
      (.opened(Dialogue.header() + Dialogue.features("")) + [.silence], "starttls"),
      (.upgraded(other) + [.silence], "certificate"),
      (
        .opened(Dialogue.header() + Dialogue.error(Dialogue.condition("host-unknown"))) + [.silence], "stream"
      ),
      (.opened("HTTP/1.1 400 Bad Request\r\n\r\n") + [.silence], "stream"),
    ] as [([ScriptedPeer.Step], String)] {
      let peer = try ScriptedPeer(script)
      let row = try features(["--connect-to", "127.0.0.1:\(peer.port)", Self.domain])
      #expect(row["error.stage"] == stage && row.count("attempts") == 1, "\(row.outcome.error)")
      _ = try peer.finish()
    }
  }

  @Test("N8: a place that speaks neither method, or not the one asked for, is named, with a hint that works")
  func hintsAtMethods() throws {
    let none = try ScriptedPeer(scripts: [Self.foreign[1], Self.foreign[0]])
    let neither = try features(["--connect-to", "127.0.0.1:\(none.port)", Self.domain])
    neither.fails(.noConnection, .tcp, "connection-reset")
    #expect(neither.outcome.error.contains(", at 127.0.0.1:\(none.port)") && !neither.has("error.hint"))
    _ = try none.finish()
    for first in Self.foreign {
      let peer = try ScriptedPeer(scripts: [first, first])
      let row = try features(
        ["--connect-to", "127.0.0.1:\(peer.port)", "--tls", "starttls", Self.domain])
      #expect(row["error.hint"] == "it may expect TLS from the first byte: --tls direct")
      #expect(row.outcome.error.contains(", at 127.0.0.1:\(peer.port)"), "\(row.outcome.error)")
      // The same, found through DNS: without the place, the hint would lead to other records.
      let dns = try FakeDNSServer()
      dns.answer(Self.services[1], .srv, .records([.srv(0, 0, Int(peer.port), "t.example.org")]))
      dns.answer("t.example.org", .a, .records([.address("127.0.0.1")]))
      let found = try features(["--dns-server", dns.address, Self.domain])
      #expect(
        found["error.hint"]
          == "it may expect TLS from the first byte: --tls direct --connect-to t.example.org:\(peer.port)")
      _ = try peer.finish()
    }
  }
}
