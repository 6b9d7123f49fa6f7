/// Base64 (RFC 4648 §4), strict: no white space, no missing padding, no stray bits.
enum Base64 {
  /// Encodes with padding.
  static func encode(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var encoded: [UInt8] = []
    encoded.reserveCapacity((bytes.count + 2) / 3 * 4)
    var rest = bytes[...]
    while let first = rest.popFirst() {
      let (second, third) = (rest.popFirst(), rest.popFirst())
      let group = UInt32(first) << 16 | UInt32(second ?? 0) << 8 | UInt32(third ?? 0)
      encoded.append(digit(group >> 18))
      encoded.append(digit(group >> 12))
      encoded.append(second == nil ? padding : digit(group >> 6))
      encoded.append(third == nil ? padding : digit(group))
    }
    return encoded
  }

  /// Decodes, or `nil` for what `encode` would not have written.
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count.isMultiple(of: 4) else { return nil }
    let digits = text.count - text.suffix(2).count { $0 == padding }
    var decoded: [UInt8] = []
    decoded.reserveCapacity(text.count / 4 * 3)
    var (bits, held) = (UInt32(0), 0)
    for byte in text.prefix(digits) {
      guard let value = value(byte) else { return nil }
      bits = bits << 6 | value
      held += 6
      if held >= 8 {
        held -= 8
        decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
        bits &= (1 << UInt32(held)) - 1
      }
    }
    guard bits == 0, held < 6, text.count - digits == (3 - decoded.count % 3) % 3 else { return nil }
    return decoded
  }

  private static let padding = UInt8(ascii: "=")

  private static func digit(_ value: UInt32) -> UInt8 {
    let value = UInt8(value & 63)
    return switch value {
    case 0..<26: UInt8(ascii: "A") + value
    case 26..<52: UInt8(ascii: "a") + value - 26
    case 52..<62: UInt8(ascii: "0") + value - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }

  private static func value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
