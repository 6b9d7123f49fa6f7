import Foundation
import Testing

@testable import XMPP

/// The occupancy of a room as a value: stanzas and times in, events out.
@Suite struct RoomTests {
  static let room = "room@muc.example.org"
  static let user = "http://jabber.org/protocol/muc#user"
  static let errors = "urn:ietf:params:xml:ns:xmpp-stanzas"

  /// One occupancy and its clock.
  struct Run {
    var occupancy: RoomOccupancy
    var now = Deadline(nanoseconds: 1_000_000_000_000)
    /// What was sent.
    var sent: [Element] = []
    /// What was told.
    var messages: [String] = []

    init(_ change: (inout RoomOccupancy.Policy) -> Void = { _ in }) throws {
      var policy = RoomOccupancy.Policy()
      change(&policy)
      let account = try JID(parsing: "bob@example.org/desk")
      occupancy = RoomOccupancy(
        try JID(parsing: RoomTests.room + "/bob"), account: account, policy: policy)
      _ = note(occupancy.begin(account: account, at: now))
    }

    /// The events as words; what is to be sent goes to `sent`.
    mutating func note(_ events: [RoomOccupancy.Event]) -> [String] {
      events.map { event in
        switch event {
        case .send(let element):
          sent.append(element)
          return "send " + element.name
        case .joined: return "joined"
        case .confirmed: return "confirmed"
        case .notice(let text):
          messages.append(text)
          return "notice " + text
        case .interrupted(let failure):
          messages.append(failure.message + "; joining again")
          return "interrupted " + failure.condition
        case .ended(let failure):
          messages.append(failure.message)
          return "ended " + failure.condition
        }
      }
    }

    mutating func take(_ xml: String) throws -> [String] {
      let stanza = try stanza(xml)
      let sender = try #require(stanza.sender)
      return note(occupancy.take(stanza, from: sender, at: now).events)
    }

    /// Lets time pass until the next thing is due.
    mutating func pass() -> [String] {
      now = max(now, occupancy.due)
      return note(occupancy.elapse(at: now))
    }

    mutating func pass(seconds: Double) -> [String] {
      now = now.advanced(bySeconds: seconds)
      return note(occupancy.elapse(at: now))
    }

    /// The last question that was sent.
    var question: Element? { sent.last { $0.name == "iq" } }

    mutating func answer(_ content: String = "", error: String? = nil) throws -> [String] {
      let question = try #require(question)
      let error = error.map { "<error type='cancel'><\($0) xmlns='\(RoomTests.errors)'/></error>" }
      return try take(
        "<iq type='\(error == nil ? "result" : "error")' id='\(question.attribute("id") ?? "")' "
          + "from='\(question.attribute("to") ?? "")'>\(error ?? content)</iq>")
    }
  }

  static func presence(
    _ nick: String, _ codes: [Int] = [], type: String = "", namespace: String = user, _ more: String = ""
  ) -> String {
    let status = codes.map { "<status code='\($0)'/>" }.joined()
    let type = type.isEmpty ? "" : " type='\(type)'"
    return "<presence from='\(room)/\(nick)'\(type)><x xmlns='\(namespace)'>\(more)\(status)</x></presence>"
  }

  static func refusal(_ condition: String, _ type: String = "cancel", from: String = room + "/bob") -> String
  {
    "<presence type='error' from='\(from)'><error type='\(type)'><\(condition) xmlns='\(errors)'/></error></presence>"
  }

  static func disco(_ features: String) -> String {
    "<query xmlns='http://jabber.org/protocol/disco#info'>\(features)</query>"
  }

  @Test func joiningAsksForNoHistoryAndTellsThePassword() throws {
    let run = try Run { $0.password = "p<w" }
    let x = try #require(run.sent[0].child("x", Namespace.muc))
    #expect(run.sent[0].attribute("to") == "room@muc.example.org/bob")
    #expect(x.child("password", Namespace.muc)?.text == "p<w")
    #expect(x.child("history", Namespace.muc)?.attribute("maxstanzas") == "0")
    #expect(run.sent[1].attribute("to") == "muc.example.org")
  }

  @Test("R2: our own presence is recognized by its status code, or by the nickname if there is none")
  func ownPresence() throws {
    var run = try Run()
    #expect(try run.take(RoomTests.presence("alice")) == [])
    #expect(try run.take("<presence from='other@muc.example.org/bob'/>") == [])
    #expect(try run.take(RoomTests.presence("bob", [110])) == ["joined"])

    run = try Run()
    #expect(try run.take(RoomTests.presence("bob2", [110, 210])) == ["joined"])
    #expect(run.occupancy.occupant?.resourcepart == "bob2")

    // No status, or the status in another namespace: the next message of the room decides, or some seconds.
    for namespace in [RoomTests.user, "http://jabber.org/protocol/muc"] {
      run = try Run()
      let codes = namespace == RoomTests.user ? [] : [110]
      #expect(try run.take(RoomTests.presence("bob", codes, namespace: namespace)) == [])
      #expect(
        try run.take("<message type='groupchat' from='\(RoomTests.room)'><subject/></message>") == ["joined"])
    }
    run = try Run()
    #expect(try run.take(RoomTests.presence("bob")) == [])
    #expect(run.pass() == ["joined"])

    // Another occupant with the requested nickname, before the refusal.
    run = try Run { $0.keepsNickname = true }
    #expect(try run.take(RoomTests.presence("bob")) == [])
    #expect(try run.take(RoomTests.refusal("conflict")) == ["ended conflict"])

    // Another occupant's claim is worth less than the own nickname.
    run = try Run()
    #expect(try run.take(RoomTests.presence("eve", [110])) == [])
    #expect(try run.take(RoomTests.presence("bob")) == [])
    #expect(run.pass() == ["joined"] && run.occupancy.occupant?.resourcepart == "bob")
  }

  @Test(
    "R4: a refusal is named by its condition",
    arguments: [
      "not-authorized", "forbidden", "not-allowed", "not-acceptable", "registration-required",
      "jid-malformed",
    ])
  func refused(condition: String) throws {
    var run = try Run()
    #expect(try run.take(RoomTests.refusal(condition, from: RoomTests.room + "/alice")) == [])
    #expect(try run.take(RoomTests.refusal(condition)) == ["ended \(condition)"])
    #expect(run.occupancy.ending?.status == .refused)
  }

  @Test("R4: an address that is no room is told by its domain, whichever answer comes first")
  func noRoom() throws {
    let person = RoomTests.disco("<identity category='server' type='im'/><feature var='urn:xmpp:ping'/>")
    var run = try Run()
    #expect(try run.answer(person) == [])
    #expect(run.pass() == ["ended not-a-room"])
    run = try Run()
    #expect(try run.take(RoomTests.refusal("service-unavailable")) == [])
    #expect(try run.answer(person) == ["ended not-a-room"])
    run = try Run()
    #expect(try run.answer(person) == [])
    #expect(try run.take(RoomTests.refusal("service-unavailable")) == ["ended not-a-room"])
    // A room service refuses for its own reasons; a gateway may have rooms and not say so.
    for answer in ["<feature var='\(Namespace.muc)'/>", "<identity category='gateway'/><feature var='x'/>"] {
      run = try Run()
      #expect(try run.take(RoomTests.refusal("service-unavailable")) == [])
      #expect(try run.answer(RoomTests.disco(answer)) == ["ended service-unavailable"])
    }
    run = try Run()
    #expect(run.pass(seconds: 29) == [] && run.pass(seconds: 2) == ["ended join-unanswered"])
  }

  @Test("R5: a taken nickname gets a suffix, unless the user chose it")
  func takenNickname() throws {
    var run = try Run()
    for number in 2...9 {
      #expect(
        try run.take(RoomTests.refusal("conflict", from: RoomTests.room)) == ["send presence", "send iq"])
      #expect(run.sent.last { $0.name == "presence" }?.attribute("to") == "\(RoomTests.room)/bob-\(number)")
    }
    #expect(try run.take(RoomTests.refusal("conflict", from: RoomTests.room)) == ["ended conflict"])
  }

  @Test("R6: a captcha is told with its address, and leaves a person time")
  func captcha() throws {
    var run = try Run { $0.announcesPresence = true }
    let message =
      "<message from='\(RoomTests.room)'><body>To unblock, visit https://e.org/captcha/1</body><captcha xmlns='urn:xmpp:captcha'/></message>"
    #expect(
      try run.take(message)
        == ["notice \(RoomTests.room) asks for a captcha to be solved: https://e.org/captcha/1"])
    #expect(run.pass(seconds: 100) == [])
    #expect(run.pass(seconds: 21) == ["ended join-unanswered"])
  }

  @Test("R7: if no presence comes, the room is asked, and at last presence is announced")
  func noPresence() throws {
    let service = RoomTests.disco("<feature var='\(Namespace.muc)'/>")
    var run = try Run { $0.announcesPresence = true }
    #expect(try run.answer(service) == [])
    #expect(run.pass() == ["send iq"])
    #expect(run.question?.attribute("to") == "\(RoomTests.room)/bob")
    #expect(try run.answer() == ["joined"])

    // A room that is slow to let the session in says that it is no occupant yet: nothing is announced.
    run = try Run { $0.announcesPresence = true }
    #expect(try run.answer(service) == [])
    for _ in 0..<10 {
      #expect(run.pass() == ["send iq"])
      #expect(try run.answer(error: "not-acceptable") == [])
    }
    #expect(try run.take(RoomTests.presence("bob", [110])) == ["joined"])

    // What is not known to be a room is not asked.
    run = try Run { $0.announcesPresence = true }
    #expect(run.pass() == [] && run.pass() == [])
    #expect(run.pass() == ["send presence", "send presence"])
    #expect(run.sent.contains { $0.child("priority", Namespace.client)?.text == "-1" })
    #expect(run.sent.filter { $0.name == "presence" }.count == 3)
    #expect(try run.take(RoomTests.presence("bob", [110])) == ["joined"])
  }

  private func joined(_ change: (inout RoomOccupancy.Policy) -> Void = { $0.rejoins = true }) throws -> Run {
    var run = try Run(change)
    #expect(try run.take(RoomTests.presence("bob", [110])) == ["joined"])
    return run
  }

  @Test("R8: a removal ends the occupancy with actor and reason, with or without status 110")
  func removed() throws {
    let item =
      "<item affiliation='none' role='none'><actor nick='carol'/><reason>be quiet</reason></item>"
    let cases: [(codes: [Int], more: String, event: String, message: String)] = [
      ([110, 307], item, "ended kicked", "kicked from \(RoomTests.room) by \"carol\": \"be quiet\""),
      ([301], item, "ended banned", "banned from \(RoomTests.room) by \"carol\": \"be quiet\""),
      (
        [], "<destroy jid='new@muc.example.org'><reason>moved</reason></destroy>", "ended destroyed",
        "\(RoomTests.room) was destroyed: \"moved\"; it is replaced by new@muc.example.org"
      ),
      ([110], "", "ended removed", "removed from \(RoomTests.room)"),
      (
        [110, 322], "", "ended members-only", "removed from \(RoomTests.room), which is for members only now"
      ),
      (
        [110, 321], "", "ended affiliation-changed",
        "removed from \(RoomTests.room), whose affiliations changed"
      ),
    ]
    for (codes, more, event, message) in cases {
      var run = try joined()
      for other in ["carol", "Bob"] {
        let presence = RoomTests.presence(other, codes, type: "unavailable", more)
        #expect(try run.take(presence) == [], "another occupant's presence removes us")
      }
      #expect(try run.take(RoomTests.presence("bob", codes, type: "unavailable", more)) == [event])
      #expect(run.occupancy.ending?.message == message)
      #expect(run.occupancy.due == .never)
    }
    // Another session with the same nickname may have left: the room is asked.
    var run = try joined()
    #expect(try run.take(RoomTests.presence("bob", type: "unavailable")) == ["send iq"])
    #expect(try run.answer() == ["confirmed"])
  }

  @Test("R8: the nickname that the room changes is followed")
  func renamed() throws {
    var run = try joined()
    let change = RoomTests.presence("bob", [303, 110], type: "unavailable", "<item nick='robert'/>")
    #expect(try run.take(change) == [])
    #expect(try run.take(RoomTests.presence("bob", [110, 307], type: "unavailable")) == [])
    #expect(try run.take(RoomTests.presence("robert", [110, 307], type: "unavailable")) == ["ended kicked"])
  }

  @Test("R9: what may pass is joined again after growing pauses, and told once", arguments: [332, 333])
  func rejoins(code: Int) throws {
    var run = try joined()
    let removal = RoomTests.presence(
      "bob", [110, 307, code].filter { code == 333 || $0 != 307 }, type: "unavailable")
    #expect(try run.take(removal) == ["interrupted \(code == 333 ? "connection-lost" : "shutdown")"])
    var pauses: [Double] = []
    for (type, condition) in [
      ("wait", "resource-constraint"), ("wait", "remote-server-timeout"),
      ("cancel", "remote-server-not-found"),
      ("cancel", "conflict"), ("wait", "service-unavailable"), ("wait", "internal-server-error"),
    ] {
      let before = run.now
      #expect(run.pass() == ["send iq"], "whether the room exists is asked first")
      pauses.append(run.now.milliseconds(since: before) / 1000)
      #expect(try run.answer(RoomTests.disco("")) == ["send presence", "send iq"])
      #expect(try run.answer(RoomTests.disco("<feature var='\(Namespace.muc)'/>")) == [])
      #expect(try run.take(RoomTests.refusal(condition, type)) == [])
    }
    #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $1 >= $0 } && pauses[5] > 10, "\(pauses)")
    #expect(run.pass() == ["send iq"])
    #expect(
      run.pass() == ["send presence", "send iq"], "it is joined although the question was not answered")
    #expect(try run.take(RoomTests.presence("bob", [110])) == ["joined"])
    #expect(try run.take(removal).count == 1, "the next time is told again")
    // Without rejoining it is the end.
    run = try joined { $0.rejoins = false }
    #expect(try run.take(removal) == ["ended \(code == 333 ? "connection-lost" : "shutdown")"])
  }

  @Test("R10: a room that is gone after a restart is neither created nor the end")
  func gone() throws {
    var run = try joined()
    #expect(
      run.note(run.occupancy.begin(account: try JID(parsing: "bob@example.org/2"), at: run.now)) == [
        "send iq"
      ])
    #expect(run.question?.attribute("to") == RoomTests.room)
    #expect(try run.answer(error: "item-not-found") == ["interrupted item-not-found"])
    for _ in 0..<3 {
      #expect(run.pass() == ["send iq"])
      #expect(try run.answer(error: "item-not-found") == [])
    }
    #expect(run.pass() == ["send iq"])
    #expect(try run.answer(RoomTests.disco("")) == ["send presence", "send iq"])
    #expect(try run.take(RoomTests.presence("bob", [110])) == ["joined"])
    // Joining has created it after all.
    run = try Run()
    #expect(try run.take(RoomTests.presence("bob", [110, 201])) == ["send iq", "ended item-not-found"])
    #expect(run.question?.child("query", Namespace.mucOwner)?.child("destroy", Namespace.mucOwner) != nil)
  }

  @Test("R11: a silent room is asked, and what does not know the session is joined again")
  func selfPing() throws {
    let policy: (inout RoomOccupancy.Policy) -> Void = {
      $0.rejoins = true
      $0.silence = 300
    }
    var run = try joined(policy)
    #expect(run.pass(seconds: 200) == [])
    #expect(
      try run.take("<message type='groupchat' from='\(RoomTests.room)/alice'><body>x</body></message>") == [])
    #expect(run.pass(seconds: 200) == [])
    #expect(run.pass(seconds: 101) == ["send iq"])
    #expect(run.question?.attribute("to") == "\(RoomTests.room)/bob")
    #expect(try run.answer(error: "service-unavailable") == ["confirmed"])
    #expect(run.pass() == ["send iq"])
    #expect(try run.answer(error: "not-acceptable") == ["interrupted not-in-room"])
    // No answer, twice.
    run = try joined(policy)
    #expect(run.pass() == ["send iq"])
    #expect(run.pass() == ["send iq"])
    #expect(run.pass() == ["interrupted not-in-room"])
    // An unknown occupant may mean a new nickname or no room at all.
    run = try joined(policy)
    #expect(run.pass() == ["send iq"])
    #expect(try run.answer(error: "item-not-found") == ["send iq"])
    #expect(try run.answer(error: "item-not-found") == ["interrupted not-in-room"])
    run = try joined(policy)
    #expect(run.pass() == ["send iq"])
    #expect(try run.answer(error: "remote-server-timeout") == [])
  }

  @Test("R1: the answer to an older self-ping confirms nothing that was sent since")
  func staleSelfPing() throws {
    var run = try joined { $0.rejoins = false }
    func ask(_ run: inout Run) throws -> Element {
      let question = run.occupancy.ping(at: run.now)
      let ping = try #require(question)
      run.sent.append(ping)
      return ping
    }
    let first = try ask(&run)
    #expect(run.pass() == [], "the first is given up")
    let second = try ask(&run)
    run.sent.append(first)
    #expect(try run.answer() == [])
    run.sent.append(second)
    #expect(try run.answer() == ["confirmed"])
  }

  @Test("R9: an occupant who has taken the chosen nickname does not end the run, however long that lasts")
  func nicknameHeld() throws {
    var run = try joined {
      $0.rejoins = true
      $0.keepsNickname = true
    }
    let start = run.now
    let removal = RoomTests.presence("bob", [110, 332], type: "unavailable")
    #expect(try run.take(removal) == ["interrupted shutdown"])
    for _ in 0..<40 {
      #expect(run.pass() == ["send iq"])
      #expect(try run.answer(RoomTests.disco("")) == ["send presence", "send iq"])
      #expect(try run.take(RoomTests.refusal("conflict")) == [])
    }
    #expect(run.now.milliseconds(since: start) > 900_000)
    #expect(run.pass() == ["send iq"])
    #expect(try run.answer(RoomTests.disco("")) == ["send presence", "send iq"])
    #expect(try run.take(RoomTests.presence("bob", [110])) == ["joined"])
  }

  @Test("R2: another occupant's presence creates no room, whatever codes it carries")
  func forgedCreation() throws {
    var run = try Run()
    #expect(try run.take(RoomTests.presence("eve", [110, 210, 201])) == ["joined"])
  }

  @Test("the messages in docs/ROOMS.md are those that rooms cause")
  func table() throws {
    var messages: [String] = ["not in \(RoomTests.room) at the end"]
    func play(joins: Bool = true, _ steps: (inout Run) throws -> Void) throws {
      var run = joins ? try joined() : try Run()
      try steps(&run)
      messages += run.messages
    }
    let item = "<item><actor nick='carol'/><reason>be quiet</reason></item>"
    for code in [301, 307, 332, 333, 110] {
      try play {
        let more = code == 301 || code == 307 ? item : ""
        _ = try $0.take(RoomTests.presence("bob", [110, code], type: "unavailable", more))
      }
    }
    try play {
      let destroy = "<destroy><reason>be quiet</reason></destroy>"
      _ = try $0.take(RoomTests.presence("bob", [], type: "unavailable", destroy))
    }
    for condition in ["conflict", "registration-required", "not-authorized", "forbidden"] {
      var run = try Run { $0.keepsNickname = true }
      _ = try run.take(RoomTests.refusal(condition))
      messages += run.messages
    }
    try play(joins: false) { while $0.occupancy.ending == nil { _ = $0.pass() } }
    try play(joins: false) { _ = try $0.take(RoomTests.presence("bob", [110, 201])) }
    try play(joins: false) {
      let domain = RoomTests.disco("<identity category='server'/><feature var='urn:xmpp:ping'/>")
      _ = try $0.answer(domain)
      _ = $0.pass()
    }
    try play(joins: false) {
      _ = try $0.take(
        "<message from='\(RoomTests.room)'><body>https://e.org/1</body><captcha xmlns='urn:xmpp:captcha'/></message>"
      )
    }
    try play {
      _ = $0.note($0.occupancy.begin(account: try JID(parsing: "bob@example.org/2"), at: $0.now))
      _ = try $0.answer(error: "item-not-found")
    }
    for rejoins in [true, false] {
      var run = try joined { $0.rejoins = rejoins }
      let ping = run.occupancy.ping(at: run.now)
      run.sent += [ping].compactMap(\.self)
      _ = try run.answer(error: "not-acceptable")
      messages += run.messages
    }
    let page = try String(
      contentsOf: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../docs/ROOMS.md").standardizedFileURL, encoding: .utf8)
    let shown = page.matches(of: #/`([^`]* [^`]*)` \|\n/#).map { String($0.1) }
    #expect(shown.count >= 18)
    for message in shown {
      var text = message
      for (name, value) in [
        ("ROOM", RoomTests.room), ("PERSON", RoomTests.room), ("DOMAIN", "muc.example.org"),
        ("ACTOR", "carol"),
        ("REASON", "be quiet"), ("URL", "https://e.org/1"), ("CONDITION", "not-acceptable"),
      ] { text = text.replacing(name, with: value) }
      #expect(messages.contains(text), "\(text) in \(messages)")
    }
  }
}
