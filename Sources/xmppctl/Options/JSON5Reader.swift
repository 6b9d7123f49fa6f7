/// Reads JSON5, version 1.0.0: JSON with comments, bare keys, single quotes, trailing commas, more numbers and escapes.
///
/// Our own: Foundation's reader traps on text that is no UTF-8 and on a number that ends in its exponent, says nothing of the
/// place of a mistake, and lets one of two equal keys hide the other.
struct JSON5Reader {
  /// What is wrong, and on which line. Nothing of the text is quoted, which may be a password.
  struct Malformed: Error, Equatable {
    let line: Int
    let what: String
  }

  /// How deep values may stand in values.
  private static let deepest = 100

  private let bytes: [UInt8]
  private var at = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The value of a whole text.
  static func read(_ bytes: [UInt8]) throws(Malformed) -> JSONValue {
    var reader = JSON5Reader(bytes)
    guard (try? UTF8Span(validating: bytes.span)) != nil else { throw reader.malformed("it is not UTF-8") }
    try reader.skipSpace()
    let value = try reader.value(depth: 0)
    try reader.skipSpace()
    guard reader.at == bytes.count else { throw reader.malformed("there is more behind the value") }
    return value
  }

  private mutating func value(depth: Int) throws(Malformed) -> JSONValue {
    guard depth < JSON5Reader.deepest else { throw malformed("values are nested too deep") }
    switch peek {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    default: return .number(try number())
    }
  }

  private mutating func object(depth: Int) throws(Malformed) -> JSONValue {
    at += 1
    var members: [String: JSONValue] = [:]
    try skipSpace()
    while peek != UInt8(ascii: "}") {
      let key = try key()
      guard members[key] == nil else { throw malformed("a key is there twice") }
      try skipSpace()
      guard take(":") else { throw malformed("a key needs a colon behind it") }
      try skipSpace()
      members[key] = try value(depth: depth + 1)
      try skipSpace()
      guard take(",") else { break }
      try skipSpace()
    }
    guard take("}") else { throw malformed("a member needs a comma or a brace behind it") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(Malformed) -> JSONValue {
    at += 1
    var values: [JSONValue] = []
    try skipSpace()
    while peek != UInt8(ascii: "]") {
      values.append(try value(depth: depth + 1))
      try skipSpace()
      guard take(",") else { break }
      try skipSpace()
    }
    guard take("]") else { throw malformed("an element needs a comma or a bracket behind it") }
    return .array(values)
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(Malformed) -> JSONValue {
    guard take(word), !isNamePart else { throw malformed("there is no value where one should be") }
    return value
  }

  // MARK: Keys and strings

  private mutating func key() throws(Malformed) -> String {
    if peek == UInt8(ascii: "\"") || peek == UInt8(ascii: "'") { return try string() }
    var name: [UInt8] = []
    while isNamePart {
      if name.isEmpty, let byte = peek, isDigit(byte) { break }
      let length = scalar?.length ?? 1
      name += bytes[at..<at + length]
      at += length
    }
    guard !name.isEmpty else { throw malformed("there is no key where one should be") }
    return String(decoding: name, as: UTF8.self)
  }

  /// Whether what is next can be in a bare key: letters, digits and their like.
  private var isNamePart: Bool {
    guard let scalar = scalar?.value else { return false }
    return scalar == "$" || scalar == "_" || scalar.properties.isIDContinue
      || scalar == "\u{200C}" || scalar == "\u{200D}"
  }

  private mutating func string() throws(Malformed) -> String {
    let quote = peek
    at += 1
    var content: [UInt8] = []
    while let byte = peek {
      at += 1
      switch byte {
      case quote: return String(decoding: content, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &content)
      case 0x0A, 0x0D:
        at -= 1
        throw malformed("a string does not end on its line")
      default: content.append(byte)
      }
    }
    throw malformed("a string does not end")
  }

  private mutating func escape(into content: inout [UInt8]) throws(Malformed) {
    guard let (scalar, length) = scalar else { throw malformed("a string does not end") }
    at += length
    switch scalar {
    case "b": content.append(0x08)
    case "t": content.append(0x09)
    case "n": content.append(0x0A)
    case "v": content.append(0x0B)
    case "f": content.append(0x0C)
    case "r": content.append(0x0D)
    case "0" where !(peek.map(isDigit) ?? false): content.append(0)
    case "0"..."9": throw malformed("a string has an escape that JSON5 does not have")
    case "x": content.append(contentsOf: String(Unicode.Scalar(UInt8(try digits(2)))).utf8)
    case "u": content.append(contentsOf: String(try codePoint()).utf8)
    // A line that goes on.
    case "\r": _ = take("\n")
    case "\n", "\u{2028}", "\u{2029}": break
    default: content.append(contentsOf: String(scalar).utf8)
    }
  }

  /// What stands behind `\u`, and behind a second one where it takes two.
  private mutating func codePoint() throws(Malformed) -> Unicode.Scalar {
    let high = try digits(4)
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard high < 0xDC00, take("\\u"), case let low = try digits(4), 0xDC00..<0xE000 ~= low,
      let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    else { throw malformed("a string has half a surrogate pair") }
    return scalar
  }

  private mutating func digits(_ count: Int) throws(Malformed) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = peek.flatMap(hexadecimalDigit) else { throw malformed("an escape lacks its digits") }
      value = value << 4 | digit
      at += 1
    }
    return value
  }

  // MARK: Numbers

  private mutating func number() throws(Malformed) -> Double {
    let isNegative = take("-")
    if !isNegative { _ = take("+") }
    let magnitude: Double
    if take("Infinity") {
      magnitude = .infinity
    } else if take("NaN") {
      magnitude = .nan
    } else if take("0x") || take("0X") {
      magnitude = try hexadecimal()
    } else {
      magnitude = try decimal()
    }
    guard !isNamePart else { throw malformed("there is no value where one should be") }
    return isNegative ? -magnitude : magnitude
  }

  private mutating func hexadecimal() throws(Malformed) -> Double {
    var value = 0.0
    let start = at
    while let digit = peek.flatMap(hexadecimalDigit) {
      value = value * 16 + Double(digit)
      at += 1
    }
    guard at > start else { throw malformed("a number lacks its digits") }
    return value
  }

  private mutating func decimal() throws(Malformed) -> Double {
    let whole = digits()
    let fraction = take(".") ? digits() : ""
    guard !(whole.isEmpty && fraction.isEmpty) else {
      throw malformed("there is no value where one should be")
    }
    guard whole.utf8.count < 2 || whole.utf8.first != UInt8(ascii: "0") else {
      throw malformed("a number begins with 0")
    }
    var text = "\(whole.isEmpty ? "0" : whole).\(fraction.isEmpty ? "0" : fraction)"
    if take("e") || take("E") {
      let isNegative = take("-")
      if !isNegative { _ = take("+") }
      let exponent = digits()
      guard !exponent.isEmpty else { throw malformed("a number lacks its digits") }
      text += "e\(isNegative ? "-" : "")\(exponent)"
    }
    return Double(text) ?? .infinity
  }

  private mutating func digits() -> String {
    let start = at
    while let byte = peek, isDigit(byte) { at += 1 }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  // MARK: Bytes

  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  /// The character that is next, and its length.
  private var scalar: (value: Unicode.Scalar, length: Int)? {
    guard let first = peek else { return nil }
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    let text = String(decoding: bytes[at..<min(at + length, bytes.count)], as: UTF8.self)
    return text.unicodeScalars.first.map { ($0, length) }
  }

  private mutating func take(_ word: String) -> Bool {
    guard bytes[at...].starts(with: word.utf8) else { return false }
    at += word.utf8.count
    return true
  }

  /// White space, line ends and comments.
  private mutating func skipSpace() throws(Malformed) {
    while let (scalar, length) = scalar {
      switch scalar {
      case "/":
        if take("//") {
          while let (scalar, length) = self.scalar, !["\n", "\r", "\u{2028}", "\u{2029}"].contains(scalar) {
            at += length
          }
        } else if take("/*") {
          while !take("*/") {
            guard at < bytes.count else { throw malformed("a comment does not end") }
            at += 1
          }
        } else {
          return
        }
      case "\t", "\n", "\r", "\u{B}", "\u{C}", " ", "\u{FEFF}", "\u{2028}", "\u{2029}": at += length
      default:
        guard scalar.properties.generalCategory == .spaceSeparator else { return }
        at += length
      }
    }
  }

  private func malformed(_ what: String) -> Malformed {
    Malformed(line: bytes[..<at].count { $0 == 0x0A } + 1, what: what)
  }
}

private func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }

private func hexadecimalDigit(_ byte: UInt8) -> UInt32? {
  isDigit(byte) || 0x41...0x46 ~= byte & 0xDF
    ? UInt32(byte & 0x0F) + (byte & 0x40 == 0 ? 0 : 9) : nil
}
