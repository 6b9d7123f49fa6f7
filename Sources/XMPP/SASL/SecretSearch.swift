import Glibc

/// Finds secrets in bytes in every form in which a peer is likely to repeat them: as they are, as XML, JSON and URIs escape
/// them, in hexadecimal, and those digits of base64 that do not depend on what stands around them.
///
/// All forms are searched at once (Wu and Manber, 1994): most bytes are never looked at, so that a search of what holds none of
/// them costs next to nothing.
final class SecretSearch: Sendable {
  /// One form of a secret.
  struct Form: Hashable {
    let bytes: [UInt8]
    /// Whether the digits around a match are of the same secret, for all that can be known.
    let isBase64: Bool
  }

  /// A shorter secret is a part of too many words.
  static let shortest = 4

  let forms: [Form]
  /// The length of the shortest form: what is looked at is a window of so many bytes.
  private let window: Int
  /// How far the window can move, by a hash of its last two bytes.
  private let shifts: [UInt8]

  /// - Parameter forms: at least one, none shorter than `shortest`.
  init(_ forms: [Form]) {
    self.forms = forms
    window = min(forms.lazy.map(\.bytes.count).min() ?? SecretSearch.shortest, Int(UInt8.max))
    var shifts = [UInt8](repeating: UInt8(clamping: window - 1), count: 1 << 12)
    for form in forms {
      for last in 1..<window {
        let hash = SecretSearch.hash(form.bytes[last - 1], form.bytes[last])
        shifts[hash] = min(shifts[hash], UInt8(clamping: window - 1 - last))
      }
    }
    self.shifts = shifts
  }

  /// Whether there is a secret in the bytes.
  func matches(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool { next(in: bytes, from: 0) != nil }

  /// The bytes with `placeholder` in place of each secret; `nil` if there is none.
  func redacted(_ bytes: UnsafeBufferPointer<UInt8>, _ placeholder: [UInt8]) -> [UInt8]? {
    var output: [UInt8] = []
    var written = 0
    while let match = next(in: bytes, from: written) {
      output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[written..<match.lowerBound]))
      output.append(contentsOf: placeholder)
      written = match.upperBound
    }
    guard written > 0 else { return nil }
    output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[written...]))
    return output
  }

  /// The first secret from `start` on.
  private func next(in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Range<Int>? {
    var index = start
    while index + window <= bytes.count {
      let shift = shifts[SecretSearch.hash(bytes[index + window - 2], bytes[index + window - 1])]
      if shift > 0 {
        index += Int(shift)
        continue
      }
      if let form = forms.first(where: { isForm($0.bytes, in: bytes, at: index) }) {
        let match = index..<index + form.bytes.count
        return form.isBase64 ? SecretSearch.digits(around: match, in: bytes, from: start) : match
      }
      index += 1
    }
    return nil
  }

  private func isForm(_ form: [UInt8], in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
    guard index + form.count <= bytes.count, let base = bytes.baseAddress else { return false }
    return memcmp(base + index, form, form.count) == 0
  }

  private static func digits(
    around match: Range<Int>, in bytes: UnsafeBufferPointer<UInt8>, from start: Int
  ) -> Range<Int> {
    var (first, end) = (match.lowerBound, match.upperBound)
    while first > start, isDigit(bytes[first - 1]) { first -= 1 }
    while end < bytes.count, isDigit(bytes[end]) { end += 1 }
    return first..<end
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
      UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  @inline(__always) private static func hash(_ first: UInt8, _ second: UInt8) -> Int {
    (Int(first) << 4 ^ Int(second)) & 0xFFF
  }
}

// MARK: - Forms

extension SecretSearch {
  /// The forms of a secret, the longest first; none of a secret that is too short.
  ///
  /// - Parameter isCommon: whether the secret itself is also an ordinary part of what is sent, so that only its encoded forms
  ///   tell of it.
  static func forms(of secret: [UInt8], isCommon: Bool) -> [Form] {
    guard secret.count >= shortest else { return [] }
    var plain: [[UInt8]] = [
      secret, escaped(secret, xml), escaped(secret, xmlAttribute), escaped(secret, json),
      escaped(secret, jsonSlash), percentEncoded(secret),
    ]
    if isCommon { plain.removeAll { $0 == secret } }
    let hexadecimal = [hexadecimalText(secret), hexadecimalText(secret, uppercase: true)]
    let base64 = (0..<3).map { shift in
      let digits = Base64.encode([UInt8](repeating: 0, count: shift) + secret)
      return Array(digits.dropFirst((shift * 8 + 5) / 6).prefix(secret.count * 8 / 6 - 1))
    }
    let forms =
      (plain + hexadecimal).map { Form(bytes: $0, isBase64: false) }
      + (base64 + base64.map(urlSafe)).map { Form(bytes: $0, isBase64: true) }
    // Of two that begin alike the longer one is what was meant.
    return Set(forms).sorted { $0.bytes.count > $1.bytes.count }
  }

  private static let xml: [UInt8: String] = [0x26: "&amp;", 0x3C: "&lt;", 0x3E: "&gt;"]
  private static let xmlAttribute = xml.merging([0x22: "&quot;", 0x27: "&apos;"]) { first, _ in first }
  private static let json: [UInt8: String] = [0x22: "\\\"", 0x5C: "\\\\"]
  private static let jsonSlash = json.merging([0x2F: "\\/"]) { first, _ in first }

  private static func escaped(_ secret: [UInt8], _ replacements: [UInt8: String]) -> [UInt8] {
    secret.flatMap { byte in replacements[byte].map { Array($0.utf8) } ?? [byte] }
  }

  /// RFC 3986 §2.1: all but the unreserved characters.
  private static func percentEncoded(_ secret: [UInt8]) -> [UInt8] {
    secret.flatMap { byte -> [UInt8] in
      switch byte {
      case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): break
      case UInt8(ascii: "."), UInt8(ascii: "~"): return [byte]
      default: if isDigit(byte) { return [byte] }
      }
      return [UInt8(ascii: "%")] + hexadecimalText([byte], uppercase: true)
    }
  }

  private static func urlSafe(_ digits: [UInt8]) -> [UInt8] {
    digits.map {
      $0 == UInt8(ascii: "+") ? UInt8(ascii: "-") : $0 == UInt8(ascii: "/") ? UInt8(ascii: "_") : $0
    }
  }
}
