import Foundation
import TestSupport
import Testing

/// What connections, servers and consumers do to `listen`.
@Suite struct ListenRowsTests {
  private func end(_ scene: ListenScene, _ signal: Int32 = SIGTERM) throws -> Outcome {
    scene.program.signal(signal)
    return try scene.program.wait()
  }

  @Test("X10: nothing is read after a broken stanza")
  func broken() throws {
    let scene = try ListenScene(
      ["--json", "--no-reconnect"],
      .new {
        try $0.send(ListenScene.messages(1...2) + "<message><body></message>" + ListenScene.messages(3...4))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 76)
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    #expect(try scene.peer.finish().count == 1)
  }

  @Test("X11: bytes that come one by one make the same lines")
  func dribble() throws {
    let bytes = Array((ListenScene.messages(1...3) + ListenScene.request).utf8)
    let scene = try ListenScene(
      ["--json", "--count", "3"], .new(then: [.dribble(bytes, count: 1, seconds: 0), .silence]))
    let outcome = try scene.program.wait()
    #expect(try outcome.status == 0 && ListenScene.bodies(outcome.output) == ListenScene.texts(1...3))
    try scene.peer.finish()
  }

  @Test(
    "S4: a conflict, or without reconnecting any stream error, ends the run, though the socket stays open",
    arguments: [("conflict", "--json"), ("policy-violation", "--no-reconnect"), ("odd", "--no-reconnect")])
  func streamError(condition: String, option: String) throws {
    let scene = try ListenScene(
      ["--json", option == "--json" ? "--receipts" : option],
      .new { try $0.send(ListenScene.messages(1...1) + Dialogue.error(Dialogue.condition(condition))) })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 76 && outcome.error.contains(condition))
    #expect(try ListenScene.bodies(outcome.output) == ["text 1"])
    let connections = try scene.peer.finish()
    #expect(connections.count == 1 && connections[0].text.hasSuffix(Dialogue.end))
  }

  @Test("S6: a stanza between binding and <enabled/> has its line, and is not counted")
  func early() throws {
    let scene = try ListenScene(
      ["--json"],
      .raw { talk in
        try ListenScene.Part.bind(talk)
        try talk.send(ListenScene.messages(1...1))
        try ListenScene.Part.enable(talk)
        try talk.send(ListenScene.messages(2...2))
        try talk.awaitHandled(1)
      })
    try scene.program.awaitOutput("text 2")
    #expect(try ListenScene.bodies(end(scene).output) == ListenScene.texts(1...2))
    #expect(try !scene.peer.finish()[0].text.contains("h='2'"))
  }

  @Test(
    "S7: an acknowledgement of more than was sent is a protocol violation", arguments: ["9", "-1", "x", ""])
  func impossible(h: String) throws {
    let scene = try ListenScene(
      ["--json", "--no-reconnect"], .new { try $0.send("<a xmlns='urn:xmpp:sm:3' h='\(h)'/>") })
    #expect(try scene.program.wait().status == 76)
    #expect(try scene.peer.finish().count == 1)
  }

  @Test(
    "S12: a cut connection is resumed: nothing lost, nothing twice", arguments: ["reset", "end", "shutdown"])
  func resumed(way: String) throws {
    let ending: [ScriptedPeer.Step] =
      switch way {
      case "reset": [.reset]
      case "end": [.end]
      default: [.send(Dialogue.error(Dialogue.condition("system-shutdown")) + Dialogue.end), .close]
      }
    let scene = try ListenScene(
      ["--json", "--count", "5"],
      .new(then: ending) { talk in
        try talk.send(ListenScene.messages(1...2))
        try talk.awaitHandled(2)
      },
      .resumed(handled: 2) { talk in
        try talk.send(ListenScene.messages(3...5))
        try talk.await("h='5'")
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...5))
    #expect(try scene.peer.finish().count == 2)
  }

  @Test("S12: where the session is gone a new one is made, and what came meanwhile is asked of the archive")
  func replaced() throws {
    let scene = try ListenScene(
      ["--json", "--count", "4"],
      .new(then: [.end]) { talk in
        try talk.send(
          "<message from='alice@example.org/x'><body>text 1</body><stanza-id xmlns='urn:xmpp:sid:0' id='a1'"
            + " by='bob@example.org'/></message>")
        try talk.awaitHandled(1)
      },
      .raw { talk in
        try talk.await("<resume ")
        try talk.send(
          "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
        )
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        // By time: the first message, which has a line already, comes once more.
        try ListenRowsTests.page(talk, after: nil, ["a1": "text 1", "a2": "text 2"])
        try talk.await("<presence")
        // Live, but already known by the archive; and one that is new.
        try talk.send(
          ["text 3", "text 4"].map { "<message from='alice@example.org/x'><body>\($0)</body></message>" }
            .joined())
        try ListenRowsTests.page(talk, after: "a2", ["a3": "text 3"])
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...4))
    try scene.peer.finish()
  }

  /// Answers a question to the archive with one page, the last.
  static func page(_ talk: ScriptedPeer.Talk, after: String?, _ messages: [String: String]) throws {
    let question = try talk.await("urn:xmpp:mam:2")
    guard after.map({ question.contains("<after>\($0)</after>") }) ?? !question.contains("<after>"),
      let query = question.firstMatch(of: #/queryid='([^']*)'/#)?.1
    else {
      throw SupportFailure(
        "the archive is not asked for what follows \(after ?? "the beginning"): \(question)")
    }
    for (id, body) in messages.sorted(by: { $0.key < $1.key }) {
      try talk.send(
        "<message from='bob@example.org'><result xmlns='urn:xmpp:mam:2' id='\(id)' queryid='\(query)'>"
          + "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@example.org/x'>"
          + "<body>\(body)</body></message></forwarded></result></message>")
    }
    let last = (messages.keys.max() ?? after).map { "<last>\($0)</last>" } ?? ""
    try talk.send(
      "<iq type='result' id='\(LoginScene.id(of: question))' from='bob@example.org'><fin xmlns='urn:xmpp:mam:2'"
        + " complete='true'><set xmlns='http://jabber.org/protocol/rsm'>\(last)</set></fin></iq>"
    )
  }

  @Test(
    "D8: a half-open connection is found out by a ping, and the session resumed", arguments: [true, false])
  func halfOpen(managed: Bool) throws {
    let scene = try ListenScene(
      ["--json", "--count", "1", "--ping-interval", "0.4"],
      .new(managed: managed, then: [.expect(managed ? "<r " : "urn:xmpp:ping"), .silence]),
      managed
        ? .resumed(handled: 0) { try $0.send(ListenScene.messages(1...1)) }
        : .raw(managed: false) { talk in
          try ListenScene.Part.bind(talk)
          let question = try talk.await("urn:xmpp:mam:2")
          try talk.send("<iq type='error' id='\(LoginScene.id(of: question))'><error type='cancel'/></iq>")
          try talk.await("<presence")
          try talk.send(ListenScene.messages(1...1))
        })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0 && outcome.error.contains("ping"), "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test func withoutReconnectingTheFirstLossIsTheEnd() throws {
    let scene = try ListenScene(["--no-reconnect"], .new(then: [.end]))
    #expect(try scene.program.wait().status == 69)
    try scene.peer.finish()
  }

  @Test("C1: nothing raw in a line of text", arguments: ["--json", "--xml", "--type=message"])
  func raw(option: String) throws {
    let scene = try ListenScene(
      [option, "--count", "1"],
      .new {
        try $0.send("<message from='eve@example.net/x&#9;'><body>a&#13;&#10;b\(hostile)</body></message>")
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0 && outcome.output.contains("RED"))
    expectHarmless(outcome, separated: option == "--type=message")
    try scene.peer.finish()
  }

  @Test("C2: a reader that leaves ends it promptly, the stream closed")
  func head() throws {
    let peer = try ScriptedPeer(ListenScene.Part.new { try $0.send(ListenScene.messages(1...3)) }.script)
    let command = (try [Program.xmppctl.path, "listen"] + ListenScene.way(peer.port)).joined(separator: " ")
    let outcome = try Program("/bin/bash").run(
      ["-c", "set -o pipefail; \(command) | head -1"], environment: ListenScene.environment)
    #expect(outcome.status == 74 && outcome.output.contains("text 1"))
    #expect(try peer.finish()[0].text.hasSuffix(Dialogue.end))
  }

  @Test("C3: what a full disk did not take is never acknowledged")
  func full() throws {
    let scene = try ListenScene(
      ["--json"], output: "/dev/full",
      .new { try $0.send(ListenScene.messages(1...1) + ListenScene.request) })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 74)
    let sent = try scene.peer.finish()[0].text
    #expect(sent.contains("h='0'") && !sent.contains("h='1'") && sent.hasSuffix(Dialogue.end))
  }

  @Test("C6: a signal while it connects or waits to connect again", arguments: [SIGINT, SIGTERM])
  func signals(signal: Int32) throws {
    let silent = try LoopbackPort(.silent)
    let program = try Program.xmppctl.start(
      try ["listen"] + ListenScene.way(silent.port), environment: ListenScene.environment)
    try wait("it connects") { silent.accepted > 0 }
    program.signal(signal)
    #expect(try program.wait().status == 128 + signal)

    let scene = try ListenScene([], .new(then: [.end]))
    try scene.program.awaitError("connecting again")
    scene.program.signal(signal)
    #expect(try scene.program.wait().status == 128 + signal)
    try scene.peer.finish()
  }

  @Test("S12: with --state a session survives kill -9; only what could not be acknowledged comes twice")
  func state() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("session")
    let gate = Gate()
    let first = try ListenScene(
      ["--json", "--state", file],
      .new { talk in
        try talk.send(ListenScene.messages(1...3))
        try talk.awaitHandled(3)
        gate.open()
      })
    try first.program.awaitOutput("text 3")
    #expect(gate.wait())
    first.program.signal(SIGKILL)
    _ = try first.program.wait()
    try first.peer.finish()
    let facts = try FileManager.default.attributesOfItem(atPath: file)
    #expect(facts[.posixPermissions] as? Int == 0o600)
    #expect(try !String(contentsOfFile: file, encoding: .utf8).contains(ListenScene.password))

    let second = try ListenScene(
      ["--json", "--state", file, "--count", "2"],
      .resumed(handled: 3) { try $0.send(ListenScene.messages(4...5)) })
    let outcome = try second.program.wait()
    #expect(try outcome.status == 0 && ListenScene.bodies(outcome.output) == ListenScene.texts(4...5))
    let sent = try second.peer.finish()[0].text
    // Left open, for the next run.
    #expect(sent.contains("h='5'") && !sent.contains(Dialogue.end))
  }

  @Test func aStateFileOfAnotherAccountOrKindIsRefused() throws {
    let folder = try TemporaryFolder()
    for content in [
      "{\"jid\":\"eve@example.net/x\",\"id\":\"s\",\"handled\":0,\"acknowledged\":0,\"unacknowledged\":[]}",
      "{}", "no", "[1]",
    ] {
      let file = try folder.write("state", content)
      let outcome = try Program.xmppctl.run(
        try ["listen"] + ListenScene.way(1) + ["--state", file], environment: ListenScene.environment)
      #expect(outcome.status == 65, "\(outcome.error)")
    }
  }
}
