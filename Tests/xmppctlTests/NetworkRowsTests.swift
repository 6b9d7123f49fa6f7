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
    #expect(try hint(server + named) == "use an IP address in place of the name")
    #expect(
      try hint(["--dns-server", empty.address] + named) == "check the spelling of xmpp.example.org")
    #expect(try hint(["--dns-server", empty.address]).contains("--connect-to HOST"))
  }
}
