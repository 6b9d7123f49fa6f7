import Testing

@testable import XMPP

@Suite struct CommonNameTests {
  @Test func commonNamesAreToldInParsedAndInBuiltElements() throws {
    let parsed = try stanza("<message from='a' xml:lang='de' x:to='b' xmlns:x='urn:x'><body/><y/></message>")
      .element
    let built = Element(
      "message", Namespace.client,
      attributes: [Attribute("from", "a"), Attribute("xml:lang", "de"), Attribute("to", "urn:x", "b")],
      nodes: [.element(Element("body", Namespace.client)), .element(Element("y", Namespace.client))])
    for element in [parsed, built] {
      #expect(element.commonName == .message && element.commonNamespace == .client)
      #expect(element.attributes.map(\.commonName) == [.from, .lang, .to])
      #expect(element.attributes.map(\.commonNamespace) == [.empty, .xml, nil])
      #expect(element.elements.map(\.commonName) == [.body, nil])
    }
  }

  @Test func everyCommonNameStandsAtItsPlace() {
    for name in CommonName.allCases {
      let element = Element(name == .empty ? "x" : name.string, name.string)
      #expect(element.commonNamespace == name)
    }
    #expect(Set(CommonName.strings).count == CommonName.allCases.count)
  }
}
