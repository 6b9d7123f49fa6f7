import Foundation
import Testing

@testable import XMPP

/// What a parser made of some bytes: its events, where each ended, and how it failed.
struct Parsed: Equatable {
  var events: [StreamParser.Event] = []
  var ends: [Int] = []
  var condition: String?
  var message: String?

  /// Parses bytes cut at the given places.
  init(_ bytes: [UInt8], cuts: [Int] = [], limits: Limits = Limits()) {
    var parser = StreamParser(limits: limits)
    read(bytes, cuts, &parser)
  }

  /// Parses what stands inside a stream.
  init(inside bytes: [UInt8], cuts: [Int] = [], limits: Limits = Limits()) {
    var parser = StreamParser(limits: limits, insideStreamOf: Namespace.client)
    read(bytes, cuts, &parser)
  }

  init(_ text: String, limits: Limits = Limits()) { self.init(Array(text.utf8), limits: limits) }

  private mutating func read(_ bytes: [UInt8], _ cuts: [Int], _ parser: inout StreamParser) {
    var start = 0
    for cut in cuts + [bytes.count] {
      let piece = Array(bytes[start..<cut])
      var used = 0
      do throws(Failure) {
        while let event = try parser.take(piece, &used) {
          events.append(event)
          ends.append(start + used)
        }
      } catch {
        condition = error.condition
        message = error.message
        return
      }
      start = cut
    }
  }

  var elements: [Element] {
    events.compactMap { event in
      if case .element(let element) = event { return element }
      return nil
    }
  }
}

extension StreamParser {
  mutating func take(_ bytes: [UInt8], _ used: inout Int) throws(Failure) -> Event? {
    try bytes.withUnsafeBufferPointer { (bytes) throws(Failure) -> Event? in
      try next(UnsafeRawBufferPointer(bytes), &used)
    }
  }
}

let header = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

@Suite struct XMLStreamParserTests {
  @Test func givesHeaderElementsAndEnd() throws {
    let text =
      "<?xml version='1.0'?>\(header)<message to='a'><body>hi</body></message><r xmlns='x'/></stream:stream>"
    let parsed = Parsed(text)
    #expect(parsed.condition == nil)
    #expect(parsed.events.count == 4)
    #expect(parsed.events.first == .header(Element("stream", Namespace.stream)))
    #expect(
      parsed.elements == [
        Element("message", Namespace.client, ["to": "a"], [Element("body", Namespace.client, "hi")]),
        Element("r", "x"),
      ])
    #expect(parsed.events.last == .end)
    #expect(parsed.ends.last == text.utf8.count)
  }

  @Test("X11: wherever the bytes are cut, the events, their ends and the failure are the same")
  func everySplit() {
    let documents = [
      "<?xml version='1.0' encoding='utf-8'?>\n\(header) \n <a>x&amp;y<![CDATA[<]]]]><![CDATA[>é]]>z</a> </stream:stream>",
      "\(header)<m a='>' b=\"/>'\" xml:lang='de'>é€𝄞\r\n\r]]&#x10FFFF;&#13;<x:y xmlns:x='u' x:z='1'/></m>\n\n<b/><c></c>",
      "<a/>", "  <a  ></a  >  ", "<a xmlns='u'><b xmlns=''><c/></b></a>",
      "\(header)<a/><b>\(String(repeating: "lorem ipsum ", count: 40))]</b><c>&bad;</c>",
      "\(header)<a/><b><c></b>", "\(header)<a/>x",
      "\(header)<a>\(String(repeating: "]", count: 9))&gt;</a><!",
      "\(header)<a><![CDATA[\(String(repeating: "x]]", count: 200))]]></a><b>]]></b>",
    ]
    for document in documents {
      let bytes = Array(document.utf8)
      let whole = Parsed(bytes)
      #expect(!whole.events.isEmpty)
      #expect(Parsed(bytes, cuts: Array(1..<bytes.count)) == whole, "\(document)")
      for cut in 1..<bytes.count { #expect(Parsed(bytes, cuts: [cut]) == whole, "\(document) at \(cut)") }
    }
  }

  @Test("X11: one byte at a time costs in proportion to the bytes")
  func linear() {
    // Were anything looked at again for each byte that comes, these would take minutes.
    let size = 1 << 17
    let fillings = [
      "<a>" + String(repeating: "x", count: size), "<a>" + String(repeating: "]", count: size),
      "<a><![CDATA[" + String(repeating: "]", count: size),
      "<a><![CDATA[" + String(repeating: "x", count: size),
      "<a b='" + String(repeating: ">", count: size - 10), "<a " + String(repeating: " ", count: size - 10),
      String(repeating: "<a/>", count: size / 4),
    ]
    for filling in fillings {
      let bytes = Array(filling.utf8)
      let parsed = Parsed(inside: bytes, cuts: Array(1..<bytes.count))
      #expect(parsed.condition == nil)
    }
  }

  @Test func stopsExactlyBehindAnEvent() throws {
    var parser = StreamParser()
    let bytes = Array("\(header)<a/><b></b> \u{0}".utf8)
    var used = 0
    _ = try parser.take(bytes, &used)
    #expect(used == header.utf8.count)
    #expect(try parser.take(bytes, &used) == .element(Element("a", Namespace.client)))
    #expect(used == header.utf8.count + 4)
    // The byte that must not be comes after this one, and was not looked at.
    #expect(try parser.take(bytes, &used) == .element(Element("b", Namespace.client)))
    #expect(used == header.utf8.count + 11)
    #expect(throws: Failure.self) { try parser.take(bytes, &used) }
  }

  @Test func keepsElementsWhileTheStreamGoesOn() throws {
    var text = header
    for number in 0..<50 { text += "<a n='\(number)'><b\(number)>\(number)</b\(number)></a>\n" }
    let parsed = Parsed(text)
    #expect(parsed.elements.count == 50)
    for (number, element) in parsed.elements.enumerated() {
      #expect(element.attribute("n") == "\(number)")
      #expect(element.child("b\(number)", Namespace.client)?.text == "\(number)")
    }
  }

  @Test func joinsTextAcrossReferencesAndSections() throws {
    let element = try #require(
      Parsed("\(header)<a>1&lt;2<![CDATA[<&>]]>&#x33;&quot;&apos;<b/>4<![CDATA[]]></a>").elements.first)
    #expect(
      Array(element.children) == [
        .text(Text("1<2<&>3\"'")), .element(Element("b", Namespace.client)), .text(Text("4")),
      ])
    #expect(element.text == "1<2<&>3\"'4")
  }

  @Test func normalisesLineEndsAndAttributeValues() throws {
    let element = try #require(
      Parsed("\(header)<a b='1\r\n2\t3&#10;4&amp;'>1\r\n2\r3&#13;<![CDATA[\r\n]]></a>").elements.first)
    #expect(element.attribute("b") == "1 2 3\n4&")
    #expect(element.text == "1\n2\n3\r\n")
  }

  @Test func resolvesNamespaces() throws {
    let parsed = Parsed(
      "\(header)<m xml:lang='de' x:a='1' a='2' xmlns:x='u'><x:b/><b xmlns=''/><stream:c/><b xmlns='not a uri'/></m>"
    )
    let element = try #require(parsed.elements.first)
    #expect(element.language == "de")
    #expect(element.attribute("a") == "2")
    #expect(element.attribute("a", "u") == "1")
    #expect(element.elements.map(\.namespace) == ["u", "", Namespace.stream, "not a uri"])
    #expect(element.elements.map(\.name) == ["b", "b", "c", "b"])
  }

  @Test func tellsTheContentNamespace() throws {
    var parser = StreamParser()
    var used = 0
    _ = try parser.take(Array("<stream:stream xmlns:stream='s' xmlns='jabber:server'>".utf8), &used)
    #expect(parser.contentNamespace == "jabber:server")
  }

  @Test func anEmptyRootIsHeaderAndEnd() {
    #expect(Parsed("<a/>").events == [.header(Element("a", "")), .end])
    #expect(Parsed("<a></a>").events == [.header(Element("a", "")), .end])
    #expect(Parsed("<a/> \n").condition == nil)
  }

  @Test func readsElementsWithoutAStream() {
    let parsed = Parsed(inside: Array("<message/>\n<iq xmlns='jabber:client'/>  ".utf8))
    #expect(parsed.elements == [Element("message", Namespace.client), Element("iq", Namespace.client)])
    #expect(Parsed(inside: Array("<?xml version='1.0'?><message/>".utf8)).condition == "restricted-xml")
    var parser = StreamParser(insideStreamOf: Namespace.client)
    var used = 0
    let before = parser.isBetweenElements
    #expect(before)
    _ = try? parser.take(Array("<message> ".utf8), &used)
    let within = !parser.isBetweenElements
    #expect(within)
  }

  @Test("X8: a stream of ever new names lives on, in bounded memory")
  func everNewNames() throws {
    var parser = StreamParser()
    var used = 0
    _ = try parser.take(Array(header.utf8), &used)
    let padding = String(repeating: "x", count: 200)
    var number = 0
    for _ in 0..<600 {
      var text = ""
      for _ in 0..<200 {
        number += 1
        text += "<p\(number)\(padding)/>"
      }
      let bytes = Array("<a>\(text)</a>".utf8)
      used = 0
      let event = try parser.take(bytes, &used)
      guard case .element(let element)? = event else {
        Issue.record("no element")
        return
      }
      #expect(used == bytes.count)
      #expect(element.namespace == Namespace.client)
      #expect(element.tape.names.count < 1 << 13)
    }
    #expect(number == 120_000)
    used = 0
    #expect(try parser.take(Array("</stream:stream>".utf8), &used) == .end)
  }

  @Test("what real servers sent is read, in one piece and byte by byte")
  func captures() throws {
    let files = try #require(Bundle.module.urls(forResourcesWithExtension: "xml", subdirectory: "Captures"))
    #expect(files.count > 100)
    for file in files.map({ $0 as URL }) {
      let bytes = try Array(Data(contentsOf: file))
      let text = String(decoding: bytes, as: UTF8.self)
      let hasHeader = text.contains("<stream:stream")
      let whole = hasHeader ? Parsed(bytes) : Parsed(inside: bytes)
      #expect(whole.condition == nil, "\(file.lastPathComponent): \(whole.message ?? "")")
      #expect(!whole.events.isEmpty, "\(file.lastPathComponent)")
      let cuts = Array(1..<bytes.count)
      #expect((hasHeader ? Parsed(bytes, cuts: cuts) : Parsed(inside: bytes, cuts: cuts)) == whole)
    }
  }
}
