import Testing

@testable import XMPP

@Suite struct XMPPURITests {
  @Test func readsTheExamplesOfRFC5122() throws {
    #expect(try XMPPURI(parsing: "xmpp:node@example.com").address?.full == "node@example.com")
    let query = try XMPPURI(parsing: "xmpp:example-node@example.com?message;subject=Hello%20World#x")
    #expect(query.action == "message" && query.parameter("subject") == "Hello World")
    let account = try XMPPURI(parsing: "xmpp://guest@example.com")
    #expect(account.account?.full == "guest@example.com" && account.address == nil)
    let both = try XMPPURI(parsing: "xmpp://guest@example.com/support@example.com?message")
    #expect(both.account?.full == "guest@example.com" && both.target?.full == "support@example.com")
    let encoded = try XMPPURI(
      parsing: "xmpp:nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com")
    #expect(encoded.address?.localpart == "nasty!#$%()*+,-.;=?[\\]^_`{|}~node")
    let resource = try XMPPURI(
      parsing:
        "xmpp:node@example.com/repulsive%20!%23%22$%25&'()*+,-.%2F:;%3C=%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D~resource"
    )
    #expect(resource.address?.resourcepart == "repulsive !#\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~resource")
    #expect(
      try XMPPURI(parsing: "xmpp:ji%C5%99i@%C4%8Dechy.example/v%20Praze").address?.full
        == "ji\u{159}i@\u{10D}echy.example/v Praze")
  }

  @Test func readsParametersInTheirOrder() throws {
    let uri = try XMPPURI(parsing: "XMPP:a@b?join;password=x%3By;flag;;k=v=w")
    #expect(uri.action == "join")
    #expect(
      uri.parameters == [
        .init(name: "password", value: "x;y"), .init(name: "flag", value: ""), .init(name: "k", value: "v=w"),
      ])
    #expect(try XMPPURI(parsing: "xmpp:a@b?").action == nil)
  }

  @Test(
    arguments: [
      ("xmpp:", "jid-malformed"), ("xmpp://", "jid-malformed"), ("xmpp:a@b/%", "uri-malformed"),
      ("xmpp:a@b/%4", "uri-malformed"), ("xmpp:a@b/%GG", "uri-malformed"), ("xmpp:a@b/%FF", "uri-malformed"),
      ("xmpp:a%40b@c", "jid-malformed"), ("xmpp:a%2Fb", "jid-malformed"),
      ("xmpp:a@b?m;x=%C3", "uri-malformed"),
      ("mailto:a@b", "uri-malformed"), ("xmpp", "uri-malformed"), ("xmpp:@b", "jid-malformed"),
    ])
  func refuses(text: String, condition: String) {
    #expect {
      try XMPPURI(parsing: text)
    } throws: { error in
      (error as? Failure)?.condition == condition && (error as? Failure)?.status == .data
    }
  }

  @Test func aTargetIsAnAddressOrAURI() throws {
    #expect(try JID(target: "a@b/c").full == "a@b/c")
    #expect(try JID(target: "xmpp:a@b/c?message").full == "a@b/c")
    #expect(try JID(target: "xmpp://example.org").full == "example.org")
    #expect(throws: Failure.self) { try JID(target: "xmpp") == JID(target: "xmpp:") }
  }
}
