import XMPP

/// An argument that names an address: a JID, or an `xmpp:` URI and what its query asks for (RFC 5122, XEP-0147).
struct Target {
  /// The address.
  let jid: JID
  /// What the URI asks for; `nil` for a JID and for a URI without a query.
  let query: Query?

  /// The query of a URI.
  struct Query {
    /// What is to be done, such as `message` or `join`.
    let action: String
    let parameters: [XMPPURI.Parameter]

    /// The failure for an action that has no meaning for a command.
    func rejection(_ command: String) -> Failure {
      .usage("\(command) does not support the query ?\(action) of an xmpp: URI")
    }

    /// - Throws: a usage failure if there are parameters. A password in an argument can be seen by others.
    func rejectParameters() throws(Failure) {
      guard let name = parameters.first?.name else { return }
      let isPassword = name.utf8.elementsEqual("password".utf8)
      throw .usage(
        "the query ?\(action) has the parameter \"\(name)\", which is not supported",
        hint: isPassword
          ? "others can see the arguments: use --room-password-file, --room-password-command or XMPPCTL_ROOM_PASSWORD"
          : nil)
    }
  }

  /// - Throws: `jid-malformed` or `uri-malformed`; a usage failure for a URI that names two addresses.
  init(_ text: String) throws(Failure) {
    guard XMPPURI.isURI(text) else {
      do throws(Failure) {
        jid = try JID(parsing: text)
      } catch {
        throw Target.mistaken(text, error)
      }
      query = nil
      return
    }
    let uri = try XMPPURI(parsing: text)
    guard let target = uri.target else {
      throw Failure(.input, "uri-malformed", "the xmpp: URI names no address", status: .data)
    }
    if let account = uri.account, uri.address != nil {
      throw .usage(
        "the xmpp: URI names an account and an address",
        hint: "use xmpp:ADDRESS, and log in with --jid \(shellQuoted(account.full))")
    }
    jid = target
    query = uri.action.map { Query(action: $0, parameters: uri.parameters) }
  }

  /// The failure of a text that is no address, with what to type if it is `HOST:PORT` or the URL of a host.
  private static func mistaken(_ text: String, _ failure: Failure) -> Failure {
    var place = text[...]
    if let scheme = text.firstRange(of: "://") {
      place = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    }
    let host = place.split(separator: "@", omittingEmptySubsequences: false).last ?? place
    guard let named = try? HostAndPort(parsing: String(host), for: "") else { return failure }
    let address = (host.startIndex == place.startIndex ? "" : place[..<host.startIndex]) + named.host
    // What precedes the host of a URL may be a password.
    guard place.startIndex == text.startIndex || host.startIndex == place.startIndex,
      let jid = try? JID(parsing: String(address)), named.port != nil || place.count < text.count
    else { return failure }
    var hinted = failure
    hinted.hint =
      "use \(shellQuoted(jid.full))"
      + (named.port.map { " --connect-to \(shellQuoted("\(named.host):\($0)"))" } ?? "")
    return hinted
  }

  /// The address, for a command that does nothing else with it.
  ///
  /// - Throws: a usage failure if there is a query.
  func address(for command: String) throws(Failure) -> JID {
    if let query { throw query.rejection(command) }
    return jid
  }

  /// The address of a room to join.
  ///
  /// - Throws: a usage failure for another query than `?join`, and for a name without a domain.
  func room() throws(Failure) -> JID {
    if let query {
      guard query.action.utf8.elementsEqual("join".utf8) else { throw query.rejection("--room") }
      try query.rejectParameters()
    }
    guard !jid.isBareName else {
      throw .usage("\(jid.domainpart) has no domain", hint: "write it as ROOM@SERVICE")
    }
    return jid
  }
}

extension JID {
  /// Whether it is a name without a domain, such as `bob`. By the rules it is the address of a server (RFC 7622 §3.2), which
  /// nobody means who names a person or a room.
  var isBareName: Bool {
    localpart == nil && domainAddress == nil && !domainpart.utf8.contains(UInt8(ascii: "."))
      && !domainpart.utf8.elementsEqual("localhost".utf8)
  }
}
