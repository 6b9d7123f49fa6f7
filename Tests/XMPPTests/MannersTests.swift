import Testing

@testable import XMPP

@Suite struct MannersTests {
  private let manners: Manners
  init() throws {
    manners = Manners(
      account: try JID(parsing: "bob@example.org/desk"), name: "xmppctl", version: "1",
      features: ["urn:xmpp:receipts"])
  }

  private func request(_ type: String, from: String?, _ payload: Element) throws -> Stanza {
    try #require(
      Stanza(Element("iq", Namespace.client, ["type": type, "id": "i1", "from": from], [payload])))
  }

  private let strangers = ["eve@example.net/x", "example.net", "bob@example.net", "", "@/"]

  @Test(
    "I11: whatever is not understood is service-unavailable, and nothing else", arguments: ["get", "set"])
  func unknown(type: String) throws {
    for from in strangers + ["example.org", "bob@example.org/phone"] {
      for payload in [
        Element("command", Namespace.commands, ["node": "shutdown"]),
        Element("query", Namespace.lastActivity),
        Element("vCard", Namespace.vcard), Element("x", "urn:none"),
      ] {
        let stanza = try request(type, from: from, payload)
        #expect(manners.answer(to: stanza) == IQ.error(to: stanza))
        #expect(!manners.isHousekeeping(stanza))
      }
    }
  }

  @Test func everybodyGetsPongAndWhatThisIs() throws {
    for from in strangers {
      let ping = try request("get", from: from, Ping.payload)
      #expect(manners.answer(to: ping) == IQ.result(to: ping))
      #expect(!manners.isHousekeeping(ping))
      let question = try request("get", from: from, Discovery.question)
      let answer = try #require(manners.answer(to: question).flatMap(Stanza.init))
      #expect(answer.isType("result") && Discovery.has("urn:xmpp:receipts", in: answer))
    }
    #expect(try manners.isHousekeeping(request("get", from: "example.org", Ping.payload)))
  }

  @Test func theVersionIsToldToTheOwnAccountAndServerAlone() throws {
    let question = Element("query", Namespace.version)
    for from in [nil, "bob@example.org/phone", "example.org"] {
      #expect(try manners.answer(to: request("get", from: from, question))?.attribute("type") == "result")
    }
    for from in strangers + ["alice@example.org"] {
      #expect(try manners.answer(to: request("get", from: from, question))?.attribute("type") == "error")
    }
  }

  @Test("I2: a roster push is taken from the own account alone")
  func roster() throws {
    let push = Element(
      "query", Namespace.roster, [Element("item", Namespace.roster, ["jid": "eve@example.net"])])
    for from in [nil, "bob@example.org"] {
      #expect(try manners.answer(to: request("set", from: from, push))?.attribute("type") == "result")
    }
    for from in strangers + ["bob@example.org/other", "example.org"] {
      let answer = try manners.answer(to: request("set", from: from, push))
      #expect(answer?.child("error", Namespace.client) != nil)
    }
  }

  @Test func nothingElseIsAnswered() throws {
    for (name, type) in [
      ("message", "get"), ("presence", "subscribe"), ("iq", "result"), ("iq", "error"), ("iq", nil),
      ("iq", "x"),
    ] as [(String, String?)] {
      let element = Element(
        name, Namespace.client, ["type": type, "from": "eve@example.net", "id": "1"], [Ping.payload])
      #expect(try manners.answer(to: #require(Stanza(element))) == nil)
    }
  }
}
