import XMPP

/// The result line of one stanza that was sent.
struct SendResult {
  let outcome: Delivery.Outcome

  /// As a line of JSON, as xmppctl-json(5) describes it.
  func json() -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.member("to", outcome.to)
      json.member("id", outcome.id)
      json.member("status", outcome.status.rawValue)
      if let error = outcome.error {
        json.key("error")
        error.write(to: &json)
      }
      if let reply = outcome.reply {
        json.key("reply")
        json.stanza(reply, StanzaEnvelope(received: Timestamp.now))
      }
    }
    json.endLine()
    return json.bytes
  }

  /// The answer to an iq as a line of XML; empty for everything else.
  func xml() -> [UInt8] {
    guard let reply = outcome.reply else { return [] }
    var line = StanzaLine(.xml)
    return line.line(reply, StanzaEnvelope(received: Timestamp.now))
  }

  /// The stanza's id and whom it was for.
  var name: String { (outcome.id ?? "?") + (outcome.to.map { " to \($0)" } ?? "") }

  /// What stderr says of a stanza that did not arrive; `nil` for one that did.
  var complaint: String? {
    if outcome.isReached { return nil }
    switch (outcome.status, outcome.awaited) {
    case (.failed, _), (.notSent, _): return outcome.error?.message ?? "failed: \(name)"
    case (.acknowledged, .receipt): return "no receipt, the server has it: \(name)"
    case (.acknowledged, .copy): return "no copy by the room, the server has it: \(name)"
    case (.acknowledged, .answer): return "no answer, the server has it: \(name)"
    case (.unconfirmed, _), (.acknowledged, _), (.received, _): return "unconfirmed: \(name)"
    }
  }
}
