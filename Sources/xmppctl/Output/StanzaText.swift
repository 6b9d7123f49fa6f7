import XMPP

/// A stanza as one line for people: TIME, FROM, TYPE and TEXT, separated by TAB, which no field can contain.
///
/// TIME is when it was sent, as far as the account's own server or the room vouches for it, else when it was received. FROM is
/// `-` for a stanza that the account's own server sends on behalf of the account. TYPE is a message's type, else the kind and,
/// if it says more, the type. TEXT is what a person would read: the body, else an error, a subject, a presence's status, or
/// the names of the payloads.
struct StanzaText {
  private let stanza: Stanza
  private let envelope: StanzaEnvelope

  init(_ stanza: Stanza, _ envelope: StanzaEnvelope) {
    self.stanza = stanza
    self.envelope = envelope
  }

  /// Appends the line with its end.
  func append(to output: inout [UInt8]) {
    Timestamp.append(milliseconds: envelope.time, to: &output)
    output.append(UInt8(ascii: "\t"))
    append(stanza.from ?? "-", to: &output)
    output.append(UInt8(ascii: "\t"))
    append(label, to: &output)
    output.append(UInt8(ascii: "\t"))
    append(words, to: &output)
    output.append(UInt8(ascii: "\n"))
  }

  private var label: String {
    switch stanza.kind {
    case .message: stanza.type
    case .presence: stanza.isAvailable ? "presence" : "presence \(stanza.type)"
    case .iq: stanza.type.isEmpty ? "iq" : "iq \(stanza.type)"
    }
  }

  private var words: String {
    if let reason = stanza.skipped { return "(skipped: \(reason.description))" }
    if let error = StanzaError(of: stanza) {
      return [error.condition, error.text.map { "(\($0))" }].compactMap(\.self).joined(separator: " ")
    }
    let parts = StanzaParts(stanza)
    if let body = parts.bodies.shown { return body.text }
    if let subject = parts.subjects.shown { return "subject: \(subject.text)" }
    let presence = [parts.show?.element.text, parts.statuses.shown?.text].compactMap(\.self)
    if !presence.isEmpty { return presence.joined(separator: ": ") }
    // There may be very many.
    return stanza.element.elements.reduce(into: "") { words, element in
      words += words.isEmpty ? "<" : " <"
      words += element.name
      words += " "
      words += element.namespace
      words += ">"
    }
  }

  private func append(_ text: String, to output: inout [UInt8]) {
    var text = text
    // Room that is not used is no memory; growing again and again would have the line twice.
    if text.utf8.count > 1 << 16 { output.reserveCapacity(output.count + 2 * text.utf8.count) }
    text.withUTF8 { Hazard.append(shown: $0, to: &output) }
  }
}

extension Stanza {
  fileprivate var isAvailable: Bool { kind == .presence && isType("available") }
}
