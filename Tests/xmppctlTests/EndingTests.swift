import Foundation
import TestSupport
import Testing
import XMPP

/// How connections end, and what then is confirmed, sent again, or listed.
@Suite struct EndingTests {
  private static let enabled = "<enabled xmlns='urn:xmpp:sm:3'/>"

  /// The ways in which a server ends a connection, or does not.
  enum Ending: String, CaseIterable, Sendable {
    case halfClose, halfCloseWithoutGoodbye, reset, silence, closedStream, policyViolation, systemShutdown

    /// What is said last.
    var text: String {
      switch self {
      case .halfClose, .halfCloseWithoutGoodbye, .reset, .silence: ""
      case .closedStream: Dialogue.end
      case .policyViolation: Dialogue.error(Dialogue.condition("policy-violation")) + Dialogue.end
      case .systemShutdown: Dialogue.error(Dialogue.condition("system-shutdown")) + Dialogue.end
      }
    }

    var step: ScriptedPeer.Step {
      switch self {
      case .halfCloseWithoutGoodbye: .end
      case .reset: .reset
      case .silence: .silence
      default: .close
      }
    }
  }

  /// A run of `send` of one message, to a server that acknowledges it or not and then ends the connection.
  private func send(acknowledging: Bool, _ ending: Ending) throws -> Outcome {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = "send"
    scene.sasl.bindsChannels = false
    scene.after = LoginScene.binds(
      "<sm xmlns='urn:xmpp:sm:3'/>",
      then: { talk in
        // <enable/>, the message, the ping, <r/>.
        for _ in 0..<4 { _ = try talk.element() }
        try talk.send(EndingTests.enabled)
        if acknowledging { try talk.send("<a xmlns='urn:xmpp:sm:3' h='1'/>") }
        try talk.send(ending.text)
      })
    scene.ending = [ending.step]
    scene.options = ["-m", "hi", "--id", "m1", "--max-time", acknowledging ? "20" : "3", "bob@example.org"]
    let started = try scene.start()
    let outcome = try started.program.finish(within: .seconds(60))
    try started.peer.finish()
    return outcome
  }

  @Test("E1: what is acknowledged is sent, however the connection ends", arguments: Ending.allCases)
  func acknowledged(ending: Ending) throws {
    let outcome = try send(acknowledging: true, ending)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.statuses == ["m1": "acknowledged"])
  }

  @Test("E1: what is not acknowledged is listed, however the connection ends", arguments: Ending.allCases)
  func unacknowledged(ending: Ending) throws {
    let outcome = try send(acknowledging: false, ending)
    let expected: Int32 =
      switch ending {
      case .silence: 75
      case .policyViolation, .systemShutdown: 76
      default: 69
      }
    #expect(outcome.status == expected, "\(outcome.ending) \(outcome.error)")
    #expect(try outcome.statuses == ["m1": "unconfirmed"])
    #expect(outcome.error.contains("unconfirmed: m1 to bob@example.org\n"), "\(outcome.error)")
  }

  /// The answer to a question to the archive: there is none.
  private static func noArchive(_ question: String) -> String {
    "<iq type='error' id='\(LoginScene.id(of: question))'><error type='cancel'>"
      + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
  }

  private static func refuseArchive(_ talk: ScriptedPeer.Talk) throws {
    try talk.send(noArchive(talk.await("urn:xmpp:mam:2")))
    try talk.await("<presence")
  }

  @Test("E2: input of a session that is gone is listed, also after two connections that got nowhere")
  func forgotten() throws {
    let scene = try ListenScene(
      ["--json", "--duplex"],
      .new(then: [.reset]) { try $0.await("id='mine'") },
      .raw(then: [.reset]) { talk in
        try talk.await("<resume ")
        try talk.send(
          "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
        )
        // The request to bind; then the line is cut.
        _ = try talk.element()
      },
      .raw(then: [.reset]) { _ = try $0.element() },
      .raw { talk in
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        var handled = 0
        while true {
          let element = try talk.element()
          if element.hasPrefix("</") { return }
          if element.hasPrefix("<r ") {
            try talk.send("<a xmlns='urn:xmpp:sm:3' h='\(handled)'/>")
          } else if !element.hasPrefix("<a ") {
            handled += 1
          }
          if element.contains("urn:xmpp:mam:2") { try talk.send(EndingTests.noArchive(element)) }
        }
      })
    try scene.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"mine\"}\n")
    try scene.program.awaitError("unconfirmed: mine to alice@example.org\n", within: .seconds(60))
    let outcome = try scene.program.finish()
    #expect(outcome.status == 69, "\(outcome.error)")
    #expect(outcome.error.matches(of: #/unconfirmed: mine/#).count == 1, "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test("E2: the run also ends if the listener itself sends something after the last of the input")
  func answerAfterTheInput() throws {
    let scene = try ListenScene(
      ["--json", "--duplex"],
      .new { talk in
        try talk.await("<r ")
        try talk.send(ListenScene.messages(1...1))
        // That of the end of the input.
        try talk.await("<r ")
        try talk.send(
          "<iq type='get' id='q1' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>"
            + "<a xmlns='urn:xmpp:sm:3' h='2'/><a xmlns='urn:xmpp:sm:3' h='2'/>")
        try talk.await("id='q1'")
        try talk.await("<r ")
        try talk.send("<a xmlns='urn:xmpp:sm:3' h='3'/>")
      })
    try scene.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"mine\"}\n")
    try scene.program.awaitOutput("text 1", within: .seconds(30))
    let outcome = try scene.program.finish()
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test(
    "E3: listen goes on after a stream error, in the session of before if the server keeps it",
    arguments: ["policy-violation", "internal-server-error", "undefined-condition", "not-well-formed"])
  func streamError(condition: String) throws {
    let scene = try ListenScene(
      ["--json", "--count", "2"],
      .new(then: [.close]) { talk in
        try talk.send(ListenScene.messages(1...1))
        try talk.awaitHandled(1)
        try talk.send(Dialogue.error(Dialogue.condition(condition)) + Dialogue.end)
      },
      .resumed(handled: 1) { try $0.send(ListenScene.messages(2...2)) })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.error.contains(condition), "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    try scene.peer.finish()
  }

  @Test("E3: after conflict it ends")
  func conflict() throws {
    let scene = try ListenScene(
      ["--json"],
      .new(then: [.close]) { talk in
        try talk.send(ListenScene.messages(1...1))
        try talk.awaitHandled(1)
        try talk.send(Dialogue.error(Dialogue.condition("conflict")) + Dialogue.end)
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 76 && outcome.error.contains("conflict"), "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...1))
    try scene.peer.finish()
  }

  @Test("E4: an acknowledgement of more than was sent leads to a new session", arguments: ["99", "x"])
  func tooHigh(h: String) throws {
    let scene = try ListenScene(
      ["--json", "--count", "2"],
      .new { talk in
        try talk.send(ListenScene.messages(1...1))
        try talk.awaitHandled(1)
        try talk.send("<a xmlns='urn:xmpp:sm:3' h='\(h)'/>")
      },
      .raw { talk in
        // A request to resume would be answered wrongly.
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        try EndingTests.refuseArchive(talk)
        try talk.send(ListenScene.messages(2...2))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    try scene.peer.finish()
  }
}
