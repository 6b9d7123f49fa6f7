import Foundation
import TestSupport

/// What a scripted room says.
enum ScriptedRoom {
  static let address = "den@rooms.example.org"
  static let user = "http://jabber.org/protocol/muc#user"

  /// A presence of an occupant.
  static func presence(
    _ nick: String, _ codes: [Int] = [], type: String = "", room: String = address, _ more: String = ""
  ) -> String {
    let status = codes.map { "<status code='\($0)'/>" }.joined()
    let type = type.isEmpty ? "" : " type='\(type)'"
    return "<presence from='\(room)/\(nick)'\(type)><x xmlns='\(user)'>\(more)\(status)</x></presence>"
  }

  static func gone(_ nick: String, _ codes: [Int], room: String = address, _ more: String = "") -> String {
    presence(nick, codes, type: "unavailable", room: room, more)
  }

  static func message(_ nick: String, _ content: String, id: String = "", room: String = address) -> String {
    let id = id.isEmpty ? "" : " id='\(id)'"
    return "<message from='\(room)/\(nick)' type='groupchat'\(id)>\(content)</message>"
  }

  static func body(_ text: String, nick: String = "ann", room: String = address) -> String {
    message(nick, "<body>\(text)</body>", room: room)
  }

  static let subject = "<message from='\(address)' type='groupchat'><subject/></message>"

  /// The answer of a service to disco#info.
  static func service(_ question: String, hasRooms: Bool = true, from: String = "rooms.example.org") -> String
  {
    let feature = hasRooms ? "http://jabber.org/protocol/muc" : "urn:xmpp:ping"
    return
      "<iq type='result' id='\(LoginScene.id(of: question))' from='\(from)'><query xmlns='http://jabber.org/protocol/disco#info'>"
      + "<identity category='\(hasRooms ? "conference" : "server")' type='x'/><feature var='\(feature)'/></query></iq>"
  }

  static func error(
    _ request: String, _ condition: String, _ type: String = "cancel", from: String, stanza: String = "iq"
  ) -> String {
    "<\(stanza) type='error' id='\(LoginScene.id(of: request))' from='\(from)'><error type='\(type)'>"
      + "<\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></\(stanza)>"
  }
}

extension ScriptedPeer.Talk {
  /// Reads the request to join a room, and gives it.
  @discardableResult
  func join(_ nick: String = "bob", room: String = ScriptedRoom.address) throws -> String {
    while true {
      let element = try element()
      if element.hasPrefix("<presence"), element.contains("to='\(room)/\(nick)'") { return element }
    }
  }

  /// Lets the client join.
  func letIn(_ nick: String = "bob", room: String = ScriptedRoom.address) throws {
    try join(nick, room: room)
    try send(ScriptedRoom.presence(nick, [110], room: room))
    try send("<message from='\(room)' type='groupchat'><subject/></message>")
  }

  /// Says that a room exists, when that is asked.
  func exists(_ room: String = ScriptedRoom.address) throws {
    while true {
      let element = try element()
      guard element.contains("disco#info"), element.contains("to='\(room)'") else { continue }
      return try send(ScriptedRoom.service(element, from: room))
    }
  }
}
