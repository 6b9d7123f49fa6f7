/// ANONYMOUS (RFC 4505), without trace information.
struct Anonymous: SASLMechanism {
  let name = "ANONYMOUS"
  private var exchange = SingleMessageExchange("ANONYMOUS")

  mutating func initialResponse() throws(Failure) -> [UInt8]? {
    try exchange.send()
    return []
  }

  mutating func respond(to challenge: [UInt8]) throws(Failure) -> [UInt8] { throw .unexpectedChallenge(name) }

  mutating func finish(with additionalData: [UInt8]?) throws(Failure) {
    try exchange.finish(with: additionalData)
  }
}
