import TestSupport
import Testing

@testable import XMPP

/// RFC 3920's login and binding, without a connection: each answer from the one thing that decides it.
@Suite struct TranscriptLoginTests {
  private let profile = SASLProfile.classic
  private let response =
    #"username="somenode",realm="somerealm",nonce="OA6MG9tEQGm2hh",cnonce="OA6MHXh6VqTrRk","#
    + #"nc=00000001,qop=auth,digest-uri="xmpp/example.com",response=bcd3bf09ea08e8eac894e126fe733713,charset=utf-8"#
  private let rspauth = "rspauth=562f859abce5b7d9b3fba16b45be1c56\n"

  private func dialogue(_ name: String) throws -> (client: [Element], server: [Element]) {
    let filled = try Transcript(name).filling([
      "response": String(decoding: Base64.encode(Array(response.utf8)), as: UTF8.self),
      "rspauth": String(decoding: Base64.encode(Array(rspauth.utf8)), as: UTF8.self),
      "bind": "bind_1",
    ])
    return (try filled.elements(ofServer: false), try filled.elements(ofServer: true))
  }

  private func mechanism() -> DigestMD5 {
    DigestMD5(
      username: "somenode", password: secret("secret"), domain: "example.com", nonce: "OA6MHXh6VqTrRk")
  }

  /// Logs in against the server's elements.
  ///
  /// - Returns: what the client said, and how it ended: `nil` for success.
  private func logIn(_ server: [Element]) throws -> (
    sent: [Element], challenges: [String], failure: SASLFailure?
  ) {
    var mechanism = mechanism()
    var sent = [profile.start(mechanism.name, try mechanism.initialResponse())]
    var challenges: [String] = []
    for element in server {
      switch try profile.answer(element) {
      case .challenge(let data):
        challenges.append(text(data))
        sent.append(profile.response(try mechanism.respond(to: data)))
      case .success(let data, _):
        try mechanism.finish(with: data)
        return (sent, challenges, nil)
      case .failure(let failure): return (sent, challenges, failure)
      case .continued, .other: Issue.record("\(element.xml)")
      }
    }
    throw SupportFailure("the login did not end")
  }

  @Test("RFC 3920 §6.5: DIGEST-MD5 step by step, challenge and response byte for byte")
  func digest() throws {
    let (client, server) = try dialogue("digest-md5")
    let login = try logIn(server)
    #expect(login.failure == nil)
    #expect(login.sent == client)
    #expect(
      login.challenges == [
        #"realm="somerealm",nonce="OA6MG9tEQGm2hh",qop="auth",charset=utf-8,algorithm=md5-sess"# + "\n",
        rspauth,
      ])
    #expect(
      login.sent.map(\.xml) == [
        "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='DIGEST-MD5'/>",
        "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
          + "dXNlcm5hbWU9InNvbWVub2RlIixyZWFsbT0ic29tZXJlYWxtIixub25jZT0iT0E2TUc5dEVRR20yaGgiLGNub25jZT0iT0E2TUhYaDZW"
          + "cVRyUmsiLG5jPTAwMDAwMDAxLHFvcD1hdXRoLGRpZ2VzdC11cmk9InhtcHAvZXhhbXBsZS5jb20iLHJlc3BvbnNlPWJjZDNiZjA5ZWEw"
          + "OGU4ZWFjODk0ZTEyNmZlNzMzNzEzLGNoYXJzZXQ9dXRmLTg=</response>",
        "<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
      ])
  }

  @Test(
    "RFC 3920 §6.5, steps 5, 7 and 9 (alt): the server refuses",
    arguments: [
      ("digest-md5-incorrect-encoding", "incorrect-encoding"),
      ("digest-md5-temporary-failure", "temporary-auth-failure"),
      ("digest-md5-late-failure", "temporary-auth-failure"),
    ])
  func refusals(name: String, condition: String) throws {
    let (client, server) = try dialogue(name)
    let login = try logIn(server)
    #expect(login.failure?.condition == condition)
    #expect(
      login.failure?.failure().status == .authentication && login.failure?.failure().condition == condition)
    #expect(login.sent == client)
  }

  @Test("RFC 6120 §6.3.3: base64 with white space in it, as RFC 3920 prints it, is refused")
  func foldedBase64() throws {
    let folded = Element(
      "challenge", Namespace.sasl, " cmVhbG09InNvbWVyZWFsbSIs\nbm9uY2U9Ik9BNk1HOXRFUUdtMmhoIg==\n")
    let failure = #expect(throws: Failure.self) { _ = try profile.answer(folded) }
    #expect(failure?.condition == "incorrect-encoding" && failure?.status == .authentication)
  }

  @Test("the example's own rspauth, for another user and realm, proves nothing here")
  func foreignProof() throws {
    var mechanism = mechanism()
    _ = try mechanism.initialResponse()
    let challenge =
      #"realm="somerealm",nonce="OA6MG9tEQGm2hh",qop="auth",charset=utf-8,algorithm=md5-sess"# + "\n"
    #expect(try text(mechanism.respond(to: Array(challenge.utf8))) == response)
    let failure = #expect(throws: Failure.self) {
      try mechanism.finish(with: Array("rspauth=ea40f60335c427b5527b84dbabcdfffd".utf8))
    }
    #expect(failure?.condition == "server-signature")
  }

  @Test("RFC 3920 §7: binding, with and without a wish", arguments: ["someresource", nil])
  func binding(wish: String?) throws {
    let (client, server) = try dialogue(wish == nil ? "bind-server-chosen" : "bind")
    let binding = ResourceBinding(account: try JID(parsing: "somenode@example.com"), wish: wish)
    #expect([binding.request(id: "bind_1")].map(\.laidOut) == client.map(\.laidOut))
    #expect(try binding.jid(from: try #require(server.first)).full == "somenode@example.com/someresource")
  }

  @Test("RFC 3920 §7: binding refused", arguments: ["bad-request", "not-allowed", "conflict"])
  func bindingRefused(condition: String) throws {
    let (client, server) = try dialogue("bind-\(condition)")
    let binding = ResourceBinding(account: try JID(parsing: "somenode@example.com"), wish: "someresource")
    #expect([binding.request(id: "bind_1")].map(\.laidOut) == client.map(\.laidOut))
    let answer = try #require(server.first)
    let failure = #expect(throws: Failure.self) { _ = try binding.jid(from: answer) }
    #expect(failure?.stage == .bind && failure?.condition == condition && failure?.status == .bind)
    #expect(failure?.remedy != nil)
  }

  @Test("RFC 3920 §7: the server's own resource is taken, another account's is not")
  func foreignJID() throws {
    let binding = ResourceBinding(account: try JID(parsing: "somenode@example.com"), wish: "someresource")
    let answer = { (jid: String) in
      Element(
        "iq", Namespace.client, ["type": "result"],
        [Element("bind", Namespace.bind, [Element("jid", Namespace.bind, jid)])])
    }
    #expect(try binding.jid(from: answer("somenode@example.com/other")).resourcepart == "other")
    for jid in ["other@example.com/r", "somenode@example.com", "somenode@example.org/r", "@/", ""] {
      let failure = #expect(throws: Failure.self) { _ = try binding.jid(from: answer(jid)) }
      #expect(failure?.status == .protocolViolation && failure?.stage == .bind, "\(jid)")
    }
    let nothing = #expect(throws: Failure.self) {
      _ = try binding.jid(from: Element("iq", Namespace.client, ["type": "result"]))
    }
    #expect(nothing?.status == .protocolViolation)
  }
}

extension Element {
  /// The XML without the white space that lays out a transcript.
  fileprivate var laidOut: String {
    xml.split(separator: "\n").map { $0.drop { $0 == " " } }.joined()
  }
}
