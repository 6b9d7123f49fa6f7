import Foundation
import TestSupport
import Testing
import XMPP

/// `send` and what comes back about a message: errors, receipts, answers to pings, from a server that follows a script.
@Suite struct BounceRowsTests {
  /// A server that acknowledges everything, and answers each stanza with what is made of it.
  ///
  /// - Parameter answer: what follows a stanza; nothing for one that stays unanswered.
  private func run(
    _ options: [String], input: String = "", managed: Bool = true, limit: String = "30",
    answer: @escaping @Sendable (String) -> String
  ) throws -> (outcome: Outcome, sent: String) {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = "send"
    scene.sasl.bindsChannels = false
    scene.after = LoginScene.binds(
      "<sm xmlns='urn:xmpp:sm:3'/>", then: { try $0.serveCounted(answer) })
    scene.options = options + ["--max-time", limit]
    let started = try scene.start()
    let outcome = try started.program.finish(input, within: .seconds(90))
    return (outcome, try started.peer.finish().first?.text ?? "")
  }

  private static func error(_ name: String, id: String?, from: String, _ condition: String) -> String {
    let id = id.map { " id='\($0)'" } ?? ""
    return "<\(name) type='error' from='\(from)'\(id)><error type='cancel'>"
      + "<\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></\(name)>"
  }

  private static func pong(_ ping: String, from: String = "example.org") -> String {
    "<iq type='result' id='\(LoginScene.id(of: ping))' from='\(from)'/>"
  }

  @Test(
    "S60: an id comes back with spaces for its tabs and line ends",
    arguments: [
      ("a\\tb", "a b"), ("a\\nb", "a b"), ("a\\rb", "a b"), ("a\\r\\nb", "a b"), ("a\\r\\n\\tb", "a  b"),
      ("a\\tb", "a&#9;b"), ("a\\r\\nb", "a&#13;&#10;b"),
    ])
  func whiteSpace(sent: String, received: String) throws {
    let line = "{\"to\":\"bob@example.org\",\"id\":\"\(sent)\",\"body\":\"hi\"}\n"
    let (refused, _) = try run(["--ndjson"], input: line) { element in
      element.hasPrefix("<message")
        ? BounceRowsTests.error("message", id: received, from: "bob@example.org", "item-not-found")
        : BounceRowsTests.pong(element)
    }
    #expect(refused.status == 1, "\(refused.error)")
    #expect(try refused.results.map { $0["status"] } == ["failed"])
    let (confirmed, _) = try run(["--ndjson", "--confirm", "receipt"], input: line) { element in
      element.hasPrefix("<message")
        ? "<message from='bob@example.org/r'><received xmlns='urn:xmpp:receipts' id='\(received)'/></message>"
        : BounceRowsTests.pong(element)
    }
    #expect(confirmed.status == 0, "\(confirmed.error)")
    #expect(try confirmed.results.map { $0["status"] } == ["received"])
  }

  // MARK: Other domains

  /// The answers of a server to stanzas for other domains: a result for each ping but those to these domains.
  private static func world(_ answers: [String: String], bounces: [String: String] = [:])
    -> @Sendable (
      String
    ) -> String
  {
    { element in
      let to = element.firstMatch(of: #/ to=['"]([^'"]*)['"]/#).map { String($0.1) } ?? ""
      let id = LoginScene.id(of: element)
      if element.hasPrefix("<message") {
        return bounces[to].map { error("message", id: id, from: to, $0) } ?? ""
      }
      guard let answer = answers[to] else { return pong(element, from: to) }
      return answer.isEmpty ? "" : error("iq", id: id, from: to, answer)
    }
  }

  private func pings(_ sent: String, _ domain: String) -> Int {
    sent.matches(of: #/<iq [^>]*>/#).filter { $0.output.contains(" to='\(domain)'") }.count
  }

  @Test(
    "S61: what a ping to the recipient's domain brings decides about the message",
    arguments: [
      ("result", nil, "acknowledged"), ("service-unavailable", "service-unavailable", "acknowledged"),
      ("forbidden", "forbidden", "acknowledged"),
      ("not found", "remote-server-not-found", "failed"), ("timeout", "remote-server-timeout", "failed"),
    ] as [(String, String?, String)])
  func otherDomain(name: String, condition: String?, status: String) throws {
    for managed in [true, false] {
      let (outcome, sent) = try run(
        ["-m", "hi", "--id", "m1", "bob@other.test"] + ["--bounce-wait", "600"], managed: managed,
        limit: "60",
        answer: BounceRowsTests.world(condition.map { ["other.test": $0] } ?? [:]))
      #expect(outcome.duration < .seconds(30), "the answer ends the wait")
      #expect(outcome.status == (status == "failed" ? 1 : 0), "\(outcome.error)")
      #expect(try outcome.statuses == ["m1": status])
      #expect(pings(sent, "other.test") == 1)
      if let condition, status == "failed" {
        #expect(outcome.error.contains("the message m1 to bob@other.test was refused: \(condition)"))
      }
    }
  }

  @Test("S61: the wait ends by itself, or with the run, and the message is acknowledged")
  func silentDomain() throws {
    for (answer, wait, limit) in [
      ("", "0.3", "60"), ("internal-server-error", "0.3", "60"), ("", "600", "3"),
    ] {
      let (outcome, _) = try run(
        ["-m", "hi", "--id", "m1", "--bounce-wait", wait, "bob@other.test"], limit: limit,
        answer: BounceRowsTests.world(["other.test": answer]))
      #expect(outcome.status == 0 && outcome.duration < .seconds(30), "\(outcome.error)")
      #expect(try outcome.statuses == ["m1": "acknowledged"])
    }
  }

  @Test("S61: an error for the message counts while its domain is waited for, with or without an id")
  func lateBounce() throws {
    for hasID in [true, false] {
      let (outcome, _) = try run(["-m", "hi", "--id", "m1", "bob@other.test"]) { element in
        // Only after the answer of the account's own server.
        guard element.hasPrefix("<iq") else { return "" }
        guard !element.contains("to='other.test'") else { return "" }
        return BounceRowsTests.pong(element)
          + BounceRowsTests.error(
            "message", id: hasID ? "m1" : nil, from: "bob@other.test", "remote-server-not-found")
      }
      #expect(outcome.status == 1, "\(outcome.error)")
      #expect(try outcome.statuses == ["m1": "failed"])
    }
  }

  @Test("S61: each recipient has the fate of its own domain, and one domain gets one ping")
  func severalDomains() throws {
    let lines = (0..<300).map { number in
      let domain = number % 3 == 0 ? "here.test" : number % 3 == 1 ? "there.test" : "example.org"
      return "{\"to\":\"bob@\(domain)\",\"id\":\"\(domain) \(number)\",\"body\":\"hi\"}\n"
    }
    let (outcome, sent) = try run(
      ["--ndjson"], input: lines.joined(),
      answer: BounceRowsTests.world(["there.test": "remote-server-not-found"]))
    #expect(outcome.status == 1, "\(outcome.error.suffix(300))")
    let statuses = try outcome.statuses
    #expect(statuses.count == 300)
    for (id, status) in statuses {
      #expect(status == (id.hasPrefix("there.test") ? "failed" : "acknowledged"), "\(id)")
    }
    #expect(pings(sent, "here.test") == 1)
    // Messages that follow a ping that was not delivered get another.
    #expect((1...100).contains(pings(sent, "there.test")))
  }

  @Test(
    "S61: no other domain is asked if nothing is to be waited for",
    arguments: [
      ["--bounce-wait", "0", "bob@other.test"], ["--confirm", "none", "bob@other.test"], ["bob@example.org"],
      ["--bounce-wait", "600", "example.org"],
    ])
  func noWait(options: [String]) throws {
    let (outcome, sent) = try run(["-m", "hi"] + options, answer: BounceRowsTests.world([:]))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(pings(sent, "other.test") == 0)
  }

  @Test("S62: an error without an id, from whom a message went to, is about that message")
  func namelessBounce() throws {
    for (from, status) in [("bob@example.org", 1), ("bob@example.org/r", 1), ("eve@example.org", 0)] {
      let (outcome, _) = try run(["-m", "hi", "--id", "m1", "bob@example.org"]) { element in
        element.hasPrefix("<message")
          ? BounceRowsTests.error("message", id: nil, from: from, "item-not-found")
          : BounceRowsTests.pong(element)
      }
      #expect(outcome.status == Int32(status), "\(from): \(outcome.error)")
      #expect(try outcome.statuses == ["m1": status == 1 ? "failed" : "acknowledged"])
    }
  }

  @Test("S61: --bounce-wait takes seconds, or 0", arguments: ["-1", "x", "inf", ""])
  func usage(value: String) throws {
    let outcome = try Program.xmppctl.run(
      ["send", "--jid", "alice@example.org", "-m", "x", "--bounce-wait=\(value)", "bob@example.org"])
    #expect(outcome.status == 64, "\(outcome.error)")
  }
}
