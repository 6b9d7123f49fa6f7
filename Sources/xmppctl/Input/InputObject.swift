import XMPP

/// One line of JSON: an object whose members are strings, as `send --ndjson` takes it (RFC 8259); `to` may be an array of
/// strings. A member that is null counts as absent.
///
/// Our own reader, since it can say which key or which byte is wrong, and no key can hide behind another of the same name.
struct InputObject {
  /// The members in the order they were written.
  private(set) var members: [(key: String, value: String)] = []
  /// The elements of `to`, if it is an array.
  private(set) var recipients: [String]?

  /// More than any object means anything by; each is compared with those before it.
  private static let mostKeys = 64

  private let keys: [String]?
  private let bytes: [UInt8]
  private let line: Int
  private let check: InputText
  private var at = 0

  /// - Throws: `json-malformed`, and what `InputText` throws; both name the line and the offset in it.
  ///
  /// - Parameter keys: those that have a meaning; `nil` for all.
  init(
    _ line: InputLines.Line, check: InputText = InputText(), keys: [String]? = nil
  ) throws(Failure) {
    self.keys = keys
    bytes = line.bytes
    self.line = line.number
    self.check = check
    try readObject()
  }

  /// The value of a key.
  func value(_ key: String) -> String? { members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value }

  private mutating func readObject() throws(Failure) {
    try expect("{", "an object")
    skipSpace()
    var keys: [String] = []
    if peek == UInt8(ascii: "}") {
      at += 1
    } else {
      while true {
        skipSpace()
        let key = try readString("a key in quotes")
        if keys.contains(where: { $0.utf8.elementsEqual(key.utf8) }) {
          throw malformed("has the key \"\(key)\" twice")
        }
        keys.append(key)
        guard keys.count <= InputObject.mostKeys else {
          throw malformed("has more than \(InputObject.mostKeys) keys")
        }
        try expect(":", "a colon")
        skipSpace()
        try readValue(of: key)
        skipSpace()
        if peek == UInt8(ascii: "}") { break }
        try expect(",", "a comma or a brace")
      }
      at += 1
    }
    skipSpace()
    guard at == bytes.count else { throw malformed("goes on behind the object", at: at) }
  }

  private mutating func readValue(of key: String) throws(Failure) {
    let isRecipient = key.utf8.elementsEqual("to".utf8)
    switch peek {
    case UInt8(ascii: "n"): for byte in "null".utf8 { try expect(byte, "a string") }
    case UInt8(ascii: "[") where isRecipient: recipients = try readStrings()
    case UInt8(ascii: "\"")?: members.append((key, try readString("a string as the value of \"\(key)\"")))
    case let byte?:
      guard let kind = InputObject.kinds.first(where: { $0.bytes.contains(byte) })?.kind else {
        throw malformed("needs a string as the value of \"\(key)\"", at: at)
      }
      // The value of a key that means nothing can be of any type.
      guard keys?.contains(where: { $0.utf8.elementsEqual(key.utf8) }) ?? true else {
        throw InputItem.unknown(key, line, among: keys ?? [])
      }
      let wanted = isRecipient ? "a string or an array of strings" : "a string"
      throw .input("wrong-type", "line \(line): \"\(key)\" must be \(wanted), not \(kind)")
    case nil: throw malformed("needs a string as the value of \"\(key)\"", at: at)
    }
  }

  /// How a value of another type begins.
  private static let kinds: [(bytes: [UInt8], kind: String)] = [
    (Array("-0123456789".utf8), "a number"), (Array("tf".utf8), "true or false"),
    (Array("{".utf8), "an object"),
    (Array("[".utf8), "an array"),
  ]

  private mutating func readStrings() throws(Failure) -> [String] {
    var strings: [String] = []
    at += 1
    skipSpace()
    if peek == UInt8(ascii: "]") {
      at += 1
      return strings
    }
    while true {
      skipSpace()
      strings.append(try readString("a string in the array"))
      skipSpace()
      if peek == UInt8(ascii: "]") { break }
      try expect(",", "a comma or a bracket")
    }
    at += 1
    return strings
  }

  private mutating func readString(_ what: String) throws(Failure) -> String {
    let start = at + 1
    try expect(UInt8(ascii: "\""), what)
    var content: [UInt8] = []
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        at += 1
        return try check.text(content, in: "line \(line)", offset: start)
      case UInt8(ascii: "\\"):
        at += 1
        try readEscape(into: &content)
      case 0..<0x20:
        throw malformed("has a control character in a string", at: at)
      default:
        content.append(byte)
        at += 1
      }
    }
    throw malformed("ends inside a string", at: at)
  }

  private mutating func readEscape(into content: inout [UInt8]) throws(Failure) {
    let start = at - 1
    let escape = peek ?? 0
    at += 1
    switch escape {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(escape)
    case UInt8(ascii: "b"): content.append(0x08)
    case UInt8(ascii: "f"): content.append(0x0C)
    case UInt8(ascii: "n"): content.append(0x0A)
    case UInt8(ascii: "r"): content.append(0x0D)
    case UInt8(ascii: "t"): content.append(0x09)
    case UInt8(ascii: "u"):
      var value = try readDigits(start)
      if 0xD800..<0xDC00 ~= value, peek == UInt8(ascii: "\\"), at + 1 < bytes.count,
        bytes[at + 1] == UInt8(ascii: "u")
      {
        let back = at
        at += 2
        let low = try readDigits(back)
        if 0xDC00..<0xE000 ~= low {
          value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        } else {
          at = back
        }
      }
      guard let scalar = Unicode.Scalar(value) else {
        guard check.replacesInvalid else {
          var failure = malformed("has half a surrogate pair", at: start)
          failure.hint = check.hint
          throw failure
        }
        content.append(contentsOf: "\u{FFFD}".utf8)
        return
      }
      content.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw malformed("has an escape that JSON does not have", at: start)
    }
  }

  private mutating func readDigits(_ start: Int) throws(Failure) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Unicode.Scalar(byte).hexDigit else {
        throw malformed("has \\u without four digits", at: start)
      }
      value = value << 4 | digit
      at += 1
    }
    return value
  }

  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A { at += 1 }
  }

  private mutating func expect(_ character: Unicode.Scalar, _ what: String) throws(Failure) {
    skipSpace()
    try expect(UInt8(ascii: character), what)
  }

  private mutating func expect(_ byte: UInt8, _ what: String) throws(Failure) {
    guard peek == byte else { throw malformed("needs \(what)", at: at) }
    at += 1
  }

  private func malformed(_ what: String, at offset: Int? = nil) -> Failure {
    let place = offset.map { ", at offset \($0)" } ?? ""
    return .input(
      "json-malformed", "line \(line) is not a JSON object of strings: it \(what)\(place)",
      hint: otherLayout(offset))
  }

  /// What makes one object per line of JSON that is laid out otherwise: an array of objects, an object over several lines,
  /// several objects on a line.
  private func otherLayout(_ offset: Int?) -> String? {
    let first = bytes.first { $0 != 0x20 && $0 != 0x09 }
    if line == 1, first == UInt8(ascii: "[") {
      return "print each object on a line of its own with jq -c '.[]'"
    }
    let isCut = first == UInt8(ascii: "{") && at >= bytes.count
    let isFollowed = offset.map { $0 < bytes.count && bytes[$0] == UInt8(ascii: "{") && $0 > 0 } == true
    return isCut || isFollowed ? "print each object on a line of its own with jq -c ." : nil
  }
}

extension Unicode.Scalar {
  fileprivate var hexDigit: UInt32? {
    switch self {
    case "0"..."9": value - 0x30
    case "a"..."f": value - 0x57
    case "A"..."F": value - 0x37
    default: nil
    }
  }
}
