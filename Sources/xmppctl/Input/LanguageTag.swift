/// Language tags such as `en` and `de-AT`, for `xml:lang`.
enum LanguageTag {
  /// Whether a tag has the shape that RFC 5646 §2.1 gives to all of them. Whether its parts are registered is not checked.
  static func isWellFormed(_ tag: String) -> Bool {
    let parts = tag.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    guard let first = parts.first,
      parts.allSatisfy({ (1...8).contains($0.count) && $0.allSatisfy(isAlphanumeric) })
    else { return false }
    // Private use (x-…), or one that was registered before the syntax (i-klingon).
    let isSpecial =
      first.count == 1 && [UInt8(ascii: "x"), UInt8(ascii: "i")].contains(first.first.map { $0 | 0x20 })
    guard isSpecial || first.count >= 2 && first.allSatisfy(isLetter) else { return false }
    if isSpecial { return parts.count > 1 }
    // A single character announces an extension, of which something must follow.
    for (part, next) in zip(parts, parts.dropFirst().map(Optional.some) + [nil]) where part.count == 1 {
      if part.first.map({ $0 | 0x20 }) == UInt8(ascii: "x") { return next != nil }
      guard let next, next.count > 1 else { return false }
    }
    return true
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool { isLetter(byte) || (0x30...0x39).contains(byte) }
}
