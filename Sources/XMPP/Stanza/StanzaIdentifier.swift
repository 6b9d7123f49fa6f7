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

extension StanzaIdentifier {
  /// The key to look an id up by when a stanza brings it back.
  ///
  /// Prosody, jabberd2, Metronome and slixmpp write a tab, a line feed and a carriage return in an attribute as they are, and
  /// the next parser makes a space of each, and one space of a carriage return and a line feed (XML 1.0 §2.11, §3.3.3). So
  /// ids that become the same that way have the same key.
  public static func key(_ id: String) -> String.UTF8Key {
    guard id.utf8.contains(where: isNormalized) else { return String.UTF8Key(id) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(id.utf8.count)
    var previous: UInt8 = 0
    for byte in id.utf8 {
      if byte != lineFeed || previous != carriageReturn { bytes.append(isNormalized(byte) ? space : byte) }
      previous = byte
    }
    return String.UTF8Key(String(decoding: bytes, as: UTF8.self))
  }

  /// Whether an id that came back is the one that was sent, its white space normalized or not.
  public static func matches(_ received: String, _ sent: String) -> Bool {
    received.isSame(as: sent) || key(received) == key(sent)
  }

  private static let space: UInt8 = 0x20
  private static let lineFeed: UInt8 = 0x0A
  private static let carriageReturn: UInt8 = 0x0D

  private static func isNormalized(_ byte: UInt8) -> Bool {
    byte == 0x09 || byte == lineFeed || byte == carriageReturn
  }
}
