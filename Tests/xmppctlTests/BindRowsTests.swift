import Foundation
import TestSupport
import Testing

/// The executable against what servers do behind a login: binding, the old session, compression; and in every step,
/// servers that fall silent or leave.
@Suite struct BindRowsTests {
  /// A login by PLAIN, which takes the fewest steps, and what comes behind it.
  private func scene(
    _ after: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = LoginScene.binds(),
    _ change: (inout LoginScene) -> Void = { _ in }
  ) throws -> LoginScene {
    var scene = try LoginScene("PLAIN")
    scene.after = after
    change(&scene)
    return scene
  }

  @Test(
    "S5: the server's refusal to bind ends it with its condition",
    arguments: [
      "bad-request", "not-allowed", "conflict", "not-authorized", "resource-constraint", "never-heard-of",
    ])
  func refused(condition: String) throws {
    let stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
    let login = try scene(
      LoginScene.binds { id in
        "<iq type='error' id='\(id)'><error type='cancel'><\(condition) xmlns='\(stanzas)'/>"
          + "<text xmlns='\(stanzas)'>words \(hostile)</text></error></iq>"
      }
    ).play()
    login.failsBehindTheLogin(81, condition, stage: "bind")
    #expect(!login.row.has("jid") && login.requests == 1)
    #expect(login.row.message.contains("words \(hostile)"))
  }

  @Test("S5: an error without a condition is a refusal too")
  func refusedWithoutWords() throws {
    for error in ["", "<error/>", "<error><conflict xmlns='urn:other'/></error>"] {
      let login = try scene(LoginScene.binds { "<iq type='error' id='\($0)'>\(error)</iq>" }).play()
      login.failsBehindTheLogin(81, "undefined-condition", stage: "bind")
    }
  }

  @Test(
    "S5: a JID that is foreign, broken, bare or missing is a violation",
    arguments: [
      "mallory@example.org/here", "alice@evil.test/here", "alice@example.org", "example.org/here", "",
      "alice@example.org/", "@example.org/here", "alice@/here", "a\u{301}lice@example.org/here",
      "\(hostile)@example.org/here", "alice@example.org@evil.test/here",
    ])
  func foreignJID(jid: String) throws {
    let login = try scene(LoginScene.binds(answer: LoginScene.bound(jid))).play()
    login.failsBehindTheLogin(76, "invalid-jid", stage: "bind")
    #expect(!login.row.has("jid"))
  }

  @Test("S5: a result that names no JID is a violation")
  func noJID() throws {
    for result in [
      "", LoginScene.bindFeature, "<bind xmlns='urn:other'><jid>\(LoginScene.fullJID)</jid></bind>",
    ] {
      let login = try scene(LoginScene.binds { "<iq type='result' id='\($0)'>\(result)</iq>" }).play()
      login.failsBehindTheLogin(76, "invalid-jid", stage: "bind")
    }
  }

  @Test("S5: an answer with another id, or of another kind, is none")
  func otherAnswer() throws {
    let answers: [@Sendable (String) -> String] = [
      { LoginScene.bound()($0 + "x") }, { _ in LoginScene.bound()("") },
      { LoginScene.bound()($0).replacing("result", with: "set") },
      { LoginScene.bound()($0).replacing("iq", with: "message") },
      { _ in "<iq type='result'/>" },
    ]
    for answer in answers {
      let login = try scene(LoginScene.binds(answer: answer)).play()
      login.failsBehindTheLogin(76, "unexpected-element", stage: "stream")
    }
  }

  @Test("S5: a server that does not offer to bind is not asked to")
  func notOffered() throws {
    let login = try scene { talk in
      try talk.header()
      try talk.send(Dialogue.header() + Dialogue.features(""))
    }.play()
    login.failsBehindTheLogin(81, "bind-missing", stage: "bind")
    #expect(login.requests == 0)
  }

  @Test("A14: a login offered again behind the login is not taken up")
  func offeredAgain() throws {
    let login = try scene(LoginScene.binds(Dialogue.plain)).play()
    login.binds()
    #expect(login.tries == 1)
  }

  @Test(
    "SASL in place of the stream behind the login is a violation",
    arguments: [
      "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
      "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
      "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>",
    ])
  func saslAgain(text: String) throws {
    for before in ["", Dialogue.header()] {
      let login = try scene { talk in
        try talk.header()
        try talk.send(before + text)
      }.play()
      #expect(login.row.outcome.status == 76 && login.row["error.stage"] == "stream")
      #expect(login.tries == 1 && login.requests == 0)
    }
  }

  @Test("the server's word counts for the resource, and for how the address is spelled")
  func otherResource() throws {
    for (jid, bound) in [
      ("alice@example.org/another", "alice@example.org/another"),
      ("ALICE@Example.ORG/R", "alice@example.org/R"),
      ("alice@example.org/a@b/c", "alice@example.org/a@b/c"),
    ] {
      let login = try scene(LoginScene.binds(answer: LoginScene.bound(jid))) {
        $0.options = ["--resource", "wish"]
      }.play()
      login.binds(bound)
      #expect(login.sent.contains("<resource>wish</resource>"))
    }
  }

  @Test(
    "I10: addresses no server would take are found out before anything is sent",
    arguments: [
      "@example.org", "alice@", "alice@exa mple.org", "\(String(repeating: "a", count: 1024))@example.org",
      "alice@example.org/", "alice@example.org/\(String(repeating: "r", count: 1024))", "al<ice@example.org",
      "alice@xn--a.example", "alice@b@example.org", "al\u{202E}ice@example.org", "alice@-.example",
    ])
  func badAddress(jid: String) throws {
    let outcome = try Program.xmppctl.run(["bind", "--connect-to", "127.0.0.1:1", "--jid", jid])
    #expect(outcome.status == 65, "\(outcome.error)")
    #expect(outcome.output.isEmpty && outcome.error.hasPrefix("xmppctl: bind: input: "))
    expectHarmless(outcome)
  }

  @Test("I10: what follows the first slash is the resource, whatever is in it")
  func splitAtTheSlash() throws {
    let login = try scene(LoginScene.binds()) { $0.jid = "alice@example.org/b/c@d" }.play()
    login.binds()
    #expect(login.sent.contains("<resource>b/c@d</resource>"))
  }

  // MARK: The session of RFC 3921

  private static let session = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>"

  @Test("the session of RFC 3921 is started once where it is required, and not where it is optional")
  func session() throws {
    let login = try scene(
      LoginScene.binds(
        BindRowsTests.session,
        then: { talk in try talk.send("<iq type='result' id='\(LoginScene.id(of: talk.element()))'/>") })
    ).play()
    login.binds()
    #expect(login.requests == 2 && login.sent.matches(of: #/<session /#).count == 1)

    let optional = BindRowsTests.session.replacing("/>", with: "><optional/></session>")
    let without = try scene(LoginScene.binds(optional)).play()
    without.binds()
    #expect(without.requests == 1)
  }

  @Test("a session refused is a failure to bind")
  func sessionRefused() throws {
    let login = try scene(
      LoginScene.binds(
        BindRowsTests.session,
        then: { talk in try talk.send("<iq type='error' id='\(LoginScene.id(of: talk.element()))'/>") })
    ).play()
    login.failsBehindTheLogin(81, "session-refused", stage: "bind")
  }

  // MARK: Compression

  private static let compression =
    "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
  private static let compressed = "<compressed xmlns='http://jabber.org/protocol/compress'/>"

  /// Answers the request for compression.
  private func compresses(
    _ answer: String, then: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = { _ in }
  ) throws -> LoginScene {
    try scene {
      try $0.header()
      try $0.send(Dialogue.header() + Dialogue.features(LoginScene.bindFeature + BindRowsTests.compression))
      let request = try $0.element()
      guard request.contains("<method>zlib</method>") else { throw SupportFailure(request) }
      try $0.send(answer)
      try then($0)
    } _: {
      $0.options = ["--compress"]
    }
  }

  @Test(
    "compression refused ends it with the server's condition",
    arguments: [
      "setup-failed", "unsupported-method", "never-heard-of",
    ])
  func compressionRefused(condition: String) throws {
    let failure = "<failure xmlns='http://jabber.org/protocol/compress'><\(condition)/></failure>"
    try compresses(failure).play().failsBehindTheLogin(76, condition, stage: "stream")
  }

  @Test(
    "another answer to compression, or more than one, is a violation",
    arguments: [
      "<compressed/>", "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", compressed + " ",
      compressed + Dialogue.header() + Dialogue.features(LoginScene.bindFeature), compressed + compressed,
    ])
  func compressionOddly(answer: String) throws {
    try compresses(answer).play().failsBehindTheLogin(76, "unexpected-element", stage: "stream")
  }

  @Test("compression is not asked for by itself")
  func noCompression() throws {
    let login = try scene(LoginScene.binds(BindRowsTests.compression)).play()
    login.binds()
    #expect(!login.sent.contains("<compress") && !login.row.has("compression"))
  }

  /// A server that goes on with these bytes where zlib is agreed on, as long as the client stays.
  private func inflates(_ bytes: [UInt8], thenForEver repeated: [UInt8] = []) throws -> LoginScene {
    try compresses(BindRowsTests.compressed) { talk in
      // The client's first compressed byte, its header, is there before anything is sent.
      try talk.bytes(1)
      try? talk.send(bytes)
      while !repeated.isEmpty, (try? talk.send(repeated)) != nil {}
    }
  }

  @Test("X16: text that grows out of proportion is refused, within a fixed amount of memory")
  func bomb() throws {
    let spaces = [UInt8](repeating: UInt8(ascii: " "), count: 64 << 20)
    for opening in ["", Dialogue.header() + "<stream:features><x xmlns='y'>"] {
      var scene = try inflates(ZlibStream.compressed(Array(opening.utf8) + spaces))
      scene.mostMemory = 48 << 20
      try scene.play().failsBehindTheLogin(76, "policy-violation", stage: "stream")
    }
  }

  @Test("a zlib stream that ends is read to its end, and nothing behind it is")
  func endOfStream() throws {
    let error = Dialogue.error(Dialogue.condition("system-shutdown"))
    for (text, status, condition) in [
      (Dialogue.header() + error + Dialogue.end, 76, "system-shutdown"),
      (Dialogue.header() + Dialogue.features(LoginScene.bindFeature), 69, "connection-closed"),
      (Dialogue.header(), 69, "connection-closed"),
    ] as [(String, Int32, String)] {
      let more = ZlibStream.compressed(Array(Dialogue.features(LoginScene.bindFeature).utf8))
      let login = try inflates(ZlibStream.compressed(Array(text.utf8)) + more).play()
      login.failsBehindTheLogin(status, condition, stage: "stream")
    }
  }

  @Test("what is no zlib stream is broken XML")
  func noZlib() throws {
    let text = Array((Dialogue.header() + Dialogue.features(LoginScene.bindFeature)).utf8)
    try inflates(text).play().failsBehindTheLogin(76, "invalid-xml", stage: "stream")
  }

  @Test("S10: endless blocks with nothing in them do not put off the deadline, nor a signal")
  func emptyBlocks() throws {
    let blocks = [[UInt8]](repeating: ZlibStream.emptyBlock, count: 10_000).flatMap { $0 }
    var scene = try inflates(ZlibStream.start, thenForEver: blocks)
    scene.options += ["--max-time", "2"]
    let login = try scene.play()
    login.failsBehindTheLogin(75, "max-time", stage: "timeout")

    let started = try inflates(ZlibStream.start, thenForEver: blocks).start()
    try wait("the compressed stream is open") {
      (try? started.folder.read("trace"))?.contains(BindRowsTests.compressed) == true
    }
    started.program.signal(SIGTERM)
    #expect(try started.finish().row.outcome.status == 143)
  }

  @Test("S10: endless white space does not put off the deadline, nor a signal")
  func whiteSpace() throws {
    let spaces = [UInt8](repeating: UInt8(ascii: " "), count: 64 << 10)
    let floods: @Sendable (ScriptedPeer.Talk) throws -> Void = { talk in
      try talk.header()
      try talk.send(Dialogue.header())
      while (try? talk.send(spaces)) != nil {}
    }
    let limited = try scene(floods) { $0.options = ["--max-time", "2"] }.play()
    limited.failsBehindTheLogin(75, "max-time", stage: "timeout")
    let started = try scene(floods).start()
    try wait("the flood has come") { (try? started.folder.read("trace"))?.contains("<success") == true }
    started.program.signal(SIGTERM)
    #expect(try started.finish().row.outcome.status == 143)
  }

  // MARK: Servers that fall silent or leave

  /// Logins that end after so many of the server's moves, from the features on.
  private func cutOff(_ ending: [ScriptedPeer.Step], options: [String]) throws -> [(String, LoginScene)] {
    var scenes: [(String, LoginScene)] = []
    for element in 0...1 {
      var scene = try LoginScene("SCRAM-SHA-256")
      scene.sasl.bindsChannels = false
      scene.sasl.instead = [element: ""]
      scenes.append(("element \(element)", scene))
    }
    let parts: [(String, @Sendable (ScriptedPeer.Talk) throws -> Void)] = [
      ("no header", { try $0.header() }),
      (
        "no features",
        {
          try $0.header()
          try $0.send(Dialogue.header())
        }
      ), ("no answer to binding", LoginScene.binds { _ in "" }),
      ("no answer to session", LoginScene.binds(BindRowsTests.session, then: { _ = try $0.element() })),
    ]
    for (name, part) in parts { scenes.append((name, try scene(part))) }
    scenes.append(("no answer to compression", try compresses("")))
    scenes.append(("nothing compressed", try inflates([])))
    return scenes.map { name, scene in
      var scene = scene
      scene.ending = ending
      scene.options += options
      return (name, scene)
    }
  }

  @Test(
    "S10: a server that falls silent in any step of a login is waited for until --max-time, and no longer")
  func silent() throws {
    let started = try cutOff([.silence], options: ["--max-time", "4"]).map { ($0, try $1.start()) }
    for (name, login) in started {
      let row = try login.finish().row
      #expect(
        row.outcome.status == 75 && row["error.condition"] == "max-time", "\(name): \(row.outcome.error)")
      #expect(row.outcome.duration < .seconds(10), "\(name)")
    }
  }

  @Test("D9: a server that leaves in any step of a login is a lost connection")
  func leaving() throws {
    for ending in [[ScriptedPeer.Step.reset], [.end], [.close]] {
      for (name, scene) in try cutOff(ending, options: []) {
        let row = try scene.play().row
        #expect(row.outcome.status == 69, "\(name), \(ending): \(row.outcome.error)")
      }
    }
  }
}
