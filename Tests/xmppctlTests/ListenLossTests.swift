import Foundation
import TestSupport
import Testing

/// What `listen` does where an answer, an acknowledgement or its file is not to be had.
@Suite struct ListenLossTests {
  @Test("S8: an archive that never answers is given up, and what is live is printed")
  func silentArchive() throws {
    let scene = try ListenScene(
      ["--json", "--since", "5", "--count", "2"],
      .raw { talk in
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        try talk.await("urn:xmpp:mam:2")
        try talk.await("<presence")
        try talk.send(ListenScene.messages(1...2))
      })
    let outcome = try scene.program.wait()
    #expect(
      outcome.status == 0 && outcome.error.contains("archive cannot be read: it does not answer"),
      "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    try scene.peer.finish()
  }

  @Test(
    "S8: a server that answers no ping is found dead, and says so in the exit status",
    arguments: [true, false])
  func dead(managed: Bool) throws {
    let scene = try ListenScene(
      ["--json", "--no-reconnect", "--ping-interval", "0.3"],
      .new(managed: managed) { talk in
        try talk.send(ListenScene.messages(1...1))
        try talk.await(managed ? "<r " : "urn:xmpp:ping")
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 69 && outcome.error.contains("ping"), "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1"])
    try scene.peer.finish()
  }

  @Test("S9: what went down with a session is named, and the exit status says so", arguments: [true, false])
  func lostMessage(managed: Bool) throws {
    let scene = try ListenScene(
      ["--json", "--duplex", "--count", "1"],
      .new(managed: managed, then: [.end]) { try $0.await("id='mine'") },
      .raw(managed: managed) { talk in
        if managed {
          try talk.await("<resume ")
          try talk.send(
            "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
          )
        }
        try ListenScene.Part.bind(talk)
        if managed { try ListenScene.Part.enable(talk) }
        let question = try talk.await("urn:xmpp:mam:2")
        try talk.send("<iq type='error' id='\(LoginScene.id(of: question))'><error type='cancel'/></iq>")
        try talk.await("<presence")
        try talk.send(ListenScene.messages(1...1))
      })
    try scene.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"mine\"}\n")
    let outcome = try scene.program.wait()
    #expect(outcome.status == 69 && outcome.error.contains("unconfirmed: mine"), "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1"])
    try scene.peer.finish()
  }

  @Test("S8: time that runs out before an acknowledgement is no success", arguments: [true, false])
  func unconfirmed(managed: Bool) throws {
    let scene = try ListenScene(["--json", "--duplex", "--max-time", "2"], .new(managed: managed))
    try scene.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"mine\"}\n")
    let outcome = try scene.program.wait()
    #expect(outcome.status == 75 && outcome.error.contains("unconfirmed: mine"), "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test(
    "S8: lines enough, and yet unsuccessful: what was sent is not acknowledged", arguments: [true, false])
  func unconfirmedBehindTheLastLine(managed: Bool) throws {
    let scene = try ListenScene(
      ["--xml", "--duplex", "--count", "1"],
      .new(managed: managed) { talk in
        try talk.await("id='mine'")
        try talk.send(ListenScene.messages(1...1))
      })
    try scene.program.write(
      "<iq type='get' id='mine' to='alice@example.org/x'><ping xmlns='urn:xmpp:ping'/></iq>")
    let outcome = try scene.program.wait()
    #expect(outcome.status == 75, "\(outcome.error)")
    #expect(outcome.error.contains("unconfirmed: mine to alice@example.org/x\n"), "\(outcome.error)")
    #expect(outcome.output.contains("text 1"))
    try scene.peer.finish()
  }

  @Test("what was sent is waited for behind the last line", arguments: [true, false])
  func confirmedBehindTheLastLine(managed: Bool) throws {
    let scene = try ListenScene(
      ["--json", "--duplex", "--count", "1"],
      .new(managed: managed) { talk in
        try talk.await("id='mine'")
        try talk.send(ListenScene.messages(1...2))
        if managed {
          try talk.await("<r ")
          try talk.send("<a xmlns='urn:xmpp:sm:3' h='2'/>")
          // What came behind the last line wanted is not handled: it stays the server's.
          try talk.await("<a xmlns='urn:xmpp:sm:3' h='1'/>")
        } else {
          let ping = try talk.await("urn:xmpp:ping")
          try talk.send("<iq type='result' id='\(LoginScene.id(of: ping))'/>")
        }
      })
    try scene.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"mine\"}\n")
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1"])
    try scene.peer.finish()
  }

  @Test(
    "S9: with --state, what was not acknowledged is sent again where the session is resumed, and named where not",
    arguments: [true, false])
  func keptInput(resumes: Bool) throws {
    let folder = try TemporaryFolder()
    let options = ["--json", "--duplex", "--state", folder.path("session")]
    let first = try ListenScene(
      options,
      .new { talk in
        try talk.await("id='mine'")
        try talk.send(ListenScene.messages(1...1))
        try talk.awaitHandled(1)
      })
    try first.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"mine\"}\n")
    try first.program.awaitOutput("text 1", within: .seconds(30))
    try wait("the session is kept") { try folder.read("session").contains("\"handled\":1") }
    first.program.signal(SIGKILL)
    _ = try first.program.wait()
    // It may be gone before it says what it has kept.
    _ = try? first.peer.finish()

    let second = try ListenScene(
      options,
      resumes
        ? .resumed(handled: 1) { talk in
          try talk.await("id='mine'")
          try talk.send("<a xmlns='urn:xmpp:sm:3' h='2'/>")
        }
        : .raw { talk in
          try talk.await("<resume ")
          try talk.send(
            "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
          )
          try ListenScene.Part.bind(talk)
          try ListenScene.Part.enable(talk)
          try talk.await("<r ")
          try talk.send("<a xmlns='urn:xmpp:sm:3' h='1'/>")
        })
    let outcome = try second.program.finish()
    if resumes {
      #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    } else {
      #expect(
        outcome.status == 69 && outcome.error.contains("unconfirmed: mine to alice"), "\(outcome.error)")
    }
    try second.peer.finish()
  }

  @Test func withoutAcknowledgementsARoundTripConfirms() throws {
    let scene = try ListenScene(
      ["--json", "--duplex"],
      .new(managed: false) { talk in
        for id in ["one", "two"] {
          try talk.await("id='\(id)'")
          let ping = try talk.await("urn:xmpp:ping")
          try talk.send("<iq type='result' id='\(LoginScene.id(of: ping))'/>")
          try talk.send(ListenScene.messages(1...1))
        }
      })
    try scene.program.write("{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"one\"}\n")
    try scene.program.awaitOutput("text 1", within: .seconds(60))
    let outcome = try scene.program.finish(
      "{\"to\":\"alice@example.org\",\"body\":\"hello\",\"id\":\"two\"}\n")
    #expect(outcome.status == 0, "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test("one run at a time has the file of --state; no other file is left behind")
  func locked() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("session")
    let scene = try ListenScene(
      ["--json", "--state", file],
      .new { talk in
        try talk.send(ListenScene.messages(1...1))
        try talk.awaitHandled(1)
      })
    try scene.program.awaitOutput("text 1", within: .seconds(60))
    // Also once the file has been replaced.
    try wait("the session is kept") { try folder.read("session").contains("\"handled\":1") }
    let other = try Program.xmppctl.run(
      try ["listen"] + ListenScene.way(1) + ["--state", file], environment: ListenScene.environment)
    #expect(other.status == 66 && other.error.contains("another run uses it"), "\(other.error)")
    scene.program.signal(SIGTERM)
    #expect(try scene.program.wait().status == 143)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["session"])
    try scene.peer.finish()

    // A run that got nowhere leaves none at all.
    let nowhere = try Program.xmppctl.run(
      try ["listen"] + ListenScene.way(1) + ["--state", folder.path("new")],
      environment: ListenScene.environment)
    #expect(nowhere.status == 69, "\(nowhere.error)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["session"])
  }

  @Test(
    "C11: a room's password is in the request to join, and redacted in the trace",
    arguments: ["--room-password-file", "--room-password-command"])
  func roomPassword(option: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("word", "open-sesame\n")
    let scene = try ListenScene(
      [
        "--room", "den@rooms.example.org", option, option.hasSuffix("command") ? "cat \(file)" : file,
        "--trace", "-", "-n", "1",
      ],
      .new { talk in
        let join = try talk.await("to='den@rooms.example.org/bob'")
        guard join.contains("<password>open-sesame</password>") else {
          throw SupportFailure("no password: \(join)")
        }
        try talk.send(ListenScene.messages(1...1))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0 && outcome.error.contains("<password>***</password>"), "\(outcome.error)")
    #expect(!outcome.error.contains("open-sesame"))
    try scene.peer.finish()
  }

  @Test(
    "what is said last is not taken from a server that is late to read it",
    arguments: [[], ["--state", "state"]])
  func lateReader(state: [String]) throws {
    let scene = try ListenScene(
      ["--json", "--idle", "1"] + state, folder: TemporaryFolder(),
      .new(then: [.expect(state.isEmpty ? Dialogue.end : "h='1'"), .close]) { talk in
        try talk.send(ListenScene.messages(1...1))
        try talk.remainBusy()
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test func aRoomPasswordWithoutARoomIsNotUnderstood() throws {
    let outcome = try Program.xmppctl.run(
      try ["listen"] + ListenScene.way(1) + ["--room-password-file", "x"],
      environment: ListenScene.environment)
    #expect(outcome.status == 64 && outcome.error.contains("--room-password-file needs --room"))
  }
}
