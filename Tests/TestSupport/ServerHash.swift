import COpenSSL

/// The hash functions of SASL as a server computes them, by OpenSSL and apart from the code under test.
public enum ServerHash: String, Sendable, CaseIterable {
  case md5 = "MD5"
  case sha1 = "SHA-1"
  case sha256 = "SHA-256"
  case sha512 = "SHA-512"

  /// The digest of some bytes.
  public func digest(_ bytes: [UInt8]) -> [UInt8] {
    filled { EVP_Digest(bytes, bytes.count, $0, nil, method, nil) }
  }

  /// HMAC (RFC 2104).
  public func hmac(_ key: [UInt8], _ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    return filled {
      HMAC(method, key, Int32(key.count), bytes, bytes.count, $0, nil) == nil ? 0 : 1
    }
  }

  /// PBKDF2 (RFC 8018 §5.2), as long as the digest.
  func derived(_ password: String, salt: [UInt8], iterations: Int) -> [UInt8] {
    filled {
      PKCS5_PBKDF2_HMAC(
        password, Int32(password.utf8.count), salt, Int32(salt.count), Int32(iterations), method,
        EVP_MD_get_size(method), $0)
    }
  }

  private func filled(_ fill: (UnsafeMutablePointer<UInt8>?) -> Int32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(EVP_MD_get_size(method)))
    let done = bytes.withUnsafeMutableBufferPointer { fill($0.baseAddress) }
    return done == 1 ? bytes : []
  }

  private var method: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha512: EVP_sha512()
    }
  }
}

/// Bytes in lower-case hexadecimal.
func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}
