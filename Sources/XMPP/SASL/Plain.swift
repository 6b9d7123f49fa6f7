/// PLAIN (RFC 4616): the password itself. Only a verified channel makes it bearable.
struct Plain: SASLMechanism {
  let name = "PLAIN"
  private let username: String
  private let password: Secret
  private let authorizationID: String?
  private var exchange = SingleMessageExchange("PLAIN")

  init(username: String, password: Secret, authorizationID: String? = nil) {
    self.username = username
    self.password = password
    self.authorizationID = authorizationID
  }

  /// `[authzid] NUL authcid NUL passwd`; the server does the preparation (RFC 4616 §2).
  mutating func initialResponse() throws(Failure) -> [UInt8]? {
    try exchange.send()
    let names = Array((authorizationID ?? "").utf8) + [0] + Array(username.utf8)
    let secret = password.withBytes { Array($0) }
    let nulls = names.count { $0 == 0 } + secret.count { $0 == 0 }
    guard nulls == 1, !username.isEmpty, !secret.isEmpty else {
      throw Failure(
        .input, "malformed-credentials",
        "PLAIN can carry neither an empty name or password nor a NUL in them",
        status: .data)
    }
    return names + [0] + secret
  }

  mutating func respond(to challenge: [UInt8]) throws(Failure) -> [UInt8] { throw .unexpectedChallenge(name) }

  mutating func finish(with additionalData: [UInt8]?) throws(Failure) {
    try exchange.finish(with: additionalData)
  }
}
