/// DIGEST-MD5 (RFC 2831), authentication only. Obsolete (RFC 6331), and still all that some old servers have
/// beside PLAIN.
///
/// Servers differ in what they hash if a name or a password is not ASCII. RFC 2831 hashes ISO 8859-1 if possible, and UTF-8
/// otherwise. jabberd2 2.7 (GNU SASL) does so for the password, and hashes the name as it is on the wire; if a name is sent
/// in ISO 8859-1, both agree. ejabberd 23.01 hashes UTF-8 and reads UTF-8 only.
struct DigestMD5: SASLMechanism {
  /// How names and passwords are encoded.
  enum Form: Sendable {
    /// ISO 8859-1 if possible (RFC 2831 §2.1.2.1), on the wire too.
    case standard
    /// UTF-8.
    case utf8
  }

  let name = "DIGEST-MD5"
  private let username: String
  private let password: Secret
  private let authorizationID: String?
  private let service: String
  private let domain: String
  private let nonce: String
  private let form: Form
  /// Whether the other form would have given another response.
  private(set) var hasOtherForm = false
  private var state = State.start

  private enum State {
    case start
    case waiting
    case sentResponse(serverResponse: [UInt8])
    case verified
    case failed
  }

  /// - Parameters:
  ///   - service: the service's registered name in `digest-uri`.
  ///   - domain: the service's host in `digest-uri`, and the realm where the server offers it or none.
  ///   - nonce: the client's, fresh for every login.
  ///   - form: how names and passwords are encoded.
  init(
    username: String, password: Secret, authorizationID: String? = nil, service: String = "xmpp",
    domain: String,
    nonce: String, form: Form = .standard
  ) {
    self.form = form
    self.service = service
    self.username = username
    self.password = password
    self.authorizationID = authorizationID
    self.domain = domain
    self.nonce = nonce
  }

  /// The server speaks first.
  mutating func initialResponse() throws(Failure) -> [UInt8]? {
    guard case .start = state else { throw .unexpectedChallenge(name) }
    state = .waiting
    return nil
  }

  mutating func respond(to challenge: [UInt8]) throws(Failure) -> [UInt8] {
    switch state {
    case .waiting:
      state = .failed
      return try answer(try DigestChallenge(challenge))
    case .sentResponse(let expected):
      state = .failed
      try verify(challenge, against: expected)
      state = .verified
      return []
    case .start, .verified, .failed:
      state = .failed
      throw .unexpectedChallenge(name)
    }
  }

  /// The server's `rspauth` may come with success or in a challenge before it, but come it must.
  mutating func finish(with additionalData: [UInt8]?) throws(Failure) {
    switch state {
    case .sentResponse(let expected):
      state = .failed
      guard let additionalData, !additionalData.isEmpty else {
        throw .authentication(
          "server-not-authenticated", "the server reported success without proving that it knows the password"
        )
      }
      try verify(additionalData, against: expected)
      state = .verified
    case .verified where additionalData?.isEmpty ?? true: return
    case .start, .waiting, .verified, .failed:
      state = .failed
      throw .earlySuccess(name)
    }
  }

  /// The digest-response (RFC 2831 §2.1.2).
  private mutating func answer(_ challenge: DigestChallenge) throws(Failure) -> [UInt8] {
    let realm = challenge.realm(for: domain)
    let service = "\(service)/\(domain)"
    let isUTF8 = challenge.isUTF8 && !fitsLatin(besides: realm + service)
    var secret = try secretDigest(realm: realm, challenge)
    defer { wipe(&secret) }
    var seed = secret + colon + challenge.nonce + colon + Array(nonce.utf8)
    if let authorizationID { seed += colon + Array(authorizationID.utf8) }
    defer { wipe(&seed) }
    state = .sentResponse(serverResponse: try response(seed, challenge.nonce, method: "", service: service))

    var answer = Array("username=".utf8) + quoted(try wire(username, isUTF8: isUTF8))
    answer += Array(",realm=".utf8) + quoted(try wire(realm, isUTF8: isUTF8))
    answer += Array(",nonce=".utf8) + quoted(challenge.nonce)
    answer += Array(",cnonce=".utf8) + quoted(Array(nonce.utf8))
    answer += Array(",nc=00000001,qop=auth,digest-uri=".utf8) + quoted(Array(service.utf8))
    let proof = try response(seed, challenge.nonce, method: "AUTHENTICATE", service: service)
    answer += Array(",response=".utf8) + proof
    if isUTF8 { answer += Array(",charset=utf-8".utf8) }
    if let authorizationID { answer += Array(",authzid=".utf8) + quoted(Array(authorizationID.utf8)) }
    return answer
  }

  /// Whether a response in ISO 8859-1 says all there is to say, and differs from one in UTF-8.
  ///
  /// - Parameter others: what else the response names; as ASCII it is the same in both.
  private func fitsLatin(besides others: String) -> Bool {
    guard form == .standard, !isASCII(username.utf8), isASCII(others.utf8) else { return false }
    return password.withBytes { latin1(Array(username.utf8)) != nil && latin1(Array($0)) != nil }
  }

  /// A name as it goes out: UTF-8, or ISO 8859-1.
  private func wire(_ text: String, isUTF8: Bool) throws(Failure) -> [UInt8] {
    if isUTF8 { return Array(text.utf8) }
    guard let latin = latin1(Array(text.utf8)) else { throw DigestMD5.notLatin }
    return latin
  }

  private static let notLatin = Failure.authentication(
    "digest-charset",
    "DIGEST-MD5 on this server is limited to ISO 8859-1, and the user name or password is not")

  /// `H(username:realm:passwd)`, where each is hashed as ISO 8859-1 if it can be (RFC 2831 §2.1.2.1,
  /// `username-value`), or as UTF-8 in that form.
  private mutating func secretDigest(realm: String, _ challenge: DigestChallenge) throws(Failure) -> [UInt8] {
    var raw = password.withBytes { Array($0) }
    defer { wipe(&raw) }
    var parts: [UInt8] = []
    defer { wipe(&parts) }
    for part in [Array(username.utf8), Array(realm.utf8), raw] {
      var latin = latin1(part)
      guard latin != nil || challenge.isUTF8 else {
        throw DigestMD5.notLatin
      }
      if let latin, challenge.isUTF8, latin.count != part.count { hasOtherForm = true }
      parts += (form == .utf8 ? part : latin ?? part) + colon
      latin?.withUnsafeMutableBufferPointer { wipe($0) }
    }
    parts.removeLast()
    return try Hash.md5.digest(parts)
  }

  /// `HEX(KD(HEX(H(A1)), nonce:nc:cnonce:qop:HEX(H(A2))))`; the server's has no method in A2.
  private func response(
    _ seed: [UInt8], _ serverNonce: [UInt8], method: String, service: String
  ) throws(Failure) -> [UInt8] {
    let first = hexadecimalText(try Hash.md5.digest(seed))
    let second = hexadecimalText(try Hash.md5.digest(Array("\(method):\(service)".utf8)))
    let middle = colon + serverNonce + Array(":00000001:\(nonce):auth:".utf8)
    return hexadecimalText(try Hash.md5.digest(first + middle + second))
  }

  private func verify(_ message: [UInt8], against expected: [UInt8]) throws(Failure) {
    let directives = try DigestChallenge.directives(message)
    guard let proof = directives.first(where: { $0.name.isSame(as: "rspauth") }),
      equalInConstantTime(proof.value.map(asciiLowercased), expected)
    else {
      throw .authentication(
        "server-signature", "the server did not prove that it knows the password")
    }
  }
}

private let colon = [UInt8(ascii: ":")]

/// A quoted string (RFC 2831 §7.1).
private func quoted(_ bytes: [UInt8]) -> [UInt8] {
  let quote = UInt8(ascii: "\"")
  let backslash = UInt8(ascii: "\\")
  return [quote] + bytes.flatMap { $0 == quote || $0 == backslash ? [backslash, $0] : [$0] } + [quote]
}

private func isASCII(_ bytes: some Sequence<UInt8>) -> Bool { bytes.allSatisfy { $0 < 0x80 } }

/// UTF-8 as ISO 8859-1, or `nil` when it has other characters.
private func latin1(_ bytes: [UInt8]) -> [UInt8]? {
  var latin: [UInt8] = []
  latin.reserveCapacity(bytes.count)
  var rest = bytes[...]
  while let byte = rest.popFirst() {
    if byte < 0x80 {
      latin.append(byte)
    } else if byte & 0xFE == 0xC2, let next = rest.popFirst() {
      latin.append(byte << 6 | next & 0x3F)
    } else {
      return nil
    }
  }
  return latin
}

func hexadecimalText(_ bytes: [UInt8], uppercase: Bool = false) -> [UInt8] {
  let digits = Array(uppercase ? "0123456789ABCDEF".utf8 : "0123456789abcdef".utf8)
  return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
}
