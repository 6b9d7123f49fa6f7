import Foundation
import TestSupport
import Testing
import XMPP

/// Rooms that behave as real ones do and as XEP-0045 does not say, and real rooms.
@Suite struct RoomRowsTests {
  private static let room = ScriptedRoom.address

  // MARK: - send

  /// A run of `send --room` to a room that follows a script; without stream management.
  private func send(
    _ options: [String] = ["-m", "hi", "--nick", "bob", room], limit: String = "20",
    _ play: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void
  ) throws -> (outcome: Outcome, sent: String) {
    var scene = try LoginScene("PLAIN")
    scene.command = "send"
    scene.after = LoginScene.binds(
      "",
      then: { talk in
        do { try play(talk) } catch is EndOfStream {}
      })
    scene.options = ["--room"] + options + ["--max-time", limit]
    let started = try scene.start()
    let outcome = try started.program.finish("", within: .seconds(60))
    return (outcome, try started.peer.finish().first?.text ?? "")
  }

  private struct EndOfStream: Error {}

  /// Serves the rest of a run: answers pings of the server, and does what is given with what is for rooms.
  private static func serve(
    _ talk: ScriptedPeer.Talk, _ reply: (String) throws -> String?
  ) throws {
    while true {
      let element = try talk.element()
      if element.hasPrefix("</") { throw EndOfStream() }
      if element.contains("to='example.org'"), element.contains("<ping") {
        try talk.send("<iq type='result' id='\(LoginScene.id(of: element))' from='example.org'/>")
      } else if let reply = try reply(element) {
        try talk.send(reply)
      }
    }
  }

  private static func content(_ message: String) -> String {
    guard let start = message.firstIndex(of: ">"), let end = message.range(of: "</message>") else {
      return ""
    }
    return String(message[message.index(after: start)..<end.lowerBound])
  }

  @Test(
    "R1: a message counts when the room reflects it by id or text, or answers a self-ping sent after it",
    arguments: ["id", "no id", "another id", "subject", "first line only", "no copy, error"])
  func reflects(how: String) throws {
    let what = how == "subject" ? ["--subject", "topic"] : ["-m", how == "first line only" ? "a\nb" : "hi"]
    let (outcome, sent) = try send(what + ["--nick", "bob", RoomRowsTests.room]) { talk in
      try talk.letIn()
      // The same words before, as the history of an earlier run has them, confirm nothing.
      try talk.send(
        ScriptedRoom.message(
          "bob",
          "<body>hi</body><delay xmlns='urn:xmpp:delay' from='\(RoomRowsTests.room)' stamp='2026-01-01T00:00:00Z'/>"
        ))
      try RoomRowsTests.serve(talk) { element in
        let id = LoginScene.id(of: element)
        if element.contains("<message") {
          let content = RoomRowsTests.content(element)
          return switch how {
          case "id": ScriptedRoom.message("bob", content, id: id)
          case "no id", "subject": ScriptedRoom.message("bob", content)
          case "another id": ScriptedRoom.message("bob", content, id: "x1")
          case "first line only": ScriptedRoom.body("a", nick: "bob")
          default: ScriptedRoom.body("hi", nick: "eve")
          }
        }
        guard element.contains("to='\(RoomRowsTests.room)/bob'"), element.contains("<ping") else {
          return nil
        }
        return how == "first line only"
          ? "<iq type='result' id='\(id)' from='\(RoomRowsTests.room)/bob'/>"
          : ScriptedRoom.error(element, "not-acceptable", from: "\(RoomRowsTests.room)/bob")
      }
    }
    #expect(sent.matches(of: #/<message /#).count == 1)
    let isAsked = how.contains("only") || how.contains("error")
    #expect(sent.contains("to='\(RoomRowsTests.room)/bob'><ping") == isAsked, "\(sent)")
    if how.contains("error") {
      #expect(outcome.status == 1 && outcome.error.contains("no longer in"), "\(outcome.error)")
      #expect(try outcome.results.map { $0["status"] } != ["received"])
    } else {
      #expect(outcome.status == 0, "\(outcome.error)")
      #expect(try outcome.results.map { $0["status"] } == ["received"])
    }
  }

  @Test(
    "R2: our own presence is recognized by its status code, or by the nickname if there is none",
    arguments: ["110", "none", "muc", "210"])
  func ownPresence(how: String) throws {
    let (outcome, _) = try send { talk in
      try talk.join()
      let nick = how == "210" ? "bob_" : "bob"
      let own = ScriptedRoom.presence(
        nick, how == "110" || how == "muc" ? [110] : how == "210" ? [110, 210] : [])
      try talk.send(
        ScriptedRoom.presence("ann") + (how == "muc" ? own.replacing("muc#user", with: "muc") : own)
          + ScriptedRoom.subject)
      try RoomRowsTests.serve(talk) { element in
        element.contains("<message") ? ScriptedRoom.message(nick, RoomRowsTests.content(element)) : nil
      }
    }
    #expect(outcome.status == 0, "\(outcome.error)")
  }

  @Test("R3: a room that removes the session fails its own messages alone")
  func removedFromOne() throws {
    let rooms = ["attic@rooms.example.org", "den@rooms.example.org"]
    let (outcome, sent) = try send(["-m", "hi", "--nick", "bob"] + rooms) { talk in
      var held = ""
      try RoomRowsTests.serve(talk) { element in
        guard let room = rooms.first(where: { element.contains("to='\($0)") }) else { return nil }
        if element.contains("<presence"), !element.contains("unavailable") {
          return ScriptedRoom.presence("bob", [110], room: room)
        }
        guard element.contains("<message") else { return nil }
        if room.hasPrefix("attic") {
          held = ScriptedRoom.gone("bob", [110, 307], room: room)
          return nil
        }
        // The removal comes before the other room's copy.
        return held + ScriptedRoom.message("bob", RoomRowsTests.content(element), room: room)
      }
    }
    #expect(outcome.status == 1, "\(outcome.error)")
    #expect(outcome.error.contains("kicked from attic@rooms.example.org"), "\(outcome.error)")
    #expect(try outcome.results.map { $0["status"] } == ["failed", "received"])
    #expect(sent.matches(of: #/<message /#).count == 2)
  }

  @Test("R3: several rooms are joined in one run, and one that refuses refuses its own messages alone")
  func several() throws {
    let rooms = ["den@rooms.example.org", "lab@rooms.example.org", "attic@rooms.example.org"]
    let (outcome, sent) = try send(["-m", "hi", "--nick", "bob"] + rooms) { talk in
      try RoomRowsTests.serve(talk) { element in
        guard let room = rooms.first(where: { element.contains("to='\($0)") }) else { return nil }
        if element.contains("<presence"), !element.contains("unavailable") {
          return room.hasPrefix("lab")
            ? ScriptedRoom.error(element, "forbidden", "auth", from: room, stanza: "presence")
            : ScriptedRoom.presence("bob", [110], room: room)
        }
        return element.contains("<message")
          ? ScriptedRoom.message("bob", RoomRowsTests.content(element), room: room) : nil
      }
    }
    #expect(outcome.status == 1, "\(outcome.error)")
    #expect(
      outcome.error.contains("joining lab@rooms.example.org was refused: forbidden"), "\(outcome.error)")
    #expect(try outcome.results.map { $0["status"] } == ["received", "failed", "received"])
    #expect(
      !sent.contains("<message type='groupchat' id='x' to='lab") && sent.matches(of: #/<message /#).count == 2
    )
    #expect(sent.matches(of: #/type='unavailable'/#).count == 2, "each room is left")
  }

  @Test(
    "R4: an address that is no room fails at once, with the cause",
    arguments: [(true, "not-a-room"), (false, "not-a-room")])
  func noRoom(isSilent: Bool, condition: String) throws {
    let (outcome, _) = try send(["-m", "hi", "--nick", "bob", "ann@example.org"]) { talk in
      try RoomRowsTests.serve(talk) { element in
        if element.contains("disco#info") {
          return ScriptedRoom.service(element, hasRooms: false, from: "example.org")
        }
        return element.contains("<presence") && !isSilent
          ? ScriptedRoom.error(element, "service-unavailable", from: "ann@example.org", stanza: "presence")
          : nil
      }
    }
    #expect(outcome.status == 1, "\(outcome.error)")
    #expect(
      outcome.error.contains("ann@example.org is not a room: example.org offers no rooms\n")
        && outcome.error.contains("hint: to write to a user, omit --room"), "\(outcome.error)")
  }

  @Test("R5: a taken nickname gets a suffix, unless --nick has chosen it", arguments: [true, false])
  func takenNickname(isChosen: Bool) throws {
    let options = ["-m", "hi", RoomRowsTests.room] + (isChosen ? ["--nick", "alice"] : [])
    let (outcome, sent) = try send(options) { talk in
      let request = try talk.join("alice")
      try talk.send(
        ScriptedRoom.error(request, "conflict", from: "\(RoomRowsTests.room)/alice", stanza: "presence"))
      if isChosen { return }
      try talk.letIn("alice-2")
      try RoomRowsTests.serve(talk) { element in
        element.contains("<message") ? ScriptedRoom.message("alice-2", RoomRowsTests.content(element)) : nil
      }
    }
    #expect(outcome.status == (isChosen ? 1 : 0), "\(outcome.error)")
    if isChosen {
      #expect(
        outcome.error.contains("was refused: conflict\n")
          && outcome.error.contains("choose another with --nick"),
        "\(outcome.error)")
      #expect(!sent.contains("alice-2"))
    }
  }

  @Test("R6: a captcha is told with its address, and the run waits for it to be solved")
  func captcha() throws {
    let (outcome, _) = try send { talk in
      try talk.join()
      try talk.send(
        "<message from='\(RoomRowsTests.room)'><body>To unblock them, visit https://example.org/captcha/1</body>"
          + "<captcha xmlns='urn:xmpp:captcha'/></message>")
      try talk.send(ScriptedRoom.presence("bob", [110]))
      try RoomRowsTests.serve(talk) { element in
        element.contains("<message") ? ScriptedRoom.message("bob", RoomRowsTests.content(element)) : nil
      }
    }
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(
      outcome.error.contains("asks for a captcha to be solved: https://example.org/captcha/1"),
      "\(outcome.error)")
  }

  @Test("R7: a session to which no presence of the room comes is an occupant if the room says so")
  func noPresence() throws {
    let (outcome, sent) = try send { talk in
      try RoomRowsTests.serve(talk) { element in
        let id = LoginScene.id(of: element)
        if element.contains("disco#info") { return ScriptedRoom.service(element) }
        return element.contains("<ping")
          ? "<iq type='result' id='\(id)' from='\(RoomRowsTests.room)/bob'/>" : nil
      }
    }
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(!sent.contains("<priority"), "the account's contacts see nothing of it")
  }

  // MARK: - real rooms

  @Test(
    "R1, R4, R5: real rooms: the subject, a person, a service without rooms, a taken nickname",
    arguments: SendTests.servers)
  func realSending(name: String) throws {
    let room = try KeptRoom(name, ["changesubject": "1"])
    let subject = try room.scene.send("--room", "--subject", "news", "-m", "", room.address)
    #expect(subject.status == 0, "\(subject.error)")
    let tab = try room.scene.send("--room", "--id", "a\tb", "-m", "hi", room.address)
    #expect(tab.status == 0, "\(tab.error)")
    let person = try room.scene.send("--room", "-m", "hi", String(room.scene.to.prefix { $0 != "/" }))
    #expect(person.status == 1 && person.error.contains("is not a room: "), "\(person.error)")
    let taken = try room.scene.send("--room", "--nick", "owner", "-m", "hi", room.address)
    #expect(taken.status == 1 && taken.error.contains("was refused: conflict"), "\(taken.error)")
    let other = try KeptRoom(name)
    let several = try room.scene.send("--room", "--json", "-m", "hi", room.address, other.address)
    #expect(several.status == 0, "\(several.error)")
    #expect(try several.results.map { $0["status"] } == ["received", "received"])
  }
}
