import Foundation
import TestSupport
import Testing
import XMPP

/// `listen --room` with rooms that behave as real ones do and as XEP-0045 does not say, and with real rooms.
@Suite struct ListenRoomRowsTests {
  private static let room = ScriptedRoom.address

  private static let options = ["--room", room, "--max-time", "60"]

  @Test(
    "R8: a removal ends the run with actor and reason at once, with or without status 110",
    arguments: [
      ("kicked", [110, 307], "kicked from \(room) by \"carol\": \"be quiet\""),
      ("banned", [301], "banned from \(room) by \"carol\": \"be quiet\""),
      ("removed", [110], "removed from \(room)"),
      ("destroyed", [], "\(room) was destroyed: \"moved\"; it is replaced by new@rooms.example.org"),
    ])
  func removed(how: String, codes: [Int], message: String) throws {
    let scene = try ListenScene(
      ["--json"] + ListenRoomRowsTests.options,
      .new { talk in
        try talk.letIn()
        let actor = "<item><actor nick='carol'/><reason>be quiet</reason></item>"
        let more =
          how == "removed"
          ? ""
          : how == "destroyed"
            ? "<destroy jid='new@rooms.example.org'><reason>moved</reason></destroy>" : actor
        try talk.send(
          ScriptedRoom.gone("carol", codes, more) + ScriptedRoom.body("text 1")
            + ScriptedRoom.gone("bob", codes, more))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 1, "\(outcome.error)")
    #expect(outcome.error.hasPrefix("xmppctl: listen: stanza: \(message)\n"), "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["-", "text 1", "-"], "each presence has its line")
    try scene.peer.finish()
  }

  @Test("R3, R8: while another room is left the run goes on, and ends with 1")
  func oneOfTwo() throws {
    let other = "lab@rooms.example.org"
    let scene = try ListenScene(
      ["--json", "--type", "message", "--room", other, "--count", "2"] + ListenRoomRowsTests.options,
      .new { talk in
        try talk.letIn(room: other)
        try talk.letIn()
        try talk.send(
          ScriptedRoom.body("text 1") + ScriptedRoom.gone("bob", [110, 307])
            + ScriptedRoom.body("text 2", room: other))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 1)
    #expect(outcome.error == "xmppctl: listen: stanza: kicked from \(ListenRoomRowsTests.room)\n")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1", "text 2"])
    try scene.peer.finish()
  }

  @Test(
    "R9: a removal that may pass, and a refused rejoin, end nothing, and the room is joined again",
    arguments: [332, 333])
  func rejoins(code: Int) throws {
    let scene = try ListenScene(
      ["--json", "--type", "message", "--count", "3"] + ListenRoomRowsTests.options,
      .new { talk in
        try talk.letIn()
        try talk.send(ScriptedRoom.body("text 1") + ScriptedRoom.gone("bob", [110, code]))
        try talk.send(ListenScene.messages(2...2))
        try talk.exists()
        let request = try talk.join()
        let (condition, type) = code == 333 ? ("remote-server-timeout", "wait") : ("conflict", "cancel")
        try talk.send(
          ScriptedRoom.error(
            request, condition, type, from: "\(ListenRoomRowsTests.room)/bob", stanza: "presence"))
        try talk.exists()
        try talk.letIn()
        try talk.send(ScriptedRoom.body("text 3"))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...3))
    #expect(outcome.error.matches(of: #/joining again/#).count == 1, "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test("R10: a room that is gone after a restart is not created, and is joined once it is there again")
  func gone() throws {
    let scene = try ListenScene(
      ["--json", "--type", "message", "--count", "2"] + ListenRoomRowsTests.options,
      .new(managed: false, then: [.close]) { talk in
        try talk.letIn()
        try talk.send(ScriptedRoom.gone("bob", [110, 332]) + ListenScene.messages(1...1))
      },
      .raw(managed: false) { talk in
        try ListenScene.Part.bind(talk)
        while true {
          let element = try talk.element()
          let id = LoginScene.id(of: element)
          if element.contains("urn:xmpp:mam:2") {
            try talk.send(
              "<iq type='result' id='\(id)'><fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'/></fin></iq>"
            )
          }
          if element.contains("to='\(ListenRoomRowsTests.room)/") {
            throw SupportFailure("it is joined: \(element)")
          }
          if element.contains("disco#info"), element.contains("to='\(ListenRoomRowsTests.room)'") {
            try talk.send(ScriptedRoom.error(element, "item-not-found", from: ListenRoomRowsTests.room))
            break
          }
        }
        try talk.exists()
        try talk.letIn()
        try talk.send(ScriptedRoom.body("text 2"))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    #expect(outcome.error.matches(of: #/joining again/#).count == 1, "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test("R11: a room is asked whether it knows the session; the question that it passes on has no line")
  func selfPing() throws {
    let own = "\(ListenRoomRowsTests.room)/bob"
    let scene = try ListenScene(
      ["--json", "--count", "3"] + ListenRoomRowsTests.options,
      .new { talk in
        try talk.letIn()
        // Without a status it may be another session of the account that has left.
        try talk.send(ScriptedRoom.gone("bob", []))
        let ping = try talk.await("to='\(own)'><ping")
        try talk.send("<iq type='get' id='p1' from='\(own)'><ping xmlns='urn:xmpp:ping'/></iq>")
        let answer = try talk.await("id='p1'")
        guard answer.contains("result") else { throw SupportFailure(answer) }
        try talk.send("<iq type='result' id='\(LoginScene.id(of: ping))' from='\(own)'/>")
        try talk.send(ScriptedRoom.gone("bob", []))
        try talk.send(ScriptedRoom.error(try talk.await("to='\(own)'><ping"), "not-acceptable", from: own))
        try talk.exists()
        try talk.letIn()
        try talk.send(ScriptedRoom.body("text 1"))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["-", "-", "text 1"])
    #expect(outcome.error.contains("no longer in \(ListenRoomRowsTests.room): not-acceptable; joining again"))
    try scene.peer.finish()
  }

  @Test("R12: history has a line once, also after the room was joined again")
  func history() throws {
    @Sendable func old(_ number: Int) -> String {
      ScriptedRoom.message(
        "ann",
        "<body>text \(number)</body><delay xmlns='urn:xmpp:delay' from='\(ListenRoomRowsTests.room)' stamp='2026-01-01T00:00:0\(number)Z'/>",
        id: "m\(number)")
    }
    let scene = try ListenScene(
      ["--json", "--type", "message", "--history", "5", "--count", "4"] + ListenRoomRowsTests.options,
      .new { talk in
        let first = try talk.join()
        guard first.contains("maxstanzas='5'"), !first.contains("since") else { throw SupportFailure(first) }
        try talk.send(ScriptedRoom.presence("bob", [110]) + old(1) + old(2) + ScriptedRoom.subject)
        try talk.send(
          ScriptedRoom.message("ann", "<body>text 3</body>", id: "m3") + ScriptedRoom.gone("bob", [110, 333]))
        try talk.exists()
        let second = try talk.join()
        guard second.contains("maxstanzas='5'"), second.contains("since='") else {
          throw SupportFailure(second)
        }
        try talk.send(
          ScriptedRoom.presence("bob", [110]) + old(1) + old(2) + old(3) + old(4) + ScriptedRoom.subject)
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...4))
    try scene.peer.finish()
  }

  @Test("R2, R12: without status 110 and subject, presences and the first change of the subject have lines")
  func noGreeting() throws {
    let scene = try ListenScene(
      ["--json", "--count", "3"] + ListenRoomRowsTests.options,
      .new { talk in
        try talk.join()
        try talk.send(
          ScriptedRoom.presence("ann") + ScriptedRoom.presence("bob") + ScriptedRoom.body("text 1")
            + ScriptedRoom.gone("ann", []) + ScriptedRoom.message("eve", "<subject>news</subject>"))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1", "-", "-"])
    #expect(outcome.output.contains("\"subject\":\"news\""))
    try scene.peer.finish()
  }

  @Test("R4: a room that was not joined when the time to listen is over is told, and the run ends with 1")
  func unanswered() throws {
    let scene = try ListenScene(["--room", ListenRoomRowsTests.room, "--idle", "1"], .new { try $0.join() })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 1)
    #expect(outcome.error == "xmppctl: listen: stanza: not in \(ListenRoomRowsTests.room) at the end\n")
    try scene.peer.finish()
  }

  @Test(
    "R8: real rooms: a destroyed room and a kick end the run with 1 and the reason",
    arguments: ["prosody", "ejabberd"])
  func realRemoval(server: String) throws {
    let place = try ListenServersTests.Place.make(server)
    for how in ["kick", "destroy"] {
      let bob = try place.account("room-bob-\(how)")
      let room = try KeptRoom(server == "prosody" ? "Prosody" : server)
      let program = try place.start(
        bob, ["--json", "--room", room.address, "--nick", "ear", "--max-time", "120"])
      try room.awaitOccupant("ear")
      if how == "kick" {
        try room.owner("admin", "<item nick='ear' role='none'><reason>be quiet</reason></item>")
      } else {
        try room.owner("owner", "<destroy><reason>moved</reason></destroy>")
      }
      let outcome = try program.wait()
      #expect(outcome.status == 1, "\(outcome.error)")
      #expect(
        outcome.error.contains(
          how == "kick" ? "kicked from \(room.address)" : "\(room.address) was destroyed")
          && outcome.error.contains(how == "kick" ? "be quiet" : "moved"), "\(outcome.error)")
    }
  }
}
