import Foundation
import TestSupport
import Testing
import XMPP

@testable import xmppctl

/// The stanzas in some XML.
func stanzas(_ xml: String) throws -> [Stanza] {
  var input = InputStanzas()
  var stanzas: [Stanza] = []
  var used = 0
  let bytes = Array(xml.utf8)
  while let stanza = try input.next(bytes, &used) { stanzas.append(stanza) }
  try input.end()
  return stanzas
}

let received = StanzaEnvelope(received: 1_795_341_600_123)

@Suite struct StanzaLineTests {
  @Test(
    "C1: every golden stanza gives exactly its golden line",
    arguments: [
      ("jsonl", StanzaLine.Style.json), ("txt", .text), ("lines.xml", .xml),
    ])
  func golden(name: String, style: StanzaLine.Style) throws {
    let folder = try #require(Bundle.module.resourceURL).appending(path: "Golden")
    let input = try String(decoding: Data(contentsOf: folder.appending(path: "stanzas.xml")), as: UTF8.self)
    let expected = try Data(contentsOf: folder.appending(path: "stanzas.\(name)"))
    var lines = StanzaLine(style)
    for stanza in try stanzas(input) { lines.append(stanza, received) }
    // Written anew with UPDATE_GOLDEN; the test fails once more then.
    let difference = Golden.difference(String(decoding: lines.bytes, as: UTF8.self), from: "stanzas.\(name)")
    #expect(difference == nil)
    let actual = lines.bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let wanted = expected.split(separator: 0x0A, omittingEmptySubsequences: false)
    #expect(actual.count == wanted.count)
    for (actual, wanted) in zip(actual, wanted) {
      #expect(
        String(decoding: actual, as: UTF8.self).utf8.elementsEqual(
          String(decoding: wanted, as: UTF8.self).utf8),
        "\(String(decoding: actual, as: UTF8.self)) is not \(String(decoding: wanted, as: UTF8.self))")
    }
  }
}
