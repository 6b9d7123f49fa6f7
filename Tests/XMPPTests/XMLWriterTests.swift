import Testing

@testable import XMPP

@Suite struct XMLWriterTests {
  private func read(_ xml: String) throws -> Element {
    var parser = StreamParser(insideStreamOf: "")
    var used = 0
    guard case .element(let element)? = try parser.take(Array(xml.utf8), &used) else {
      throw Failure(.usage, "test", "no element in \(xml)", status: .internalError)
    }
    #expect(used == xml.utf8.count)
    return element
  }

  @Test func writesStanzasInsideAStream() {
    var writer = XMLWriter(inside: Namespace.client)
    writer.element("message", Namespace.client, ["to": "a'b", "id": nil, "xml:lang": "de"]) { writer in
      writer.element("body", Namespace.client) { $0.text("1 < 2 & 3 > 2 ]]> '\"") }
      writer.element("request", Namespace.receipts)
      writer.element("x", "u") { $0.element("y", "u") }
    }
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == "<message to='a&apos;b' xml:lang='de'><body>1 &lt; 2 &amp; 3 &gt; 2 ]]&gt; '\"</body>"
        + "<request xmlns='urn:xmpp:receipts'/><x xmlns='u'><y/></x></message>")
  }

  @Test func writesTheStreamAroundThem() throws {
    var writer = XMLWriter()
    writer.openStream(
      content: Namespace.client, ["to": "a.example", "from": nil, "version": "1.0", "xml:lang": "en"])
    writer.element("presence", Namespace.client)
    writer.closeStream()
    let text = String(decoding: writer.bytes, as: UTF8.self)
    #expect(
      text
        == "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
        + " to='a.example' version='1.0' xml:lang='en'><presence/></stream:stream>")
    #expect(Parsed(text).events.count == 3)
  }

  @Test func anElementAloneDeclaresItsNamespaces() throws {
    let element = try #require(
      Parsed(
        "\(header)<m xmlns:p='p&amp;q' p:a='1' p:b='2' a='3' xml:lang='x'><p:c/><d xmlns=''/><xml:e><f/></xml:e></m>"
      )
      .elements.first)
    let xml = element.xml
    #expect(xml.hasPrefix("<m xmlns='jabber:client'"))
    #expect(try read(xml) == element)
  }

  @Test(
    "X15: markup followed by a combining mark is escaped byte for byte",
    arguments: ["\u{301}", "\u{338}", "\u{20D2}", "\u{FE0F}", "\u{200D}", "\n", ""])
  func combiningMarks(mark: String) throws {
    let text = ["<", ">", "&", "'", "\"", "]]>", "\r", "e"].map { $0 + mark }.joined()
    let element = Element("a", "u", ["b": text], text)
    let inner = element.xml.utf8.dropFirst("<a xmlns='u' b='".utf8.count).dropLast("</a>".utf8.count)
    #expect(inner.count { $0 == UInt8(ascii: "<") } == 0)
    let again = try read(element.xml)
    #expect(again.text.utf8.elementsEqual(text.utf8))
    #expect(try #require(again.attribute("b")).utf8.elementsEqual(text.utf8))
    // And the same from a peer.
    #expect(Parsed("\(header)\(element.xml)").elements == [element])
  }

  @Test func namesAreComparedByteForByte() throws {
    let composed = "\u{E9}"
    let decomposed = "e\u{301}"
    let element = try #require(
      Parsed("\(header)<\(composed) \(composed)='1' \(decomposed)='2'/>").elements.first)
    #expect(element.is(composed, Namespace.client))
    #expect(!element.is(decomposed, Namespace.client))
    #expect(element.attribute(decomposed) == "2")
    #expect(Element("a", "", composed) != Element("a", "", decomposed))
  }

  @Test func whatXMLCannotCarryIsReplaced() {
    var writer = XMLWriter()
    writer.text("a\u{0}b\u{1F}c\u{FFFE}d\u{FFFF}e\u{FFFD}\u{FFBF}")
    #expect(
      String(decoding: writer.bytes, as: UTF8.self) == "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}\u{FFBF}"
    )
  }

  @Test func aLineStaysALineAndPlaysNoTricks() throws {
    let text = "1\n2\r3\u{7F}\u{85}\u{9B}31m\u{202E}\u{2066}\u{2028}\u{61C}\u{200F}é€𝄞\u{A0}\t"
    var writer = XMLWriter(style: .line)
    writer.copy(Element("a", "u", ["b": text], text))
    let line = String(decoding: writer.bytes, as: UTF8.self)
    for scalar in line.unicodeScalars {
      #expect(scalar.value >= 0x20 && !(0x7F..<0xA0).contains(scalar.value))
      #expect(!(0x2028...0x202E).contains(scalar.value) && ![0x61C, 0x200F, 0x2066].contains(scalar.value))
    }
    #expect(line.contains("é€𝄞\u{A0}"))
    #expect(try read(line) == Element("a", "u", ["b": text], text))
  }

  @Test func attributesCanBeSetAndTakenAway() {
    let element = Element("a", "u", ["b": "1", "xml:lang": "de"], [Element("c", "v")])
    #expect(element.setting("to", to: "x").attribute("to") == "x")
    #expect(
      element.setting("b", to: "2") == Element("a", "u", ["b": "2", "xml:lang": "de"], [Element("c", "v")]))
    #expect(element.setting("b", to: nil) == Element("a", "u", ["xml:lang": "de"], [Element("c", "v")]))
  }

  @Test func whatIsWrittenReadsBackEqual() throws {
    for seed in 0..<400 {
      var random = Random(state: UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1)
      let element = random.element(depth: 4)
      let xml = element.xml
      #expect(try read(xml) == element, "\(xml)")
      #expect(try read(xml).xml == xml)
      var writer = XMLWriter(inside: "u", style: .line)
      writer.copy(element)
      #expect(Parsed(Array("<r xmlns='u'>".utf8) + writer.bytes, cuts: [16]).elements == [element], "\(xml)")
    }
  }
}

/// Random trees, the same for the same seed.
private struct Random: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state = state &+ 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func pick<T>(_ values: [T], _ other: T) -> T { values.randomElement(using: &self) ?? other }

  mutating func string() -> String {
    let parts = [
      "a", " ", "<", ">", "&", "'", "\"", "]]>", "\r", "\n", "\t", "é", "€", "𝄞", "\u{301}", "\u{FFFD}",
      "\u{85}",
      "\u{202E}", "&lt;", "lorem ipsum dolor sit amet", "",
    ]
    return (0..<Int.random(in: 0..<8, using: &self)).map { _ in pick(parts, "") }.joined()
  }

  mutating func element(depth: Int) -> Element {
    let namespaces = ["", "u", "jabber:client", "a'&<b", Namespace.stream]
    let name = pick(["a", "b", "body", "é", "x-y.z", "_1"], "a")
    var nodes: [Element.Node] = []
    for _ in 0..<Int.random(in: 0..<4, using: &self) {
      if depth > 0, Bool.random(using: &self) {
        nodes.append(.element(element(depth: depth - 1)))
      } else if case .text? = nodes.last {
        continue
      } else {
        let text = string()
        if !text.isEmpty { nodes.append(.text(Text(text))) }
      }
    }
    let attributes: KeyValuePairs<String, String?> = [
      "a": Bool.random(using: &self) ? string() : nil, "xml:lang": Bool.random(using: &self) ? "de" : nil,
      "to": Bool.random(using: &self) ? string() : nil,
    ]
    return Element(name, pick(namespaces, ""), attributes, nodes: nodes)
  }
}
