import TestSupport

@testable import XMPP
@testable import xmppctl

/// A configuration file: read, or refused as one; what is JSON is read as JSON is.
@Sendable func checkConfiguration(_ input: [UInt8]) throws {
  if let json = StrictJSON(input) {
    do {
      try hold(isSame(try JSONValue(json5: input), json), "JSON is read as something else")
    } catch let malformed as JSON5Reader.Malformed {
      // Keys that are only canonically equal are equal there.
      try hold(
        ["a key is there twice", "values are nested too deep"].contains(malformed.what), "JSON is refused")
    }
  }
  let result = try attempt { try Configuration(input, file: "/etc/x.json5", home: "/home/bob") }
  switch result {
  case .failure(let failure):
    try hold(failure.status == .configuration && failure.stage == .config, "refused as \(failure.status)")
    try hold(failure.message.utf8.starts(with: "/etc/x.json5".utf8), "the message does not name the file")
  case .success(let configuration):
    for (name, account) in configuration.accounts {
      if let jid = account.jid {
        try hold(try JID(parsing: jid.full) == jid, "the address of \(name) is none")
        _ = try attempt { try configuration.account(of: jid) }
      }
      for seconds in [account.connectTimeout, account.maxTime].compactMap(\.self) {
        try hold(seconds > 0 && seconds.isFinite, "\(seconds) seconds")
        _ = Deadline.after(seconds: seconds).pollTimeout
      }
      if let path = account.cacert {
        try hold(path.utf8.first == UInt8(ascii: "/"), "a relative path: \(path)")
      }
      if case .given? = account.password {
        try hold(configuration.holdsPassword, "a password is not noticed")
      }
    }
  }
}

private func isSame(_ value: JSONValue, _ json: StrictJSON) -> Bool {
  switch (value, json) {
  case (.null, .null): true
  case (.bool(let mine), .boolean(let other)): mine == other
  case (.number(let mine), .number(let text)): mine == Double(text) || mine == .infinity || mine == -.infinity
  case (.string(let mine), .string(let other)): mine.utf8.elementsEqual(other)
  case (.array(let mine), .array(let others)):
    mine.count == others.count && zip(mine, others).allSatisfy(isSame)
  case (.object(let mine), .object(let others)):
    mine.count == others.count
      && others.allSatisfy { member in
        mine[String(decoding: member.name, as: UTF8.self)].map { isSame($0, member.value) } ?? false
      }
  default: false
  }
}

/// Lines of `send --ndjson`: the same lines however they are cut; a line is taken exactly if it is JSON that says a
/// message, and says what stands there; a message can be written.
@Sendable func checkNDJSON(_ input: [UInt8]) throws {
  let all = try cuttings(input).map(lines)
  for lines in all { try hold(lines == all[0], "the cutting changes the lines") }
  try hold(
    Array(all[0].map(\.bytes).joined(separator: [0x0A])) == (input.last == 0x0A ? input.dropLast() : input),
    "a byte is lost")
  for line in all[0].prefix(64) {
    let object = try attempt { try InputObject(line) }
    let json = StrictJSON(line.bytes)
    if case .success(let object) = object {
      let strings = json?.members.filter { $0.value != .null && !$0.value.isArray }
      let recipients = json?.members.first { $0.value.isArray }?.value.elements.compactMap(\.bytes)
      try hold(
        (recipients ?? []).elementsEqual((object.recipients ?? []).map { Array($0.utf8) }),
        "the recipients are others")
      try hold(json != nil && strings?.count == object.members.count, "no JSON is taken")
      for (member, given) in zip(object.members, strings ?? []) {
        try hold(
          member.key.utf8.elementsEqual(given.name)
            && given.value.bytes.map(member.value.utf8.elementsEqual) == true,
          "a member is another")
      }
    } else if case .object(let members)? = json, members.count <= 16 {
      let isText = members.allSatisfy { member in
        ([member.name, member.value.bytes ?? []] + member.value.elements.compactMap(\.bytes)).allSatisfy {
          String(decoding: $0, as: UTF8.self).unicodeScalars.allSatisfy(isCarried)
        }
      }
      try hold(
        !isText
          || members.contains {
            $0.value != .null && $0.value.bytes == nil
              && !($0.name.elementsEqual("to".utf8) && $0.value.isArray
                && $0.value.elements.allSatisfy { $0.bytes != nil })
          },
        "an object of strings is refused")
    }
    if case .success(let item) = try attempt({ try InputItem(ndjson: line) }) { try checkItem(item) }
    if case .failure(let failure) = try attempt({
      try InputItem(ndjson: line, check: InputText(replacesInvalid: true))
    }) {
      try hold(
        !["invalid-utf8", "invalid-character"].contains(failure.condition), "what is replaced is refused")
    }
  }
}

private func lines(_ pieces: [ArraySlice<UInt8>]) throws -> [InputLines.Line] {
  var input = InputLines()
  var lines: [InputLines.Line] = []
  for piece in pieces {
    piece.withUnsafeBytes { input.feed($0) }
    while let line = try input.next() { lines.append(line) }
  }
  if let line = input.end() { lines.append(line) }
  return lines
}

/// XML 1.0 §2.2.
private func isCarried(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09, 0x0A, 0x0D, 0x20...0xFFFD, 0x10000...0x10FFFF: true
  default: false
  }
}

private func checkItem(_ item: InputItem) throws {
  switch item {
  case .stanza(let stanza): try checkWriting(stanza.element)
  case .message(let message):
    let element = Message(
      to: message.to.first, kind: message.kind ?? .chat, id: message.id, body: message.body,
      subject: message.subject,
      thread: message.thread, language: message.language
    ).element
    try checkWriting(element)
    try hold(
      element.child("body", Namespace.client).map { Array($0.text.utf8) }
        == message.body.map { Array($0.utf8) },
      "the body is another")
  }
}

/// Stanzas of `send --xml`: the same however they are cut; each can be written; an input that ends inside one is refused.
@Sendable func checkInputStanzas(_ input: [UInt8]) throws {
  let outcomes = try cuttings(input).map(stanzas)
  for outcome in outcomes {
    try hold(outcome.stanzas == outcomes[0].stanzas, "the cutting changes the stanzas")
    try hold(outcome.isWhole == outcomes[0].isWhole, "the cutting changes whether the input is whole")
    guard let failure = outcome.failure else { continue }
    try hold(failure.status == .data && failure.stage == .input, "refused as \(failure.status)")
    try hold(!failure.message.contains("the server"), "the user is taken for a server: \(failure.message)")
  }
  let recipient = try JID(parsing: "alice@example.org")
  for stanza in outcomes[0].stanzas.prefix(32) {
    let addressed = stanza.addressed(to: recipient)
    try hold(
      addressed.kind == stanza.kind && addressed.to == (stanza.to ?? recipient.full), "the recipient is lost")
    try checkWriting(addressed.element)
  }
}

private func stanzas(_ pieces: [ArraySlice<UInt8>]) throws -> (
  stanzas: [Stanza], isWhole: Bool, failure: Failure?
) {
  var input = InputStanzas()
  var stanzas: [Stanza] = []
  do throws(Failure) {
    for piece in pieces {
      var used = 0
      let bytes = Array(piece)
      while let stanza = try input.next(bytes, &used) { stanzas.append(stanza) }
    }
    try input.end()
    return (stanzas, true, nil)
  } catch {
    return (stanzas, false, error)
  }
}

/// The lines of stanzas: each is one harmless line; from that of JSON the stanza can be made again, from that of XML too;
/// none is out of proportion to what came.
@Sendable func checkStanzaLine(_ input: [UInt8]) throws {
  let limits = Limits(elementBytes: 4096)
  var json = StanzaLine(.json)
  var text = StanzaLine(.text)
  var xml = StanzaLine(.xml)
  for stanza in elements(input, limits).prefix(32).compactMap(Stanza.init) {
    let line = json.line(stanza, StanzaEnvelope(received: 1_795_341_600_123))
    try hold(isHarmlessLine(line), "the line is not one harmless line")
    guard let read = StrictJSON(line) else { throw BrokenProperty(description: "the line is no JSON") }
    try hold(
      StanzaForm(line: read) == StanzaForm(stanza),
      "another stanza: \(stanza.element.xml.debugDescription) as \(String(decoding: line, as: UTF8.self))")

    let words = text.line(stanza, StanzaEnvelope(received: .max))
    try hold(isHarmlessTextLine(words), "the line of text is not one harmless line")
    // A byte may become six, in XML and then in JSON.
    let most = 50 * limits.elementBytes
    try hold(line.count < most && words.count < most, "a line of \(line.count) bytes, text \(words.count)")

    let raw = xml.line(stanza, StanzaEnvelope(received: 0))
    try hold(isHarmlessLine(raw), "the line of XML is not one harmless line")
    try checkWriting(stanza.element)
    let wrapped = StanzaEnvelope(
      received: -1, delay: Delay(in: stanza.element), carbon: .received, archive: stanza.id)
    try hold(isHarmlessLine(json.line(stanza, wrapped)), "the line of a copy is not one harmless line")
  }
}
