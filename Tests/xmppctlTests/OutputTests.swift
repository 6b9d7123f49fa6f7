import Foundation
import TestSupport
import Testing

@testable import xmppctl

/// What may reach a terminal or a line of JSON.
@Suite struct OutputTests {
  /// Every scalar that must be escaped: C0, DEL, C1, line and paragraph separators, and what is not visible.
  private static let hazards: [UInt32] =
    Array(0...0x1F) + Array(0x7F...0x9F) + Array(0x2028...0x2029) + Array(0xFFF9...0xFFFB)
    + (UInt32(0xA0)...0x1_D1FF).filter { Unicode.Scalar($0)?.properties.isDefaultIgnorableCodePoint == true }
    + Array(0xE0000...0xE0FFF)

  private func written(_ text: String) -> String {
    var json = JSONWriter()
    json.value(text)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  @Test("C1: each hazardous scalar is escaped, in text and in JSON, and no other is")
  func everyScalar() throws {
    let hazards = Set(Self.hazards)
    var wrong: [UInt32] = []
    for value in Array(UInt32(0)...0x1_D1FF) + Array(0xDFF00...0xE10FF) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = "a\(Character(scalar))b"
      let raw = Array(String(scalar).utf8)
      let isEscaped = !Array(text.shown.utf8).contains(raw)
      let isEscapedInJSON = !Array(written(text).dropFirst().dropLast().utf8).contains(raw)
      if isEscaped != hazards.contains(value) { wrong.append(value) }
      let mustEscape = hazards.contains(value)
      let isQuoted = value == 0x22 || value == 0x5C
      if !isQuoted && isEscapedInJSON != mustEscape { wrong.append(value) }
    }
    #expect(wrong.isEmpty)
  }

  @Test("C1: what is escaped in JSON is the same text when it is read")
  func roundTrip() throws {
    for value in Self.hazards + [0x22, 0x5C, 0x2F, 0xE9, 0x1_F600, 0x2010, 0x2070, 0xFFFF] {
      let text = "<\(Character(try #require(Unicode.Scalar(value))))>\u{338}"
      #expect(try JSON(Data(written(text).utf8)) == .string(text), "\(value)")
    }
  }

  @Test func escapesOnOneLine() {
    #expect(
      "a\r\nb\tc\u{0}\u{1B}[31m\u{9B}\u{202E}\u{2028}".shown
        == #"a\r\nb\tc\u0000\u001b[31m\u009b\u202e\u2028"#)
    #expect("é 日本 👩‍👩‍👧 \u{65}\u{301}".shown == "é 日本 👩‍👩‍👧 \u{65}\u{301}")
    #expect("".shown == "")
  }

  @Test func writesJSON() throws {
    var json = JSONWriter()
    json.object { json in
      json.member("a", "x")
      json.member("absent", nil as String?)
      json.member("n", -7)
      json.member("t", true)
      json.key("empty")
      json.object { _ in }
      json.member("list", ["1", "2"])
      json.key("none")
      json.array { _ in }
      for (key, time) in [("whole", 12.0), ("tenths", 12.34), ("nothing", 0.04), ("up", 0.06)] {
        json.key(key)
        json.value(tenths: time)
      }
    }
    json.endLine()
    #expect(
      String(decoding: json.bytes, as: UTF8.self)
        == #"{"a":"x","n":-7,"t":true,"empty":{},"list":["1","2"],"none":[],"whole":12,"tenths":12.3,"nothing":0,"up":0.1}"#
        + "\n")
  }

  @Test func writesJSONForAPerson() {
    var json = JSONWriter(indents: true)
    json.object { json in
      json.member("a", ["x"])
      json.key("b")
      json.object { _ in }
    }
    #expect(
      String(decoding: json.bytes, as: UTF8.self) == "{\n  \"a\": [\n    \"x\"\n  ],\n  \"b\": {}\n}")
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (1_795_000_000, "2026-11-18T11:06:40Z"), (-1, "1969-12-31T23:59:59Z"),
    (951_782_400, "2000-02-29T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z"),
    (-62_167_219_200, "0000-01-01T00:00:00Z"),
  ])
  func timestamps(seconds: Int64, text: String) { #expect(Timestamp.text(seconds: seconds) == text) }

  @Test func padsByScalars() {
    #expect("é".padded(to: 3) == "é  " && "abc".padded(to: 2) == "abc" && "a".padded(left: 3) == "  a")
  }
}
