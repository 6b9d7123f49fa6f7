import Testing

@testable import XMPP

@Suite struct ForwardedMessageTests {
  let account: JID
  init() throws { account = try JID(parsing: "bob@example.org/r1") }

  private func forwarded(_ wrapper: String, from: String?) throws -> Stanza {
    let sender = from.map { " from='\($0)'" } ?? ""
    let tag = wrapper.split(separator: " ").first.map(String.init) ?? ""
    return try stanza(
      """
      <message\(sender) to='bob@example.org/r1'><\(wrapper)><forwarded xmlns='urn:xmpp:forward:0'>\
      <delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/>\
      <message xmlns='jabber:client' from='alice@example.org/x'><body>hi</body></message></forwarded></\(tag)></message>
      """)
  }

  @Test(
    "I1: a carbon that is not from the own bare JID is none",
    arguments: [
      "alice@example.org", "bob@example.org/r1", "bob@example.org/r2", "example.org", "bob@evil", nil,
    ] as [String?])
  func foreignCarbon(from: String?) throws {
    let stanza = try forwarded("received xmlns='urn:xmpp:carbons:2'", from: from)
    #expect(Carbon(stanza, account: account) == nil)
    #expect(Carbon.looksLikeOne(stanza))
  }

  @Test func ownCarbonsAreUnwrapped() throws {
    for direction in [Carbon.Direction.received, .sent] {
      let stanza = try forwarded("\(direction.rawValue) xmlns='urn:xmpp:carbons:2'", from: "Bob@example.org")
      let carbon = try #require(Carbon(stanza, account: account))
      #expect(carbon.direction == direction)
      #expect(carbon.message.from == "alice@example.org/x")
      #expect(carbon.delay?.stamp == "2026-01-01T00:00:00Z")
    }
    #expect(Carbon(try stanza("<message from='bob@example.org'/>"), account: account) == nil)
  }

  @Test("I5: an archive's result counts only for the query that is asked, from the archive that is")
  func archiveResults() throws {
    let query = ArchiveQuery(account: account)
    let id = try #require(query.payload().attribute("queryid"))
    let wrapper = "result xmlns='urn:xmpp:mam:2' id='28482' queryid="
    for from in [nil, "bob@example.org"] {
      let result = try #require(query.result(try forwarded("\(wrapper)'\(id)'", from: from)))
      #expect(result.id == "28482" && result.delay?.stamp == "2026-01-01T00:00:00Z")
      #expect(result.message.element.child("body", Namespace.client)?.text == "hi")
    }
    for from in ["eve@evil", "example.org", "bob@example.org/r1"] {
      let stanza = try forwarded("\(wrapper)'\(id)'", from: from)
      #expect(query.result(stanza) == nil)
      #expect(ArchiveQuery.looksLikeResult(stanza))
    }
    #expect(query.result(try forwarded("\(wrapper)'other'", from: nil)) == nil)
    #expect(query.result(try forwarded("result xmlns='urn:xmpp:mam:2' id='1'", from: nil)) == nil)

    let room = try JID(parsing: "room@muc.example.org")
    let roomQuery = ArchiveQuery(archive: room, account: account)
    let roomID = try #require(roomQuery.payload().attribute("queryid"))
    #expect(roomQuery.result(try forwarded("\(wrapper)'\(roomID)'", from: nil)) == nil)
    #expect(roomQuery.result(try forwarded("\(wrapper)'\(roomID)'", from: room.full)) != nil)
  }

  @Test func aQueryNamesItsPageAndItsTime() throws {
    let query = ArchiveQuery(account: account)
    let payload = query.payload(
      start: "2026-01-01T00:00:00Z", with: try JID(parsing: "alice@example.org"), page: .after("77"), size: 50
    )
    let form = try #require(payload.child("x", Namespace.dataForms))
    #expect(form.attribute("type") == "submit")
    let fields = form.elements.map {
      "\($0.attribute("var") ?? "")=\($0.child("value", Namespace.dataForms)?.text ?? "")"
    }
    #expect(fields == ["FORM_TYPE=urn:xmpp:mam:2", "start=2026-01-01T00:00:00Z", "with=alice@example.org"])
    let set = try #require(payload.child("set", Namespace.resultSets))
    #expect(set.elements.map { "\($0.name)=\($0.text)" } == ["max=50", "after=77"])
    let last = query.payload(page: .last).child("set", Namespace.resultSets)
    #expect(last?.elements.map { "\($0.name)=\($0.text)" } == ["max=100", "before="])
  }

  @Test func theEndOfAPageIsRead() throws {
    let query = ArchiveQuery(account: account)
    let answer = try stanza(
      """
      <iq type='result'><fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'>
      <first index='0'>a</first><last>b</last><count>2</count></set></fin></iq>
      """)
    let end = try #require(query.end(answer))
    #expect(end.isComplete && end.set.first == "a" && end.set.last == "b" && end.set.count == 2)
    let open = try #require(query.end(try stanza("<iq type='result'><fin xmlns='urn:xmpp:mam:2'/></iq>")))
    #expect(!open.isComplete && open.set.last == nil)
    #expect(query.end(try stanza("<iq type='result'/>")) == nil)
  }
}
