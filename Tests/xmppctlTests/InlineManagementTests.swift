import Foundation
import TestSupport
import Testing

/// Stream management that goes along with a login by SASL2 (XEP-0198 §10).
@Suite struct InlineManagementTests {
  private static let jid = "bob@example.org"
  private static let identity = "<authorization-identifier>\(jid)/desk</authorization-identifier>"
  private static let enabled = "<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true' max='60'/>"
  private static let failed =
    "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"

  private static func bound(_ content: String) -> String {
    "<bound xmlns='urn:xmpp:bind:0'>\(content)</bound>"
  }

  /// A login by SASL2 that carries what is expected and is answered with these elements; then this.
  private func connection(
    carries: [String], answer: String, hasFeatures: Bool = true,
    then play: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void
  ) throws -> [ScriptedPeer.Step] {
    let offer =
      "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline>"
      + "<sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:sm:3'/></inline>"
      + "</bind></inline></authentication>"
    let features = Dialogue.features(LoginScene.bindFeature + "<sm xmlns='urn:xmpp:sm:3'/>")
    return [
      .tls(try Certificates.server), .expectHeader, .send(Dialogue.header() + Dialogue.features(offer)),
      .talk { talk in
        let login = try talk.element()
        guard carries.allSatisfy(login.contains) else {
          throw SupportFailure("the login carries not \(carries): \(login)")
        }
        try talk.send(
          "<success xmlns='urn:xmpp:sasl:2'>\(InlineManagementTests.identity)\(answer)</success>"
            + (hasFeatures ? features : ""))
        try play(talk)
      },
    ]
  }

  private func listen(_ options: [String], _ scripts: [[ScriptedPeer.Step]]) throws -> (
    outcome: Outcome, sent: [String]
  ) {
    let peer = try ScriptedPeer(scripts: scripts)
    let outcome = try Program.xmppctl.run(
      try ["listen", "--json", "--jid", InlineManagementTests.jid, "--tls", "direct"] + Certificates.trusted
        + ["--connect-to", "127.0.0.1:\(peer.port)"] + options,
      environment: ListenScene.environment)
    return (outcome, try peer.finish().map(\.text))
  }

  private var first: [ScriptedPeer.Step] {
    get throws {
      try connection(
        carries: ["<bind xmlns='urn:xmpp:bind:0'>", "<enable xmlns='urn:xmpp:sm:3' resume='true'/></bind>"],
        answer: InlineManagementTests.bound(InlineManagementTests.enabled)
      ) { talk in
        try talk.await("<presence")
        try talk.send(ListenScene.messages(1...1))
        try talk.awaitHandled(1)
      } + [.end]
    }
  }

  @Test("S12: counting begins with the login, and the session is resumed by the next one")
  func resumed() throws {
    let (outcome, sent) = try listen(
      ["--count", "2"],
      [
        first,
        connection(
          carries: ["<resume xmlns='urn:xmpp:sm:3' h='1' previd='s1'/>"],
          answer: "<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='1'/>", hasFeatures: false
        ) { talk in
          try talk.send(ListenScene.messages(2...2))
          try talk.await("h='2'")
        } + [.silence],
      ])
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    // Nothing is asked that was answered along with the login.
    #expect(sent.allSatisfy { !$0.contains("<iq") })
    #expect(sent[0].matches(of: #/<enable /#).count == 1 && !sent[1].contains("<presence"))
  }

  @Test("S12: a session that is gone is a new one by the same login", arguments: [true, false])
  func replaced(isBound: Bool) throws {
    let (outcome, sent) = try listen(
      ["--count", "2"],
      [
        first,
        connection(
          carries: ["<resume ", "<bind xmlns='urn:xmpp:bind:0'>"],
          answer: InlineManagementTests.failed
            + (isBound ? InlineManagementTests.bound(InlineManagementTests.enabled) : "")
        ) { talk in
          if !isBound {
            try talk.send(LoginScene.bound("bob@example.org/desk")(LoginScene.id(of: try talk.element())))
            try ListenScene.Part.enable(talk)
          }
          try ListenRowsTests.page(talk, after: nil, [:])
          try talk.await("<presence")
          try talk.send(ListenScene.messages(2...2))
          try ListenRowsTests.page(talk, after: nil, [:])
          try talk.await("h='3'")
        } + [.silence],
      ])
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    #expect(sent[1].matches(of: #/<enable /#).count == (isBound ? 1 : 2))
  }

  @Test("a server that binds and does not count says so, and is listened to all the same")
  func notEnabled() throws {
    let (outcome, sent) = try listen(
      ["--count", "1"],
      [
        connection(carries: ["<enable "], answer: InlineManagementTests.bound(InlineManagementTests.failed)) {
          talk in
          try talk.await("<presence")
          try talk.send(ListenScene.messages(1...1))
        } + [.silence]
      ])
    #expect(
      outcome.status == 0 && outcome.error.contains("no stream management: item-not-found"),
      "\(outcome.error)")
    #expect(!sent[0].contains("<r ") && !sent[0].contains("<a "))
  }

  @Test("S7: an answer along with the login is held to the same rules", arguments: ["9", "x", ""])
  func impossible(h: String) throws {
    let (outcome, _) = try listen(
      ["--count", "2"],
      [
        first,
        connection(
          carries: ["<resume "], answer: "<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='\(h)'/>",
          hasFeatures: false
        ) { _ in } + [.silence],
        connection(
          carries: ["<bind xmlns='urn:xmpp:bind:0'>"],
          answer: InlineManagementTests.bound(InlineManagementTests.enabled)
        ) { talk in
          try ListenRowsTests.page(talk, after: nil, [:])
          try talk.await("<presence")
          try talk.send(ListenScene.messages(2...2))
          try ListenRowsTests.page(talk, after: nil, [:])
        } + [.silence],
      ])
    #expect(outcome.status == 0 && outcome.error.contains("acknowledged"), "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
  }

  @Test("A17: what was not asked for along with the login is no answer")
  func unasked() throws {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.sasl.bindsChannels = false
    scene.sasl.profile = .sasl2(
      "<authorization-identifier>\(LoginScene.fullJID)</authorization-identifier>"
        + "<resumed xmlns='urn:xmpp:sm:3' previd='x' h='0'/>"
        + InlineManagementTests.bound(InlineManagementTests.enabled))
    scene.after = { try $0.send(Dialogue.features(LoginScene.bindFeature)) }
    let login = try scene.play()
    login.binds()
    #expect(!login.row.has("session"))
  }

  @Test("send: acknowledgement is asked for by the login, and the message goes in the next flight")
  func sends() throws {
    let peer = try ScriptedPeer(
      connection(
        carries: ["<enable "], answer: InlineManagementTests.bound(InlineManagementTests.enabled)
      ) { talk in
        try talk.await("<message ")
        let ping = try talk.await("urn:xmpp:ping")
        try talk.await("<r ")
        try talk.send("<a xmlns='urn:xmpp:sm:3' h='2'/><iq type='result' id='\(LoginScene.id(of: ping))'/>")
      } + [.silence])
    let outcome = try Program.xmppctl.run(
      try ["send", "-m", "hi", "--jid", InlineManagementTests.jid, "--tls", "direct"] + Certificates.trusted
        + ["--connect-to", "127.0.0.1:\(peer.port)", "alice@example.org"],
      environment: ListenScene.environment)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try peer.finish()[0].text.matches(of: #/<enable /#).count == 1)
  }
}
