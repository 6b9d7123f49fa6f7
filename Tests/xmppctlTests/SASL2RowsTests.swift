import Foundation
import TestSupport
import Testing

/// The executable against what servers do in a login by SASL2 (XEP-0388) and Bind 2 (XEP-0386).
@Suite struct SASL2RowsTests {
  private static func identity(_ jid: String) -> String {
    "<authorization-identifier>\(jid)</authorization-identifier>"
  }

  private static let bound = "<bound xmlns='urn:xmpp:bind:0'/>"

  /// A login whose success carries these elements.
  private func scene(
    _ children: String = identity(LoginScene.fullJID) + bound, _ change: (inout LoginScene) -> Void = { _ in }
  ) throws -> LoginScene {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.sasl.bindsChannels = false
    scene.sasl.profile = .sasl2(children)
    scene.after = { try $0.send(Dialogue.features(LoginScene.bindFeature)) }
    change(&scene)
    return scene
  }

  @Test(
    "an honest server is logged in to and binds in the same exchange",
    arguments: SASLRowsTests.hashes + ["DIGEST-MD5", "PLAIN"], [true, false])
  func honest(mechanism: String, provesWithSuccess: Bool) throws {
    let login = try scene {
      $0.mechanisms = [mechanism]
      $0.sasl.provesWithSuccess = provesWithSuccess
    }.play()
    login.binds()
    #expect(login.requests == 0 && login.sent.matches(of: #/<stream:stream/#).count == 1)
    #expect(login.row["auth.sasl2"] == true && login.row["stages.1.stage"] == "authenticated")
    #expect(login.row["auth.server_authenticated"] == (mechanism != "PLAIN"))
  }

  @Test("an honest server is bound to by channel binding", arguments: SASLRowsTests.hashes)
  func channelBinding(mechanism: String) throws {
    let login = try scene {
      $0.mechanisms = [mechanism + "-PLUS", mechanism]
      $0.bindings = ["tls-exporter"]
      $0.sasl.bindsChannels = true
    }.play()
    login.binds()
    #expect(login.row["auth.channel_binding"] == "tls-exporter")
  }

  @Test("a server that logs in but does not bind is asked to bind; --no-sasl2 goes the older way")
  func notBound() throws {
    let login = try scene(SASL2RowsTests.identity("alice@example.org")) {
      $0.after = { talk in
        try talk.send(Dialogue.features(LoginScene.bindFeature))
        try talk.send(LoginScene.bound()(LoginScene.id(of: talk.element())))
      }
    }.play()
    login.binds()
    #expect(login.requests == 1)

    var classic = try LoginScene("SCRAM-SHA-256")
    classic.sasl.bindsChannels = false
    classic.options = ["--no-sasl2"]
    classic.otherFeatures =
      "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism></authentication>"
    let old = try classic.play()
    old.binds()
    #expect(old.row["auth.sasl2"] == false)
  }

  @Test("the kind of session is told, whichever way it is asked for")
  func session() throws {
    let enabled = "<enabled xmlns='urn:xmpp:sm:3' id='s' resume='true' max='60'/>"
    let inline = try scene(
      SASL2RowsTests.identity(LoginScene.fullJID) + "<bound xmlns='urn:xmpp:bind:0'>\(enabled)</bound>"
    ) {
      $0.inline =
        "<bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:sm:3'/></inline></bind>"
    }.play()
    inline.binds()
    #expect(inline.row["session.stream_management"] == "resumable")
    #expect(inline.row["session.resume_seconds"] == 60)
    for (answer, word) in [
      (enabled, "resumable"), ("<enabled xmlns='urn:xmpp:sm:3'/>", "enabled"),
      ("<failed xmlns='urn:xmpp:sm:3'/>", "refused"),
    ] {
      var classic = try LoginScene("PLAIN")
      classic.after = LoginScene.binds(
        "<sm xmlns='urn:xmpp:sm:3'/>",
        then: { talk in
          try talk.await("<enable ")
          try talk.send("<message from='alice@example.org'/>" + answer)
        })
      let login = try classic.play()
      login.binds()
      #expect(login.row["session.stream_management"] == word)
    }
  }

  @Test(
    "A17: a foreign authorization-identifier, a broken one or none is no login",
    arguments: [
      identity("mallory@example.org/here"), identity("alice@evil.test/here"), identity("example.org"),
      identity("alice@example.org@evil.test"), identity("Alice@example.org.evil.test/x"), identity(""),
      identity("@"), identity("a\u{301}lice@example.org/here"), identity("\(hostile)@example.org/here"), "",
      "<authorization-identifier xmlns='urn:other'>alice@example.org</authorization-identifier>",
    ])
  func foreignIdentity(identity: String) throws {
    let login = try scene(identity + SASL2RowsTests.bound).play()
    login.fails(77, "invalid-authzid")
  }

  @Test("A17: without a name of our own, the identity must still be of the domain")
  func foreignAnonymous() throws {
    for (jid, isOurs) in [("x@evil.test/y", false), ("8f2c@example.org/y", true)] {
      let login = try scene(SASL2RowsTests.identity(jid) + SASL2RowsTests.bound) {
        $0.mechanisms = ["ANONYMOUS"]
        $0.jid = "example.org"
      }.play()
      if isOurs { login.binds(jid) } else { login.fails(77, "invalid-authzid") }
    }
  }

  @Test("A17: a task after the login is none that is done", arguments: SASLRowsTests.hashes)
  func furtherTask(mechanism: String) throws {
    let login = try scene {
      $0.mechanisms = [mechanism]
      $0.sasl.instead = [
        1: "<continue xmlns='urn:xmpp:sasl:2'><tasks><task>UPGR-SCRAM-SHA-512</task></tasks></continue>"
      ]
    }.play()
    login.fails(77, "continue")
    #expect(login.row.message.contains("UPGR-SCRAM-SHA-512"))
  }

  @Test(
    "A1, A2: SASL2's success must carry the server's proof", arguments: SASLRowsTests.hashes + ["DIGEST-MD5"])
  func proof(mechanism: String) throws {
    let lies: [(@Sendable (String) -> String?, String)] = [
      ({ _ in nil }, "server-not-authenticated"), ({ _ in "v=AAAA" }, "server-signature"),
      ({ _ in "rspauth=00" }, "server-signature"),
    ]
    for (lie, condition) in lies {
      let login = try scene {
        $0.mechanisms = [mechanism]
        $0.sasl.changesProof = lie
      }.play()
      login.fails(77, condition)
      #expect(!login.row.has("auth.server_authenticated"))
    }
  }

  @Test("A3, A4, A5: the same holds for SASL2")
  func others() throws {
    let early = "<success xmlns='urn:xmpp:sasl:2'>\(SASL2RowsTests.identity(LoginScene.fullJID))</success>"
    try scene { $0.sasl.instead = [0: early] }.play().fails(76, "early-success")
    try scene { $0.sasl.changesFirst = { $0.replacing(#/^r=[^,]*/#, with: "r=x") } }.play()
      .fails(77, "scram-nonce")
    try scene { $0.sasl.iterations = 4095 }.play().fails(77, "scram-iterations")
  }

  @Test("the elements of the older profile are none of SASL2's")
  func olderElements() throws {
    for text in [
      "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
      "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>",
    ] {
      try scene { $0.sasl.instead = [0: text] }.play().fails(76, "unexpected-element", stage: "stream")
    }
  }

  @Test("A15: SASL2's failures have the conditions of RFC 6120")
  func conditions() throws {
    for condition in ["not-authorized", "temporary-auth-failure", "never-heard-of"] {
      let login = try scene { $0.sasl.instead = [0: $0.sasl.failure(condition, text: "why")] }.play()
      login.fails(77, condition)
      #expect(login.row.message.contains("why"))
    }
  }
}
