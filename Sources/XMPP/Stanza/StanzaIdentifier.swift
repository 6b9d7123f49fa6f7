/// Ids that nobody guesses: a stranger who could would answer in another's name (RFC 6120 §8.1.3, CVE-2014-0364).
public enum StanzaIdentifier {
  /// 128 random bits as 32 hexadecimal digits.
  public static func random() -> String {
    var system = SystemRandomNumberGenerator()
    return random(using: &system)
  }

  /// The same from another source of randomness.
  static func random(using generator: inout some RandomNumberGenerator) -> String {
    var digits: [UInt8] = []
    digits.reserveCapacity(32)
    for _ in 0..<2 {
      let bits: UInt64 = generator.next()
      for shift in stride(from: 60 as UInt64, through: 0, by: -4) {
        let digit = UInt8(truncatingIfNeeded: bits >> shift & 0xF)
        digits.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
      }
    }
    return String(decoding: digits, as: UTF8.self)
  }
}
