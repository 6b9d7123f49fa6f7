import Testing

@testable import XMPP

/// How SASL data stands in elements, by RFC 6120 §6 and by XEP-0388.
@Suite struct SASLProfileTests {
  private let sasl2 = SASLProfile.sasl2(inline: [])

  @Test("RFC 6120 §6.4.2: no data, no bytes and bytes are three things")
  func data() throws {
    let classic = SASLProfile.classic
    #expect(classic.start("EXTERNAL", nil).text == "")
    #expect(classic.start("EXTERNAL", []).text == "=")
    #expect(classic.start("PLAIN", [0, 97, 0, 98]).text == "AGEAYg==")
    #expect(classic.start("PLAIN", nil).attribute("mechanism") == "PLAIN")
    #expect(classic.response([]).text == "" && classic.response([1]).text == "AQ==")
    for (text, data) in [("", nil), ("=", []), ("AQ==", [1])] as [(String, [UInt8]?)] {
      guard case .success(let found, _) = try classic.answer(Element("success", Namespace.sasl, text)) else {
        Issue.record("no success")
        return
      }
      #expect(found == data)
    }
  }

  @Test("XEP-0388: the same in elements of their own")
  func sasl2Data() throws {
    let bind = Element("bind", Namespace.bind2)
    #expect(
      SASLProfile.sasl2(inline: [bind]).start("PLAIN", [1]).xml
        == "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AQ==</initial-response>"
        + "<bind xmlns='urn:xmpp:bind:0'/></authenticate>")
    #expect(sasl2.start("PLAIN", nil).xml == "<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>")
    let success = Element("success", Namespace.sasl2, [Element("additional-data", Namespace.sasl2, "AQ==")])
    guard case .success(let data, _) = try sasl2.answer(success) else {
      Issue.record("no success")
      return
    }
    #expect(data == [1])
    let tasks = Element("tasks", Namespace.sasl2, [Element("task", Namespace.sasl2, "HOTP-EXAMPLE")])
    guard case .continued(let names) = try sasl2.answer(Element("continue", Namespace.sasl2, [tasks])) else {
      Issue.record("no continue")
      return
    }
    #expect(names == ["HOTP-EXAMPLE"])
  }

  @Test func whatIsOfTheOtherProfileIsNothingOfThisOne() throws {
    for (profile, namespace) in [(SASLProfile.classic, Namespace.sasl2), (sasl2, Namespace.sasl)] {
      for name in ["success", "challenge", "failure", "continue"] {
        guard case .other = try profile.answer(Element(name, namespace)) else {
          Issue.record("<\(name)> is taken")
          return
        }
      }
    }
  }

  @Test("RFC 6120 §6.5: condition and text", arguments: [false, true])
  func failure(isSASL2: Bool) throws {
    let element = Element(
      "failure", isSASL2 ? Namespace.sasl2 : Namespace.sasl,
      [
        Element("text", isSASL2 ? Namespace.sasl2 : Namespace.sasl, "No."),
        Element("account-disabled", Namespace.sasl),
      ])
    guard case .failure(let failure) = try (isSASL2 ? sasl2 : .classic).answer(element) else {
      Issue.record("no failure")
      return
    }
    #expect(failure.condition == "account-disabled" && failure.text == "No.")
  }

  @Test(arguments: ["A", "AQ=", "AQ== ", "A Q==", "AQ==\n", "===", "*"])
  func refusesWhatIsNoBase64(text: String) {
    let failure = #expect(throws: Failure.self) {
      _ = try SASLProfile.classic.answer(Element("challenge", Namespace.sasl, text))
    }
    #expect(failure?.condition == "incorrect-encoding" && failure?.status == .authentication)
  }
}
