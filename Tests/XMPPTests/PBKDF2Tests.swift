import COpenSSL
import Testing

@testable import XMPP

/// The derivation that SCRAM needs, held to the RFCs' vectors and to OpenSSL.
@Suite struct PBKDF2Tests {
  private func derive(_ hash: Hash, _ password: [UInt8], _ salt: [UInt8], _ iterations: Int32) throws
    -> [UInt8]
  {
    var password = password
    return try hash.derive(Secret(wiping: &password), salt: salt, iterations: iterations)
  }

  private func reference(_ hash: Hash, _ password: [UInt8], _ salt: [UInt8], _ iterations: Int32) -> [UInt8] {
    let (function, length) =
      switch hash {
      case .sha1: (EVP_sha1(), 20)
      case .sha256: (EVP_sha256(), 32)
      default: (EVP_sha512(), 64)
      }
    var key = [UInt8](repeating: 0, count: length)
    let text = password.map(CChar.init(bitPattern:))
    #expect(
      PKCS5_PBKDF2_HMAC(
        text, Int32(text.count), salt, Int32(salt.count), iterations, function, Int32(length), &key) == 1)
    return key
  }

  @Test("F23: RFC 6070 and the exchanges of RFC 5802 and RFC 7677")
  func vectors() throws {
    for (iterations, expected) in [
      (1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"), (2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"),
      (4096, "4b007901b765489abead49d926f721d065a429c1"),
    ] as [(Int32, String)] {
      let key = try derive(.sha1, Array("password".utf8), Array("salt".utf8), iterations)
      #expect(key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == expected)
    }
    // The client's proof (RFC 5802 §3) of each example, made of the derived key.
    for (hash, salt, first, challenge, proof) in [
      (
        Hash.sha1, "QSXCR+Q6sek8bf92", "n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j", "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
      ),
      (
        .sha256, "W22ZaJ0SNY7soEsUEjb6gQ==", "n=user,r=rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
      ),
    ] {
      let salted = try derive(hash, Array("pencil".utf8), try #require(Base64.decode(Array(salt.utf8))), 4096)
      let clientKey = try hash.hmac(salted, Array("Client Key".utf8))
      let message = "\(first),\(challenge),s=\(salt),i=4096,c=biws,\(challenge)"
      let signature = try hash.hmac(try hash.digest(clientKey), Array(message.utf8))
      let bytes = zip(clientKey, signature).map { $0 ^ $1 }
      #expect(String(decoding: Base64.encode(bytes), as: UTF8.self) == proof)
    }
  }

  @Test("F23: the same keys as OpenSSL's own function, also of passwords as long as a block and longer")
  func sameAsOpenSSL() throws {
    var generator = SystemRandomNumberGenerator()
    for hash in [Hash.sha1, .sha256, .sha512] {
      for length in [0, 1, 8, 63, 64, 65, 127, 128, 129, 1000] {
        for iterations in [1, 2, 3, 4096, 4097, 8193] as [Int32] where iterations < 4096 || length % 64 <= 1 {
          let password = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
          let salt = (0..<Int.random(in: 1...80, using: &generator)).map { _ in UInt8.random(in: 0...255) }
          let key = try derive(hash, password, salt, iterations)
          #expect(
            key == reference(hash, password, salt, iterations), "\(hash) \(password) \(salt) \(iterations)")
        }
      }
    }
  }

  @Test("F23: the checkpoint ends a derivation, long before its last iteration")
  func checkpoint() throws {
    var password = Array("pencil".utf8)
    let secret = Secret(wiping: &password)
    var calls = 0
    #expect(throws: Failure.self) {
      _ = try Hash.sha256.derive(secret, salt: [1], iterations: 100_000) { () throws(Failure) in
        calls += 1
        if calls == 3 { throw Failure.authentication("ended", "ended") }
      }
    }
    #expect(calls == 3)
  }
}
