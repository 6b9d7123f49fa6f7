import Testing

@testable import XMPP

/// Stanzas that exceed a limit, between others, in every way that the bytes may come.
@Suite struct SkippingTests {
  /// The names of the elements, and the `from` of each, with `!` if it was skipped.
  private func events(_ pieces: [String]) throws -> [String] {
    var parser = StreamParser(limits: Limits(attributes: 8, depth: 8), insideStreamOf: "jabber:client")
    parser.skips = true
    var found: [String] = []
    for piece in pieces {
      var used = 0
      try Array(piece.utf8).withUnsafeBytes { bytes in
        while let event = try parser.next(bytes, &used) {
          switch event {
          case .element(let element): found.append("\(element.name) \(element.attribute("from") ?? "-")")
          case .skipped(let element, _): found.append("!\(element.name) \(element.attribute("from") ?? "-")")
          case .header, .end: found.append("?")
          }
        }
      }
    }
    return found
  }

  private let deep =
    "<message from='a@b'>" + String(repeating: "<x>", count: 9) + String(repeating: "</x>", count: 9)
    + "</message>"

  @Test("P5: white space after a skipped stanza, in a piece of its own, is no part of it")
  func whiteSpace() throws {
    for pieces in [[deep, " ", "<iq from='c@d'/>"], [deep + "\n", "\n", "\n<iq from='c@d'/>"]] {
      #expect(try events(pieces) == ["!message a@b", "iq c@d"])
    }
    let text = deep + " " + deep + "\n<iq from='c@d'/>"
    #expect(try events(text.map(String.init)) == ["!message a@b", "!message a@b", "iq c@d"])
  }

  @Test(
    "P5: of a start tag with too many attributes, those that fit are known",
    arguments: ["message", "presence", "iq"])
  func partial(name: String) throws {
    let many = (0..<20).map { " a\($0)='\($0)'" }.joined()
    let text = "<\(name) from='a@b' id=\"'>\"\(many)><x/></\(name)><iq from='c@d'/>"
    #expect(try events([text]) == ["!\(name) a@b", "iq c@d"])
    #expect(try events(text.map(String.init)) == ["!\(name) a@b", "iq c@d"])
  }
}
