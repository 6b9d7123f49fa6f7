import TestSupport
import XMPP

/// A room with its owner in it.
struct KeptRoom {
  let scene: SendScene
  let address: String

  /// - Parameter fields: what is configured, by the names of XEP-0045 §16.5.
  init(_ name: String, _ fields: KeyValuePairs<String, String> = [:]) throws {
    scene = try SendScene(name)
    address = "r\(UInt32.random(in: 0 ... .max))@\(scene.rooms)"
    try scene.receiver.ask(
      "<presence to='\(address)/owner'><x xmlns='http://jabber.org/protocol/muc'/></presence>", "110")
    let form = fields.map { "<field var='muc#roomconfig_\($0)'><value>\($1)</value></field>" }.joined()
    try owner(
      "owner",
      "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
        + "<value>http://jabber.org/protocol/muc#roomconfig</value></field>\(form)</x>")
  }

  /// Sends the room a request as its owner, and waits for its result.
  func owner(_ role: String, _ content: String) throws {
    try scene.receiver.ask(
      "<iq type='set' id='c' to='\(address)'><query xmlns='http://jabber.org/protocol/muc#\(role)'>\(content)</query></iq>",
      "type='result'")
  }

  /// Waits until an occupant with this nickname is in the room.
  func awaitOccupant(_ nick: String) throws {
    try wait("\(nick) is in the room", within: .seconds(60)) {
      try scene.receiver.ask(
        "<iq type='get' id='items' to='\(address)'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "disco#items"
      ).contains("/\(nick)")
    }
  }

  func ban(_ account: TestSupport.Account) throws {
    try owner("admin", "<item affiliation='outcast' jid='\(account.jid)'/>")
  }

  /// What the owner saw of occupants' messages.
  func bodies(_ count: Int) throws -> [String] {
    var bodies: [String] = []
    try wait("\(count) messages in the room") {
      bodies = scene.receiver.messagesSoFar(quietFor: 0.01).compactMap(\.body)
      return bodies.count >= count
    }
    return bodies
  }
}
