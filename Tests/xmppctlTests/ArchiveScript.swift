import TestSupport

/// A question to the archive of a scripted server, and the parts of its answer.
struct ArchiveScript {
  let talk: ScriptedPeer.Talk
  /// The question as it came.
  let question: String
  private let query: String

  /// Waits for the next question.
  ///
  /// - Parameter text: what it must contain.
  init(_ talk: ScriptedPeer.Talk, asking text: String...) throws {
    try self.init(talk, talk.await("urn:xmpp:mam:2"))
    for text in text where !question.contains(text) {
      throw SupportFailure("the archive is not asked for \(text): \(question)")
    }
  }

  init(_ talk: ScriptedPeer.Talk, _ question: String) throws {
    self.talk = talk
    self.question = question
    guard let query = question.firstMatch(of: #/queryid='([^']*)'/#)?.1 else {
      throw SupportFailure("no question to the archive: \(question)")
    }
    self.query = String(query)
  }

  /// When the message with this number was archived.
  static func stamp(_ number: Int) -> String { "2026-11-01T10:00:0\(number)Z" }

  /// Alice's message with this number, as the archive and the server have it.
  static func message(_ number: Int) -> String {
    "<message xmlns='jabber:client' from='alice@example.org/x' to='bob@example.org' type='chat' id='m\(number)'>"
      + "<body>text \(number)</body></message>"
  }

  /// Sends results with these numbers; the ids are a1, a2, …
  ///
  /// - Parameter stamp: when each was archived; by default the number is the second.
  @discardableResult
  func results(_ numbers: [Int], stamp: (Int) -> String = ArchiveScript.stamp) throws -> ArchiveScript {
    for number in numbers {
      try talk.send(
        "<message from='bob@example.org'><result xmlns='urn:xmpp:mam:2' id='a\(number)' queryid='\(query)'>"
          + "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='\(stamp(number))'/>"
          + "\(ArchiveScript.message(number))</forwarded></result></message>")
    }
    return self
  }

  /// Ends the page.
  ///
  /// - Parameters:
  ///   - set: what `<set/>` holds; `nil` leaves it out.
  ///   - isComplete: whether it says that it is the last one.
  func end(set: String? = nil, isComplete: Bool = true) throws {
    let set = set.map { "<set xmlns='http://jabber.org/protocol/rsm'>\($0)</set>" } ?? ""
    try answer("<fin xmlns='urn:xmpp:mam:2'\(isComplete ? " complete='true'" : "")>\(set)</fin>")
  }

  /// Answers with this payload.
  func answer(_ payload: String) throws {
    try talk.send(
      "<iq type='result' id='\(LoginScene.id(of: question))' from='bob@example.org'>\(payload)</iq>")
  }

  /// Refuses.
  func refuse(_ condition: String) throws {
    try talk.send(
      "<iq type='error' id='\(LoginScene.id(of: question))'><error type='cancel'>"
        + "<\(condition) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
  }

  /// Binds a resource and enables stream management.
  static func begin(_ talk: ScriptedPeer.Talk) throws {
    try ListenScene.Part.bind(talk)
    try ListenScene.Part.enable(talk)
  }

  /// Does not know the session any more, and binds a new one.
  static func beginAnew(_ talk: ScriptedPeer.Talk) throws {
    try talk.await("<resume ")
    try talk.send(
      "<failed xmlns='urn:xmpp:sm:3'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>")
    try begin(talk)
  }
}
