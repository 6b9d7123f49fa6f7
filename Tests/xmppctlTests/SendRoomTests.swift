import Foundation
import TestSupport
import Testing
import XMPP

/// `send --room` to rooms that somebody else keeps.
@Suite struct SendRoomTests {
  @Test("joins, sends, waits for the room's copy, leaves", arguments: SendTests.servers)
  func sends(name: String) throws {
    let room = try KeptRoom(name)
    let before = try room.scene.send("--room", "-m", "first", "--json", room.address)
    #expect(before.status == 0, "\(before.error)")
    #expect(try before.results[0]["status"] == "received")
    // Whoever comes back finds the nickname free, so it was left.
    let lines = try room.scene.send("--room", "--lines", "--json", room.address, input: "a\nb\nc\n")
    #expect(lines.status == 0, "\(lines.error)")
    #expect(try lines.results.map { $0["status"] } == ["received", "received", "received"])
    let seen = try room.bodies(4).filter { ["first", "a", "b", "c"].contains($0) }
    #expect(seen == ["first", "a", "b", "c"])
    let nick = try room.scene.send("--room", "--nick", "Ünïcode ci", "-m", "hi", room.address)
    #expect(nick.status == 0, "\(nick.error)")
    let messages = try room.scene.receiver.messages(5)
    #expect(messages.contains { $0.from == "\(room.address)/Ünïcode ci" && $0.type == "groupchat" })
  }

  @Test("a room that refuses says why, and nothing is sent", arguments: SendTests.servers)
  func refuses(name: String) throws {
    func refused(
      _ room: KeptRoom, _ condition: String, _ options: String..., at place: SourceLocation = #_sourceLocation
    ) throws {
      let outcome = try Program.xmppctl.run(
        room.scene.arguments(["--room", "-m", "hi", "--json"] + options + [room.address]),
        environment: SendScene.environment)
      #expect(outcome.status == 1, sourceLocation: place)
      #expect(
        outcome.error.hasPrefix("xmppctl: send: stanza: joining \(room.address) was refused: \(condition)"),
        "\(outcome.error)", sourceLocation: place)
      #expect(outcome.error.contains("\nxmppctl: hint: "), sourceLocation: place)
      #expect(
        try outcome.results.map { $0["error"]["condition"] } == [.string(condition)], sourceLocation: place)
      #expect(!room.scene.receiver.messagesSoFar(quietFor: 0.05).contains { $0.body == "hi" })
    }
    try refused(KeptRoom(name, ["membersonly": "1"]), "registration-required")
    let locked = try KeptRoom(name, ["passwordprotectedroom": "1", "roomsecret": "op&amp;en"])
    try refused(locked, "not-authorized")
    try refused(locked, "not-authorized", "--room-password-command", "echo wrong")
    let outcome = try Program.xmppctl.run(
      locked.scene.arguments(["--room", "-m", "let in", "--trace", "-", locked.address]),
      environment: SendScene.environment.merging(["XMPPCTL_ROOM_PASSWORD": "op&en"]) { $1 })
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.error.contains("<password>***</password>"))
    expectSecret("op&en", nowhereIn: [outcome.error, outcome.output])
    let input = try locked.scene.send(
      "--room", "--room-password-file", "-", "--lines", "--json", locked.address, input: "op&en\na\nb\n")
    #expect(input.status == 0, "\(input.error)")
    #expect(try input.results.count == 2)
    let open = try KeptRoom(name)
    try refused(open, "conflict", "--nick", "owner")
    try open.ban(open.scene.sender)
    try refused(open, "forbidden")
  }

  @Test("a room that is not there is not made", arguments: SendTests.servers)
  func absent(name: String) throws {
    let scene = try SendScene(name)
    let address = "absent\(UInt32.random(in: 0 ... .max))@\(scene.rooms)"
    let first = try scene.send("--room", "-m", "hi", address)
    #expect(first.status == 1 && first.error.contains("the room \(address) did not exist"), "\(first.error)")
    // It is not there now either, and whoever listens to it is told the same.
    for command in ["send", "listen"] {
      let options = command == "send" ? ["--room", "-m", "hi", address] : ["--room", address]
      let outcome = try Program.xmppctl.run(
        [command] + scene.arguments(options).dropFirst(), environment: SendScene.environment)
      #expect(
        outcome.status == 1 && outcome.error.contains("the room \(address) did not exist"), "\(outcome.error)"
      )
    }
  }

  @Test("who is not in the room is told so", arguments: SendTests.servers)
  func notAnOccupant(name: String) throws {
    let room = try KeptRoom(name)
    // ejabberd's rooms answer on their own time, so the error is waited for.
    let outcome = try room.scene.send("--type", "groupchat", "-m", "hi", "--confirm", "receipt", room.address)
    #expect(outcome.status == 1 && outcome.error.contains("was refused: not-acceptable"), "\(outcome.error)")
  }
}
