import COpenSSL
import Glibc

/// PBKDF2 with HMAC (RFC 8018 §5.2), one block long: `Hi()` of RFC 5802 §2.2.
///
/// A server chooses how long this takes, so it is done in slices, and the caller can end it between two of them. OpenSSL's own
/// function cannot be interrupted.
struct PBKDF2<Function: BlockHash> {
  /// Iterations between two calls of `checkpoint`; a few milliseconds.
  private static var slice: Int32 { 4096 }

  /// Derives a key.
  ///
  /// - Parameter checkpoint: called now and then; what it throws ends the derivation.
  static func derive(
    _ password: UnsafeBufferPointer<UInt8>, salt: [UInt8], iterations: Int32,
    checkpoint: () throws(Failure) -> Void
  ) throws(Failure) -> [UInt8] {
    var key = HMACKey<Function>(password)
    defer { key.wipe() }
    let first = salt + [0, 0, 0, 1]
    var block = [UInt8](repeating: 0, count: Function.length)
    first.withUnsafeBufferPointer { key.authenticate($0, into: &block) }
    var result = block
    var done: Int32 = 1
    while done < iterations {
      try checkpoint()
      let end = min(iterations, done + slice)
      block.withUnsafeMutableBufferPointer { block in
        result.withUnsafeMutableBufferPointer { result in
          while done < end {
            key.authenticate(inPlace: block)
            for index in 0..<Function.length { result[index] ^= block[index] }
            done += 1
          }
        }
      }
    }
    return result
  }
}

/// A hash function of OpenSSL whose state is a plain value.
protocol BlockHash {
  associatedtype State
  /// Bytes of a block, and of the hash.
  static var block: Int { get }
  static var length: Int { get }
  static func begin() -> State
  static func add(_ state: inout State, _ bytes: UnsafePointer<UInt8>?, _ count: Int)
  static func finish(_ state: inout State, _ hash: UnsafeMutablePointer<UInt8>?)
}

/// SHA-1 (FIPS 180-4).
enum SHA1: BlockHash {
  static let block = 64
  static let length = 20
  static func begin() -> SHA_CTX {
    var state = SHA_CTX()
    SHA1_Init(&state)
    return state
  }
  static func add(_ state: inout SHA_CTX, _ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    SHA1_Update(&state, bytes, count)
  }
  static func finish(_ state: inout SHA_CTX, _ hash: UnsafeMutablePointer<UInt8>?) {
    SHA1_Final(hash, &state)
  }
}

/// SHA-256 (FIPS 180-4).
enum SHA256: BlockHash {
  static let block = 64
  static let length = 32
  static func begin() -> SHA256_CTX {
    var state = SHA256_CTX()
    SHA256_Init(&state)
    return state
  }
  static func add(_ state: inout SHA256_CTX, _ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    SHA256_Update(&state, bytes, count)
  }
  static func finish(_ state: inout SHA256_CTX, _ hash: UnsafeMutablePointer<UInt8>?) {
    SHA256_Final(hash, &state)
  }
}

/// SHA-512 (FIPS 180-4).
enum SHA512: BlockHash {
  static let block = 128
  static let length = 64
  static func begin() -> SHA512_CTX {
    var state = SHA512_CTX()
    SHA512_Init(&state)
    return state
  }
  static func add(_ state: inout SHA512_CTX, _ bytes: UnsafePointer<UInt8>?, _ count: Int) {
    SHA512_Update(&state, bytes, count)
  }
  static func finish(_ state: inout SHA512_CTX, _ hash: UnsafeMutablePointer<UInt8>?) {
    SHA512_Final(hash, &state)
  }
}

/// A key of HMAC (RFC 2104), hashed beforehand.
private struct HMACKey<Function: BlockHash> {
  private var inner = Function.begin()
  private var outer = Function.begin()

  init(_ key: UnsafeBufferPointer<UInt8>) {
    var padded = [UInt8](repeating: 0, count: Function.block)
    defer { XMPP.wipe(&padded) }
    if key.count > Function.block {
      var state = Function.begin()
      Function.add(&state, key.baseAddress, key.count)
      padded.withUnsafeMutableBufferPointer { Function.finish(&state, $0.baseAddress) }
    } else {
      for (index, byte) in key.enumerated() { padded[index] = byte }
    }
    for index in padded.indices { padded[index] ^= 0x36 }
    padded.withUnsafeBufferPointer { Function.add(&inner, $0.baseAddress, $0.count) }
    for index in padded.indices { padded[index] ^= 0x36 ^ 0x5C }
    padded.withUnsafeBufferPointer { Function.add(&outer, $0.baseAddress, $0.count) }
  }

  func authenticate(_ message: UnsafeBufferPointer<UInt8>, into code: inout [UInt8]) {
    var state = inner
    Function.add(&state, message.baseAddress, message.count)
    code.withUnsafeMutableBufferPointer { code in
      Function.finish(&state, code.baseAddress)
      finish(code)
    }
  }

  @inline(__always)
  func authenticate(inPlace code: UnsafeMutableBufferPointer<UInt8>) {
    var state = inner
    Function.add(&state, UnsafePointer(code.baseAddress), Function.length)
    Function.finish(&state, code.baseAddress)
    finish(code)
  }

  @inline(__always)
  private func finish(_ code: UnsafeMutableBufferPointer<UInt8>) {
    var state = outer
    Function.add(&state, UnsafePointer(code.baseAddress), Function.length)
    Function.finish(&state, code.baseAddress)
  }

  mutating func wipe() {
    withUnsafeMutableBytes(of: &self) { bytes in
      if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
    }
  }
}
