/// Characters that must not reach a terminal or a line boundary raw: C0 and C1 controls, DEL, line and paragraph separators, and
/// characters that are not visible (Unicode's Default_Ignorable_Code_Point and the annotation characters U+FFF9 to U+FFFB), as
/// they reverse text or make two names look alike.
///
/// Everything is decided on UTF-8 bytes.
public enum UnsafeCharacter {
  /// The unsafe scalar at `index` and its length in bytes; `nil` if what is there may be shown.
  ///
  /// A zero-width joiner and a variation selector behind an emoji or another symbol belong to it and are shown.
  @inline(__always)
  public static func at(
    _ index: Int, in bytes: UnsafeBufferPointer<UInt8>
  ) -> (scalar: UInt32, length: Int)? {
    let first = bytes[index]
    if first < 0x80 { return first < 0x20 || first == 0x7F ? (UInt32(first), 1) : nil }
    return mayBegin(first) ? beyondASCII(first, index, bytes) : nil
  }

  /// Whether a byte beyond ASCII can begin an unsafe character.
  @inline(__always)
  public static func mayBegin(_ byte: UInt8) -> Bool {
    switch byte {
    case 0xC2, 0xCD, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF, 0xF0, 0xF3: true
    default: false
    }
  }

  private static func beyondASCII(
    _ first: UInt8, _ index: Int, _ bytes: UnsafeBufferPointer<UInt8>
  ) -> (scalar: UInt32, length: Int)? {
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    guard index + length <= bytes.count else { return nil }
    var scalar = UInt32(first) & (length == 2 ? 0x1F : length == 3 ? 0x0F : 0x07)
    for next in 1..<length { scalar = scalar << 6 | UInt32(bytes[index + next] & 0x3F) }
    guard isUnsafe(scalar) else { return nil }
    if scalar == 0x200D || scalar == 0xFE0F, followsSymbol(index, bytes) { return nil }
    return (scalar, length)
  }

  private static func isUnsafe(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x80...0x9F, 0xAD, 0x034F, 0x061C, 0x115F...0x1160, 0x17B4...0x17B5, 0x180B...0x180F,
      0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0x3164, 0xFE00...0xFE0F, 0xFEFF, 0xFFA0,
      0xFFF0...0xFFFB, 0x1BCA0...0x1BCA3, 0x1D173...0x1D17A, 0xE0000...0xE0FFF:
      true
    default: false
    }
  }

  /// Whether what stands before `index` is a symbol or an emoji (U+2190 and above, without the scripts between), or is part of
  /// one.
  private static func followsSymbol(_ index: Int, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var start = index - 1
    while start > 0, index - start < 4, bytes[start] & 0xC0 == 0x80 { start -= 1 }
    guard start >= 0, index - start >= 3 else { return false }
    if bytes[start] == 0xF0 { return bytes[start + 1] == 0x9F }
    guard bytes[start] == 0xE2 || bytes[start] == 0xEF else { return false }
    let scalar =
      UInt32(bytes[start] & 0x0F) << 12 | UInt32(bytes[start + 1] & 0x3F) << 6
      | UInt32(bytes[start + 2] & 0x3F)
    return 0x2190...0x2BFF ~= scalar || scalar == 0xFE0F
  }
}
