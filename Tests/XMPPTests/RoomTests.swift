import Testing

@testable import XMPP

@Suite struct RoomTests {
  let occupant: JID
  init() throws { occupant = try JID(parsing: "room@muc.example.org/bob") }

  private func presence(_ from: String, codes: [Int], type: String = "") throws -> Stanza {
    let status = codes.map { "<status code='\($0)'/>" }.joined()
    let type = type.isEmpty ? "" : " type='\(type)'"
    return try stanza(
      """
      <presence from='\(from)'\(type)><x xmlns='http://jabber.org/protocol/muc#user'>\
      <item affiliation='none' role='participant' nick='new'/>\(status)</x></presence>
      """)
  }

  @Test func joiningAsksForNoHistoryAndTellsThePassword() throws {
    let element = RoomJoin(occupant).request(password: "p<w")
    let x = try #require(element.child("x", Namespace.muc))
    #expect(element.attribute("to") == "room@muc.example.org/bob")
    #expect(x.child("password", Namespace.muc)?.text == "p<w")
    #expect(x.child("history", Namespace.muc)?.attribute("maxstanzas") == "0")
    #expect(Room.leave(occupant).attribute("type") == "unavailable")
  }

  @Test func oneIsInWithTheOwnPresenceAndNotBefore() throws {
    let join = RoomJoin(occupant)
    #expect(try join.take(presence("room@muc.example.org/alice", codes: [])) == nil)
    #expect(try join.take(presence("room@muc.example.org/bob", codes: [])) == nil)
    #expect(try join.take(presence("eve@evil/bob", codes: [110])) == nil)
    #expect(try join.take(stanza("<message from='room@muc.example.org' type='error'/>")) == nil)
    let own = try #require(try join.take(presence("room@muc.example.org/Bob2", codes: [110, 201, 210])))
    #expect(own.occupant.resourcepart == "Bob2")
    #expect(own.isNewRoom && own.nickWasChanged && own.removal == nil)
  }

  @Test(arguments: [
    "not-authorized", "forbidden", "item-not-found", "not-allowed", "not-acceptable", "registration-required",
    "conflict", "service-unavailable",
  ])
  func aRefusalIsNamedByItsCondition(condition: String) throws {
    let join = RoomJoin(occupant)
    let id = try #require(join.request().attribute("id"))
    let error = "<error type='auth'><\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    let other = try stanza(
      "<presence type='error' id='\(id)' from='room@muc.example.org/alice'>\(error)</presence>")
    #expect(try join.take(other) == nil)
    for from in ["room@muc.example.org/bob", "room@muc.example.org"] {
      let refusal = try stanza("<presence type='error' id='\(id)' from='\(from)'>\(error)</presence>")
      let failure = #expect(throws: Failure.self) { try join.take(refusal) }
      #expect(failure?.condition == condition && failure?.status == .refused && failure?.hint != nil)
    }
  }

  @Test func beingRemovedHasAReason() throws {
    let kick = try presence("room@muc.example.org/bob", codes: [110, 307], type: "unavailable")
    #expect(RoomPresence(kick, room: occupant.bare)?.removal == "kicked")
    let leave = try presence("room@muc.example.org/bob", codes: [110], type: "unavailable")
    #expect(RoomPresence(leave, room: occupant.bare)?.removal == nil)
    let rename = try presence("room@muc.example.org/bob", codes: [303, 110], type: "unavailable")
    #expect(RoomPresence(rename, room: occupant.bare)?.newNick == "new")
  }
}
