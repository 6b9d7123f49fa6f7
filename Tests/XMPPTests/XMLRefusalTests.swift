import Testing

@testable import XMPP

/// What a peer may not send. Each case is fed at once and byte by byte, and must fail at the same place in the same way.
@Suite struct XMLRefusalTests {
  /// The condition of bytes inside a stream, whichever way they come; `nil` when they are accepted.
  private func condition(_ inner: String, limits: Limits = Limits()) -> String? {
    condition(Array((header + inner).utf8), limits: limits)
  }

  private func condition(_ bytes: [UInt8], limits: Limits = Limits()) -> String? {
    let whole = Parsed(bytes, limits: limits)
    let bytewise = Parsed(bytes, cuts: Array(1..<max(1, bytes.count)), limits: limits)
    #expect(whole.condition == bytewise.condition)
    #expect(whole.events == bytewise.events)
    return whole.condition
  }

  @Test(
    "X1: a document type is refused at <!, before anything is known of it",
    arguments: ["<!", "<!DOCTYPE a [<!ENTITY a 'b'>]>", " <!DOCTYPE", "<?xml version='1.0'?><!D"])
  func documentTypes(text: String) { #expect(condition(Array(text.utf8)) == "restricted-xml") }

  @Test(
    "X1: entities other than the five are refused",
    arguments: ["<a>&foo;</a>", "<a b='&foo;'/>", "<a>&é;", "<a>&\(String(repeating: "x", count: 70))"])
  func entities(text: String) {
    #expect(condition(text).map { ["restricted-xml", "not-well-formed"].contains($0) } == true)
  }

  @Test("X1: markup declarations inside a stream are refused at <!")
  func declarationsInside() {
    for text in ["<!", "<a><!D", "<a><!E", "<a><![I", "<a><b><![CDATA<"] {
      #expect(condition(text) == "restricted-xml", "\(text)")
    }
  }

  @Test(
    "X2: comments and processing instructions are refused where they begin",
    arguments: ["<!-", "<a><!-", "<?", "<a><?", "<a/><?xml version='1.0'?>"])
  func comments(text: String) { #expect(condition(text) == "restricted-xml") }

  @Test(
    "X2: comments and processing instructions are refused before the root",
    arguments: ["<!--", "<?xml-stylesheet", "<?php", " <?xml version='1.0'?>", "<?xml version='1.0'?><?xml "])
  func commentsBefore(text: String) { #expect(condition(Array(text.utf8)) == "restricted-xml") }

  @Test(
    "X3: no encoding but UTF-8 may be declared",
    arguments: ["UTF-7", "utf-16", "ISO-8859-1", "US-ASCII", "UTF8", ""])
  func encodings(name: String) {
    let text = "<?xml version='1.0' encoding='\(name)'?>\(header)"
    #expect(condition(Array(text.utf8)) == "unsupported-encoding")
  }

  @Test(
    "X3: a byte order mark is refused",
    arguments: [[0xEF, 0xBB, 0xBF], [0xFE, 0xFF], [0xFF, 0xFE, 0x3C, 0]] as [[UInt8]])
  func byteOrderMarks(mark: [UInt8]) {
    #expect(condition(mark + Array("<a/>".utf8)) == "unsupported-encoding")
  }

  @Test("X3: UTF-8 may be declared in any spelling of case, and UTF-7 tricks are text")
  func utf8Declared() {
    for name in ["UTF-8", "utf-8", "Utf-8"] {
      let text = "<?xml version=\"1.0\" encoding = '\(name)' standalone='yes' ?>\n\(header)"
      #expect(condition(Array(text.utf8)) == nil)
    }
    #expect(Parsed(header + "<a>+ADw-x/+AD4-</a>").elements.first?.text == "+ADw-x/+AD4-")
  }

  @Test(
    "a malformed XML declaration is refused",
    arguments: [
      "<?xml?>", "<?xml ?>", "<?xml version='1.1'?>", "<?xml encoding='UTF-8'?>", "<?xml version='1.0?>",
      "<?xml version='1.0'encoding='UTF-8'?>", "<?xml version='1.0' standalone='maybe'?>",
      "<?xml version='1.0' \(String(repeating: " ", count: 300))",
    ])
  func malformedDeclarations(text: String) {
    #expect(condition(Array(text.utf8)).map { ["not-well-formed", "restricted-xml"].contains($0) } == true)
  }

  static let badBytes: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3, 0x28], [0xE0, 0x9F, 0xBF], [0xE2, 0x82, 0x3C],
    [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF, 0xBE], [0xEF, 0xBF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF],
    [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0], [1], [0x0B], [0x0C], [0x1F],
  ]

  @Test("X4: what is not UTF-8 or not a character of XML is refused wherever it stands", arguments: badBytes)
  func badCharacters(bad: [UInt8]) {
    for (before, after) in [
      ("<a>x", "x</a>"), ("<a b='x", "x'/>"), ("<a b=\"x", "\"/>"), ("<a", "/>"),
      ("<a><![CDATA[x", "]]></a>"),
      ("<a/>", "<a/>"), ("<a></a", ">"), ("<a>]]", "</a>"), ("<", "a/>"), ("<a>&", ";</a>"),
    ] {
      let bytes = Array((header + before).utf8) + bad + Array(after.utf8)
      let condition = condition(bytes)
      #expect(
        ["not-well-formed", "restricted-xml"].contains(condition ?? ""), "\(before) \(bad) \(condition ?? "")"
      )
    }
  }

  @Test("X4: character references to what is no character are refused")
  func badReferences() {
    for name in ["0", "1", "x0", "x1F", "xFFFE", "xFFFF", "xD800", "xDFFF", "x110000", "", "x", "1x"] {
      #expect(condition("<a>&#\(name);</a>") == "not-well-formed", "\(name)")
      #expect(condition("<a b='&#\(name);'/>") == "not-well-formed", "\(name)")
    }
  }

  @Test("X4: every character of XML passes")
  func goodCharacters() throws {
    var text = "\t\n ~\u{7F}\u{80}\u{9F}\u{A0}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FEFF}\u{FFFD}"
    text += "\u{10000}\u{1FFFE}\u{1FFFF}\u{FFFFF}\u{10FFFF}\u{FFC0}\u{FF3E}"
    let bytes = Array((header + "<a>" + text + "</a>").utf8)
    #expect(condition(bytes) == nil)
    #expect(try #require(Parsed(bytes).elements.first).text.utf8.elementsEqual(text.utf8))
  }

  @Test(
    "X5: undeclared prefixes are refused",
    arguments: ["<x:a/>", "<a x:b=''/>", "<a><b xmlns:x='u'/><x:c/></a>"])
  func undeclaredPrefixes(text: String) { #expect(condition(text) == "bad-namespace-prefix") }

  @Test(
    "broken XML is refused",
    arguments: [
      "<a></b>", "<a><b></a>", "<a b='1' b='2'/>", "<a b=1/>", "<a b/>", "<a b='<'/>", "<a <b/>", "< a/>",
      "<1/>",
      "<a>]]></a>", "<a>]]]></a>", "<a>& </a>", "<a>&;</a>", "<a / >", "</a>", "text", "&lt;",
      "<a:b:c xmlns:a='u'/>",
      "<a xmlns:x=''/>", "<a xmlns:x='u' xmlns:y='u' x:b='' y:b=''/>", "<a xmlns:xmlns='u'/>", "<![CDATA[]]>",
      "</stream:stream>x", "</stream:stream><a/>", "</stream>",
    ])
  func broken(text: String) {
    #expect(
      condition(text).map { ["not-well-formed", "restricted-xml", "bad-namespace-prefix"].contains($0) }
        == true)
  }

  @Test("X6: 10,000 levels are refused, 200 pass")
  func levels() {
    func nested(_ count: Int) -> String {
      String(repeating: "<a>", count: count) + String(repeating: "</a>", count: count)
    }
    #expect(condition(nested(10_000)) == "policy-violation")
    #expect(condition(nested(200)) == nil)
    #expect(condition(nested(3), limits: Limits(depth: 4)) == nil)
    #expect(condition(nested(4), limits: Limits(depth: 4)) == "policy-violation")
  }

  @Test("X7: text beyond the limit is refused, and 10,000 bytes pass")
  func longText() {
    func message(_ count: Int) -> String { "<a>" + String(repeating: "x", count: count) + "</a>" }
    #expect(condition(message(10_000)) == nil)
    let limits = Limits(elementBytes: 1000)
    #expect(condition(message(1000 - 7), limits: limits) == nil)
    #expect(condition(message(1000 - 6), limits: limits) == "policy-violation")
    #expect(
      condition("<a><![CDATA[" + String(repeating: "]", count: 2000), limits: limits) == "policy-violation")
    // What comes before does not count.
    let many = String(repeating: message(500), count: 10)
    #expect(condition(many, limits: limits) == nil)
  }

  @Test("X7: by default 200 MB of text are refused after a few")
  func endlessText() throws {
    var parser = StreamParser()
    var used = 0
    _ = try parser.take(Array(header.utf8), &used)
    used = 0
    _ = try parser.take(Array("<a>".utf8), &used)
    let piece = [UInt8](repeating: 0x78, count: 1 << 16)
    var accepted = 0
    #expect(throws: Failure.self) {
      while accepted < 200 << 20 {
        used = 0
        _ = try parser.take(piece, &used)
        accepted += piece.count
      }
    }
    #expect((10_000..<(5 << 20)).contains(accepted))
  }

  @Test("X7: too many attributes, elements or namespaces are refused")
  func manyAttributes() {
    func tag(_ count: Int) -> String { "<a" + (0..<count).map { " a\($0)='='" }.joined() + "/>" }
    #expect(condition(tag(20_000)) == "policy-violation")
    #expect(condition(tag(200)) == nil)
    #expect(condition(tag(5), limits: Limits(attributes: 5)) == nil)
    #expect(condition(tag(6), limits: Limits(attributes: 5)) == "policy-violation")
    #expect(
      condition("<a>" + String(repeating: "<b/>", count: 100) + "</a>", limits: Limits(nodes: 101)) == nil)
    #expect(
      condition("<a>" + String(repeating: "<b/>", count: 101) + "</a>", limits: Limits(nodes: 101))
        == "policy-violation")
    let declarations = (0..<100).map { " xmlns:a\($0)='u'" }.joined()
    #expect(condition(String(repeating: "<a\(declarations)>", count: 10)) == nil)
    #expect(condition(String(repeating: "<a\(declarations)>", count: 11)) == "policy-violation")
  }

  @Test("X7: declarations count beside attributes, as many as there may be attributes and one more")
  func manyDeclarations() {
    func tag(_ declarations: Int, _ attributes: Int) -> String {
      "<a" + (0..<declarations).map { " xmlns:p\($0)='u'" }.joined()
        + (0..<attributes).map { " a\($0)='b'" }.joined() + "/>"
    }
    let limits = Limits(attributes: 5)
    // The root has declared a prefix too.
    #expect(condition(tag(4, 5), limits: limits) == nil)
    #expect(condition(tag(5, 0), limits: limits) == "policy-violation")
    // Found before the tag has ended, however long it is.
    #expect(condition("<a" + String(repeating: " b='c'", count: 12), limits: limits) == "policy-violation")
  }

  @Test("X7: names that a long namespace makes long are counted as if they were written out")
  func longNamespaces() {
    func text(_ tag: String) -> String {
      "<m xmlns:a='\(String(repeating: "x", count: 900))'>" + String(repeating: "<\(tag)/>", count: 30)
        + "</m>"
    }
    let limits = Limits(elementBytes: 2000)
    #expect(condition(text("b"), limits: limits) == nil)
    #expect(condition(text("a:b"), limits: limits) == "policy-violation")
    #expect(condition(text("b a:c='d'"), limits: limits) == "policy-violation")
    // What is counted is one element, not the stream.
    #expect(condition(String(repeating: text("b"), count: 3), limits: limits) == nil)
  }

  @Test("X7: a tag that never ends is refused, in an element, as the root and as an end tag")
  func endlessTag() {
    let limits = Limits(tagBytes: 1000)
    for tag in ["<a b='", "<a ", "<a", "<a></a", "<a><b b=\""] {
      #expect(
        condition(tag + String(repeating: " ", count: 2000), limits: limits) == "policy-violation", "\(tag)")
    }
    #expect(
      condition(Array(("<a" + String(repeating: "x", count: 2000)).utf8), limits: limits)
        == "policy-violation")
    let value = String(repeating: "x", count: 1000 - 9)
    #expect(condition("<a b='\(value)'/>", limits: limits) == nil)
    #expect(condition("<a b='\(value)x'/>", limits: limits) == "policy-violation")
    #expect(condition("<a b='\(String(repeating: "x", count: 10_000))'/>") == nil)
  }

  @Test("X10: after a broken stanza there is no getting back in step")
  func noResynchronising() throws {
    var parser = StreamParser()
    let text = Array((header + "<a/><b></c><d/><e/>").utf8)
    var used = 0
    #expect(try parser.take(text, &used) == .header(Element("stream", Namespace.stream)))
    #expect(try parser.take(text, &used) == .element(Element("a", Namespace.client)))
    var failures: [Failure] = []
    for bytes in [text, text, Array("<f/>".utf8), []] {
      do throws(Failure) {
        _ = try parser.take(bytes, &used)
      } catch {
        failures.append(error)
      }
    }
    #expect(failures.count == 4)
    #expect(failures.allSatisfy { $0 == failures.first && $0.status == .protocolViolation })
  }

  @Test("what is not XML at all is quoted, shortly")
  func notXML() throws {
    let parsed = Parsed("HTTP/1.1 400 Bad Request\r\nServer: x\r\n")
    #expect(parsed.condition == "not-xml")
    #expect(try #require(parsed.message).contains("\"HTTP/1.1 400 Bad Request\""))
    let long = Parsed([UInt8](repeating: 0xC3, count: 5000))
    #expect(long.condition == "not-xml")
    #expect(try #require(long.message).unicodeScalars.count < 150)
    #expect(condition(Array("SSH-2.0-x\n".utf8)) == "not-xml")
    #expect(condition(Array("  x".utf8)) == "not-xml")
  }

  @Test("a message names what was met and where")
  func messages() throws {
    let message = try #require(Parsed("<a><b><!--").message)
    #expect(message.contains("byte 6 of the stream"))
    #expect(try #require(Parsed("<a><x:b/>").message).contains("prefix x"))
  }
}
