import Foundation
import TestSupport
import Testing
import XMPP

/// The executable against servers that differ from the usual order of a login: stanzas too early, limits told once, two lists
/// of mechanisms, other ports, other encodings.
@Suite struct LoginOrderRowsTests {
  private static let session = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"
  private static let management = "<sm xmlns='urn:xmpp:sm:3'/>"
  private static let early =
    "<message from='bob@example.org/r' type='chat' id='early'><body>first</body></message>"
    + "<iq type='get' id='ping1' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>"
    + "<iq type='result' id='foreign' from='eve@example.org/x'/>"
    + "<message from='eve@example.org' id='odd'><x xmlns='http://www.w3.org/2000/xmlns/'/></message>"

  private func scene(_ command: String = "bind", _ change: (inout LoginScene) -> Void) throws -> LoginScene {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = command
    scene.sasl.bindsChannels = false
    change(&scene)
    return scene
  }

  /// Answers the request for a session after other stanzas, and then plays the rest.
  private static func late(
    _ stanzas: String = early, _ rest: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = { _ in }
  ) -> @Sendable (ScriptedPeer.Talk) throws -> Void {
    LoginScene.binds(
      session + management,
      then: { talk in
        let id = LoginScene.id(of: try talk.element())
        try talk.send(stanzas + "<iq type='result' id='\(id)'/>")
        try rest(talk)
      })
  }

  /// Serves a stream until the client closes it.
  private static func serve(_ talk: ScriptedPeer.Talk, after presence: String = "") throws {
    try talk.serveCounted { element in
      let isRequest = element.contains(" type='get'")
      return (element.hasPrefix("<presence") ? presence : "")
        + (isRequest ? "<iq type='result' id='\(LoginScene.id(of: element))' from='example.org'/>" : "")
    }
  }

  @Test("A20: listen prints what came before the answer to the session, and answers the requests in it")
  func listens() throws {
    let started = try scene("listen") {
      $0.options = ["-n", "4"]
      $0.after = LoginOrderRowsTests.late { talk in
        try LoginOrderRowsTests.serve(
          talk, after: "<message from='bob@example.org/r' id='late'><body>second</body></message>")
      }
    }.start()
    let outcome = try started.program.finish(within: .seconds(20))
    let sent = try started.peer.finish().first?.text ?? ""
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.results.map { $0["id"] } == ["early", "foreign", "odd", "late"], "\(outcome.output)")
    #expect(sent.contains("<iq type='result' id='ping1' to='example.org'/>"), "\(sent)")
    #expect(sent.hasSuffix("<a xmlns='urn:xmpp:sm:3' h='1'/></stream:stream>"), "\(sent)")
  }

  @Test("A20: send and bind go on after such stanzas, and too many of them are a violation")
  func others() throws {
    let started = try scene("send") {
      $0.options = ["-m", "hi", "--id", "m1", "bob@example.org"]
      $0.after = LoginOrderRowsTests.late { try LoginOrderRowsTests.serve($0) }
    }.start()
    let outcome = try started.program.finish(within: .seconds(20))
    #expect(try started.peer.finish().first?.text.contains("<iq type='result' id='ping1'") == true)
    #expect(outcome.status == 0, "\(outcome.error)")
    try scene { $0.after = LoginOrderRowsTests.late { try LoginOrderRowsTests.serve($0) } }.play().binds()
    let flood = String(repeating: "<message from='eve@example.org'/>", count: 5000)
    try scene { $0.after = LoginOrderRowsTests.late(flood) }.play()
      .failsBehindTheLogin(76, "policy-violation", stage: "stream")
  }

  @Test("A20: the same between a resource bound by SASL2 and the features that follow")
  func bind2() throws {
    let identity = "<authorization-identifier>\(LoginScene.fullJID)</authorization-identifier>"
    try scene {
      $0.sasl.profile = .sasl2(identity + "<bound xmlns='urn:xmpp:bind:0'/>")
      $0.after = { try $0.send(LoginOrderRowsTests.early + Dialogue.features(LoginScene.bindFeature)) }
    }.play().binds()
  }

  @Test("A22: the account is named in the headers after TLS, and in none before it")
  func sender() throws {
    let login = try scene { _ in }.play()
    login.binds()
    #expect(login.sent.matches(of: #/<stream:stream [^>]* from='alice@example.org'/#).count == 2)
    let secured = Dialogue.header() + Dialogue.features("")
    let peers = [
      (
        "starttls",
        try ScriptedPeer(.upgraded(try Certificates.server) + [.expectHeader, .send(secured), .silence])
      ),
      ("none", try ScriptedPeer(.opened(secured) + [.silence])),
    ]
    for (mode, peer) in peers {
      let outcome = try Program.xmppctl.run(
        ["features", "--jid", "alice@example.org"] + peer.way(mode) + Certificates.trusted,
        environment: ["XMPPCTL_PASSWORD": "x"])
      #expect(outcome.status == 77, "\(outcome.error)")
      let headers = try #require(try peer.finish().first).text.matches(of: #/<stream:stream [^>]*>/#)
      #expect(headers.map { $0.output.contains("alice") } == (mode == "none" ? [false] : [false, true]))
    }
  }

  @Test("A23: a limit told before a login by SASL2 holds after it, and one before a new stream does not")
  func limits() throws {
    let identity = "<authorization-identifier>\(LoginScene.fullJID)</authorization-identifier>"
    let long = String(repeating: "x", count: 300)
    for usesSASL2 in [true, false] {
      let started = try scene("send") {
        $0.otherFeatures = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>300</max-bytes></limits>"
        $0.options = ["--lines", "--keep-going", "bob@example.org"]
        if usesSASL2 {
          $0.sasl.profile = .sasl2(identity + "<bound xmlns='urn:xmpp:bind:0'/>")
          $0.after = { talk in
            try talk.send(Dialogue.features(LoginOrderRowsTests.management))
            try LoginOrderRowsTests.serve(talk)
          }
        } else {
          $0.after = LoginScene.binds(
            LoginOrderRowsTests.management, then: { try LoginOrderRowsTests.serve($0) })
        }
      }.start()
      let outcome = try started.program.finish("one\n\(long)\nthree\n", within: .seconds(20))
      let sent = try started.peer.finish().first?.text ?? ""
      #expect(outcome.status == (usesSASL2 ? 65 : 0), "\(outcome.error)")
      #expect(sent.contains(long) == !usesSASL2)
      #expect(
        try outcome.results.map { $0["status"] } == [
          "acknowledged", usesSASL2 ? "failed" : "acknowledged", "acknowledged",
        ])
    }
  }

  @Test("A24: if SASL2 offers no mechanism that can be used and RFC 6120 does, that one is used")
  func otherList() throws {
    for (mechanism, option) in [("HT-SHA-256-NONE", []), ("PLAIN", ["--mechanism", "SCRAM-SHA-256"])] {
      let login = try scene {
        $0.otherFeatures =
          "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>\(mechanism)</mechanism></authentication>"
        $0.options = option
      }.play()
      login.binds()
      #expect(login.row["auth.sasl2"] == false && login.row["auth.mechanism"] == "SCRAM-SHA-256")
    }
  }

  @Test(
    "S63: a port for servers or components is none for clients", arguments: ["connect", "features"])
  func otherPort(command: String) throws {
    for (namespace, hint) in [("jabber:server", true), ("jabber:component:accept", false), ("urn:x", false)] {
      let header = Dialogue.header().replacing("jabber:client", with: namespace)
      let peer = try ScriptedPeer(
        .direct(try Certificates.server, header + Dialogue.features("")) + [.silence])
      let row = try Row(peer.way("direct", Certificates.trusted), command: command)
      row.fails(.protocolViolation, .stream, "invalid-namespace")
      #expect(row.message.contains("“\(namespace)”"))
      #expect((row["error.hint"] == "this is a server-to-server port; clients use 5222") == hint)
      #expect(try peer.finish().first.map { isNothingButTheStream($0.text) } == true)
    }
    let prefixed =
      "<stream xmlns='http://etherx.jabber.org/streams' id='s' from='example.org' version='1.0'><features/>"
    let peer = try ScriptedPeer(.direct(try Certificates.server, prefixed) + [.silence])
    try Row(peer.way("direct", Certificates.trusted), command: "features").succeeds()
  }

  @Test(
    "A25: DIGEST-MD5 hashes names and passwords as RFC 2831 says, and once more in UTF-8 if that is refused",
    arguments: [
      ("jörg", "pässwörd", 2), ("jörg", "secret-7", 2), ("alice", "pässwörd", 2), ("пётр", "pässwörd", 2),
      ("пётр", "secret-7", 1), ("jörg", "пароль-7", 2), ("alice", "secret-7", 1),
    ])
  func encodings(user: String, password: String, tries: Int) throws {
    for hashesLatin in [true, false] {
      var scene = try LoginScene("DIGEST-MD5")
      scene.sasl = SASLServer(user: user, password: password)
      scene.sasl.hashesLatin = hashesLatin
      (scene.jid, scene.password) = ("\(user)@example.org", password)
      scene.after = LoginScene.binds(answer: LoginScene.bound("\(user)@example.org/here"))
      let expected = hashesLatin ? 1 : tries
      if expected == 2 { scene.earlier = { [sasl = scene.sasl] in _ = try sasl.serve($0) } }
      let started = try scene.start()
      let outcome = try started.program.finish(within: .seconds(20))
      let connections = try started.peer.finish()
      #expect(outcome.status == 0, "\(hashesLatin): \(outcome.error)")
      #expect(
        connections.count == expected && connections.allSatisfy { $0.text.matches(of: #/<auth /#).count == 1 }
      )
    }
  }

  @Test("A25: a wrong password is tried twice at most, and once if it is ASCII")
  func wrongPassword() throws {
    for (password, tries) in [("wröng", 2), ("wrong", 1)] {
      var scene = try LoginScene("DIGEST-MD5")
      scene.password = password
      if tries == 2 { scene.earlier = { [sasl = scene.sasl] in _ = try sasl.serve($0) } }
      let started = try scene.start()
      let outcome = try started.program.finish(within: .seconds(20))
      #expect(outcome.status == 77 && outcome.error.contains("not-authorized"), "\(outcome.error)")
      #expect(try started.peer.finish().count == tries)
    }
  }
}
