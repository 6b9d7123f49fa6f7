import Foundation
import TestSupport
import Testing

/// What a live stanza claims about itself, and which claims of the account's own server and of rooms count.
@Suite struct VouchingTests {
  private static let forged = "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@example.org' id='forged'/>"
  private static let day = 86_400.0

  /// A moment as XEP-0082 writes it.
  private static func stamp(ago seconds: Double) -> String {
    ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: -seconds))
  }

  /// Alice's message with this number and a forged id of the archive.
  private static func message(_ number: Int) -> String {
    "<message from='alice@example.org/x' type='chat' id='m\(number)'><body>text \(number)</body>\(forged)</message>"
  }

  /// Answers the next question to the archive with messages.
  ///
  /// - Parameter messages: number, archive id, and seconds since it was archived.
  /// - Returns: the question.
  @discardableResult
  private static func archive(
    _ talk: ScriptedPeer.Talk, _ messages: [(number: Int, id: String, ago: Double)] = []
  ) throws -> String {
    let question = try talk.await("urn:xmpp:mam:2")
    let query = question.firstMatch(of: #/queryid='([^']*)'/#).map { String($0.1) } ?? ""
    for (number, id, ago) in messages {
      try talk.send(
        "<message from='bob@example.org'><result xmlns='urn:xmpp:mam:2' id='\(id)' queryid='\(query)'>"
          + "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='\(stamp(ago: ago))'/>"
          + "<message xmlns='jabber:client' from='alice@example.org/x' to='bob@example.org' type='chat' id='m\(number)'>"
          + "<body>text \(number)</body></message></forwarded></result></message>")
    }
    let last = messages.last.map {
      "<set xmlns='http://jabber.org/protocol/rsm'><first>\(messages[0].id)</first><last>\($0.id)</last></set>"
    }
    try talk.send(
      "<iq type='result' id='\(LoginScene.id(of: question))'><fin xmlns='urn:xmpp:mam:2' complete='true'>"
        + "\(last ?? "")</fin></iq>")
    return question
  }

  /// Does not know the session any more, and binds a new one.
  private static func refuseToResume(_ talk: ScriptedPeer.Talk) throws {
    try talk.await("<resume ")
    try talk.send(
      "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
    try ListenScene.Part.bind(talk)
    try ListenScene.Part.enable(talk)
  }

  private static func expectTime(_ question: String) throws {
    guard question.contains("var='start'"), !question.contains("forged"), !question.contains("<after>") else {
      throw SupportFailure("not asked by time: \(question)")
    }
  }

  /// The second connection of V2 and V3: the session is gone, and the archive has what was printed already, the same words
  /// of yesterday, and what came meanwhile, some of it after the presence.
  private static func continues(_ talk: ScriptedPeer.Talk) throws {
    try refuseToResume(talk)
    try expectTime(archive(talk, [(1, "a0", day), (1, "a1", 2), (2, "a2", 1), (3, "a3", 0)]))
    try talk.await("<presence")
    try archive(talk, [(4, "a4", 0)])
    try talk.send(message(5))
  }

  @Test("V1: two messages with the same forged id of the archive both have lines")
  func forgedIDs() throws {
    let scene = try ListenScene(
      ["--json", "--count", "2"],
      .new { try $0.send(VouchingTests.message(1) + VouchingTests.message(2)) })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    try scene.peer.finish()
  }

  @Test(
    "V2: after a lost connection the archive is asked by time; nothing is missing, and nothing is printed twice"
  )
  func lostSession() throws {
    let scene = try ListenScene(
      ["--json", "--count", "6"],
      .new(then: [.reset]) { talk in
        try talk.send(VouchingTests.message(1) + VouchingTests.message(2))
        try talk.awaitHandled(2)
      },
      .raw { try VouchingTests.continues($0) })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(
      try ListenScene.bodies(outcome.output) == ["text 1", "text 2", "text 1", "text 3", "text 4", "text 5"])
    #expect(outcome.output.contains("\"a0\"") && !outcome.output.contains("\"a1\""), "\(outcome.output)")
    try scene.peer.finish()
  }

  @Test("V3: the same over two runs with --state whose session is gone")
  func lostState() throws {
    let folder = try TemporaryFolder()
    let options = ["--json", "--state", folder.path("session")]
    let first = try ListenScene(
      options,
      .new { talk in
        try talk.send(VouchingTests.message(1) + VouchingTests.message(2))
        try talk.awaitHandled(2)
      })
    try first.program.awaitOutput("text 2", within: .seconds(30))
    try wait("the session is kept", within: .seconds(30)) {
      try folder.read("session").contains("\"handled\":2")
    }
    first.program.signal(SIGTERM)
    let stopped = try first.program.wait()
    #expect(stopped.status == 143, "\(stopped.error)")
    try first.peer.finish()
    #expect(try !folder.read("session").contains("forged"))

    let second = try ListenScene(
      options + ["--count", "4"], .raw { try VouchingTests.continues($0) })
    let outcome = try second.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1", "text 3", "text 4", "text 5"])
    try second.peer.finish()
  }

  @Test("V4: an id that the archive does not know any more is replaced by a time")
  func unknownID() throws {
    let scene = try ListenScene(
      ["--json", "--since", "2026-01-01", "--count", "2"],
      .raw(then: [.reset]) { talk in
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        try VouchingTests.archive(talk, [(1, "a1", 1)])
        try talk.await("<presence")
        try VouchingTests.archive(talk)
        try talk.awaitHandled(3)
      },
      .raw { talk in
        try VouchingTests.refuseToResume(talk)
        let question = try talk.await("urn:xmpp:mam:2")
        guard question.contains("<after>a1</after>") else {
          throw SupportFailure("not asked by id: \(question)")
        }
        try talk.send(
          "<iq type='error' id='\(LoginScene.id(of: question))'><error type='cancel'>"
            + "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        try VouchingTests.expectTime(VouchingTests.archive(talk, [(1, "a1", 1), (2, "a2", 0)]))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    try scene.peer.finish()
  }

  @Test(
    "V5: a stranger's message with a wrapped one in it has a line: its own",
    arguments: [
      "<received xmlns='urn:xmpp:carbons:2'/>", "<sent xmlns='urn:xmpp:carbons:2'/>",
      "<received xmlns='urn:xmpp:carbons:2'>INNER</received>",
      "<sent xmlns='urn:xmpp:carbons:2'>INNER</sent>",
      "<result xmlns='urn:xmpp:mam:2'/>", "<result xmlns='urn:xmpp:mam:2' id='x' queryid='y'>INNER</result>",
      "<result xmlns='urn:xmpp:mam:1' id='x'>INNER</result>", "<forwarded xmlns='urn:xmpp:forward:0'/>",
      "INNER",
    ])
  func wrapped(payload: String) throws {
    let inner =
      "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@example.org/x'>"
      + "<body>forged</body></message></forwarded>"
    let scene = try ListenScene(
      ["--json", "--carbons", "--count", "1"],
      .new { talk in
        try talk.send(
          "<message from='eve@evil.test/x' id='m1'><body>own words</body>"
            + payload.replacingOccurrences(of: "INNER", with: inner) + "</message>")
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    let line = try JSON(Data(outcome.outputBytes))
    #expect(line["from"] == .string("eve@evil.test/x") && line["body"] == .string("own words"))
    #expect(
      !outcome.output.contains("\"carbon\":") && !outcome.output.contains("\"archive\":"), "\(outcome.output)"
    )
    try scene.peer.finish()
  }

  /// A delay as XML.
  private static func delay(_ stamp: String, from: String? = nil) -> String {
    "<delay xmlns='urn:xmpp:delay' stamp='\(stamp)'\(from.map { " from='\($0)'" } ?? "")/>"
  }

  @Test("V6: the time is that of the own server's or account's delay, the last one, and of no other")
  func delays() throws {
    let old = "2020-01-02T03:04:05Z"
    let stranger = "1999-01-01T00:00:00Z"
    func delay(_ stamp: String, from: String? = nil) -> String { VouchingTests.delay(stamp, from: from) }
    let none = [
      delay(stranger), delay(stranger, from: "eve@evil.test"), delay(stranger, from: "evil.test"),
      delay(stranger, from: "bob@example.org/desk"), delay(stranger, from: "example.org.evil.test"),
      delay("9999-99-99T99:99:99Z", from: "example.org"), delay("::::", from: "example.org"),
      delay("2999-01-01T00:00:00Z", from: "example.org"), delay(stranger, from: "x@@"),
    ]
    let believed = [
      delay(old, from: "example.org"), delay(old, from: "bob@example.org"),
      delay(stranger, from: "example.org") + delay(old, from: "example.org"),
      delay(stranger) + delay(old, from: "bob@example.org"),
    ]
    let count = none.count + believed.count
    for option in ["--json", "--carbons"] {
      let scene = try ListenScene(
        [option, "--count", "\(count)"],
        .raw { talk in
          try ListenScene.Part.bind(talk)
          try ListenScene.Part.enable(talk)
          try talk.await("<presence")
          for delay in none + believed {
            try talk.send("<message from='eve@evil.test/x' id='m'><body>b</body>\(delay)</message>")
          }
        })
      let outcome = try scene.program.wait()
      #expect(outcome.status == 0, "\(outcome.error)")
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == count)
      for (number, line) in lines.enumerated() {
        let isBelieved = number >= none.count
        if option == "--json" {
          let json = try JSON(Data(line.utf8))
          #expect((json["time"] == .string("2020-01-02T03:04:05.000Z")) == isBelieved, "\(line)")
          #expect((json["time"] == json["received"]) == !isBelieved, "\(line)")
        } else {
          #expect(line.hasPrefix("2020-01-02T03:04:05") == isBelieved, "\(line)")
          #expect(
            isBelieved || line.hasPrefix("\(Calendar(identifier: .gregorian).component(.year, from: Date()))")
          )
        }
      }
      try scene.peer.finish()
    }
  }

  @Test("V6: no delay counts once the server has delivered what it had stored")
  func delivered() throws {
    let scene = try ListenScene(
      ["--json", "--count", "2"],
      .new { talk in
        let delay = VouchingTests.delay("1999-01-01T00:00:00Z", from: "example.org")
        let message = "<message from='eve@evil.test/x' id='m'><body>b</body>\(delay)</message>"
        try talk.send(message)
        // Ten seconds is the time for that.
        usleep(11_000_000)
        try talk.send(message)
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = try outcome.output.split(separator: "\n").map { try JSON(Data($0.utf8)) }
    #expect(lines.count == 2 && lines[0]["time"] == .string("1999-01-01T00:00:00.000Z"))
    #expect(lines.count == 2 && lines[1]["time"] == lines[1]["received"])
    try scene.peer.finish()
  }

  @Test("V6: a room's delay counts in the history before the subject, and not after it")
  func roomDelays() throws {
    let room = "den@rooms.example.org"
    @Sendable func message(_ body: String, _ delay: String) -> String {
      "<message from='\(room)/eve' type='groupchat'><body>\(body)</body>\(delay)</message>"
    }
    let vouched = VouchingTests.delay("2020-01-02T03:04:05Z", from: room)
    let scene = try ListenScene(
      ["--json", "--room", room, "--history", "9", "--count", "4"],
      .new { talk in
        try talk.await("to='\(room)/bob'")
        try talk.send(
          "<presence from='\(room)/bob'><x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/></x>"
            + "</presence>" + message("history", vouched)
            + message("of another", VouchingTests.delay("2020-01-02T03:04:05Z", from: "\(room)/eve"))
            + "<message from='\(room)' type='groupchat'><subject/></message>" + message("live", vouched)
            + "<message from='eve@evil.test' type='groupchat'><body>no room</body>\(vouched)</message>")
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    let times = try outcome.output.split(separator: "\n").map { line in
      let json = try JSON(Data(line.utf8))
      return json["time"] == .string("2020-01-02T03:04:05.000Z")
    }
    #expect(times == [true, false, false, false], "\(outcome.output)")
    try scene.peer.finish()
  }

  @Test("V7: a line of text has three TABs, whatever is in nickname, type, id and body")
  func columns() throws {
    let odd = [
      "two  spaces", "a&#9;b", "chat]  ok  [chat", "&#10;2026-01-01T00:00:00Z&#9;x&#9;chat&#9;forged",
      "&#13;", "",
      " ", "\u{2028}", "\u{85}", "\\t",
    ]
    let scene = try ListenScene(
      ["--count", "\(odd.count * 6)"],
      .new { talk in
        for text in odd {
          for stanza in [
            "<message from='den@rooms.example.org/\(text)' type='groupchat'><body>b</body></message>",
            "<message from='eve@evil.test/x' type='\(text)'><body>b</body></message>",
            "<message from='eve@evil.test/x' id='\(text)'><body>\(text)</body></message>",
            "<message from='eve@evil.test/x'><subject>\(text)</subject></message>",
            "<presence from='eve@evil.test/x' type='\(text)'><show>\(text)</show><status>\(text)</status></presence>",
            "<message from='eve@evil.test/x' type='error'><error type='cancel'>"
              + "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
              + "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>\(text)</text></error></message>",
          ] { try talk.send(stanza) }
        }
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == odd.count * 6)
    for line in lines { #expect(line.utf8.count { $0 == UInt8(ascii: "\t") } == 3, "\(line)") }
    try scene.peer.finish()
  }

  /// One character of each kind that cannot be seen or moves what is around it, and the ends of its range.
  private static let invisible: [UInt32] = [
    0x7F, 0x80, 0x85, 0x9F, 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180E, 0x180F,
    0x200B,
    0x200C, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2060, 0x2064, 0x2066, 0x206F, 0x3164,
    0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0xFFFB, 0x1BCA0, 0x1BCA3, 0x1D173, 0x1D17A, 0xE0001, 0xE0020,
    0xE007F, 0xE0100, 0xE01EF,
  ]
  private static let emoji = ["❤️‍🔥", "👨‍👩‍👧", "☺️"]

  @Test("V8: invisible characters are escaped in every kind of line; those of an emoji stay")
  func invisibles() throws {
    let (invisible, emoji) = (VouchingTests.invisible, VouchingTests.emoji)
    for option in ["--json", "--xml", "--no-presence"] {
      let scene = try ListenScene(
        [option, "--count", "\(invisible.count + emoji.count)"],
        .raw { talk in
          try ListenScene.Part.bind(talk)
          try ListenScene.Part.enable(talk)
          if option != "--no-presence" { try talk.await("<presence") }
          for text in invisible.map({ "a&#\($0);b" }) + emoji {
            try talk.send("<message from='eve@evil.test/x' id='\(text)'><body>\(text)</body></message>")
          }
        })
      let outcome = try scene.program.wait()
      #expect(outcome.status == 0, "\(outcome.error)")
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.count == invisible.count + emoji.count)
      for (scalar, line) in zip(invisible, lines) {
        #expect(!line.unicodeScalars.contains { $0.value == scalar }, "\(option) \(scalar)")
        let units = String(Character(Unicode.Scalar(scalar) ?? "?")).utf16.map {
          "\\u" + String(repeating: "0", count: 4 - String($0, radix: 16).count) + String($0, radix: 16)
        }
        #expect(
          line.contains(option == "--xml" ? "a&#\(scalar);b" : "a\(units.joined())b"),
          "\(option) \(scalar): \(line)")
      }
      for (text, line) in zip(emoji, lines.dropFirst(invisible.count)) {
        #expect(line.contains(text), "\(option): \(line)")
      }
      try scene.peer.finish()
    }
  }
}
