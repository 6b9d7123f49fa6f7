import XMPP

/// One stanza to be sent, and what confirms it.
struct SendItem {
  /// The stanza, with its id.
  let stanza: Element
  /// Whom it is for; `nil` is the own account.
  let to: JID?
  /// What confirms it.
  let awaited: Delivery.Awaited
}

/// What the options say about the messages of a run: turns what the input holds into stanzas.
struct SendTemplate {
  /// The recipients; each thing of the input goes to each of them, unless it names its own.
  var recipients: [JID]
  var kind = Message.Kind.chat
  var id: String?
  var subject: String?
  var thread: String?
  var language: String?
  var outOfBandURL: String?
  /// Who sends; its domain may have one label.
  var account: JID?
  /// What confirms a message.
  var confirmation = Delivery.Awaited.server

  /// The stanzas for a body. An empty one is left out, where there is something else to say.
  ///
  /// - Throws: where nothing is said.
  func items(body: String) throws(Failure) -> [SendItem] {
    let body = body.isEmpty ? nil : body
    guard body != nil || subject != nil || outOfBandURL != nil else {
      throw .input("empty", "the message is empty")
    }
    return recipients.map { to in
      item(
        Message(
          to: to, kind: kind, id: id, body: body, subject: subject, thread: thread, language: language,
          outOfBandURL: outOfBandURL))
    }
  }

  /// The stanzas for one thing of structured input.
  ///
  /// - Throws: where it is for nobody, or says nothing.
  func items(_ input: InputItem, place: String) throws(Failure) -> [SendItem] {
    switch input {
    case .message(let input):
      let recipients = input.to.isEmpty ? recipients : input.to
      guard !recipients.isEmpty else {
        throw .input("no-recipient", "\(place): no recipient", hint: "add a \"to\" to it, or a RECIPIENT")
      }
      for to in input.to where to.isBareName && to.domain != account?.domain {
        let meant = account.map { "write it as \"\(to.domainpart)@\($0.domainpart)\"" }
        throw .input("no-domain", "\(place): \"\(to.domainpart)\" has no domain", hint: meant)
      }
      let body = input.body?.isEmpty == false ? input.body : nil
      let link = input.outOfBandURL ?? outOfBandURL
      guard body != nil || input.subject ?? subject ?? link != nil else {
        throw .input(
          "empty", "\(place) has neither a body nor a subject", hint: "the text goes into \"body\"")
      }
      return recipients.map { to in
        item(
          Message(
            to: to, kind: input.kind ?? kind, id: input.id, body: body, subject: input.subject ?? subject,
            thread: input.thread ?? thread, language: input.language ?? language, outOfBandURL: link))
      }
    case .stanza(let stanza):
      let targets = stanza.to == nil ? recipients : []
      return (targets.isEmpty ? [stanza] : targets.map(stanza.addressed)).map(item)
    }
  }

  private func item(_ message: Message) -> SendItem {
    var message = message
    message.requestsReceipt = confirmation == .receipt
    return SendItem(
      stanza: message.element, to: message.to, awaited: awaited(message.to, message.kind == .groupchat))
  }

  /// What confirms a message: only the rooms that are joined reflect it.
  private func awaited(_ to: JID?, _ isForRoom: Bool) -> Delivery.Awaited {
    confirmation == .copy && !(isForRoom && to.map(recipients.contains) == true) ? .server : confirmation
  }

  private func item(_ stanza: Stanza) -> SendItem {
    let id = stanza.id ?? ""
    let element = id.isEmpty ? stanza.element.setting("id", to: StanzaIdentifier.random()) : stanza.element
    let awaited: Delivery.Awaited =
      switch stanza.kind {
      case .iq: stanza.isRequest ? .answer : .server
      case .message where confirmation == .receipt: stanza.asksForReceipt ? .receipt : .server
      case .message: awaited(stanza.recipient, stanza.isType("groupchat"))
      case .presence: confirmation == .nothing ? .nothing : .server
      }
    return SendItem(stanza: element, to: stanza.recipient, awaited: awaited)
  }
}

extension Stanza {
  fileprivate var asksForReceipt: Bool { element.child("request", Namespace.receipts) != nil }
}
