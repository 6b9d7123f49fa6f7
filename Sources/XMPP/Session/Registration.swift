/// In-band registration (XEP-0077): the form the server wants filled in, filled in. No I/O.
struct Registration {
  /// The account to make; it has a localpart.
  let account: JID
  let password: Secret

  /// Asks for the form.
  static func inquiry(id: String) -> Element {
    Element("iq", Namespace.client, ["type": "get", "id": id], [Element("query", Namespace.register)])
  }

  /// The form with user name and password in it, as the server laid it out: a data form where there is one, else the
  /// plain fields.
  ///
  /// - Throws: where the server refuses, or wants what only a person can give.
  func request(answering answer: Element, id: String) throws(Failure) -> Element {
    try Registration.check(answer)
    guard let query = answer.child("query", Namespace.register) else {
      throw .protocolViolation("bad-format", "the server's registration form is missing")
    }
    guard query.child("registered", Namespace.register) == nil else {
      throw Registration.refused("conflict", "the account exists already", nil)
    }
    let filled =
      if let form = query.child("x", Namespace.dataForms) {
        Element("query", Namespace.register, [try filled(form)])
      } else {
        try filled(fields: query)
      }
    return Element("iq", Namespace.client, ["type": "set", "id": id], [filled])
  }

  /// Whether the server made the account.
  ///
  /// - Throws: the condition of its refusal.
  static func check(_ answer: Element) throws(Failure) {
    guard answer.attribute("type")?.isSame(as: "error") == true else { return }
    let error = StanzaError(answer.child("error", Namespace.client))
    throw refused(
      error.condition,
      error.condition.isSame(as: "conflict")
        ? "the account exists already" : "the server refused to make the account",
      error.text)
  }

  /// The fields as RFC-like names (XEP-0077 §3.1): every empty child but the instructions is one the server wants.
  private func filled(fields query: Element) throws(Failure) -> Element {
    try Element("query", Namespace.register, [:]) { (tape) throws(Failure) in
      for field in query.elements where field.namespace.utf8.elementsEqual(Namespace.register.utf8) {
        switch field.name {
        case "instructions": continue
        case "key": tape.copy(field)
        default: tape.copy(Element(field.name, Namespace.register, [:], try value(of: field.name)))
        }
      }
    }
  }

  private func filled(_ form: Element) throws(Failure) -> Element {
    try Element("x", Namespace.dataForms, ["type": "submit"]) { (tape) throws(Failure) in
      try fill(form, into: tape)
    }
  }

  private func fill(_ form: Element, into tape: Tape) throws(Failure) {
    for field in form.elements where field.is("field", Namespace.dataForms) {
      let name = field.attribute("var") ?? ""
      let given = field.child("value", Namespace.dataForms)?.text
      let isRequired = field.child("required", Namespace.dataForms) != nil
      let value: String
      switch name {
      case "username", "password": value = try self.value(of: name)
      default:
        guard isRequired || field.attribute("type")?.isSame(as: "hidden") == true else { continue }
        guard let given else { throw Registration.wants(name) }
        value = given
      }
      tape.copy(
        Element(
          "field", Namespace.dataForms, ["var": name], [Element("value", Namespace.dataForms, [:], value)]))
    }
  }

  private func value(of field: String) throws(Failure) -> String {
    switch field {
    case "username": account.localpart ?? ""
    case "password": password.withBytes { String(decoding: $0, as: UTF8.self) }
    default: throw Registration.wants(field)
    }
  }

  private static func wants(_ field: String) -> Failure {
    refused(
      "not-acceptable", "the server's form wants “\(field)” too, which only a person can fill in", nil)
  }

  private static func refused(_ condition: String, _ meaning: String, _ text: String?) -> Failure {
    Failure(
      .auth, condition, "\(meaning): \(condition)\(text.map { " (“\($0)”)" } ?? "")", status: .refused)
  }
}

extension Connection {
  /// Creates the account.
  ///
  /// A password goes out, so the stream must be one that a login by PLAIN could use.
  func register(_ account: Account) throws(Failure) {
    let features = try readFeatures()
    guard features.feature("register", Namespace.registerFeature) != nil else {
      throw Failure(
        .auth, "register-missing", "the server does not offer registration on this stream",
        status: .authentication)
    }
    guard isServerVerified else {
      throw .authentication(
        "encryption-required",
        "the account is not made: the password would go to a server that is not verified")
    }
    let inquiry = try freshNonce()
    let form = try ask(
      Registration.inquiry(id: inquiry), id: inquiry, while: "asking for the registration form")
    let id = try freshNonce()
    let password = try account.password()
    // What XML cannot carry or SASL cannot prepare would make an account that nobody can log in to.
    _ = try password.prepared()
    let registration = Registration(account: account.jid, password: password)
    let request = try registration.request(answering: form, id: id)
    let answer: Element
    do throws(Failure) {
      answer = try ask(request, id: id, while: "registering the account")
    } catch {
      var failure = error
      failure.message += "; the account may have been created"
      throw failure
    }
    try Registration.check(answer)
    trace?.note("the account was made")
  }
}
