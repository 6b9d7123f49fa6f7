/// SCRAM (RFC 5802, RFC 7677) with SHA-1, SHA-256 or SHA-512, with and without channel binding, and with the
/// downgrade protection of XEP-0474 where the server offers it.
struct SCRAM: SASLMechanism {
  /// What the GS2 header says about channel binding (RFC 5802 §6).
  enum Binding: Sendable, Equatable {
    /// `n`: the client cannot bind, or not to this server.
    case unsupported
    /// `y`: it could, and thinks that the server cannot; a server that can takes this for an attack.
    case notOffered
    /// `p`: bound to these bytes of the TLS session.
    case bound(ChannelBindingType, [UInt8])
  }

  /// Fewer iterations are refused (RFC 7677 §4).
  static let minimumIterations: Int32 = 4096
  /// More are refused: the derivation takes about half a second for so many.
  static let maximumIterations: Int32 = 1_000_000

  let name: String
  private let hash: Hash
  private let username: String
  private let password: Secret
  private let nonce: String
  private let advertised: SASLOffer
  /// Called while the password's hash is derived; what it throws ends the login.
  private let checkpoint: () throws(Failure) -> Void
  /// The GS2 header; `c=` is made of these same bytes.
  private let header: [UInt8]
  private let bindingData: [UInt8]
  private var state = State.start

  private enum State {
    case start
    case sentFirst(bare: [UInt8])
    case sentFinal(serverSignature: [UInt8])
    case verified
    case failed
  }

  /// - Parameters:
  ///   - hash: SHA-1, SHA-256 or SHA-512.
  ///   - authorizationID: another identity to act as.
  ///   - nonce: fresh for every login; printable ASCII without a comma.
  ///   - advertised: what the server offered, which its hash must agree with.
  ///   - checkpoint: called every few milliseconds while the password's hash is derived.
  init(
    _ hash: Hash, username: String, password: Secret, authorizationID: String? = nil, binding: Binding,
    nonce: String, advertised: SASLOffer, checkpoint: @escaping () throws(Failure) -> Void = {}
  ) throws(Failure) {
    let family = SCRAM.family(hash)
    let identity = authorizationID.map { "a=" + SCRAM.escaped($0) } ?? ""
    switch binding {
    case .unsupported: (name, header, bindingData) = (family, Array("n,\(identity),".utf8), [])
    case .notOffered: (name, header, bindingData) = (family, Array("y,\(identity),".utf8), [])
    case .bound(let type, let data):
      // A binding to nothing binds nothing.
      guard !data.isEmpty else {
        throw .authentication(
          "channel-binding-unavailable", "the TLS session gives no \(type.rawValue) bytes")
      }
      (name, header, bindingData) = (family + "-PLUS", Array("p=\(type.rawValue),\(identity),".utf8), data)
    }
    self.hash = hash
    self.username = username
    self.password = password
    self.nonce = nonce
    self.advertised = advertised
    self.checkpoint = checkpoint
  }

  /// The client-first-message.
  mutating func initialResponse() throws(Failure) -> [UInt8]? {
    guard case .start = state else { throw .unexpectedChallenge(name) }
    state = .failed
    let prepared = String(decoding: try saslprep(Array(username.utf8), "user name"), as: UTF8.self)
    let bare = Array("n=\(SCRAM.escaped(prepared)),r=\(nonce)".utf8)
    state = .sentFirst(bare: bare)
    return header + bare
  }

  /// The client-final-message, or nothing once the server's signature is right.
  mutating func respond(to challenge: [UInt8]) throws(Failure) -> [UInt8] {
    switch state {
    case .sentFirst(let bare):
      state = .failed
      return try answer(challenge, bare: bare)
    case .sentFinal(let expected):
      state = .failed
      try verify(challenge, against: expected)
      state = .verified
      return []
    case .start, .verified, .failed:
      state = .failed
      throw .unexpectedChallenge(name)
    }
  }

  /// The server's signature may come with success or in a challenge before it, but come it must.
  mutating func finish(with additionalData: [UInt8]?) throws(Failure) {
    switch state {
    case .sentFinal(let expected):
      state = .failed
      guard let additionalData, !additionalData.isEmpty else {
        throw .authentication(
          "server-not-authenticated", "the server reported success without proving that it knows the password"
        )
      }
      try verify(additionalData, against: expected)
      state = .verified
    case .verified where additionalData?.isEmpty ?? true: return
    case .start, .sentFirst, .verified, .failed:
      state = .failed
      throw .earlySuccess(name)
    }
  }

  /// RFC 5802 §3.
  private mutating func answer(_ challenge: [UInt8], bare: [UInt8]) throws(Failure) -> [UInt8] {
    let server = try ServerFirstMessage(challenge, clientNonce: nonce)
    try server.checkDowngrade(of: advertised, hash)

    let prepared = try password.prepared()
    var salted = try hash.derive(
      prepared, salt: server.salt, iterations: server.iterations, checkpoint: checkpoint)
    var clientKey = try hash.hmac(salted, Array("Client Key".utf8))
    var storedKey = try hash.digest(clientKey)
    var serverKey = try hash.hmac(salted, Array("Server Key".utf8))
    defer {
      wipe(&salted)
      wipe(&clientKey)
      wipe(&storedKey)
      wipe(&serverKey)
    }

    let comma = [UInt8(ascii: ",")]
    let withoutProof =
      Array("c=".utf8) + Base64.encode(header + bindingData) + Array(",r=".utf8) + server.nonce
    let authMessage = bare + comma + challenge + comma + withoutProof
    let clientSignature = try hash.hmac(storedKey, authMessage)
    let proof = zip(clientKey, clientSignature).map { $0 ^ $1 }
    state = .sentFinal(serverSignature: try hash.hmac(serverKey, authMessage))
    return withoutProof + Array(",p=".utf8) + Base64.encode(proof)
  }

  /// The server-final-message: `v=` the signature, or `e=` an error.
  private func verify(_ message: [UInt8], against expected: [UInt8]) throws(Failure) {
    let attribute = message.prefix { $0 != UInt8(ascii: ",") }
    if attribute.starts(with: "e=".utf8) {
      let value = String(decoding: attribute.dropFirst(2), as: UTF8.self)
      throw .authentication(
        SCRAM.errors.contains { $0.isSame(as: value) } ? value : "other-error",
        "the server refused the login: \(value)")
    }
    guard attribute.starts(with: "v=".utf8), let signature = Base64.decode(attribute.dropFirst(2)),
      equalInConstantTime(signature, expected)
    else {
      throw .authentication(
        "server-signature", "the server did not prove that it knows the password")
    }
  }

  /// RFC 5802 §7, `server-error-value`.
  private static let errors = [
    "invalid-encoding", "extensions-not-supported", "invalid-proof", "channel-bindings-dont-match",
    "server-does-support-channel-binding", "channel-binding-not-supported",
    "unsupported-channel-binding-type", "unknown-user", "invalid-username-encoding", "no-resources",
    "other-error",
  ]

  /// The name without `-PLUS`.
  private static func family(_ hash: Hash) -> String {
    switch hash {
    case .md5: "SCRAM-MD5"
    case .sha1: "SCRAM-SHA-1"
    case .sha256: "SCRAM-SHA-256"
    case .sha512: "SCRAM-SHA-512"
    }
  }

  /// `saslname` (RFC 5802 §5.1).
  private static func escaped(_ name: String) -> String {
    var bytes: [UInt8] = []
    for byte in name.utf8 {
      switch byte {
      case UInt8(ascii: ","): bytes += "=2C".utf8
      case UInt8(ascii: "="): bytes += "=3D".utf8
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
