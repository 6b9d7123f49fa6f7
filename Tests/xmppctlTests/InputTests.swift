import Testing
import XMPP

@testable import xmppctl

@Suite struct InputTests {
  private func lines(_ bytes: [UInt8], piece: Int, limit: Int = 100) throws -> [InputLines.Line] {
    var input = InputLines(limit: limit)
    var lines: [InputLines.Line] = []
    for start in stride(from: 0, to: bytes.count, by: piece) {
      bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { input.feed($0) }
      while let line = try input.next() { lines.append(line) }
    }
    if let line = input.end() { lines.append(line) }
    return lines
  }

  private func object(_ text: String, replacing: Bool = false) throws -> InputObject {
    try InputObject(.init(bytes: Array(text.utf8), number: 7), check: InputText(replacesInvalid: replacing))
  }

  private func item(_ text: String) throws -> InputItem {
    try InputItem(ndjson: .init(bytes: Array(text.utf8), number: 7))
  }

  @Test func linesAreTheSameHoweverTheyCome() throws {
    for (text, expected) in [
      ("", []), ("\n", [""]), ("a", ["a"]), ("a\nb", ["a", "b"]), ("a\r\n\n b\n", ["a\r", "", " b"]),
    ] as [(String, [String])] {
      for piece in 1...max(1, text.utf8.count) {
        let found = try lines(Array(text.utf8), piece: piece)
        #expect(found.map(\.bytes) == expected.map { Array($0.utf8) })
        #expect(found.map(\.number) == Array(1..<(expected.count + 1)))
      }
    }
  }

  @Test func aLineWithoutEndIsGivenUp() throws {
    for piece in [1, 7, 500] {
      let failure = #expect(throws: Failure.self) {
        try lines(Array("ok\n".utf8) + [UInt8](repeating: 0x61, count: 200), piece: piece)
      }
      #expect(failure?.condition == "line-too-long" && failure?.status == .data)
      #expect(failure?.message.contains("line 2") == true)
    }
  }

  @Test(
    "X13: text that XML cannot carry is refused by its place",
    arguments: [
      ([0x61, 0xFF], "invalid-utf8", "byte 0xFF at offset 11"),
      ([0xC3], "invalid-utf8", "byte 0xC3 at offset 10"),
      ([0xED, 0xA0, 0x80], "invalid-utf8", "byte 0xED at offset 10"),
      ([0xC0, 0x80], "invalid-utf8", "offset 10"),
      ([0xC3, 0xA9, 0x00], "invalid-character", "U+0000 at offset 12"),
      ([0x61, 0x1B], "invalid-character", "U+001B at offset 11"),
      ([0xEF, 0xBF, 0xBE], "invalid-character", "U+FFFE at offset 10"),
    ] as [([UInt8], String, String)])
  func refusedText(bytes: [UInt8], condition: String, words: String) throws {
    let failure = #expect(throws: Failure.self) { try InputText().text(bytes, in: "line 3", offset: 10) }
    #expect(failure?.condition == condition && failure?.status == .data)
    #expect(failure?.message.contains("line 3") == true && failure?.message.contains(words) == true)
    let replaced = try InputText(replacesInvalid: true).text(bytes, in: "line 3")
    #expect(replaced.unicodeScalars.contains("\u{FFFD}"))
    #expect(replaced.unicodeScalars.allSatisfy(InputText.isCarried))
  }

  @Test func goodTextIsKeptByteForByte() throws {
    for text in ["", "a\tb\r\nc", "e\u{301}\u{E9}", "\u{FFFD}\u{FEFF}", "]]>\u{7F}\u{85}", "\u{10FFFF}"] {
      for replaces in [false, true] {
        let read = try InputText(replacesInvalid: replaces).text(Array(text.utf8), in: "it")
        #expect(read.utf8.elementsEqual(text.utf8))
      }
    }
  }

  @Test func jsonIsReadAsItIs() throws {
    #expect(try object("{}").members.isEmpty)
    let read = try object(#" { "to" : "a@b", "body":"\"\\\/\n\r\t\u00e9\uD83D\ude00é", "id":null } "#)
    #expect(read.members.map(\.key) == ["to", "body"])
    #expect(read.value("body")?.utf8.elementsEqual("\"\\/\n\r\t\u{E9}\u{1F600}é".utf8) == true)
    #expect(read.value("id") == nil)
  }

  @Test(
    "X13: a line that is not a JSON object of strings is refused",
    arguments: [
      "", "[]", "\"a\"", "{", "{\"a\"", "{\"a\":", "{\"a\":1}", "{\"a\":{}}", "{\"a\":\"b\"",
      "{\"a\":\"b\",}", "{a:\"b\"}",
      "{\"a\":\"b\"}x", "{\"a\":\"b\"}{}", "{\"a\":\"b\" \"c\":\"d\"}", "{\"a\":\"\u{1}\"}",
      "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}",
      "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800\\u0061\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"b\",\"a\":\"c\"}",
      "{\"a\":nul}",
      "{\"a\":true}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\\", "{\"a\":\"\\u", "nul", "{\"a\":null", "{'a':'b'}",
    ])
  func refusedJSON(text: String) throws {
    let failure = #expect(throws: Failure.self) { try object(text) }
    #expect(failure?.status == .data && failure?.message.contains("line 7") == true)
  }

  @Test func anObjectOfVeryManyKeysIsRefusedAtOnce() {
    let members = (0..<200_000).map { "\"k\($0)\":null" }.joined(separator: ",")
    let failure = #expect(throws: Failure.self) { try object("{\(members)}") }
    #expect(failure?.message.contains("more than 64 keys") == true)
  }

  @Test func halfASurrogateIsReplacedWhereThatIsWanted() throws {
    #expect(try object(#"{"a":"\ud800\u0061\u0001"}"#, replacing: true).value("a") == "\u{FFFD}a\u{FFFD}")
  }

  @Test func aMessageIsReadWithItsParts() throws {
    let read = try item(
      #"{"to":"Bob@Example.org","body":"hi","type":"headline","subject":"s","thread":"t","id":"i","lang":"de"}"#
    )
    #expect(
      read
        == .message(
          InputMessage(
            to: [try JID(parsing: "bob@example.org")], body: "hi", kind: .headline, subject: "s", thread: "t",
            id: "i",
            language: "de")))
    #expect(try item(#"{"body":""}"#) == .message(InputMessage(body: "")))
  }

  @Test(arguments: [
    (#"{"body":"x","bdy":"y"}"#, "unknown-key", "\"bdy\""),
    (#"{"xml":"<iq/>","body":"x"}"#, "unknown-key", "\"body\""),
    (#"{"to":"@"}"#, "jid-malformed", "localpart"), (#"{"type":"error"}"#, "bad-type", "\"error\""),
    (#"{"id":""}"#, "bad-id", "empty"), (#"{"xml":"<iq>"}"#, "xml-malformed", "inside a stanza"),
    (#"{"xml":"<iq/><iq/>"}"#, "xml-malformed", "2 stanzas"), (#"{"xml":""}"#, "xml-malformed", "0 stanzas"),
    (#"{"xml":"<r xmlns='urn:xmpp:sm:3'/>"}"#, "not-a-stanza", "<r/>"),
    (#"{"xml":"x"}"#, "xml-malformed", "stanza 1"),
  ])
  func aWrongMessageIsNamed(line: String, condition: String, words: String) throws {
    let failure = #expect(throws: Failure.self) { try item(line) }
    #expect(failure?.condition == condition && failure?.status == .data && failure?.stage == .input)
    #expect(failure?.message.contains("line 7") == true && failure?.message.contains(words) == true)
  }

  @Test func aStanzaKeepsItsRecipientAndGetsOneWhereItHasNone() throws {
    let to = try JID(parsing: "a@b")
    #expect(
      try item(#"{"xml":"<presence/>","to":"a@b"}"#)
        == .stanza(try #require(try stanzas("<presence to='a@b'/>").first)))
    let own = try #require(try stanzas("<presence to='c@d'/>").first)
    #expect(own.addressed(to: to) == own)
  }

  @Test("X13: XML comes in any pieces, and what is wrong with it names the stanza")
  func xmlInPieces() throws {
    let text =
      "<message to='a'><body>é</body></message>\n <iq type='get' id='1'/><presence xmlns='jabber:client'/>\n"
    let whole = try stanzas(text)
    #expect(whole.map(\.kind) == [.message, .iq, .presence])
    let bytes = Array(text.utf8)
    for cut in 0...bytes.count {
      var input = InputStanzas()
      var found: [Stanza] = []
      for piece in [Array(bytes[..<cut]), Array(bytes[cut...])] {
        var used = 0
        while let stanza = try input.next(piece, &used) { found.append(stanza) }
      }
      try input.end()
      #expect(found == whole)
    }
    for (bad, words) in [
      ("<iq/><message>", "ends inside"), ("<iq/></stream:stream>", "stanza 2"), ("<iq/>text", "stanza 2"),
      ("<iq/><message>\u{1}</message>", "0x01"), ("<iq/><!-- -->", "stanza 2"), ("<iq/><x/>", "element 2"),
    ] {
      let failure = #expect(throws: Failure.self) { try stanzas(bad) }
      #expect(
        failure?.status == .data && failure?.message.contains(words) == true, "\(failure?.message ?? "")")
      #expect(failure?.message.contains("server") == false)
    }
  }
}
