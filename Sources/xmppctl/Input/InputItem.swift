import XMPP

/// One thing to be sent, as the input describes it.
enum InputItem: Equatable {
  /// A message in its parts; those the input leaves out are for the options to fill in.
  case message(InputMessage)
  /// A stanza as XML.
  case stanza(Stanza)
}

/// What a line of `send --ndjson` says of a message.
struct InputMessage: Equatable {
  /// The recipients; empty if the line names none.
  var to: [JID] = []
  var body: String?
  var kind: Message.Kind?
  var subject: String?
  var thread: String?
  var id: String?
  var language: String?
  var outOfBandURL: String?
}

extension InputItem {
  private static let messageKeys = ["to", "body", "type", "subject", "thread", "id", "lang", "oob_url"]

  /// Reads a line of `send --ndjson`: a message's `to`, `body`, `type`, `subject`, `thread`, `id`, `lang`, `oob_url`;
  /// or `xml`, a stanza, and perhaps `to` for one that has none.
  ///
  /// - Throws: what `InputObject` throws; `unknown-key`, `jid-malformed`, `xml-malformed` and the like, with the line.
  init(ndjson line: InputLines.Line, check: InputText = InputText()) throws(Failure) {
    let object = try InputObject(line, check: check, keys: InputItem.messageKeys + ["xml"])
    let isXML = object.value("xml") != nil
    let known = isXML ? ["xml", "to"] : InputItem.messageKeys + ["xml"]
    for (key, _) in object.members where !known.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
      throw InputItem.unknown(key, line.number, among: known)
    }
    var to: [JID] = []
    for text in object.recipients ?? object.value("to").map({ [$0] }) ?? [] {
      to.append(try InputItem.address(text, line))
    }
    if let xml = object.value("xml") {
      guard object.recipients == nil else {
        throw .input("wrong-type", "line \(line.number): \"to\" must be a string beside \"xml\"")
      }
      self = .stanza(try InputItem.stanza(xml, to: to.first, line))
      return
    }
    if object.recipients?.isEmpty == true {
      throw .input("no-recipient", "line \(line.number): the array \"to\" is empty")
    }
    let type = object.value("type")
    let kind = type.flatMap(Message.Kind.init)
    if let type, kind == nil {
      throw .input(
        "bad-type", "line \(line.number): there is no message type \"\(type)\"",
        hint: "the types are " + Message.Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    if let id = object.value("id"), id.isEmpty {
      throw .input("bad-id", "line \(line.number): the id is empty")
    }
    if to.count > 1, object.value("id") != nil {
      throw .input("bad-id", "line \(line.number): \"id\" requires a single recipient")
    }
    let language = object.value("lang")
    if let language, !LanguageTag.isWellFormed(language) {
      throw .input("bad-lang", "line \(line.number): \"\(language)\" is not a language tag (RFC 5646)")
    }
    self = .message(
      InputMessage(
        to: to, body: object.value("body"), kind: kind, subject: object.value("subject"),
        thread: object.value("thread"), id: object.value("id"), language: language,
        outOfBandURL: object.value("oob_url")))
  }

  /// The failure for a key that has no meaning.
  static func unknown(_ key: String, _ line: Int, among keys: [String]) -> Failure {
    let isXML = keys.first.map { $0.utf8.elementsEqual("xml".utf8) } == true
    return .input(
      "unknown-key", "line \(line): there is no key \"\(key)\"\(isXML ? " beside \"xml\"" : "")",
      hint: "the keys are \(keys.joined(separator: ", "))")
  }

  private static func address(_ text: String, _ line: InputLines.Line) throws(Failure) -> JID {
    do {
      return try JID(parsing: text)
    } catch {
      throw .input(
        error.condition, "line \(line.number): \(error.message)",
        hint: Hints().applied(to: error, in: .json).hint)
    }
  }

  private static func stanza(_ xml: String, to: JID?, _ line: InputLines.Line) throws(Failure) -> Stanza {
    var input = InputStanzas()
    var stanzas: [Stanza] = []
    do throws(Failure) {
      var used = 0
      let bytes = Array(xml.utf8)
      while let stanza = try input.next(bytes, &used) { stanzas.append(stanza) }
      try input.end()
    } catch {
      throw .input(error.condition, "line \(line.number): \(error.message)", hint: error.hint)
    }
    guard stanzas.count == 1, let stanza = stanzas.first else {
      throw .input(
        "xml-malformed", "line \(line.number): \"xml\" holds \(stanzas.count) stanzas, and must hold one")
    }
    return stanza.addressed(to: to)
  }
}

extension Stanza {
  /// The same stanza, for `recipient` where it says nothing of its own.
  func addressed(to recipient: JID?) -> Stanza {
    guard let recipient, to == nil else { return self }
    return Stanza(element.setting("to", to: recipient.full)) ?? self
  }
}
