import Foundation
import TestSupport
import Testing
import XMPP

/// `send` to servers that follow a script: stream management gone wrong, silence, and ends at every step.
@Suite struct SendRowsTests {
  private static let sm = "<sm xmlns='urn:xmpp:sm:3'/>"
  private static let enabled = "<enabled xmlns='urn:xmpp:sm:3'/>"

  /// A run of `send` to a server that does this behind binding, and what the server got.
  private func run(
    _ features: String = sm, _ options: [String] = ["-m", "hi", "--id", "m1", "bob@example.org"],
    input: String = "",
    output: String? = nil, limit: String = "10", ending: ScriptedPeer.Step = .silence,
    _ then: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void
  ) throws -> (outcome: Outcome, sent: String) {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = "send"
    scene.sasl.bindsChannels = false
    scene.after = LoginScene.binds(features, then: then)
    scene.options = options + ["--max-time", limit]
    scene.ending = [ending]
    let started = try scene.start()
    let outcome = try started.program.finish(input, within: .seconds(30))
    return (outcome, try started.peer.finish().first?.text ?? "")
  }

  private static func acknowledge(_ h: String) -> String { "<a xmlns='urn:xmpp:sm:3' h='\(h)'/>" }

  /// Reads up to the request for acknowledgement: `<enable/>`, the stanza, the ping, `<r/>`. Gives the ping's id.
  private static func flight(_ talk: ScriptedPeer.Talk) throws -> String {
    _ = try talk.element()
    _ = try talk.element()
    let ping = LoginScene.id(of: try talk.element())
    _ = try talk.element()
    return ping
  }

  private static func pong(_ id: String) -> String { "<iq type='result' id='\(id)' from='example.org'/>" }

  private func expectUnconfirmed(
    _ outcome: Outcome, _ status: XMPP.ExitStatus, _ words: String,
    at place: SourceLocation = #_sourceLocation
  ) throws {
    expectHarmless(outcome, at: place)
    #expect(outcome.status == status.rawValue, "\(outcome.error)", sourceLocation: place)
    #expect(try outcome.statuses == ["m1": "unconfirmed"], "\(outcome.output)", sourceLocation: place)
    #expect(
      outcome.error.contains("unconfirmed: m1 to bob@example.org\n"), "\(outcome.error)",
      sourceLocation: place)
    #expect(outcome.error.contains(words), "\(outcome.error)", sourceLocation: place)
  }

  @Test("S6: a stanza before <enabled/> is dealt with and not counted")
  func beforeEnabled() throws {
    let (outcome, sent) = try run { talk in
      let ping = try SendRowsTests.flight(talk)
      try talk.send(
        "<message from='eve@example.org' id='x'><body>early</body></message>" + SendRowsTests.enabled)
      try talk.send(
        "<message from='eve@example.org' id='y'><body>counted</body></message><r xmlns='urn:xmpp:sm:3'/>")
      _ = try talk.element()
      try talk.send(SendRowsTests.pong(ping) + SendRowsTests.acknowledge("2"))
    }
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.statuses == ["m1": "acknowledged"])
    #expect(
      sent.contains("<a xmlns='urn:xmpp:sm:3' h='2'/></stream:stream>"),
      "the message behind it and the pong: \(sent)")
  }

  @Test(
    "S7: an h that cannot be is a protocol violation",
    arguments: ["3", "4294967295", "-1", "x", "", "4294967296"])
  func badCount(h: String) throws {
    let (outcome, _) = try run { talk in
      let ping = try SendRowsTests.flight(talk)
      try talk.send(SendRowsTests.enabled + SendRowsTests.pong(ping) + SendRowsTests.acknowledge(h))
    }
    try expectUnconfirmed(outcome, .protocolViolation, "stream management")
  }

  @Test(
    "S8: a server that never acknowledges, and one that never answers, meet the deadline",
    arguments: [sm, ""])
  func silence(features: String) throws {
    let (outcome, sent) = try run(features, limit: "2") { talk in
      if !features.isEmpty { try talk.send(SendRowsTests.enabled) }
    }
    try expectUnconfirmed(outcome, .timeout, "while waiting for confirmation")
    #expect(sent.matches(of: #/<message /#).count == 1)
  }

  @Test("S8: an acknowledgement is enough where the ping stays unanswered; an error is an answer to a ping")
  func halfSilence() throws {
    let (acknowledged, _) = try run { talk in
      _ = try SendRowsTests.flight(talk)
      try talk.send(SendRowsTests.enabled + SendRowsTests.acknowledge("2"))
    }
    #expect(acknowledged.status == 0, "\(acknowledged.error)")
    let (answered, sent) = try run("") { talk in
      _ = try talk.element()
      let ping = LoginScene.id(of: try talk.element())
      try talk.send(
        "<iq type='error' id='\(ping)' from='example.org'><error type='cancel'>"
          + "<feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
    }
    #expect(answered.status == 0, "\(answered.error)")
    #expect(!sent.contains("urn:xmpp:sm:3"), "what is not offered is not asked for")
  }

  @Test(
    "S9, D9: a connection that ends between sending and acknowledgement is status 69",
    arguments: [true, false])
  func dies(resets: Bool) throws {
    let (outcome, _) = try run(ending: resets ? .reset : .close) { talk in
      _ = try SendRowsTests.flight(talk)
      try talk.send(SendRowsTests.enabled)
    }
    try expectUnconfirmed(outcome, .noConnection, "xmppctl: send: ")
  }

  @Test("I3: a bounce, a pong and an answer from the wrong address change nothing")
  func strangers() throws {
    let (outcome, _) = try run { talk in
      let ping = try SendRowsTests.flight(talk)
      let error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
      try talk.send(SendRowsTests.enabled)
      for from in ["eve@example.org", "evil.org", "bob@example.org.evil"] {
        try talk.send("<message type='error' id='m1' from='\(from)'>\(error)</message>")
        try talk.send("<iq type='result' id='\(ping)' from='\(from)'/>")
      }
      try talk.send(SendRowsTests.pong(ping) + SendRowsTests.acknowledge("2"))
    }
    #expect(outcome.status == 0, "\(outcome.error)")
  }

  @Test("a room that was not there is taken away again, also by a server that is late to read that")
  func newRoom() throws {
    let options = ["--room", "--nick", "bot", "-m", "hi", "den@rooms.example.org"]
    let (outcome, sent) = try run("", options, ending: .close) { talk in
      try talk.letIntoNewRoom()
      try talk.remainBusy()
      try talk.await("<destroy/>")
    }
    #expect(outcome.status == 1 && outcome.error.contains("did not exist"), "\(outcome.error)")
    #expect(sent.hasSuffix(Dialogue.end))
  }

  @Test("a stanza above the server's limit is not sent (XEP-0478)")
  func limit() throws {
    let limits = "<limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>300</max-bytes></limits>"
    let long = String(repeating: "x", count: 300)
    for keepsGoing in [false, true] {
      let (outcome, sent) = try run(
        limits, ["--lines", "--type", "normal", "bob@example.org"] + (keepsGoing ? ["--keep-going"] : []),
        input: "one\n\(long)\nthree\n"
      ) { talk in
        while true {
          let element = try talk.element()
          if element.hasPrefix("<iq") { try talk.send(SendRowsTests.pong(LoginScene.id(of: element))) }
          if element.hasPrefix("</") { return }
        }
      }
      #expect(outcome.status == 65, "\(outcome.error)")
      #expect(outcome.error.contains("larger than the 300 bytes the server takes"), "\(outcome.error)")
      #expect(!sent.contains(long) && sent.contains("<body>one</body>"))
      #expect(sent.contains("<body>three</body>") == keepsGoing)
    }
  }

  @Test("a lost connection is resumed, and what was not acknowledged is sent again, once")
  func resumes() throws {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.sasl.bindsChannels = false
    let (sasl, server) = (scene.sasl, scene.tls)
    let features =
      "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>"
    @Sendable func login(_ then: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void) -> [ScriptedPeer
      .Step]
    {
      [
        .tls(server), .expectHeader, .send(Dialogue.header() + Dialogue.features(features)),
        .talk { talk in if try sasl.serve(talk) { try then(talk) } },
      ]
    }
    let first = login(
      LoginScene.binds(
        SendRowsTests.sm,
        then: { talk in
          _ = try talk.element()
          try talk.send("<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true'/>")
          for _ in 0..<5 { _ = try talk.element() }
          try talk.send(SendRowsTests.acknowledge("1"))
        }))
    let second = login { talk in
      try talk.header()
      try talk.send(Dialogue.header() + Dialogue.features(LoginScene.bindFeature + SendRowsTests.sm))
      let resume = try talk.element()
      guard resume.contains("previd='s1'") else { throw SupportFailure("no resumption: \(resume)") }
      try talk.send("<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='2'/>")
      // The third message, and the ping behind it.
      guard try talk.element().contains("<body>three</body>") else { throw SupportFailure("not the third") }
      let ping = LoginScene.id(of: try talk.element())
      try talk.send(SendRowsTests.pong(ping) + SendRowsTests.acknowledge("4"))
    }
    let peer = try ScriptedPeer(scripts: [first + [.reset], second + [.silence]])
    let folder = try TemporaryFolder()
    let outcome = try Program.xmppctl.run(
      [
        "send", "--json", "--lines", "--jid", scene.jid, "--connect-to", "127.0.0.1:\(peer.port)", "--tls",
        "direct",
      ]
        + ["--max-time", "20", "bob@example.org"] + (try Certificates.trusted),
      input: "one\ntwo\nthree\n", environment: ["XMPPCTL_PASSWORD": LoginScene.password], folder: folder)
    let connections = try peer.finish()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.results.map { $0["status"] } == ["acknowledged", "acknowledged", "acknowledged"])
    #expect(connections.count == 2)
    #expect(connections[1].text.matches(of: #/<message /#).count == 1)
    #expect(outcome.error.contains("; trying again\n"))
  }

  // MARK: Input and output

  @Test(
    "X13: what XML cannot carry is refused before a connection is made",
    arguments: [
      (["bob@example.org"], "a\u{1B}b", "the message has U+001B at offset 1"),
      (["bob@example.org"], "a\0", "the message has U+0000 at offset 1"),
      (["--lines", "bob@example.org"], "ok\nb\u{FFFF}\n", "line 2 has U+FFFF at offset 1"),
      (
        ["--ndjson"],
        "{\"to\":\"bob@example.org\",\"body\":\"ok\"}\n{\"to\":\"bob@example.org\",\"body\":\"\\u0001\"}",
        "line 2 "
      ),
      (["--ndjson"], "{\"to\":\"bob@example.org\"", "line 1 is not a JSON object"),
      (["--ndjson"], "{\"body\":\"for nobody\"}", "line 1: no recipient"),
      (["--xml"], "<message to='bob@example.org'/><message>", "stanza 2 of the input cannot be read"),
      (
        ["--xml"], "<message xmlns='jabber:server'/>", "element 1 of the input, <message/> in “jabber:server”"
      ),
      (["bob@example.org"], "", "the message is empty"),
      (["-m", "\u{7}", "bob@example.org"], "", "the message has U+0007"),
      (["--subject", "\u{7}", "bob@example.org"], "x", "--subject has U+0007"),
      (["--id", "\u{7}", "bob@example.org"], "x", "--id has U+0007"),
    ])
  func badInput(options: [String], input: String, words: String) throws {
    let peer = try ScriptedPeer(scripts: [])
    let outcome = try Program.xmppctl.run(
      ["send", "--jid", "alice@example.org", "--connect-to", "127.0.0.1:\(peer.port)"] + options,
      input: input,
      environment: ["XMPPCTL_PASSWORD": "x"])
    #expect(outcome.status == 65, "\(outcome.error)")
    #expect(outcome.error.hasPrefix("xmppctl: send: input: \(words)"), "\(outcome.error)")
    #expect(try peer.finish().isEmpty)
  }

  @Test("X13: bad UTF-8 in an argument and in stdin, and U+FFFD in its place where that is wanted")
  func badEncoding() throws {
    let shell =
      "send() { \"$1\" send --jid a@example.org -k --connect-to 127.0.0.1:1 --tls direct $2 b@example.org; }; "
    func status(_ script: String, at place: SourceLocation = #_sourceLocation) throws -> Outcome {
      try Program("/bin/bash").run(
        ["-c", shell + script, "sh", Program.xmppctl.path],
        environment: ["XMPPCTL_PASSWORD": "x", "LC_ALL": "C"])
    }
    let argument = try status("send \"$1\" $'--message=\\xff'")
    #expect(
      argument.status == 65 && argument.error.contains("is not UTF-8: byte 0xFF at offset 10"),
      "\(argument.error)")
    let stdin = try status("printf 'ab\\377' | send \"$1\"")
    #expect(
      stdin.status == 65 && stdin.error.contains("the message is not UTF-8: byte 0xFF at offset 2"),
      "\(stdin.error)")
    let replaced = try status("printf 'ab\\377' | send \"$1\" --replace-invalid")
    #expect(replaced.status == 69, "only the connection is missing: \(replaced.error)")
  }

  @Test("a bad line of a long input ends it there; --keep-going passes over it")
  func keepGoing() throws {
    let scene = try SendScene()
    let filler = String(repeating: "x", count: 100_000)
    let lines = (0..<12).map {
      "{\"to\":\"\(scene.to)\",\"type\":\"headline\",\"id\":\"k\($0)\",\"body\":\"\(filler)\"}\n"
    }
    let input = lines.joined() + "{bad}\n" + "{\"to\":\"\(scene.to)\",\"id\":\"last\",\"body\":\"x\"}\n"
    let strict = try scene.send("--ndjson", "--json", input: input)
    #expect(strict.status == 65 && strict.error.contains("line 13 is not a JSON object"), "\(strict.error)")
    #expect(strict.error.contains("; nothing behind it was sent"))
    #expect(try strict.results.map { $0["status"] } == Array(repeating: "acknowledged", count: 12))
    let lenient = try scene.send("--ndjson", "--json", "--keep-going", input: input)
    #expect(
      lenient.status == 65 && lenient.error.contains("line 13 is not a JSON object"), "\(lenient.error)")
    #expect(try lenient.results.count == 13)
    #expect(try lenient.results.last?["id"] == "last")
  }

  @Test("a pipe that stays open delays nothing: its lines are sent as they come")
  func slowPipe() throws {
    let scene = try SendScene()
    let program = try Program.xmppctl.start(
      scene.arguments(["--lines", "--json", scene.to]), environment: SendScene.environment)
    for number in 1...3 {
      try program.write("line \(number)\n")
      #expect(try program.line()?.contains("acknowledged") == true)
      #expect(try scene.receiver.messages(number).last?.body == "line \(number)")
    }
    let outcome = try program.finish()
    #expect(outcome.status == 0, "\(outcome.error)")
  }

  @Test("C3: a full disk is status 74, and every id has been told of on stderr")
  func full() throws {
    let scene = try SendScene()
    let outcome = try Program.xmppctl.run(
      scene.arguments(["--lines", "--json", scene.to]), input: "a\nb\n", environment: SendScene.environment,
      output: "/dev/full")
    #expect(outcome.status == 74, "\(outcome.error)")
    #expect(
      outcome.error.contains("xmppctl: send: output: stdout: No space left on device"), "\(outcome.error)")
    #expect(try scene.receiver.messages(2).count == 2)
  }

  @Test("C2: | head -1 ends promptly, and a reader that sleeps cannot outlast the deadline")
  func head() throws {
    let scene = try SendScene()
    let lines = String(repeating: "x\n", count: 3000)
    func shell(_ reader: String, _ seconds: Int) throws -> Outcome {
      let arguments = scene.arguments(["--lines", "--json", "--type", "headline", scene.to], within: seconds)
      return try Program("/bin/bash").run(
        ["-c", "{ \"$@\"; echo $? >&2; } | \(reader)", "sh", Program.xmppctl.path] + arguments, input: lines,
        environment: SendScene.environment)
    }
    let head = try shell("head -1", 60)
    #expect(
      head.output.filter { $0 == "\n" }.count == 1 && head.error.hasSuffix("74\n"),
      "\(head.error.suffix(300))")
    #expect(head.duration < .seconds(20))
    let asleep = try shell("sleep 12", 3)
    #expect(asleep.error.hasSuffix("75\n"), "\(asleep.error.suffix(300))")
  }

  @Test(
    "what makes no sense together is a usage error",
    arguments: [
      ["-m", "x"], ["--lines", "--xml", "a@b"], ["--lines", "-m", "x", "a@b"], ["--room", "a@b", "a@b/c"],
      ["--nick", "n", "a@b"], ["--room-password-file", "p", "a@b"], ["--id", "", "a@b"],
      ["--id", "i", "a@b", "c@d"], ["--id", "i", "--lines", "a@b"], ["--type", "error", "a@b"],
      ["--room", "--confirm", "receipt", "a@b"], ["-m", "x", "-m", "y", "a@b"],
    ])
  func usage(options: [String]) throws {
    let outcome = try Program.xmppctl.run(["send", "--jid", "alice@example.org"] + options)
    #expect(outcome.status == 64, "\(outcome.error)")
  }
}
