import Testing

@testable import XMPP

@Suite struct IQTrackerTests {
  let account: JID
  init() throws { account = try JID(parsing: "bob@example.org/r1") }

  private func reply(
    _ id: String, from: String?, type: String = "result"
  ) -> Stanza? {
    Stanza(Element("iq", Namespace.client, ["type": type, "id": id, "from": from]))
  }

  @Test("I3: an answer counts only with the id and from whom was asked; ids are random")
  func onlyTheOneAsked() throws {
    var tracker = IQTracker<Int>(account: account)
    let room = try JID(parsing: "room@muc.example.org")
    let id = try #require(tracker.request(.get, to: room, Ping.payload, for: 7).attribute("id"))
    #expect(id.utf8.count == 32)
    for from in [nil, "bob@example.org", "example.org", "room@muc.example.org/nick", "eve@evil", "@"] {
      let stranger = try #require(reply(id, from: from))
      #expect(tracker.take(stranger) == nil, "\(from ?? "nobody")")
    }
    let guessed = try #require(reply("1", from: room.full))
    #expect(tracker.take(guessed) == nil)
    let answer = try #require(reply(id, from: "Room@muc.example.org"))
    #expect(tracker.take(answer)?.purpose == 7)
    #expect(tracker.take(answer) == nil, "an answer comes once")
    let ids = (0..<100).map { _ in tracker.request(.get, Ping.payload, for: 0).attribute("id") ?? "" }
    #expect(Set(ids).count == 100)
  }

  @Test(
    "I3: the own server answers without from, in the account's name or its own",
    arguments: [
      nil, "bob@example.org", "bob@example.org/r1", "example.org",
    ] as [String?])
  func theOwnServer(from: String?) throws {
    var tracker = IQTracker<String>(account: account)
    let id = try #require(tracker.request(.set, Ping.payload, for: "x").attribute("id"))
    for stranger in ["bob@example.org/r2", "eve@example.org", "example.com"] {
      let stanza = try #require(reply(id, from: stranger))
      #expect(tracker.take(stanza) == nil)
    }
    let answer = try #require(reply(id, from: from))
    #expect(tracker.take(answer)?.purpose == "x")
  }

  @Test("I4: ids that are only canonically equal are different")
  func canonicallyEqualIDs() throws {
    var tracker = IQTracker<Int>(account: account)
    tracker.expect("caf\u{E9}", from: nil, for: 1)
    tracker.expect("cafe\u{301}", from: nil, for: 2)
    #expect(tracker.count == 2)
    let second = try #require(reply("cafe\u{301}", from: nil))
    #expect(tracker.take(second)?.purpose == 2)
    #expect(tracker.take(second) == nil)
    let first = try #require(reply("caf\u{E9}", from: nil))
    #expect(tracker.take(first)?.purpose == 1)
  }

  @Test func anErrorIsAnAnswerToo() throws {
    var tracker = IQTracker<Int>(account: account)
    let id = try #require(tracker.request(.get, Ping.payload, for: 1).attribute("id"))
    let request = try #require(reply(id, from: nil, type: "get"))
    #expect(tracker.take(request) == nil, "a request with the same id is no answer")
    let answer = try #require(Stanza(IQ.error(to: request)))
    #expect(tracker.take(answer)?.error?.condition == "service-unavailable")
    tracker.expect("a", from: nil, for: 5)
    #expect(tracker.removeAll() == [5])
    #expect(tracker.count == 0)
  }
}
