import Testing
import TestSupport

@testable import XMPP

/// What a trace shows in place of secrets.
@Suite struct MaskTests {
  private func masked(_ xml: String) throws -> String? {
    Mask.text(for: try #require(try Transcript(text: "S: \(xml)").elements(ofServer: true).first))
  }

  private let secret = "c2VjcmV0"

  @Test(
    "C11: no secret of a login is in a trace",
    arguments: [
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>SECRET</auth>",
      "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>SECRET</challenge>",
      "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>SECRET</response>",
      "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>SECRET</success>",
      "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>SECRET</initial-response></authenticate>",
      "<success xmlns='urn:xmpp:sasl:2'><additional-data>SECRET</additional-data></success>",
      "<success xmlns='urn:xmpp:sasl:2'><token xmlns='urn:xmpp:fast:0' expiry='2026-01-01T00:00:00Z' token='SECRET'/></success>",
      "<iq type='set' id='1'><query xmlns='jabber:iq:register'><username>a</username><password>SECRET</password></query></iq>",
      "<iq type='set' id='1'><query xmlns='jabber:iq:auth'><digest>SECRET</digest></query></iq>",
      "<iq type='set' id='1'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data'><field var='password'><value>SECRET</value></field></x></query></iq>",
      "<presence><x xmlns='http://jabber.org/protocol/muc'><password>SECRET</password></x></presence>",
    ])
  func hides(xml: String) throws {
    let text = try #require(try masked(xml.replacing("SECRET", with: secret)))
    #expect(!text.contains(secret) && text.contains("***"))
    let name = try #require(xml.dropFirst().split { $0 == " " || $0 == ">" }.first)
    #expect(text.hasPrefix("<\(name)") && text.contains("</\(name)>"), "the element itself stays")
  }

  @Test func leavesTheRestAsItIs() throws {
    #expect(try masked("<message to='a@b'><body>password</body></message>") == nil)
    #expect(
      try masked("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>") == nil
    )
    let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"
    #expect(try masked(failure) == nil)
    let text = try #require(
      try masked(
        "<iq id='7'><query xmlns='jabber:iq:register'><username>romeo</username><password>x</password></query></iq>"
      ))
    #expect(text.contains("romeo") && text.contains("id='7'"))
  }

  @Test func theTraceMasksUnlessAskedNotTo() {
    for showsSecrets in [false, true] {
      var lines: [String] = []
      let trace = Trace(showsSecrets: showsSecrets, bytes: { lines.append($0 + $1) }, notes: nil)
      trace.show(.sent, Array("<auth>\(secret)</auth>".utf8), masked: "<auth>***</auth>")
      trace.note("a note")
      #expect(lines.count == 2)
      #expect(
        lines.first?.hasSuffix(showsSecrets ? "C: <auth>\(secret)</auth>" : "C: <auth>***</auth>") == true)
      #expect(lines.last?.hasSuffix("*: a note") == true)
    }
  }
}
