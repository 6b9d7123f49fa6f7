import TestSupport
import Testing

@testable import XMPP
@testable import xmppctl

@Suite struct PrinterTests {
  @Test("C1: a name that a terminal must not see stands on no line of XML")
  func names() {
    var writer = XMLWriter(style: .line)
    writer.copy(Element("a\u{061C}b", "urn:x", ["c\u{061C}d": "e"], [Element("f", "urn:x")]))
    let text = String(decoding: writer.bytes, as: UTF8.self)
    #expect(text == "<a\u{FFFD}b xmlns='urn:x' c\u{FFFD}d='e'><f/></a\u{FFFD}b>")
  }

  @Test("what a server made too long is cut on stderr, and stays UTF-8")
  func longMessage() throws {
    let peer = try ScriptedPeer([
      .expectHeader,
      .send(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>"
          + "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
          + "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\(String(repeating: "ü", count: 100_000))</text>"
          + "</stream:error>"),
      .silence,
    ])
    let outcome = try Program.xmppctl.run(
      ["features", "example.org", "--connect-to", "127.0.0.1:\(peer.port)", "--tls", "starttls"])
    #expect(outcome.status == 76)
    let lines = outcome.error.split(separator: "\n")
    #expect(lines.allSatisfy { $0.utf8.count <= 4096 } && lines.first?.hasSuffix("ü…") == true)
    #expect(!outcome.error.contains("\u{FFFD}"))
    _ = try peer.finish()
  }
}
