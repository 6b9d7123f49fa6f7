import Foundation
import TestSupport
import Testing
import XMPP

/// What a server that means ill does to the executable, beyond one login and one stream.
@Suite struct HostileServerRowsTests {
  /// One connection: the mechanism offered, and what follows the login.
  private func connection(
    _ mechanism: String, then play: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = { _ in }
  ) throws -> [ScriptedPeer.Step] {
    var sasl = SASLServer(user: "bob", password: ListenScene.password)
    sasl.bindsChannels = false
    let honest = sasl
    let offer = "<mechanism>\(mechanism)</mechanism>"
    return [
      .tls(try Certificates.server), .expectHeader,
      .send(
        Dialogue.header()
          + Dialogue.features("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(offer)</mechanisms>")),
      .talk { talk in
        guard try honest.serve(talk) else { return }
        try talk.header()
        try talk.send(Dialogue.header() + Dialogue.features(LoginScene.bindFeature))
        try ListenScene.Part.bind(talk)
        try play(talk)
      },
    ]
  }

  @Test("A13: PLAIN alone, where SCRAM was used before: no password is sent, unless PLAIN is named")
  func plainAfterSCRAM() throws {
    for isNamed in [false, true] {
      let honest = try connection("SCRAM-SHA-256")
      let second =
        isNamed
        ? try connection("PLAIN") { talk in
          let question = try talk.await("urn:xmpp:mam:2")
          try talk.send("<iq type='error' id='\(LoginScene.id(of: question))'><error type='cancel'/></iq>")
          try talk.await("<presence")
          try talk.send(ListenScene.messages(1...1))
        }
        : [
          .tls(try Certificates.server), .expectHeader,
          .send(Dialogue.header() + Dialogue.features(Dialogue.plain)),
        ]
      let peer = try ScriptedPeer(scripts: [honest + [.end], second + [.silence]])
      let names = isNamed ? ["--mechanism", "SCRAM-SHA-256", "--mechanism", "PLAIN"] : []
      let outcome = try Program.xmppctl.run(
        try ["listen", "--json", "--count", "1"] + ListenScene.way(peer.port) + names,
        environment: ListenScene.environment)
      let connections = try peer.finish()
      try #require(connections.count == 2)
      #expect(outcome.status == (isNamed ? 0 : 77), "\(outcome.error)")
      if !isNamed {
        #expect(outcome.error.contains("weaker than SCRAM-SHA-256"))
        #expect(isNothingButTheStream(connections[1].text))
      }
    }
  }

  @Test("T8: below the domain a wildcard stands for one whole label, and for no part of one")
  func wildcards() throws {
    for (name, isFine) in [
      ("*.example.org", true), ("c*.example.org", false), ("*t.example.org", false), ("*.org", false),
      ("*.*.org", false), ("chat.*.org", false), ("**.example.org", false), (".example.org", false),
    ] {
      let certificate = try Certificates.shared.issue(.init([.dns(name)]))
      let peer = try ScriptedPeer([.tls(TestTLSServer(certificate)), .silence])
      let row = try Row(
        ["--connect-to", "127.0.0.1:\(peer.port)", "--tls", "direct", "--max-time", "3"]
          + Certificates.trusted + ["chat.example.org"], command: "connect")
      #expect(row["tls.certificate.verified"] == isFine, "\(name)")
      if !isFine { row.fails(.certificate, .certificate, "wrong-name") }
      try peer.finish()
    }
  }

  @Test("T20: a server that has not the pinned key is refused, whatever else is believed")
  func pin() throws {
    let wrong = "sha256//" + Data(repeating: 7, count: 32).base64EncodedString()
    for others in [[], ["--insecure"]] {
      let peer = try ScriptedPeer([.tls(try Certificates.server), .silence])
      let row = try Row(peer.way("direct", try Certificates.trusted + ["--pin", wrong] + others))
      row.fails(.certificate, .certificate, "wrong-pin")
      #expect(try #require(try peer.finish().first).bytes.isEmpty)
      let key: String = try #require(row["tls.certificate.spki_sha256"])
      var right = try LoginScene("PLAIN")
      right.tls = try Certificates.server
      right.options = ["--pin", wrong, "--pin", "sha256//" + key] + others
      #expect(try right.play().row["jid"] == LoginScene.fullJID)
    }
  }

  @Test("T21: what was offered before TLS is forgotten behind it")
  func offeredBeforeTLS() throws {
    let server = try Certificates.server
    let before = Dialogue.startTLS + Dialogue.plain + LoginScene.bindFeature
    let peer = try ScriptedPeer(
      .opened(Dialogue.header() + Dialogue.features(before)) + [
        .expectElement, .send(Dialogue.proceed), .tls(server), .expectHeader,
        .send(Dialogue.header("id='s2' from='example.org' version='1.0'") + Dialogue.features("")), .silence,
      ])
    let way = peer.way("starttls", try Certificates.trusted).dropLast() + ["alice@example.org"]
    let outcome = try Program.xmppctl.run(
      ["bind", "--json"] + way, environment: ["XMPPCTL_PASSWORD": LoginScene.password])
    try Row(outcome, command: "bind").fails(.authentication, .auth, "no-mechanism")
    #expect(!(try #require(try peer.finish().first).text.contains("<auth")))
  }

  @Test("S11: another session than the one that was asked for is not gone on with")
  func otherSession() throws {
    let scene = try ListenScene(
      ["--json", "--count", "2"],
      .new(then: [.end]) { talk in
        try talk.send(ListenScene.messages(1...1))
        try talk.awaitHandled(1)
      },
      .raw { talk in
        try talk.await("<resume ")
        try talk.send("<resumed xmlns='urn:xmpp:sm:3' previd='s2' h='1'/>" + ListenScene.messages(2...2))
      },
      .raw { talk in
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        try ListenRowsTests.page(talk, after: nil, [:])
        try talk.await("<presence")
        try talk.send(ListenScene.messages(3...3))
        try ListenRowsTests.page(talk, after: nil, [:])
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0 && outcome.error.contains("resumed a session that was not asked for"))
    #expect(try ListenScene.bodies(outcome.output) == ["text 1", "text 3"])
    #expect(try scene.peer.finish().count == 3)
  }

  @Test("X17: what has a stanza's name in another namespace is no stanza: no line, no count, no answer")
  func otherNamespace() throws {
    let scene = try ListenScene(
      ["--json", "--count", "1", "--receipts"],
      .new { talk in
        for namespace in ["jabber:server", "jabber:component:accept", "", "urn:x", "JABBER:CLIENT"] {
          try talk.send(
            "<message xmlns='\(namespace)' from='alice@example.org/x' id='f'><body>forged</body>"
              + "<request xmlns='urn:xmpp:receipts'/></message>"
              + "<iq xmlns='\(namespace)' type='get' id='q' from='eve@example.net'>"
              + "<ping xmlns='urn:xmpp:ping'/></iq>")
        }
        try talk.awaitHandled(0)
        try talk.send(ListenScene.messages(1...1))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1"])
    let sent = try scene.peer.finish()[0].text
    #expect(sent.contains("h='1'") && !sent.contains("id='q'") && !sent.contains("<received"))
  }

  @Test("T17: a server that writes and does not read, and then reads: nothing lost, nothing twice")
  func bothDirections() throws {
    let count = 1500
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = "send"
    scene.sasl.bindsChannels = false
    scene.options = ["--lines", "bob@example.org", "--max-time", "60"]
    scene.after = LoginScene.binds(then: { talk in
      // More than the buffers of both sides hold, so that the client must read while it cannot write.
      let padding = String(repeating: "x", count: 4000)
      for number in 1...2000 {
        try talk.send("<message from='eve@example.net/x' id='e\(number)'><body>\(padding)</body></message>")
      }
      var seen = 0
      while seen < count {
        let element = try talk.element()
        if element.hasPrefix("<message") {
          seen += 1
          guard element.contains("<body>line \(seen) ") else {
            throw SupportFailure("not line \(seen): \(element.prefix(200))")
          }
        } else if element.hasPrefix("<iq") {
          try talk.send("<iq type='result' id='\(LoginScene.id(of: element))' from='example.org'/>")
        }
      }
      // The last round trip.
      while true {
        let element = try talk.element()
        guard element.hasPrefix("<iq") else { return }
        try talk.send("<iq type='result' id='\(LoginScene.id(of: element))' from='example.org'/>")
      }
    })
    let started = try scene.start()
    let padding = String(repeating: "y", count: 2000)
    let lines = (1...count).map { "line \($0) \(padding)\n" }.joined()
    let outcome = try started.program.finish(lines, within: .seconds(80))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.results.map { $0["status"] } == Array(repeating: "acknowledged", count: count))
    try started.peer.finish()
  }
}
