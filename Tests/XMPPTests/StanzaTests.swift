import Testing

@testable import XMPP

/// A stanza from its XML, as the parser gives it.
func stanza(_ xml: String) throws -> Stanza {
  let parsed = Parsed(inside: Array(xml.utf8))
  #expect(parsed.condition == nil, "\(parsed.message ?? "")")
  return try #require(parsed.elements.first.flatMap(Stanza.init))
}

@Suite struct StanzaTests {
  @Test func theDefaultTypesOfRFC6121AreFilledIn() throws {
    #expect(try stanza("<message/>").type == "normal")
    #expect(try stanza("<presence/>").type == "available")
    #expect(try stanza("<iq/>").type == "")
    #expect(try stanza("<message type='chat'/>").type == "chat")
  }

  @Test func onlyTheThreeInTheirNamespaceAreStanzas() throws {
    #expect(Stanza(Element("r", Namespace.streamManagement)) == nil)
    #expect(Stanza(Element("message", Namespace.server)) == nil)
    #expect(Stanza(Element("iq", Namespace.client))?.kind == .iq)
  }

  @Test func addressesAreKeptAsWrittenAndReadOnDemand() throws {
    let message = try stanza("<message from='Alice@Example.ORG/x' to='@' id='1' xml:lang='de'/>")
    #expect(message.from == "Alice@Example.ORG/x")
    #expect(message.sender?.full == "alice@example.org/x")
    #expect(message.to == "@")
    #expect(message.recipient == nil)
    #expect(message.id == "1" && message.language == "de")
  }

  @Test func anErrorIsReadWithAllItsParts() throws {
    let bounce = try stanza(
      """
      <message type='error' from='a@b'><error type='cancel' by='b'>
      <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:c@b</gone>
      <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>moved</text><odd xmlns='urn:x'/></error></message>
      """)
    let error = try #require(StanzaError(of: bounce))
    #expect(error.type == "cancel" && error.condition == "gone" && error.by == "b")
    #expect(error.text == "moved" && error.language == "en")
    #expect(error.applicationCondition == "{urn:x}odd")
    let failure = error.failure("the message m1 to a@b")
    #expect(failure.stage == .stanza && failure.condition == "gone" && failure.status == .refused)
    #expect(
      failure.message == "the message m1 to a@b was refused: gone (“moved”), {urn:x}odd, by b")
  }

  @Test func anErrorWithoutItsElementIsUndefined() throws {
    #expect(StanzaError(of: try stanza("<iq type='error'/>"))?.condition == "undefined-condition")
    #expect(StanzaError(of: try stanza("<message type='chat'><error/></message>")) == nil)
  }

  @Test func aMessageHoldsWhatItWasGiven() throws {
    let message = Message(
      to: try JID(parsing: "bob@example.org"), kind: .normal, id: "a\tb", body: "]]> <&\"'", subject: "s",
      thread: "t", language: "de", outOfBandURL: "https://x/", requestsReceipt: true)
    let read = try stanza(message.element.xml)
    #expect(read.element == message.element)
    #expect(
      read.id == "a\tb" && read.type == "normal" && read.to == "bob@example.org" && read.language == "de")
    #expect(read.element.child("body", Namespace.client)?.text == "]]> <&\"'")
    #expect(
      read.element.child("x", Namespace.outOfBand)?.child("url", Namespace.outOfBand)?.text == "https://x/")
    #expect(read.element.child("request", Namespace.receipts) != nil)
    #expect(Message(to: nil).id != Message(to: nil).id)
  }

  @Test("I11: a request nobody serves is answered with service-unavailable, its id and sender kept")
  func serviceUnavailable() throws {
    let request = try stanza("<iq type='set' id='q' from='eve@evil/x'><query xmlns='jabber:iq:rpc'/></iq>")
    #expect(request.isRequest)
    let answer = try stanza(IQ.error(to: request).xml)
    #expect(answer.id == "q" && answer.to == "eve@evil/x" && answer.from == nil)
    let error = StanzaError(of: answer)
    #expect(error?.type == "cancel" && error?.condition == "service-unavailable")
    #expect(try !stanza("<iq type='result' id='q'/>").isRequest)
  }

  @Test func pingsAndQuestionsAboutTheProgramAreAnswered() throws {
    #expect(Ping.isPing(try stanza("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")))
    #expect(!Ping.isPing(try stanza("<iq type='set' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")))
    let question = try stanza(
      "<iq type='get' id='1' from='a@b/c'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    let answer = try #require(Discovery.answer(to: question, name: "xmppctl", features: [Namespace.receipts]))
    let read = try stanza(answer.xml)
    #expect(Discovery.has(Namespace.receipts, in: read) && Discovery.has(Namespace.ping, in: read))
    #expect(!Discovery.has(Namespace.carbons, in: read))
    let node = try stanza(
      "<iq type='get' id='1'><query xmlns='http://jabber.org/protocol/disco#info' node='n'/></iq>")
    let refusal = try #require(Discovery.answer(to: node, name: "x").flatMap(Stanza.init))
    #expect(StanzaError(of: refusal)?.condition == "item-not-found")
    let version = try stanza("<iq type='get' id='1'><query xmlns='jabber:iq:version'/></iq>")
    #expect(Discovery.answer(to: version, name: "x") == nil)
    let told = SoftwareVersion.answer(to: version, name: "xmppctl", version: "1")
    #expect(told?.child("query", Namespace.version)?.child("version", Namespace.version)?.text == "1")
  }

  @Test func presenceCarriesItsPriority() {
    #expect(Presence.available(priority: -1).child("priority", Namespace.client)?.text == "-1")
    #expect(Presence.available() == Element("presence", Namespace.client))
  }

  @Test func aReceiptAnswersOnlyWhatAsksForOne() throws {
    let request = "<request xmlns='urn:xmpp:receipts'/>"
    let message = try stanza("<message type='chat' id='m1' from='a@b/c'>\(request)</message>")
    let answer = try #require(Receipt.answer(to: message).flatMap(Stanza.init))
    #expect(answer.to == "a@b/c" && answer.type == "chat" && answer.id != "m1")
    #expect(Receipt.received(in: answer) == "m1")
    for other in [
      "<message from='a@b'>\(request)</message>", "<message id='1'>\(request)</message>",
      "<message id='1' from='a@b' type='error'>\(request)</message>",
      "<message id='1' from='a@b' type='groupchat'>\(request)</message>", "<message id='1' from='a@b'/>",
      "<message id='1' from='a@b'>\(request)<received xmlns='urn:xmpp:receipts' id='2'/></message>",
    ] {
      #expect(Receipt.answer(to: try stanza(other)) == nil)
    }
  }

  @Test func delaysAndStanzaIDsAreRead() throws {
    let message = try stanza(
      """
      <message><delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z' from='b'>Offline</delay>
      <stanza-id xmlns='urn:xmpp:sid:0' id='forged' by='eve@b'/><stanza-id xmlns='urn:xmpp:sid:0' id='1' by='a@b'/></message>
      """)
    let delay = try #require(Delay(in: message.element))
    #expect(delay.stamp == "2026-01-01T00:00:00Z" && delay.from == "b" && delay.reason == "Offline")
    #expect(StanzaID.of(message, by: try JID(parsing: "a@b")) == "1")
    #expect(StanzaID.of(message, by: try JID(parsing: "c@b")) == nil)
  }
}
