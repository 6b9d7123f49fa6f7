/// Keeps a secret out of what is shown of a peer's words, for a peer that repeats it: in messages, reports, stanzas, traces.
///
/// One for each run, which learns the secrets as they are used. It is asked where something is shown, and changes nothing of
/// what the protocol sees.
///
/// Not searched for are secrets of fewer than four bytes, and in the clear those that are a part of the address they belong
/// to: they stand everywhere. A secret that looks like a word of the protocol (lower-case letters and hyphens) is not searched
/// for in namespaces, nor where a word of the protocol stands as it should: as the name of an element, a type, a condition.
public final class EchoRedaction {
  private var search: SecretSearch?
  /// Whether one of the secrets could be a word of the protocol.
  private var looksLikeWord = false

  /// Nothing to redact yet.
  public init() {}

  /// Redacts a secret from now on.
  ///
  /// - Parameter address: the account or room that it belongs to, which may be shown.
  public func protect(_ secret: Secret, of address: String) {
    let prepared = try? secret.prepared()
    var forms = search?.forms ?? []
    for secret in [secret, prepared].compactMap(\.self) {
      secret.withBytes { bytes in
        let isCommon = address.utf8.contains(bytes)
        forms += SecretSearch.forms(of: Array(bytes), isCommon: isCommon).filter { !forms.contains($0) }
        if bytes.allSatisfy({ (0x61...0x7A).contains($0) || $0 == 0x2D }) { looksLikeWord = true }
      }
    }
    if !forms.isEmpty { search = SecretSearch(forms) }
  }

  /// The text without the secret.
  public func text(_ text: String) -> String {
    guard let search else { return text }
    var copy = text
    return copy.withUTF8 { bytes in
      search.redacted(bytes, Redaction.placeholder).map { String(decoding: $0, as: UTF8.self) }
    } ?? text
  }

  /// A word where one of the protocol is expected, without the secret.
  public func word(_ word: String) -> String {
    looksLikeWord && ProtocolWords.contains(word) ? word : text(word)
  }

  /// The failure without the secret.
  public func failure(_ failure: Failure) -> Failure {
    guard search != nil else { return failure }
    var redacted = failure
    redacted.message = text(failure.message)
    redacted.hint = failure.hint.map(text)
    redacted.place = failure.place.map(text)
    // A peer's condition is repeated in the message; one of ours is not.
    if !redacted.message.isSame(as: failure.message) { redacted.condition = word(failure.condition) }
    return redacted
  }
}

// MARK: - Elements

extension EchoRedaction {
  /// The element without the secret; `nil` if it is not in it.
  public func redacted(_ element: Element) -> Element? {
    guard let search, element.holds(search) else { return nil }
    let cells = element.tape.cells
    let copy = element.replacingValues { index, value in
      let isType = cells[index].kind == .attribute && cells[index].name == CommonName.type.rawValue
      if isType, looksLikeWord, ProtocolWords.contains(String(decoding: value, as: UTF8.self)) {
        return nil
      }
      return search.redacted(value, Redaction.placeholder)
    }
    var count = 0
    return copy.replacingNames { name in
      guard let redacted = self.name(name) else { return nil }
      // `*` may stand in no name, but in a namespace, which nearly always has a colon.
      if name.utf8.contains(UInt8(ascii: ":")) { return redacted }
      count += 1
      return "redacted\(count)"
    }
  }

  /// The element without the secret.
  public func element(_ element: Element) -> Element { redacted(element) ?? element }

  /// The stanza without the secret.
  public func stanza(_ stanza: Stanza) -> Stanza {
    redacted(stanza.element).flatMap { Stanza($0, skipped: stanza.skipped) } ?? stanza
  }

  /// A name or a namespace without the secret; `nil` if it is not in it.
  private func name(_ name: String) -> String? {
    if looksLikeWord, ProtocolWords.contains(name) || name.utf8.contains(UInt8(ascii: ":")) { return nil }
    let redacted = text(name)
    return redacted.isSame(as: name) ? nil : redacted
  }
}

extension Element {
  /// Whether a secret is in a value or a name of the element or of what is in it.
  fileprivate func holds(_ search: SecretSearch) -> Bool {
    let cells = tape.cells[index..<end]
    // Values stand in the order of their cells, without a gap.
    let values = cells.lazy.filter { $0.kind != .element }
    if let first = values.first {
      let last = values.last ?? first
      let isFound = tape.bytes.withUnsafeBufferPointer { bytes in
        search.matches(
          UnsafeBufferPointer(rebasing: bytes[Int(first.first)..<Int(last.first) + Int(last.second)]))
      }
      if isFound { return true }
    }
    let common = UInt32(CommonName.strings.count)
    var latest = common
    return cells.contains { cell in
      for place in [cell.name, cell.namespace] where place >= common && place != latest {
        latest = place
        var name = tape.names[Int(place)]
        if name.withUTF8({ search.matches($0) }) { return true }
      }
      return false
    }
  }
}

// MARK: - Reports

extension EchoRedaction {
  /// The report without the secret.
  public func report(_ report: Report) -> Report {
    guard search != nil else { return report }
    var redacted = report
    redacted.failure = report.failure.map(failure)
    for index in report.attempts.indices {
      redacted.attempts[index].failure = report.attempts[index].failure.map(failure)
    }
    redacted.stages = report.stages.map(stage)
    if let resource = report.jid?.resourcepart {
      redacted.jid = (try? report.jid?.with(resourcepart: text(resource))) ?? report.jid?.bare
    }
    redacted.session?.resumeLocation = report.session?.resumeLocation.map(text)
    if let authentication = report.authentication {
      redacted.authentication?.offered = authentication.offered.map(text)
      redacted.authentication?.skipped = authentication.skipped.map {
        MechanismChoice.Skipped(mechanism: text($0.mechanism), reason: text($0.reason))
      }
    }
    return redacted
  }

  private func stage(_ stage: StreamStage) -> StreamStage {
    var redacted = stage
    redacted.header.id = stage.header.id.map(text)
    redacted.header.from = stage.header.from.map(text)
    redacted.header.to = stage.header.to.map(text)
    redacted.header.version = stage.header.version.map(text)
    redacted.header.language = stage.header.language.map(text)
    if let element = stage.features?.element.flatMap({ self.redacted($0) }) {
      redacted.features = StreamFeatures(element)
    }
    return redacted
  }
}

/// Words that the protocol itself uses where a peer could also put one of its own: names of elements that are understood
/// here, types, defined conditions.
private enum ProtocolWords {
  private static let longest = 32

  /// Whether it is one of them. String's hash is no matter for so short a text.
  static func contains(_ word: String) -> Bool { word.utf8.count <= longest && all.contains(word) }

  private static let all = Set(
    [
      // RFC 6120 §4.9.3, §6.5, §8.3.3.
      "aborted", "account-disabled", "bad-format", "bad-namespace-prefix", "bad-request", "conflict",
      "connection-timeout", "credentials-expired", "encryption-required", "feature-not-implemented",
      "forbidden",
      "gone", "host-gone", "host-unknown", "improper-addressing", "incorrect-encoding",
      "internal-server-error",
      "invalid-authzid", "invalid-from", "invalid-mechanism", "invalid-namespace", "invalid-xml",
      "item-not-found", "jid-malformed", "malformed-request", "mechanism-too-weak", "not-acceptable",
      "not-allowed", "not-authorized", "not-well-formed", "policy-violation", "recipient-unavailable",
      "redirect",
      "registration-required", "remote-connection-failed", "remote-server-not-found",
      "remote-server-timeout", "reset", "resource-constraint", "restricted-xml", "see-other-host",
      "service-unavailable", "subscription-required", "system-shutdown", "temporary-auth-failure",
      "undefined-condition", "unexpected-request", "unsupported-encoding", "unsupported-feature",
      "unsupported-stanza-type", "unsupported-version",
      // Types of stanzas and errors.
      "available", "cancel", "chat", "error", "groupchat", "headline", "modify", "normal", "probe", "result",
      "subscribe", "subscribed", "unavailable", "unsubscribe", "unsubscribed", "wait",
      // Elements and attributes.
      "authorization-identifier", "bind", "body", "count", "delay", "failed", "failure", "feature",
      "features",
      "field", "first", "forwarded", "from", "inline", "item", "lang", "last", "max-bytes", "mechanism",
      "mechanisms", "message", "ping", "presence", "priority", "query", "received", "request", "required",
      "sent",
      "show", "stamp", "stanza-id", "status", "stream", "subject", "text", "thread", "type", "value",
    ])
}
