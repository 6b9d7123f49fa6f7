import TestSupport

@testable import XMPP

/// Elements of a server, given to everything that reads one: what a reader says it read is what stands there, what is
/// answered can be written, and what is secret is not in a trace.
@Sendable func checkAnswers(_ input: [UInt8]) throws {
  for element in elements(input).prefix(16) {
    try checkSASL(element)
    try checkErrors(element)
    try checkLogin(element)
    try checkRedaction(element)
    if let stanza = Stanza(element) { try checkStanza(stanza) }
  }
}

private func address(_ text: String) throws -> JID { try JID(parsing: text) }

private func checkSASL(_ element: Element) throws {
  for profile in [SASLProfile.classic, .sasl2(inline: [])] {
    guard case .success(let answer) = try attempt({ try profile.answer(element) }) else { continue }
    switch answer {
    case .challenge(let data):
      guard !data.isEmpty else { continue }
      try hold(
        profile.response(data).text.isSame(as: element.text), "a challenge is not the base64 of its data")
    case .success(let data, let whole):
      try hold(whole == element, "success is another element")
      guard let data, !data.isEmpty, case .classic = profile else { continue }
      try hold(Base64.encode(data).elementsEqual(element.text.utf8), "success is not the base64 of its data")
    case .failure(let failure):
      try hold(
        failure.condition == "undefined-condition"
          || element.elements.contains { $0.name.isSame(as: failure.condition) },
        "a condition that is not there")
    case .continued, .other: continue
    }
  }
}

private func checkErrors(_ element: Element) throws {
  let error = StanzaError(element)
  let again = StanzaError(error.element)
  try hold(
    again.condition.isSame(as: error.condition) && again.text == error.text && again.type == error.type
      && again.by == error.by && (error.text == nil || again.language == error.language),
    "an error that was written is another")
  _ = StreamError(element).failure(domain: "example.org")
  guard case .success(let header) = try attempt({ try StreamHeader(root: element) }) else { return }
  let domain = try address("example.org")
  guard case .success = try attempt({ try header.check(domain: domain) }) else { return }
  try hold(
    header.id?.isEmpty == false && !header.predatesFeatures || header.version == nil
      || header.version?.utf8.first == 0x30, "a header without an id holds")
}

private func checkLogin(_ element: Element) throws {
  let account = try address("bob@example.org")
  let binding = ResourceBinding(account: account, wish: "desk")
  if case .success(let jid) = try attempt({ try binding.jid(from: element) }) {
    try hold(jid.bare == account && !jid.isBare, "a foreign address is bound")
  }
  var password = Array("correct horse".utf8)
  let registration = Registration(account: account, password: Secret(wiping: &password))
  if case .success(let request) = try attempt({ try registration.request(answering: element, id: "r") }) {
    try checkWriting(request)
  }
}

/// A trace has nothing of the text in elements that carry secrets.
private func checkRedaction(_ element: Element) throws {
  guard let redacted = Redaction.text(for: element) else {
    try hold(secretTexts(element).isEmpty, "a secret is not redacted")
    return
  }
  guard case .element(let shown)? = read([Array(redacted.utf8)[...]], inside: "", Limits()).events.first
  else {
    throw BrokenProperty(description: "what is redacted cannot be read")
  }
  try hold(secretTexts(shown).allSatisfy { $0.isSame(as: "***") }, "a secret is shown")
}

/// The text in elements that carry secrets.
func secretTexts(_ element: Element, isSecret outer: Bool = false) -> [String] {
  let names = [
    "auth", "challenge", "response", "success", "initial-response", "additional-data", "password", "token",
    "digest",
  ]
  let isSecret = outer || names.contains { $0.isSame(as: element.name) }
  let own = element.children.compactMap { node -> String? in
    if isSecret, case .text(let text) = node { text.string } else { nil }
  }
  return own + element.elements.flatMap { secretTexts($0, isSecret: isSecret) }
}

private func checkStanza(_ stanza: Stanza) throws {
  let account = try address("bob@example.org/desk")
  let room = try address("room@chat.example.org/bob")
  let manners = Manners(account: account, name: "xmppctl", version: "1", features: [Namespace.receipts])
  let answer = manners.answer(to: stanza)
  try hold(
    (answer != nil) == stanza.isRequest, "a request without its answer, or an answer without its request")
  for element in [answer, Receipt.answer(to: stanza)].compactMap(\.self) {
    try hold(
      element.attribute("to").map(Array.init) == stanza.from.map(Array.init),
      "an answer goes to somebody else")
    try checkWriting(element)
  }
  if let answer {
    try hold(answer.attribute("id").map(Array.init) == stanza.id.map(Array.init), "an answer has another id")
  }

  if let carbon = Carbon(stanza, account: account) {
    try hold(stanza.sender == account.bare, "a stranger's carbon is taken: \(carbon)")
  }
  try hold(
    ArchiveQuery(account: account).result(stanza) == nil, "an archive's result nobody asked for is taken")
  _ = ArchiveQuery(account: account).end(stanza)
  var tracker = IQTracker<Int>(account: account)
  tracker.expect("r", from: nil, for: 1)
  if let reply = tracker.take(stanza) {
    let isOwn =
      stanza.sender.map { $0 == account || $0 == account.bare || $0 == account.domain }
      ?? (stanza.from == nil)
    try hold(isOwn && stanza.id == "r" && tracker.count == 0, "a stranger's answer is taken: \(reply.stanza)")
  }
  if let presence = RoomPresence(stanza, room: room) {
    try hold(
      presence.occupant.bare == room.bare && stanza.kind == .presence, "a stranger speaks for the room")
  }
  if let sender = stanza.sender {
    var occupancy = RoomOccupancy(room, account: account, policy: RoomOccupancy.Policy())
    _ = occupancy.begin(account: account, at: .now)
    let events = occupancy.take(stanza, from: sender, at: .now).events
    try hold(
      events.isEmpty || sender.bare == room.bare || stanza.kind == .iq, "a stranger speaks for the room")
  }
  _ = StanzaID.of(stanza, by: account.bare)
  _ = Discovery.has(Namespace.ping, in: stanza)
}
