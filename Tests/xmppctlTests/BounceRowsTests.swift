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
    _ options: [String], input: String = "", limit: String = "15",
    answer: @escaping @Sendable (String) -> String
  ) throws -> (outcome: Outcome, sent: String) {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = "send"
    scene.sasl.bindsChannels = false
    scene.after = LoginScene.binds(
      "<sm xmlns='urn:xmpp:sm:3'/>", then: { try BounceRowsTests.serve($0, answer) })
    scene.options = options + ["--max-time", limit]
    let started = try scene.start()
    let outcome = try started.program.finish(input, within: .seconds(30))
    return (outcome, try started.peer.finish().first?.text ?? "")
  }

  /// Serves a stream with stream management until the client closes it.
  private static func serve(_ talk: ScriptedPeer.Talk, _ answer: (String) -> String) throws {
    var count = 0
    while true {
      let element = try talk.element()
      if element.hasPrefix("</") { return }
      if element.hasPrefix("<enable ") {
        try talk.send("<enabled xmlns='urn:xmpp:sm:3'/>")
      } else if element.hasPrefix("<r ") {
        try talk.send("<a xmlns='urn:xmpp:sm:3' h='\(count)'/>")
      } else if !element.hasPrefix("<a ") {
        count += 1
        try talk.send(answer(element))
      }
    }
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
}
