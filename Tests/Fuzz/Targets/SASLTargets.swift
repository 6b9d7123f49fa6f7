import TestSupport

@testable import XMPP

/// SCRAM, the input's first line being the server-first-message and the rest the server-final-message: nobody who does not
/// know the password gets through, and what is asked is within the limits.
@Sendable func checkSCRAM(_ input: [UInt8]) throws {
  let (first, final) = cut(input)
  let nonce = "fyko+d2lbbFgONRv9qkxdawL"
  let offer = SASLOffer(mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-256"])
  let parsed = try attempt { try ServerFirstMessage(first, clientNonce: nonce) }
  if case .success(let message) = parsed {
    try hold(4096...1_000_000 ~= message.iterations, "\(message.iterations) iterations")
    try hold(
      message.nonce.starts(with: nonce.utf8) && message.nonce.count > nonce.utf8.count, "a nonce not of ours")
    try hold(!message.salt.isEmpty, "no salt")
    try hold(
      first.starts(
        with: "r=".utf8 + message.nonce + ",s=".utf8 + Base64.encode(message.salt)
          + ",i=\(message.iterations)".utf8),
      "what is read does not stand there")
    // So much work is no input's worth.
    if message.iterations > 5000 { return }
  }
  for hash in [Hash.sha1, .sha256] {
    var password = Array("pencil".utf8)
    var scram = try SCRAM(
      hash, username: "user", password: Secret(wiping: &password), binding: .notOffered, nonce: nonce,
      advertised: offer)
    _ = try scram.initialResponse()
    try checkExchange(&scram, first, final) { response in
      guard case .success = parsed else { throw BrokenProperty(description: "a broken message is answered") }
      try hold(response.starts(with: "c=eSws,r=".utf8), "another binding than was announced")
    }
  }
}

/// DIGEST-MD5, the input's first line being the challenge and the rest what should prove the server.
@Sendable func checkDigest(_ input: [UInt8]) throws {
  let (challenge, proof) = cut(input)
  var password = Array("secret".utf8)
  var digest = DigestMD5(
    username: "chris", password: Secret(wiping: &password), domain: "elwood.innosoft.com",
    nonce: "OA6MHXh6VqTrRk")
  _ = try digest.initialResponse()
  try checkExchange(&digest, challenge, proof) { response in
    guard case .success(let directives) = try attempt({ try DigestChallenge.directives(response) }) else {
      throw BrokenProperty(description: "the response is malformed")
    }
    for name in ["username", "realm", "nonce", "cnonce", "nc", "qop", "digest-uri", "response"] {
      try hold(directives.count { $0.name == name } == 1, "\(name) is not there once")
    }
    let asked = try DigestChallenge.directives(challenge).first { $0.name == "nonce" }
    try hold(directives.first { $0.name == "nonce" } == asked, "another nonce than was sent")
  }
}

/// One exchange with somebody who does not know the password. That the final message is right is possible, the corpus has
/// such inputs; then only the right one is taken.
private func checkExchange(
  _ mechanism: inout some SASLMechanism, _ first: [UInt8], _ final: [UInt8], _ check: ([UInt8]) throws -> Void
) throws {
  guard case .success(let response) = try respond(&mechanism, first) else {
    // A failure ends it.
    guard case .failure = try respond(&mechanism, first), case .failure = try finish(&mechanism, final) else {
      throw BrokenProperty(description: "the exchange goes on after a failure")
    }
    return
  }
  try check(response)
  var silent = mechanism
  var challenged = mechanism
  guard case .failure = try finish(&silent, nil) else {
    throw BrokenProperty(description: "success without a proof is taken")
  }
  let byChallenge = try respond(&challenged, final)
  let bySuccess = try finish(&mechanism, final)
  switch (byChallenge, bySuccess) {
  case (.success(let response), .success):
    try hold(response.isEmpty, "more is said after the proof")
    guard case .success = try finish(&challenged, nil) else {
      throw BrokenProperty(description: "success after the proof is not taken")
    }
  case (.failure, .failure): break
  default: throw BrokenProperty(description: "a proof counts in one place and not in the other")
  }
}

private func respond(_ mechanism: inout some SASLMechanism, _ bytes: [UInt8]) throws -> Result<
  [UInt8], Failure
> {
  do throws(Failure) { return .success(try mechanism.respond(to: bytes)) } catch { return .failure(error) }
}

private func finish(_ mechanism: inout some SASLMechanism, _ bytes: [UInt8]?) throws -> Result<Void, Failure>
{
  do throws(Failure) { return .success(try mechanism.finish(with: bytes)) } catch { return .failure(error) }
}

/// The first line, and what follows it.
func cut(_ input: [UInt8]) -> ([UInt8], [UInt8]) {
  let first = input.prefix { $0 != 0x0A }
  return (Array(first), Array(input.dropFirst(first.count + 1)))
}
