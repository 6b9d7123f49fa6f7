import Foundation
import TestSupport
import Testing
import XMPP

@testable import xmppctl

/// Proxies, and the variables that are set for curl.
@Suite struct ProxyRowsTests {
  private func peer() throws -> ScriptedPeer {
    try ScriptedPeer(
      .direct(try Certificates.server, Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence])
  }

  private func run(
    _ arguments: [String], _ environment: [String: String], host: String = "xmpp.example.org"
  ) throws -> Outcome {
    try Program.xmppctl.run(
      ["features", "--json", "--max-time", "15", "--tls", "direct", "--connect-to", host]
        + Certificates.trusted + arguments + ["example.org"], environment: environment)
  }

  private func features(
    _ arguments: [String], _ environment: [String: String], host: String = "xmpp.example.org"
  ) throws -> Row {
    try Row(try run(arguments, environment, host: host))
  }

  @Test("N5: a variable's proxy of each kind resolves the name; the header of an answer is read to its end")
  func variables() throws {
    var behaviour = FakeHTTPProxy.Behaviour()
    behaviour.login = "bob:p:w ö"
    behaviour.dribbles = true
    for (variable, established) in [
      ("ALL_PROXY", "HTTP/1.0 200 OK\r\n\r\n"), ("all_proxy", "HTTP/1.1 204 \nVia: x\n\n"),
      ("ALL_PROXY", "HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 \r\nContent-Length: 9\r\n\r\n"),
    ] {
      let peer = try peer()
      behaviour.routes = ["xmpp.example.org:5223": peer.port]
      behaviour.established = established
      let proxy = try FakeHTTPProxy(behaviour)
      let row = try features(
        [], [variable: "HTTP://bob:p%3Aw%20%C3%B6@127.0.0.1:\(proxy.port)/"], host: "xmpp.example.org:5223")
      row.succeeds()
      let head = try #require(proxy.requests.first)
      #expect(head.hasPrefix("CONNECT xmpp.example.org:5223 HTTP/1.1\r\nHost: xmpp.example.org:5223\r\n"))
      #expect(row.has("timings.proxy"))
      try peer.finish()
    }
    for scheme in ["socks5", "socks5h"] {
      let peer = try peer()
      var behaviour = FakeSOCKSServer.Behaviour()
      behaviour.routes = ["xmpp.example.org:5223": peer.port]
      let proxy = try FakeSOCKSServer(behaviour)
      // Lower case is looked at first, as curl does.
      try features(
        [], ["all_proxy": "\(scheme)://127.0.0.1:\(proxy.port)", "ALL_PROXY": "http://127.0.0.1:1"]
      )
      .succeeds()
      #expect(proxy.addressTypes == [3])
      try peer.finish()
    }
  }

  @Test(
    "N5: what an HTTP proxy refuses, or says that is no HTTP, is told by a word, with the variable's name")
  func refusals() throws {
    let long = "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 20_000))\r\n\r\n"
    for (raw, login, condition) in [
      ("HTTP/1.1 403 \u{1B}[31mNo\r\n\r\n", "", "http-403"), ("HTTP/1.1 503 x\r\n\r\n", "", "http-503"),
      ("HTTP/1.1 407 Who\r\n\r\n", "", "auth-required"), ("HTTP/1.1 407 Who\r\n\r\n", "a:b@", "auth-failed"),
      ("SSH-2.0-OpenSSH\r\n", "", "malformed-reply"), ("HTTP/1.1 2000 OK\r\n\r\n", "", "malformed-reply"),
      ("HTTP/1.1\r\n\r\n", "", "malformed-reply"), (long, "", "malformed-reply"),
      ("HTTP/1.1 200 OK\r\n", "", "connection-closed"), ("", "", "connection-closed"),
    ] {
      var behaviour = FakeHTTPProxy.Behaviour()
      behaviour.raw = raw
      let proxy = try FakeHTTPProxy(behaviour)
      let row = try features([], ["ALL_PROXY": "http://\(login)127.0.0.1:\(proxy.port)"])
      row.fails(.noConnection, .proxy, condition)
      #expect(
        row["error.hint"]
          == (condition == "auth-required"
            ? "give it as http://USER:PASS@HOST" : "--proxy '' connects without the proxy of ALL_PROXY"))
    }
  }

  @Test("N6: a variable that cannot be used is named, and its password is not; --proxy '' does without it")
  func unusable() throws {
    for variable in ["ALL_PROXY", "all_proxy"] {
      let environment = [variable: "https://user:Pa55word@proxy.example:3128"]
      let outcome = try run([], environment)
      #expect(outcome.status == 64)
      let lines = outcome.error.split(separator: "\n")
      #expect(lines.first?.hasPrefix("xmppctl: features: usage: \(variable): ") == true, "\(outcome.error)")
      #expect(lines.last == "xmppctl: hint: --proxy '' connects without the proxy of \(variable)")
      #expect(!outcome.error.contains("Pa55word"))
      let peer = try peer()
      try features(["--proxy", ""], environment, host: "127.0.0.1:\(peer.port)").succeeds()
      try peer.finish()
    }
    let refusing = try LoopbackPort(.refusing)
    let row = try features([], ["all_proxy": "http://127.0.0.1:\(refusing.port)"])
    row.fails(.noConnection, .proxy, "connection-refused")
    #expect(row.message.hasPrefix("the proxy of all_proxy cannot be reached: "))
  }

  @Test(
    "N7: NO_PROXY has the domain, the host or its network: the run connects without the proxy of a variable")
  func exceptions() throws {
    let dead = ["ALL_PROXY": "https://no.such.scheme"]
    for (variable, list) in [
      ("NO_PROXY", "127.0.0.1,other.test"), ("no_proxy", "other.test 127.0.0.0/8"), ("NO_PROXY", "*"),
      ("no_proxy", ".ORG."),
    ] {
      let peer = try peer()
      let row = try features([], dead.merging([variable: list]) { $1 }, host: "127.0.0.1:\(peer.port)")
      row.succeeds()
      try peer.finish()
    }
    for list in ["ample.org", "127.0.0.2", "10.0.0.0/8 example.orga", "127.0.0.1/33"] {
      let outcome = try run([], dead.merging(["NO_PROXY": list]) { $1 }, host: "127.0.0.1:1")
      #expect(outcome.status == 64, "\(list): \(outcome.error)")
    }
    // What the user types counts more than a list for all programs.
    let proxy = try FakeHTTPProxy()
    let row = try features(["--proxy", "127.0.0.1:\(proxy.port)"], ["NO_PROXY": "*"], host: "127.0.0.1:1")
    row.fails(.noConnection, .proxy, "http-502")
    #expect(proxy.requests.count == 1)
  }

  @Test("N7: the entries of NO_PROXY are names, addresses and networks, as curl reads them")
  func entries() {
    let list = NoProxy(
      "a.test,.b.test 192.0.2.0/25\t[2001:db8::]/32,,C.test. 10.1.2.3,[::1],x/8,2001:db8:1::/48")
    for host in [
      "a.test", "X.A.test.", "b.test", "y.b.test", "192.0.2.127", "c.test", "10.1.2.3", "::1", "[::1]",
      "2001:db8:1:2::3",
    ] {
      #expect(list.covers(host), "\(host)")
    }
    for host in ["ba.test", "test", "192.0.2.128", "10.1.2.4", "::2", "", "x", "2001:db8:2::1"] {
      #expect(!list.covers(host), "\(host)")
    }
    #expect(NoProxy("*").covers("any") && !NoProxy("").covers("any"))
  }
}
