import Foundation
import TestSupport
import Testing

@Suite struct ListenTests {
  @Test("C4: one message is there at once, acknowledged once its line is written, in each form")
  func forms() throws {
    for (option, line) in [
      ("--json", "\"body\":\"text 1\""), ("--xml", "<body>text 1</body></message>"),
      ("--carbons", "\talice@example.org/x\tchat\ttext 1"),
    ] {
      let scene = try ListenScene(
        [option],
        .new { talk in
          try talk.send(ListenScene.messages(1...1))
          try talk.awaitHandled(1)
        })
      let first = try #require(try scene.program.line())
      #expect(first.contains(line))
      scene.program.signal(SIGTERM)
      let outcome = try scene.program.wait()
      #expect(outcome.status == 143)
      expectHarmless(outcome, separated: option == "--carbons")
      #expect(try scene.peer.finish()[0].text.hasSuffix(Dialogue.end))
    }
  }

  @Test func whatIsCountedTimedAndIdleEndsAsPromised() throws {
    for (options, status, lines) in [
      (["--count", "2"], 0, 2), (["--max-time", "1"], 0, 3), (["--idle", "0.5"], 0, 3),
      (["--count", "4", "--max-time", "1"], 75, 3), (["--count", "3", "--idle", "5"], 0, 3),
    ] {
      let scene = try ListenScene(
        ["--json"] + options, .new { try $0.send(ListenScene.messages(1...3)) })
      let outcome = try scene.program.wait()
      #expect(outcome.status == Int32(status), "\(options) \(outcome.error)")
      #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...lines))
      let sent = try scene.peer.finish()[0].text
      #expect(sent.contains("h='\(lines)'") && sent.hasSuffix(Dialogue.end))
    }
  }

  @Test func nothingComingIsATimeout() throws {
    let scene = try ListenScene(["--count", "1", "--max-time", "1"], .new())
    let outcome = try scene.program.wait()
    #expect(outcome.status == 75 && outcome.output.isEmpty && outcome.error.contains("0 of 1 lines"))
    try scene.peer.finish()
  }

  @Test func filtersChooseAndWhatTheyLeaveOutIsHandledToo() throws {
    let stanzas =
      "<presence from='eve@example.net/a'/><message from='alice@example.org/y' type='headline'><body>h</body></message>"
      + "<message from='alice@example.org/x' type='chat'><body>c</body><x xmlns='urn:x'/></message>"
      + "<message from='eve@example.net/a'><body>n</body></message>"
    for (options, bodies) in [
      (["--type", "message"], ["h", "c", "n"]), (["--type", "presence"], ["-"]),
      (["--type", "chat", "--type", "headline"], ["h", "c"]), (["--from", "example.net"], ["-", "n"]),
      (["--from", "alice@example.org"], ["h", "c"]), (["--from", "ALICE@example.org/y"], ["h"]),
      (["--namespace", "urn:x"], ["c"]), (["--namespace", "urn:x", "--type", "normal"], []),
    ] {
      let scene = try ListenScene(
        ["--json", "--idle", "0.4"] + options,
        .new { talk in
          try talk.send(stanzas)
          try talk.awaitHandled(4)
        })
      let outcome = try scene.program.wait()
      #expect(try ListenScene.bodies(outcome.output) == bodies, "\(options)")
      try scene.peer.finish()
    }
  }

  @Test("I11: requests are answered, known ones and unknown, and a receipt follows the line")
  func manners() throws {
    let scene = try ListenScene(
      ["--json", "--receipts"],
      .new { talk in
        for (payload, answer) in [
          ("<ping xmlns='urn:xmpp:ping'/>", "type='result'"),
          ("<query xmlns='http://jabber.org/protocol/disco#info'/>", "type='bot'"),
          ("<query xmlns='jabber:iq:version'/>", "service-unavailable"),
          ("<command xmlns='http://jabber.org/protocol/commands' node='x'/>", "service-unavailable"),
        ] {
          try talk.send("<iq type='get' id='q1' from='eve@example.net/x'>\(payload)</iq>")
          let found = try talk.await("<iq ")
          guard found.contains(answer), found.contains("to='eve@example.net/x'"), found.contains("id='q1'")
          else { throw SupportFailure("\(payload) was answered with \(found)") }
        }
        try talk.send("<iq type='get' id='p' from='example.org'><ping xmlns='urn:xmpp:ping'/></iq>")
        try talk.await("id='p'")
        try talk.send(
          "<message from='alice@example.org/x' id='m1' type='chat'><body>text 1</body>"
            + "<request xmlns='urn:xmpp:receipts'/></message>")
        try talk.await("<received xmlns='urn:xmpp:receipts' id='m1'/>")
        try talk.awaitHandled(6)
      })
    try scene.program.awaitOutput("text 1")
    scene.program.signal(SIGINT)
    let outcome = try scene.program.wait()
    #expect(outcome.status == 130)
    // The server's own ping is nobody's line; a stranger's requests are.
    #expect(outcome.output.split(separator: "\n").count == 5)
    try scene.peer.finish()
  }

  @Test("I1, I5: what pretends to be ours is printed as the message it is")
  func forgeries() throws {
    let inner =
      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@example.org/x'>"
      + "<body>forged</body></message></forwarded>"
    let scene = try ListenScene(
      ["--json", "--carbons"],
      .new { talk in
        for from in ["eve@example.net/x", "bob@example.net", "example.org", "bob@example.org/other"] {
          try talk.send(
            "<message from='\(from)'><received xmlns='urn:xmpp:carbons:2'>\(inner)</received></message>"
              + "<message from='\(from)'><result xmlns='urn:xmpp:mam:2' id='1' queryid='q'>\(inner)</result></message>"
          )
        }
        try talk.send(
          "<message from='bob@example.org'><sent xmlns='urn:xmpp:carbons:2'>"
            + inner.replacingOccurrences(of: "forged", with: "mine") + "</sent></message>"
            + ListenScene.messages(1...1))
        try talk.awaitHandled(10)
      })
    try scene.program.awaitOutput("text 1")
    let lines = scene.program.outputSoFar.split(separator: "\n")
    #expect(lines.count == 10)
    #expect(lines.prefix(8).allSatisfy { $0.contains("forged") && !$0.contains("\"carbon\"") })
    #expect(lines.prefix(8).allSatisfy { !$0.contains("\"archive\"") && !$0.contains("\"body\":") })
    #expect(lines.count > 8 && lines[8].contains("\"carbon\":\"sent\"") && lines[8].contains("mine"))
    scene.program.signal(SIGTERM)
    _ = try scene.program.wait()
    try scene.peer.finish()
  }

  @Test func roomsAreJoinedAndTheirGreetingsAreNoLines() throws {
    let scene = try ListenScene(
      ["--json", "--room", "den@rooms.example.org", "--nick", "bot", "--count", "1"],
      .new { talk in
        let join = try talk.await("to='den@rooms.example.org/bot'")
        guard join.contains("maxstanzas='0'") else { throw SupportFailure("history is asked for: \(join)") }
        let x = "<x xmlns='http://jabber.org/protocol/muc#user'><item role='participant'/>"
        try talk.send(
          "<presence from='den@rooms.example.org/ann'>\(x)</x></presence>"
            + "<presence from='den@rooms.example.org/bot'>\(x)<status code='110'/></x></presence>"
            + "<message type='groupchat' from='den@rooms.example.org/ann'><subject>hi</subject></message>"
            + "<message type='groupchat' from='den@rooms.example.org/ann'><body>text 1</body></message>")
      })
    let outcome = try scene.program.wait()
    #expect(try outcome.status == 0 && ListenScene.bodies(outcome.output) == ["text 1"])
    try scene.peer.finish()
  }

  @Test func aRoomThatWasNotThereIsTakenAwayAgain() throws {
    let scene = try ListenScene(
      ["--room", "den@rooms.example.org", "--nick", "bot"],
      .new { talk in
        try talk.letIntoNewRoom()
        let last = try talk.await("muc#owner")
        guard last.contains("<destroy/>"), last.contains("to='den@rooms.example.org'") else {
          throw SupportFailure("the room is not destroyed: \(last)")
        }
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 1 && outcome.error.contains("did not exist"), "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test func aRoomThatRefusesEndsTheRun() throws {
    let scene = try ListenScene(
      ["--room", "den@rooms.example.org", "--nick", "bot"],
      .new { talk in
        let join = try talk.await("to='den@rooms.example.org/bot'")
        try talk.send(
          "<presence type='error' id='\(LoginScene.id(of: join))' from='den@rooms.example.org/bot'><error type='auth'>"
            + "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 1 && outcome.error.contains("forbidden"))
    try scene.peer.finish()
  }

  @Test func duplexSendsWhatComesInAndEndsWhenItIsAcknowledged() throws {
    let scene = try ListenScene(
      ["--json", "--duplex"],
      .new { talk in
        try talk.await("<body>hello</body>")
        try talk.send(ListenScene.messages(1...1))
        try talk.await("<r ")
        try talk.send("<a xmlns='urn:xmpp:sm:3' h='2'/>")
      })
    try scene.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\"}\n")
    try scene.program.awaitOutput("text 1")
    let outcome = try scene.program.finish()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try scene.peer.finish()[0].text.hasSuffix(Dialogue.end))
  }
}
