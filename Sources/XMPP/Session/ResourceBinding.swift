/// Resource binding (RFC 6120 §7): what is asked and what the answer means. No I/O.
struct ResourceBinding {
  /// The account that logged in.
  let account: JID
  /// The resourcepart wished for; `nil` leaves it to the server.
  let wish: String?

  /// The request.
  func request(id: String) -> Element {
    let resource = wish.map { [Element("resource", Namespace.bind, [:], $0)] } ?? []
    return Element(
      "iq", Namespace.client, ["type": "set", "id": id], [Element("bind", Namespace.bind, [:], resource)])
  }

  /// The full JID the server gives, which is its own word and may differ from the wish (RFC 6120 §7.7.2.2).
  ///
  /// - Throws: the stanza error, by its condition; a protocol violation where the answer names no full JID of this
  ///   account.
  func jid(from answer: Element) throws(Failure) -> JID {
    if answer.attribute("type")?.isSame(as: "error") == true { throw refusal(answer) }
    guard let text = answer.child("bind", Namespace.bind)?.child("jid", Namespace.bind)?.text else {
      throw ResourceBinding.broken("the answer to binding names no JID")
    }
    return try jid(named: text)
  }

  /// A full JID the server gave us, held against the account. Without a localpart (SASL ANONYMOUS) any of the domain's
  /// will do.
  func jid(named text: String) throws(Failure) -> JID {
    let jid: JID
    do throws(Failure) {
      jid = try JID(parsing: text, stage: .bind)
    } catch {
      throw ResourceBinding.broken("the server bound “\(text)”, which is no JID: \(error.message)")
    }
    guard jid.resourcepart != nil, jid.localpart != nil else {
      throw ResourceBinding.broken("the server bound “\(text)”, which is no full JID")
    }
    guard account.localpart == nil ? jid.domain == account.domain : jid.bare == account.bare else {
      throw ResourceBinding.broken(
        "the server bound “\(text)”, which does not belong to \(account.bare.full)")
    }
    return jid
  }

  private func refusal(_ answer: Element) -> Failure {
    let error = StanzaError(answer.child("error", Namespace.client))
    let text = error.text.map { " (“\($0)”)" } ?? ""
    let (meaning, remedy): (String, Remedy?) =
      switch error.condition {
      case "bad-request":
        ("the server cannot process the resource", .resource)
      case "not-allowed", "resource-constraint":
        ("the account may not bind another resource", .fewerSessions)
      case "conflict": ("the resource is in use", .resource)
      case "not-authorized": ("the server requires a login before binding", nil)
      default: ("the server refused to bind a resource", nil)
      }
    return Failure(
      .bind, error.condition, "\(meaning): \(error.condition)\(text)", remedy: remedy, status: .bind)
  }

  private static func broken(_ message: String) -> Failure {
    Failure(.bind, "invalid-jid", message, status: .protocolViolation)
  }
}
