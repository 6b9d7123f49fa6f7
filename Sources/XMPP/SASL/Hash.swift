import COpenSSL

/// The hash functions of the SASL mechanisms, done by OpenSSL.
enum Hash: Sendable, CaseIterable {
  case md5
  case sha1
  case sha256
  case sha512

  /// The digest of `bytes`.
  func digest(_ bytes: [UInt8]) throws(Failure) -> [UInt8] {
    try output { EVP_Digest(bytes, bytes.count, $0, nil, algorithm, nil) == 1 }
  }

  /// HMAC (RFC 2104).
  func hmac(_ key: [UInt8], _ bytes: [UInt8]) throws(Failure) -> [UInt8] {
    try output { HMAC(algorithm, key, Int32(key.count), bytes, bytes.count, $0, nil) != nil }
  }

  /// PBKDF2 (`PBKDF2.derive`) with this hash, which must be one of SCRAM's.
  ///
  /// - Parameter checkpoint: called every few milliseconds; what it throws ends the derivation.
  func derive(
    _ password: Secret, salt: [UInt8], iterations: Int32, checkpoint: () throws(Failure) -> Void = {}
  ) throws(Failure) -> [UInt8] {
    try password.withBytes { (password) throws(Failure) in
      switch self {
      case .md5: throw .authentication("hash-unavailable", "there is no SCRAM with MD5")
      case .sha1:
        try PBKDF2<SHA1>.derive(password, salt: salt, iterations: iterations, checkpoint: checkpoint)
      case .sha256:
        try PBKDF2<SHA256>.derive(password, salt: salt, iterations: iterations, checkpoint: checkpoint)
      case .sha512:
        try PBKDF2<SHA512>.derive(password, salt: salt, iterations: iterations, checkpoint: checkpoint)
      }
    }
  }

  private var algorithm: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha512: EVP_sha512()
    }
  }

  private var length: Int {
    switch self {
    case .md5: 16
    case .sha1: 20
    case .sha256: 32
    case .sha512: 64
    }
  }

  /// OpenSSL may have been configured without a function (FIPS has no MD5); an empty digest must not come of
  /// it.
  private func output(_ fill: (UnsafeMutablePointer<UInt8>?) -> Bool) throws(Failure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: length)
    guard bytes.withUnsafeMutableBufferPointer({ fill($0.baseAddress) }) else {
      throw .authentication("hash-unavailable", "OpenSSL refuses to compute \(self)")
    }
    return bytes
  }
}

/// Compares in a time that tells nothing about where the difference is.
func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
}

/// A fresh nonce of printable ASCII without a comma: base64 of 18 random bytes, which is the 144 bits of an
/// id nobody guesses.
///
/// - Throws: when the system has no randomness to give.
func freshNonce() throws(Failure) -> String {
  var bytes = [UInt8](repeating: 0, count: 18)
  guard RAND_bytes(&bytes, Int32(bytes.count)) == 1 else {
    throw Failure(.auth, "no-randomness", "the system gives no random bytes", status: .internalError)
  }
  return String(decoding: Base64.encode(bytes), as: UTF8.self)
}
