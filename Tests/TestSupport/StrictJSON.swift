/// A JSON text read by the letter of RFC 8259, strings and names as their bytes. An independent reader: Foundation's joins
/// what is only canonically equal, drops U+FEFF, and takes the last of two equal names.
public enum StrictJSON: Equatable, Sendable {
  case null
  case boolean(Bool)
  case number(String)
  case string([UInt8])
  case array([StrictJSON])
  case object([Member])

  /// One member of an object.
  public struct Member: Equatable, Sendable {
    /// Its name.
    public let name: [UInt8]
    /// Its value.
    public let value: StrictJSON
  }

  /// Reads a whole text; `nil` where it is no JSON, is not UTF-8, has a name twice in one object, or is deeper than
  /// 200 levels.
  public init?(_ bytes: some Collection<UInt8>) {
    guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
    var reader = StrictJSONReader(bytes: Array(bytes))
    guard let value = reader.value(depth: 0), reader.isAtEnd else { return nil }
    self = value
  }

  /// A member of an object, by its name.
  public subscript(name: String) -> StrictJSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name.elementsEqual(name.utf8) }?.value
  }

  /// The bytes of a string.
  public var bytes: [UInt8]? { if case .string(let bytes) = self { bytes } else { nil } }

  /// Whether it is an array.
  public var isArray: Bool { if case .array = self { true } else { false } }

  /// The elements of an array; none of anything else.
  public var elements: [StrictJSON] { if case .array(let elements) = self { elements } else { [] } }

  /// The members of an object; none where it is no object.
  public var members: [Member] { if case .object(let members) = self { members } else { [] } }
}

private struct StrictJSONReader {
  let bytes: [UInt8]
  private var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return at == bytes.count
    }
  }

  mutating func value(depth: Int) -> StrictJSON? {
    guard depth < 200 else { return nil }
    skipSpace()
    switch peek {
    case UInt8(ascii: "{"): return object(depth: depth)
    case UInt8(ascii: "["): return array(depth: depth)
    case UInt8(ascii: "\""): return string().map(StrictJSON.string)
    case UInt8(ascii: "t"): return take("true") ? .boolean(true) : nil
    case UInt8(ascii: "f"): return take("false") ? .boolean(false) : nil
    case UInt8(ascii: "n"): return take("null") ? .null : nil
    default: return number()
    }
  }

  private mutating func object(depth: Int) -> StrictJSON? {
    at += 1
    var members: [StrictJSON.Member] = []
    skipSpace()
    if take("}") { return .object([]) }
    repeat {
      skipSpace()
      guard let name = string(), !members.contains(where: { $0.name == name }) else { return nil }
      skipSpace()
      guard take(":"), let value = value(depth: depth + 1) else { return nil }
      members.append(StrictJSON.Member(name: name, value: value))
      skipSpace()
    } while take(",")
    return take("}") ? .object(members) : nil
  }

  private mutating func array(depth: Int) -> StrictJSON? {
    at += 1
    var elements: [StrictJSON] = []
    skipSpace()
    if take("]") { return .array([]) }
    repeat {
      guard let element = value(depth: depth + 1) else { return nil }
      elements.append(element)
      skipSpace()
    } while take(",")
    return take("]") ? .array(elements) : nil
  }

  private mutating func string() -> [UInt8]? {
    guard take("\"") else { return nil }
    var content: [UInt8] = []
    while let byte = peek, byte >= 0x20 {
      at += 1
      switch byte {
      case UInt8(ascii: "\""): return content
      case UInt8(ascii: "\\"):
        guard let scalar = escape() else { return nil }
        content.append(contentsOf: String(scalar).utf8)
      default: content.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    guard let letter = peek else { return nil }
    at += 1
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let high = digits() else { return nil }
      guard 0xD800..<0xDC00 ~= high else { return Unicode.Scalar(high) }
      guard take("\\u"), let low = digits(), 0xDC00..<0xE000 ~= low else { return nil }
      return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    default: return nil
    }
  }

  private mutating func digits() -> UInt32? {
    guard at + 4 <= bytes.count, bytes[at] != UInt8(ascii: "+"), bytes[at] != UInt8(ascii: "-") else {
      return nil
    }
    defer { at += 4 }
    return UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
  }

  private mutating func number() -> StrictJSON? {
    let start = at
    _ = take("-")
    if !take("0") {
      guard let first = peek, 0x31...0x39 ~= first else { return nil }
      skipDigits()
    }
    if take(".") { guard skipDigits() > 0 else { return nil } }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      guard skipDigits() > 0 else { return nil }
    }
    return .number(String(decoding: bytes[start..<at], as: UTF8.self))
  }

  @discardableResult private mutating func skipDigits() -> Int {
    let start = at
    while let byte = peek, 0x30...0x39 ~= byte { at += 1 }
    return at - start
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { at += 1 }
  }

  private mutating func take(_ word: String) -> Bool {
    guard bytes[at...].starts(with: word.utf8) else { return false }
    at += word.utf8.count
    return true
  }
}

/// Whether bytes are one line with its end, in UTF-8, and hold nothing else that ends a line or plays tricks on a terminal.
public func isHarmlessLine(_ line: [UInt8]) -> Bool { line.last == 0x0A && isHarmless(line.dropLast()) }

/// Whether a line has four fields, each harmless, with TAB between them.
public func isHarmlessTextLine(_ line: [UInt8]) -> Bool {
  let fields = line.dropLast().split(separator: 0x09, omittingEmptySubsequences: false)
  return line.last == 0x0A && fields.count == 4 && fields.allSatisfy(isHarmless)
}

/// Whether bytes are UTF-8 without controls, bidirectional controls and line separators.
public func isHarmless(_ bytes: some Collection<UInt8>) -> Bool {
  guard let text = String(validating: bytes, as: UTF8.self) else { return false }
  return !text.unicodeScalars.contains {
    switch $0.value {
    case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
