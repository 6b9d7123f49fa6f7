import TestSupport

@testable import XMPP

/// SCRAM, the input's first line being the server-first-message and the rest the server-final-message: what is asked is
/// within the limits, and nobody gets through who does not know the password.
@Sendable func checkSCRAM(_ input: [UInt8]) throws {
  let (first, final) = cut(input)
  let nonce = "fyko+d2lbbFgONRv9qkxdawL"
  let offer = SASLOffer(mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-256"])
  guard case .success(let message) = try attempt({ try ServerFirstMessage(first, clientNonce: nonce) }) else {
    var scram = try SCRAM(
      .sha1, username: "user", password: secret("pencil"), binding: .notOffered, nonce: nonce,
      advertised: offer)
    _ = try scram.initialResponse()
    return try checkRefusal(&scram, first, final)
  }
  try hold(4096...1_000_000 ~= message.iterations, "\(message.iterations) iterations")
  try hold(
    message.nonce.starts(with: nonce.utf8) && message.nonce.count > nonce.utf8.count, "a nonce not of ours")
  try hold(!message.salt.isEmpty, "no salt")
  let start = Array("r=".utf8) + message.nonce + Array(",s=".utf8) + Base64.encode(message.salt)
  try hold(
    first.starts(with: start + Array(",i=\(message.iterations)".utf8)), "what is read does not stand there")
  // So much work is no input's worth.
  if message.iterations > 5000 { return }
  for hash in [Hash.sha1, .sha256] {
    var scram = try SCRAM(
      hash, username: "user", password: secret("pencil"), binding: .notOffered, nonce: nonce,
      advertised: offer)
    _ = try scram.initialResponse()
    guard case .success(let response) = respond(&scram, first) else {
      try checkRefusal(&scram, first, final)
      continue
    }
    let marker = Array(",p=".utf8)
    guard let place = response.indices.last(where: { response[$0...].starts(with: marker) }) else {
      throw BrokenProperty(description: "no proof is given")
    }
    let withoutProof = Array(response[..<place])
    try hold(withoutProof == Array("c=eSws,r=".utf8) + message.nonce, "another binding or nonce")
    // RFC 5802 §3.
    let salted = try hash.derive(secret("pencil"), salt: message.salt, iterations: message.iterations)
    let signature = try hash.hmac(
      hash.hmac(salted, Array("Server Key".utf8)),
      Array("n=user,r=\(nonce),".utf8) + first + [UInt8(ascii: ",")] + withoutProof)
    try checkProof(scram, final, right: Array("v=".utf8) + Base64.encode(signature)) {
      $0.prefix { $0 != 0x2C }
    }
  }
}

/// DIGEST-MD5, the input's first line being the challenge and the rest what should prove the server.
@Sendable func checkDigest(_ input: [UInt8]) throws {
  let (challenge, final) = cut(input)
  let nonce = "OA6MHXh6VqTrRk"
  var digest = DigestMD5(
    username: "chris", password: secret("secret"), domain: "elwood.innosoft.com", nonce: nonce)
  _ = try digest.initialResponse()
  guard case .success(let response) = respond(&digest, challenge) else {
    return try checkRefusal(&digest, challenge, final)
  }
  guard case .success(let directives) = try attempt({ try DigestChallenge.directives(response) }) else {
    throw BrokenProperty(description: "the response is malformed")
  }
  var said: [String: [UInt8]] = [:]
  for directive in directives {
    try hold(
      said.updateValue(directive.value, forKey: directive.name) == nil, "\(directive.name) is there twice")
  }
  let asked = try DigestChallenge.directives(challenge).first { $0.name == "nonce" }?.value ?? []
  try hold(said["nonce"] == asked, "another nonce than was sent")
  try hold(said["qop"] == Array("auth".utf8) && said["nc"] == Array("00000001".utf8), "another qop or count")

  // RFC 2831 §2.1.2.1; the realm goes as ISO 8859-1 into the hash where it can.
  var realm = said["realm"] ?? []
  if said["charset"] != nil {
    let scalars = Array(String(decoding: realm, as: UTF8.self).unicodeScalars)
    if scalars.allSatisfy({ $0.value < 0x100 }) {
      realm = scalars.map { UInt8(truncatingIfNeeded: $0.value) }
    }
  }
  let user = try Hash.md5.digest(Array("chris:".utf8) + realm + Array(":secret".utf8))
  let session = try hex(Hash.md5.digest(user + [0x3A] + asked + Array(":\(nonce)".utf8)))
  let uri = try hex(Hash.md5.digest(Array(":xmpp/elwood.innosoft.com".utf8)))
  let middle = [0x3A] + asked + Array(":00000001:\(nonce):auth:".utf8)
  let proof = try hex(Hash.md5.digest(session + middle + uri))
  try checkProof(digest, final, right: Array("rspauth=".utf8) + proof) { given in
    // It may stand anywhere among others, quoted, in capitals.
    let all = (try? DigestChallenge.directives(Array(given))) ?? []
    let first = all.first { $0.name == "rspauth" }?.value ?? []
    return Array("rspauth=".utf8) + first.map(asciiLowercased)
  }
}

/// A failure ends it.
private func checkRefusal(
  _ mechanism: inout some SASLMechanism, _ first: [UInt8], _ final: [UInt8]
) throws {
  guard case .failure = respond(&mechanism, first), case .failure = respond(&mechanism, final),
    case .failure = finish(&mechanism, final)
  else { throw BrokenProperty(description: "the exchange goes on after a failure") }
}

/// The right proof counts, with success or in a challenge before it; nothing else does.
private func checkProof<Part: Collection<UInt8>>(
  _ mechanism: some SASLMechanism, _ final: [UInt8], right: [UInt8], part: ([UInt8]) -> Part
) throws {
  var wrong = right
  wrong[wrong.count - 2] ^= 1
  for (given, isRight) in [
    (right, true), (wrong, false), ([], false), (final, part(final).elementsEqual(right)),
  ] {
    var (challenged, silent, mechanism) = (mechanism, mechanism, mechanism)
    let byChallenge = try? respond(&challenged, given).get()
    let bySuccess: Void? = try? finish(&mechanism, given).get()
    try hold((bySuccess != nil) == isRight, "a proof that is \(isRight ? "right" : "wrong")")
    try hold((byChallenge != nil) == isRight, "a proof in a challenge that is \(isRight ? "right" : "wrong")")
    guard case .failure = finish(&silent, nil) else {
      throw BrokenProperty(description: "success without a proof is taken")
    }
    if isRight {
      try hold(byChallenge?.isEmpty == true, "more is said after the proof")
      guard case .success = finish(&challenged, nil) else {
        throw BrokenProperty(description: "success after the proof is not taken")
      }
    }
  }
}

private func secret(_ text: String) -> Secret {
  var bytes = Array(text.utf8)
  return Secret(wiping: &bytes)
}

private func hex(_ bytes: [UInt8]) -> [UInt8] { Array(hexadecimal(bytes).utf8) }

private func respond(_ mechanism: inout some SASLMechanism, _ bytes: [UInt8]) -> Result<[UInt8], Failure> {
  do throws(Failure) { return .success(try mechanism.respond(to: bytes)) } catch { return .failure(error) }
}

private func finish(_ mechanism: inout some SASLMechanism, _ bytes: [UInt8]?) -> Result<Void, Failure> {
  do throws(Failure) { return .success(try mechanism.finish(with: bytes)) } catch { return .failure(error) }
}

/// The first line, and what follows it.
func cut(_ input: [UInt8]) -> ([UInt8], [UInt8]) {
  let first = input.prefix { $0 != 0x0A }
  return (Array(first), Array(input.dropFirst(first.count + 1)))
}
