import TestSupport
import Testing
import XMPP

@testable import xmppctl

/// The rooms of a sender as a value: no connection.
@Suite struct SendRoomsTests {
  private let room = ScriptedRoom.address

  private func element(_ action: SendRooms.Action) -> Element? {
    if case .send(let element) = action { element } else { nil }
  }

  @Test(
    "R7: in a new session the sender waits until the room has let it in again, also while it asks whether it exists"
  )
  func newSession() throws {
    let account = try JID(parsing: "bob@example.org/a")
    var rooms = SendRooms(
      [try JID(parsing: room + "/bob")], account: account, password: nil, hasNick: true)
    #expect(rooms.begin(account: account).compactMap(element).first?.name == "presence")
    #expect(rooms.isJoining)
    let own = try stanzas(ScriptedRoom.presence("bob", [110]))
    for stanza in own { _ = try rooms.take(stanza) }
    #expect(!rooms.isJoining && rooms.occupants.map(\.full) == [room + "/bob"])

    let next = try JID(parsing: "bob@example.org/b")
    let question = try #require(rooms.begin(account: next).compactMap(element).first)
    #expect(question.name == "iq" && question.attribute("to") == room)
    #expect(rooms.isJoining && rooms.occupants.isEmpty && rooms.activity.contains(room))
    let id = try #require(question.attribute("id"))
    let answer = try stanzas(
      "<iq type='result' id='\(id)' from='\(room)'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
    )
    var sent: [Element] = []
    for stanza in answer { sent += try rooms.take(stanza).compactMap(element) }
    #expect(sent.first?.name == "presence" && rooms.isJoining)
    for stanza in own { _ = try rooms.take(stanza) }
    #expect(!rooms.isJoining && rooms.occupants.count == 1)
  }
}
