import Testing
import TestSupport

@testable import XMPP

/// What a trace shows in place of secrets.
@Suite struct RedactionTests {
  private func redacted(_ xml: String) throws -> String? {
    Redaction.text(for: try #require(try Transcript(text: "S: \(xml)").elements(ofServer: true).first))
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
      "<message><x xmlns='jabber:x:conference' jid='r@h' password='SECRET'/></message>",
      "<message><x xmlns='http://jabber.org/protocol/muc#user'><invite to='a@b'/><password>SECRET</password></x></message>",
      "<iq><x xmlns='jabber:x:data'><field var='muc#roomconfig_roomsecret'><value>SECRET</value></field></x></iq>",
      "<iq><x xmlns='jabber:x:data'><field var='password-verify'><value>SECRET</value></field></x></iq>",
      "<iq><x xmlns='jabber:x:data'><field var='PIN' type='text-private'><value>SECRET</value></field></x></iq>",
      "<iq><x xmlns='jabber:x:data'><field var='Access-TOKEN'><value>SECRET</value></field></x></iq>",
      "<iq><slot xmlns='urn:xmpp:http:upload:0'><put url='u'><header name='AUTHORIZATION'>SECRET</header></put></slot></iq>",
      "<iq><slot xmlns='urn:xmpp:http:upload:0'><put url='u'><header name='Cookie'>SECRET</header></put></slot></iq>",
      "<message><Password xmlns='u'>SECRET</Password></message>",
      "<message><secret xmlns='u'><deep><deeper>SECRET</deeper></deep></secret></message>",
      "<iq><services xmlns='urn:xmpp:extdisco:2'><service username='u' password='SECRET'/></services></iq>",
      "<message xmlns:p='u:p'><a xmlns='u' p:SeCrEt='SECRET'/></message>",
    ])
  func hides(xml: String) throws {
    let text = try #require(try redacted(xml.replacing("SECRET", with: secret)))
    #expect(!text.contains(secret) && text.contains("***"))
    let name = try #require(xml.dropFirst().split { $0 == " " || $0 == ">" }.first)
    #expect(text.hasPrefix("<\(name)") && text.contains("</\(name)>"), "the element itself stays")
  }

  @Test func leavesTheRestAsItIs() throws {
    #expect(try redacted("<message to='a@b'><body>password</body></message>") == nil)
    #expect(
      try redacted("<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>")
        == nil
    )
    let failure = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"
    #expect(try redacted(failure) == nil)
    let text = try #require(
      try redacted(
        "<iq id='7'><query xmlns='jabber:iq:register'><username>romeo</username><password>x</password></query></iq>"
      ))
    #expect(text.contains("romeo") && text.contains("id='7'"))
  }

  @Test func keepsPrefixedAttributesAndWhatStandsBesideASecret() throws {
    let text = try #require(
      try redacted(
        "<iq xml:lang='en' xmlns:p='u:p' p:kept='yes'><slot xmlns='urn:xmpp:http:upload:0'><put url='u'>"
          + "<header name='Expires'>then</header><header name='Cookie'>x</header></put></slot></iq>"))
    for kept in ["xml:lang='en'", ":kept='yes'", "'u:p'", ">then</header>", "name='Cookie'>***</header>"] {
      #expect(text.contains(kept), "\(text)")
    }
  }

  @Test func isNotSlowedByDepthOrNumber() throws {
    // A form that is redacted, of as many nodes as a stanza may have; quadratic work would take minutes.
    var element = Element("password", "u", "x")
    for _ in 0..<200 { element = Element("x", "u", [element]) }
    let wide = Element("x", "u", (0..<5000).map { _ in Element("x", "u", [Element("secret", "u", "y")]) })
    let whole = Element("message", Namespace.client, [element, wide])
    let text = try #require(Redaction.text(for: whole))
    #expect(text.utf8.split(separator: UInt8(ascii: "*")).count == 5002)
  }

  @Test func theTraceRedactsUnlessAskedNotTo() throws {
    let element = Element("auth", Namespace.sasl, secret)
    for showsSecrets in [false, true] {
      var lines: [String] = []
      let trace = Trace(showsSecrets: showsSecrets, bytes: { lines.append($0 + $1) }, notes: nil)
      trace.show(.sent, element.xml.utf8, redacted: trace.redacted(element))
      trace.note("a note")
      #expect(lines.count == 2)
      #expect(lines.first?.hasSuffix(showsSecrets ? ">\(secret)</auth>" : ">***</auth>") == true)
      #expect(lines.last?.hasSuffix("*: a note") == true)
    }
  }
}
