/// EXTERNAL (RFC 4422 appendix A): the client certificate has said who it is.
struct External: SASLMechanism {
  let name = "EXTERNAL"
  private let authorizationID: String?
  private var exchange = SingleMessageExchange("EXTERNAL")

  /// - Parameter authorizationID: the bare JID where the certificate leaves a choice (XEP-0178 §3); else `nil`.
  init(authorizationID: String? = nil) { self.authorizationID = authorizationID }

  mutating func initialResponse() throws(Failure) -> [UInt8]? {
    try exchange.send()
    return Array((authorizationID ?? "").utf8)
  }

  mutating func respond(to challenge: [UInt8]) throws(Failure) -> [UInt8] { throw .unexpectedChallenge(name) }

  mutating func finish(with additionalData: [UInt8]?) throws(Failure) {
    try exchange.finish(with: additionalData)
  }
}
