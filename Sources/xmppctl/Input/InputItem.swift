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
  var to: JID?
  var body: String?
  var kind: Message.Kind?
  var subject: String?
  var thread: String?
  var id: String?
  var language: String?
}

extension InputItem {
  private static let messageKeys = ["to", "body", "type", "subject", "thread", "id", "lang"]

  /// Reads a line of `send --ndjson`: a message's `to`, `body`, `type`, `subject`, `thread`, `id`, `lang`; or `xml`, a
  /// stanza, and perhaps `to` for one that has none.
  ///
  /// - Throws: what `InputObject` throws; `unknown-key`, `jid-malformed`, `xml-malformed` and the like, with the line.
  init(ndjson line: InputLines.Line, check: InputText = InputText()) throws(Failure) {
    let object = try InputObject(line, check: check)
    let isXML = object.value("xml") != nil
    let known = isXML ? ["xml", "to"] : InputItem.messageKeys + ["xml"]
    for (key, _) in object.members where !known.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
      let allowed = known.joined(separator: ", ")
      throw .input(
        "unknown-key", "line \(line.number): there is no key \"\(key)\"\(isXML ? " beside \"xml\"" : "")",
        hint: "the keys are \(allowed)")
    }
    let to = try InputItem.address(object.value("to"), line)
    if let xml = object.value("xml") {
      self = .stanza(try InputItem.stanza(xml, to: to, line))
      return
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
    self = .message(
      InputMessage(
        to: to, body: object.value("body"), kind: kind, subject: object.value("subject"),
        thread: object.value("thread"), id: object.value("id"), language: object.value("lang")))
  }

  private static func address(_ text: String?, _ line: InputLines.Line) throws(Failure) -> JID? {
    guard let text else { return nil }
    do {
      return try JID(parsing: text)
    } catch {
      throw .input(error.condition, "line \(line.number): \(error.message)")
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
