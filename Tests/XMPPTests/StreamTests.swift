import Testing
import TestSupport

@testable import XMPP

/// What a server's stream says: header, errors, features, and what follows from them.
@Suite struct StreamTests {
  private func element(_ xml: String) throws -> Element {
    try #require(
      try Transcript(text: "S: \(xml.replacing("\n", with: "\n "))").elements(ofServer: true).first)
  }

  // MARK: Header

  private func header(_ attributes: KeyValuePairs<String, String?>) throws -> StreamHeader {
    try StreamHeader(root: Element("stream", Namespace.stream, attributes))
  }

  @Test func readsAHeader() throws {
    let header = try header([
      "id": "a", "from": "example.com", "to": "j@example.com", "version": "1.0", "xml:lang": "en",
    ])
    #expect(header.id == "a" && header.from == "example.com" && header.to == "j@example.com")
    #expect(header.version == "1.0" && header.language == "en" && !header.predatesFeatures)
    try header.check(domain: try JID(parsing: "example.com"))
  }

  @Test(
    "RFC 6120 §4.7: from, id and version, each wrong",
    arguments: [
      (["id": nil, "from": "example.com", "version": "1.0"], "bad-format"),
      (["id": "", "from": "example.com", "version": "1.0"], "bad-format"),
      (["id": "a", "from": "example.org", "version": "1.0"], "invalid-from"),
      (["id": "a", "from": "j@example.com", "version": "1.0"], "invalid-from"),
      (["id": "a", "from": "example.com/r", "version": "1.0"], "invalid-from"),
      (["id": "a", "from": "", "version": "1.0"], "invalid-from"),
      (["id": "a", "from": "example.com", "version": "2.0"], "unsupported-version"),
      (["id": "a", "from": "example.com", "version": "1"], "unsupported-version"),
      (["id": "a", "from": "example.com", "version": "1.0.0"], "unsupported-version"),
      (["id": "a", "from": "example.com", "version": "65536.0"], "unsupported-version"),
    ] as [([String: String?], String)])
  func refusesAHeader(attributes: [String: String?], condition: String) throws {
    let header = try header([
      "id": attributes["id"] ?? nil, "from": attributes["from"] ?? nil,
      "version": attributes["version"] ?? nil,
    ])
    let failure = #expect(throws: Failure.self) { try header.check(domain: try JID(parsing: "example.com")) }
    #expect(failure?.condition == condition && failure?.status == .protocolViolation)
  }

  @Test("RFC 6120 §4.7: what older servers leave out, and later minor versions, pass")
  func toleratesAHeader() throws {
    let domain = try JID(parsing: "example.com")
    try header(["id": "a", "version": "1.0"]).check(domain: domain)
    try header(["id": "a", "from": "EXAMPLE.com", "version": "1.9"]).check(domain: domain)
    for version in [nil, "0.9"] as [String?] {
      let old = try header(["id": "a", "version": version])
      try old.check(domain: domain)
      #expect(old.predatesFeatures)
    }
  }

  @Test(arguments: [
    (Element("html", ""), "bad-format"), (Element("stream", "jabber:client"), "invalid-namespace"),
    (Element("features", Namespace.stream), "bad-format"),
  ])
  func refusesAnotherRoot(root: Element, condition: String) {
    let failure = #expect(throws: Failure.self) { _ = try StreamHeader(root: root) }
    #expect(failure?.condition == condition && failure?.status == .protocolViolation)
  }

  // MARK: Errors

  @Test("RFC 6120 §4.9.2: condition, text with its language, and a condition of the application")
  func readsAnError() throws {
    let error = StreamError(
      try element(
        """
        <stream:error><escape-your-data xmlns='http://example.org/ns'/>
          <xml-not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>
          <text xml:lang='en' xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Some special text</text></stream:error>
        """))
    #expect(error.condition == "xml-not-well-formed" && error.otherHost == nil)
    #expect(error.text == "Some special text" && error.language == "en")
    #expect(error.applicationCondition == "{http://example.org/ns}escape-your-data")
    let failure = error.failure(domain: "example.com")
    #expect(failure.condition == "xml-not-well-formed" && failure.status == .protocolViolation)
    #expect(failure.message.contains("“Some special text”") && failure.message.contains("escape-your-data"))
  }

  @Test("RFC 6120 §4.9.3.19: see-other-host keeps the place as it was written")
  func seeOtherHost() throws {
    let error = StreamError(
      try element(
        "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>[2001:41D0:1:A49b::1]:9222"
          + "</see-other-host></stream:error>"))
    #expect(error.condition == "see-other-host" && error.otherHost == "[2001:41D0:1:A49b::1]:9222")
    #expect(error.failure(domain: "example.com").message.contains("[2001:41D0:1:A49b::1]:9222"))
  }

  @Test func anErrorThatSaysNothingIsUndefined() throws {
    #expect(StreamError(try element("<stream:error/>")).condition == "undefined-condition")
    let foreign = StreamError(try element("<stream:error><host-unknown xmlns='urn:x'/></stream:error>"))
    #expect(
      foreign.condition == "undefined-condition" && foreign.applicationCondition == "{urn:x}host-unknown")
  }

  // MARK: Features

  @Test func readsFeatures() throws {
    let features = StreamFeatures(
      try element(
        """
        <stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>
        <session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>
        <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism> PLAIN
        </mechanism><mechanism xmlns='urn:x'>EVIL</mechanism><mechanism>X-NEW</mechanism>
        <hostname xmlns='urn:xmpp:domain-based-name:1'>auth.example.com</hostname></mechanisms>
        <limits xmlns='urn:xmpp:stream-limits:0'><max-bytes>10000</max-bytes><idle-seconds>1800</idle-seconds></limits>
        <dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>
        <sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/></sasl-channel-binding>
        <isr xmlns='https://xmpp.org/extensions/isr/0'><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>
        <mechanism>HT-SHA-256-ENDP</mechanism></mechanisms></isr>
        <thing xmlns='urn:example:new'><part>1</part></thing></stream:features>
        """))
    #expect(
      features.startTLS?.required == true && features.feature("session", Namespace.session)?.required == false
    )
    #expect(features.mechanisms == ["PLAIN", "X-NEW"])
    let mechanisms = try #require(features.feature("mechanisms", Namespace.sasl))
    #expect(mechanisms.required == nil)
    #expect(mechanisms.proprietary.map(\.mechanism) == ["X-NEW"])
    #expect(mechanisms.inline.map(\.title) == ["Domain-based service name"])
    #expect(mechanisms.inline.map(\.values) == [["auth.example.com"]])
    #expect(
      features.feature("limits", "urn:xmpp:stream-limits:0")?.values == [
        "max-bytes=10000", "idle-seconds=1800",
      ])
    #expect(features.feature("dialback", Namespace.dialbackFeature)?.values == ["errors"])
    #expect(features.feature("sasl-channel-binding", Namespace.channelBindings)?.values == ["tls-exporter"])
    #expect(
      features.feature("isr", Namespace.instantResumption)?.inline.map(\.values) == [["HT-SHA-256-ENDP"]])
    let unknown = try #require(features.feature("thing", "urn:example:new"))
    #expect(unknown.title == nil && unknown.specification == nil && unknown.values.isEmpty)
    #expect(unknown.element.xml == "<thing xmlns='urn:example:new'><part>1</part></thing>")
  }

  @Test func readsWhatSASL2HoldsWithin() throws {
    let features = StreamFeatures(
      try element(
        """
        <stream:features><authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-1</mechanism>
        <upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-SHA-256</upgrade><inline>
        <sm xmlns='urn:xmpp:sm:3'/><bind xmlns='urn:xmpp:bind:0'><inline><feature var='urn:xmpp:carbons:2'/>
        <feature var='urn:example:new'/></inline></bind></inline></authentication></stream:features>
        """))
    let inline = try #require(features.feature("authentication", Namespace.sasl2)).inline
    #expect(inline.map(\.title) == ["SASL upgrade", "Stream management", "Bind 2"])
    #expect(inline[0].values == ["UPGR-SCRAM-SHA-256"])
    #expect(inline[2].inline.map(\.title) == ["Carbons", "urn:example:new"])
    #expect(features.offer(sasl2: true).mechanisms == ["SCRAM-SHA-1"])
    #expect(features.offer(sasl2: false).mechanisms == [])
    #expect(features.offer(sasl2: true).channelBindings == nil, "not said is not none")
  }

  @Test func ownersOfProprietaryMechanisms() {
    let owners = FeatureCatalogue.proprietary(among: [
      "PLAIN", "X-GOOGLE-TOKEN", "X-OAUTH2", "X-WHAT", "SCRAM-SHA-1",
    ])
    #expect(owners.map(\.mechanism) == ["X-GOOGLE-TOKEN", "X-OAUTH2", "X-WHAT"])
    #expect(owners.map(\.owner) == ["Google", "Google", "unregistered"])
  }

  // MARK: The order of what follows

  private let everything = """
    <stream:features><compression xmlns='http://jabber.org/features/compress'><method>lzw</method><method>zlib</method>
    </compression><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>
    <session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></stream:features>
    """

  private func steps(_ xml: String, until goal: Goal, compressing: Bool) throws -> [Negotiation.Step] {
    let features = StreamFeatures(try element(xml))
    var negotiation = Negotiation(goal: goal, wantsCompression: compressing)
    var steps: [Negotiation.Step] = []
    while let step = negotiation.next(features), steps.count < 9 {
      steps.append(step)
      negotiation.finished(step)
    }
    return steps
  }

  @Test("XEP-0170: login, compression, binding, session")
  func order() throws {
    #expect(
      try steps(everything, until: .bound, compressing: true) == [
        .authenticate, .compress, .bind, .startSession,
      ])
    #expect(
      try steps(everything, until: .bound, compressing: false) == [.authenticate, .bind, .startSession])
    #expect(try steps(everything, until: .authenticated, compressing: true) == [.authenticate, .compress])
    #expect(try steps(everything, until: .featured, compressing: true) == [])
    let optional = everything.replacing("session'/>", with: "session'><optional/></session>")
    #expect(try steps(optional, until: .bound, compressing: false) == [.authenticate, .bind])
    let other = everything.replacing("<method>zlib</method>", with: "")
    #expect(try steps(other, until: .bound, compressing: true) == [.authenticate, .bind, .startSession])
  }
}
