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
}
