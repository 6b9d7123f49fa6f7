/// SipHash-2-4: a hash of 64 bits that nobody can aim without the key (Aumasson and Bernstein, 2012).
struct SipHash {
  /// Its key.
  struct Key: Equatable {
    let first: UInt64
    let second: UInt64

    /// A random key.
    static func random() -> Key { Key(first: .random(in: 0 ... .max), second: .random(in: 0 ... .max)) }
  }

  private var v: (UInt64, UInt64, UInt64, UInt64)
  /// Bytes that do not fill a word yet, the first one lowest.
  private var word: UInt64 = 0
  private var count: UInt64 = 0

  init(_ key: Key) {
    v = (
      key.first ^ 0x736F_6D65_7073_6575, key.second ^ 0x646F_7261_6E64_6F6D,
      key.first ^ 0x6C79_6765_6E65_7261, key.second ^ 0x7465_6462_7974_6573
    )
  }

  /// Adds bytes.
  mutating func add(_ bytes: UnsafeBufferPointer<UInt8>) {
    for byte in bytes {
      word |= UInt64(byte) << (count % 8 * 8)
      count &+= 1
      if count.isMultiple(of: 8) {
        compress(word)
        word = 0
      }
    }
  }

  /// Adds a number, also to keep two texts apart.
  mutating func add(_ number: Int) {
    withUnsafeBytes(of: number) { add($0.assumingMemoryBound(to: UInt8.self)) }
  }

  /// The hash of all that was added.
  consuming func finish() -> UInt64 {
    compress(word | count << 56)
    v.2 ^= 0xFF
    for _ in 0..<4 { round() }
    return v.0 ^ v.1 ^ v.2 ^ v.3
  }

  private mutating func compress(_ word: UInt64) {
    v.3 ^= word
    round()
    round()
    v.0 ^= word
  }

  private mutating func round() {
    v.0 &+= v.1
    v.1 = SipHash.rotate(v.1, 13) ^ v.0
    v.0 = SipHash.rotate(v.0, 32)
    v.2 &+= v.3
    v.3 = SipHash.rotate(v.3, 16) ^ v.2
    v.0 &+= v.3
    v.3 = SipHash.rotate(v.3, 21) ^ v.0
    v.2 &+= v.1
    v.1 = SipHash.rotate(v.1, 17) ^ v.2
    v.2 = SipHash.rotate(v.2, 32)
  }

  @inline(__always) private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value << bits | value >> (64 - bits)
  }
}
