import Testing

@testable import XMPP

@Suite struct StreamManagementTests {
  typealias Management = StreamManagement<String>

  /// A dialogue told in lines: what is sent, what arrives, and what comes of it.
  private struct Dialogue {
    var management = Management(window: 2, capacity: 4)

    mutating func started() throws -> Dialogue {
      _ = management.enable(resumable: true)
      _ = try receive("<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true' max='600' location='h:5222'/>")
      return self
    }

    mutating func receive(_ xml: String) throws -> String {
      let element = try #require(Parsed(inside: Array(xml.utf8)).elements.first)
      switch try management.receive(element) {
      case .enabled(let tokens): return "enabled \(tokens)"
      case .notEnabled(let condition): return "not enabled \(condition)"
      case .resumed(let tokens, let resend): return "resumed \(tokens) \(resend)"
      case .notResumed(let condition, let tokens, let lost):
        return "not resumed \(condition) \(tokens) \(lost)"
      case .acknowledged(let tokens): return "acknowledged \(tokens)"
      case .answer(let element): return element.xml
      }
    }

    mutating func send(_ tokens: String...) {
      for token in tokens {
        let hadRoom = management.enqueue(token)
        #expect(hadRoom)
      }
    }

    mutating func acknowledge(_ h: String) throws -> String {
      try receive("<a xmlns='urn:xmpp:sm:3' h='\(h)'/>")
    }
  }

  private func sm(_ name: String, _ attributes: String = "") -> String {
    "<\(name) xmlns='urn:xmpp:sm:3' \(attributes)/>"
  }

  @Test func aWholeDialogue() throws {
    var dialogue = Dialogue()
    #expect(
      dialogue.management.enable(resumable: true, seconds: 300).xml
        == "<enable xmlns='urn:xmpp:sm:3' resume='true' max='300'/>")
    #expect(!dialogue.management.isOn)
    #expect(
      try dialogue.receive(sm("enabled", "id='s1' resume='1' max='600' location='h:5222'")) == "enabled []")
    #expect(dialogue.management.isOn)
    #expect(
      dialogue.management.resumption == .init(id: "s1", seconds: 600, location: "h:5222"))
    dialogue.send("a")
    #expect(!dialogue.management.isRequestDue)
    dialogue.send("b")
    #expect(dialogue.management.isRequestDue)
    #expect(dialogue.management.request().xml == "<r xmlns='urn:xmpp:sm:3'/>")
    #expect(!dialogue.management.isRequestDue && dialogue.management.awaitsAnswer)
    dialogue.send("c")
    #expect(try dialogue.acknowledge("2") == "acknowledged [\"a\", \"b\"]")
    #expect(!dialogue.management.awaitsAnswer)
    #expect(dialogue.management.unacknowledged == ["c"])
    #expect(try dialogue.acknowledge("2") == "acknowledged []")
    #expect(try dialogue.acknowledge("3") == "acknowledged [\"c\"]")
  }

  @Test func theQueueIsBounded() throws {
    var dialogue = Dialogue()
    _ = try dialogue.started()
    dialogue.send("a", "b", "c", "d")
    #expect(!dialogue.management.hasRoom)
    let fifth = dialogue.management.enqueue("e")
    #expect(!fifth)
    #expect(dialogue.management.isRequestDue)
    #expect(try dialogue.acknowledge("1") == "acknowledged [\"a\"]")
    dialogue.send("e")
    #expect(dialogue.management.unacknowledged == ["b", "c", "d", "e"])
  }

  @Test func whatIsNotHandledIsNotAcknowledged() throws {
    var dialogue = Dialogue()
    _ = try dialogue.started()
    dialogue.management.arrived()
    dialogue.management.arrived()
    #expect(try dialogue.receive(sm("r")) == "<a xmlns='urn:xmpp:sm:3' h='0'/>")
    dialogue.management.handled()
    #expect(try dialogue.receive(sm("r")) == "<a xmlns='urn:xmpp:sm:3' h='1'/>")
    dialogue.management.handled(5)
    #expect(dialogue.management.answer.attribute("h") == "2", "no more than arrived")
  }

  @Test("S6: a stanza between bind and <enabled/> is dealt with and not counted, whenever that is")
  func beforeEnabled() throws {
    var dialogue = Dialogue()
    dialogue.management.arrived()
    dialogue.send("presence")
    _ = dialogue.management.enable(resumable: false)
    dialogue.management.arrived()
    dialogue.send("m1")
    #expect(try dialogue.receive(sm("enabled")) == "enabled [\"presence\"]")
    #expect(dialogue.management.resumption == nil)
    dialogue.management.arrived()
    // Their lines are written only now, in the order they came.
    dialogue.management.handled()
    dialogue.management.handled()
    #expect(dialogue.management.answer.attribute("h") == "0")
    dialogue.management.handled()
    #expect(dialogue.management.answer.attribute("h") == "1")
    #expect(try dialogue.acknowledge("1") == "acknowledged [\"m1\"]")
  }

  @Test(
    "S7: h that is too high, goes back or is no number breaks the protocol",
    arguments: [
      "3", "0", "4294967295", "4294967296", "-1", "+1", " 1", "1 ", "0x1", "", "1.0", "٣",
      "99999999999999999999999",
    ])
  func wrongH(h: String) throws {
    var dialogue = Dialogue()
    _ = try dialogue.started()
    dialogue.send("a", "b")
    _ = try dialogue.acknowledge("1")
    let failure = #expect(throws: Failure.self) { try dialogue.acknowledge(h) }
    #expect(failure?.status == .protocolViolation)
    #expect(dialogue.management.unacknowledged == ["b"], "nothing counts as acknowledged by it")
  }

  @Test("S7: a missing h breaks the protocol")
  func missingH() throws {
    var dialogue = Dialogue()
    _ = try dialogue.started()
    let failure = #expect(throws: Failure.self) { try dialogue.receive(sm("a")) }
    #expect(failure?.status == .protocolViolation)
  }

  @Test("S7: h wraps at 2³², in both directions")
  func wrapping() throws {
    var dialogue = Dialogue()
    dialogue.management = Management(
      resuming: .init(id: "s1"), handledCount: .max, acknowledgedCount: .max - 1,
      unacknowledged: ["a", "b", "c"])
    #expect(
      dialogue.management.resume()?.xml == "<resume xmlns='urn:xmpp:sm:3' h='4294967295' previd='s1'/>")
    #expect(
      try dialogue.receive(sm("resumed", "previd='s1' h='4294967295'")) == "resumed [\"a\"] [\"b\", \"c\"]")
    #expect(try dialogue.acknowledge("1") == "acknowledged [\"b\", \"c\"]")
    dialogue.management.arrived()
    dialogue.management.handled()
    #expect(dialogue.management.answer.attribute("h") == "0")
    #expect(throws: Failure.self) { try dialogue.acknowledge("4294967295") }
  }

  @Test func aResumedSessionSendsAgainWhatWasNotAcknowledged() throws {
    var dialogue = Dialogue()
    _ = try dialogue.started()
    dialogue.send("a", "b", "c")
    dialogue.management.arrived()
    dialogue.management.arrived()
    dialogue.management.handled()
    #expect(dialogue.management.resume()?.attribute("h") == "1")
    #expect(try dialogue.receive(sm("resumed", "previd='s1' h='1'")) == "resumed [\"a\"] [\"b\", \"c\"]")
    // The stanza that was not handled comes again.
    dialogue.management.arrived()
    dialogue.management.handled()
    #expect(dialogue.management.answer.attribute("h") == "2")
    dialogue.send("d")
    #expect(try dialogue.acknowledge("4") == "acknowledged [\"b\", \"c\", \"d\"]")
  }

  @Test func aSessionThatIsGoneSaysWhatBecameOfWhat() throws {
    let failed =
      "<failed xmlns='urn:xmpp:sm:3' %><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
    for (h, outcome) in [
      ("h='2'", "not resumed item-not-found [\"a\", \"b\"] [\"c\"]"),
      ("", "not resumed item-not-found [] [\"a\", \"b\", \"c\"]"),
    ] {
      var dialogue = Dialogue()
      _ = try dialogue.started()
      dialogue.send("a", "b", "c")
      _ = dialogue.management.resume()
      #expect(try dialogue.receive(failed.replacing("%", with: h)) == outcome)
      #expect(dialogue.management.resumption == nil && dialogue.management.resume() == nil)
      #expect(dialogue.management.unacknowledged.isEmpty)
      // A new session begins to count anew.
      _ = try dialogue.started()
      dialogue.send("d")
      #expect(try dialogue.acknowledge("1") == "acknowledged [\"d\"]")
    }
    var tooHigh = Dialogue()
    _ = try tooHigh.started()
    _ = tooHigh.management.resume()
    #expect(throws: Failure.self) { try tooHigh.receive(failed.replacing("%", with: "h='1'")) }
  }

  @Test func whereTheServerCannotCountARoundTripConfirms() throws {
    var dialogue = Dialogue()
    _ = dialogue.management.enable(resumable: true)
    dialogue.send("a", "b")
    #expect(try dialogue.receive(sm("failed")) == "not enabled undefined-condition")
    dialogue.send("c")
    #expect(dialogue.management.confirm(2) == ["a", "b"])
    #expect(dialogue.management.abandon() == ["c"])
  }

  @Test(arguments: ["enabled", "resumed", "failed", "a", "r", "enable", "resume", "x"])
  func nothingIsTakenBeforeItWasAskedFor(name: String) {
    var dialogue = Dialogue()
    let failure = #expect(throws: Failure.self) { try dialogue.receive(sm(name, "h='0' previd='s1'")) }
    #expect(failure?.status == .protocolViolation)
  }

  @Test func anotherSessionIsNotResumed() throws {
    var dialogue = Dialogue()
    _ = try dialogue.started()
    _ = dialogue.management.resume()
    #expect(throws: Failure.self) { try dialogue.receive(sm("resumed", "previd='s2' h='0'")) }
  }
}
