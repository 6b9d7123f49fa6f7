import Foundation
import TestSupport
import Testing
import XMPP

/// Stanzas whose own start tag exceeds a limit.
@Suite struct SkippedLineTests {
  @Test("P5: a stanza with a start tag that is too long has a line with the attributes that fit")
  func startTags() throws {
    let many = (0..<2000).map { " a\($0)='x'" }.joined()
    let long = " b='" + String(repeating: "x", count: 3 << 19) + "'"
    let kinds = ["message", "presence", "iq"]
    let scene = try ListenScene(
      ["--json", "--count", "\(4 * kinds.count)"],
      .new { talk in
        for excess in [many, long] {
          for kind in kinds {
            try talk.send(
              "<\(kind) from='eve@evil.test/x' id='odd' type='result'\(excess)><x/></\(kind)>"
                + "<message from='alice@example.org/x' id='honest'><body>text</body></message>")
          }
        }
        try talk.awaitHandled(4 * kinds.count)
      })
    let outcome = try scene.program.wait(within: .seconds(60))
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = try outcome.output.split(separator: "\n").map { try JSON(Data($0.utf8)) }
    for (number, line) in lines.enumerated() {
      let isOdd = number % 2 == 0
      #expect(line["id"] == .string(isOdd ? "odd" : "honest"))
      guard isOdd else { continue }
      #expect(line["stanza"] == .string(kinds[number / 2 % 3]) && line["from"] == .string("eve@evil.test/x"))
      guard case .string(let reason) = line["skipped"] else { throw SupportFailure("not skipped: \(line)") }
      #expect(reason.hasPrefix("a tag of more than"))
    }
    try scene.peer.finish()
  }

  @Test("P7: many attributes of one namespace in nested elements can be read again")
  func sharedPrefix() throws {
    let many = (0..<400).map { " n:a\($0)=''" }.joined()
    let nested = (0..<4).map { "<e\($0)\(many)>" }.joined() + (0..<4).reversed().map { "</e\($0)>" }.joined()
    let scene = try ListenScene(
      ["--xml", "--count", "1"],
      .new { try $0.send("<message xmlns:n='urn:n' from='eve@evil.test/x'>\(nested)</message>") })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    try scene.peer.finish()
    var parser = StreamParser(insideStreamOf: "jabber:client")
    var (used, count) = (0, 0)
    try outcome.outputBytes.withUnsafeBytes { bytes in
      while let event = try parser.next(bytes, &used) {
        if case .element(let element) = event, element.elements.contains(where: { $0.name == "e0" }) {
          count += 1
        }
      }
    }
    #expect(count == 1)
  }
}
