import Testing

@testable import XMPP

@Suite struct DigestMD5Tests {
  private func digest(
    user: String = "chris", password: String = "secret", domain: String = "elwood.innosoft.com",
    nonce: String = "OA6MHXh6VqTrRk", as identity: String? = nil, _ form: DigestMD5.Form = .standard
  ) throws -> DigestMD5 {
    var client = DigestMD5(
      username: user, password: secret(password), authorizationID: identity, domain: domain, nonce: nonce,
      form: form)
    #expect(try client.initialResponse() == nil)
    return client
  }

  private func answer(_ client: DigestMD5, _ challenge: String) throws -> String {
    var client = client
    return try text(client.respond(to: Array(challenge.utf8)))
  }

  /// The example of RFC 3920 §6.5 with its final line break. Its `response` and `rspauth` are those of RFC 2831 §4, which
  /// holds for user chris at imap/elwood.innosoft.com; the values here are for the names in the example and the password
  /// "secret", by Python's hashlib.
  @Test(arguments: [false, true])
  func answersTheExampleOfXMPP(inChallenge: Bool) throws {
    let challenge = try #require(
      Base64.decode(
        "cmVhbG09InNvbWVyZWFsbSIsbm9uY2U9Ik9BNk1HOXRFUUdtMmhoIixxb3A9ImF1dGgiLGNoYXJzZXQ9dXRmLTgsYWxnb3JpdGhtPW1kNS1zZXNzCg=="
          .utf8))
    var client = try digest(user: "somenode", domain: "example.com")
    #expect(
      try text(client.respond(to: challenge))
        == #"username="somenode",realm="somerealm",nonce="OA6MG9tEQGm2hh",cnonce="OA6MHXh6VqTrRk","#
        + #"nc=00000001,qop=auth,digest-uri="xmpp/example.com",response=bcd3bf09ea08e8eac894e126fe733713,charset=utf-8"#
    )
    let proof = Array("rspauth=562f859abce5b7d9b3fba16b45be1c56\n".utf8)
    if inChallenge {
      #expect(try client.respond(to: proof) == [])
      try client.finish(with: nil)
    } else {
      try client.finish(with: proof)
    }
  }

  /// RFC 2831 §4 has service names that are not XMPP's, so the computation itself is asked.
  @Test("the vectors of RFC 2831 §4")
  func vectors() throws {
    for (nonce, cnonce, service, response, rspauth) in [
      (
        "OA6MG9tEQGm2hh", "OA6MHXh6VqTrRk", "imap", "d388dad90d4bbd760a152321f2143af7",
        "ea40f60335c427b5527b84dbabcdfffd"
      ),
      (
        "OA9BSXrbuRhWay", "OA9BSuZWMSpW8m", "acap", "6084c6db3fede7352c551284490fd0fc",
        "2f0b3d7c3c2e486600ef710726aa2eae"
      ),
    ] {
      var client = DigestMD5(
        username: "chris", password: secret("secret"), service: service, domain: "elwood.innosoft.com",
        nonce: cnonce)
      _ = try client.initialResponse()
      let challenge =
        #"realm="elwood.innosoft.com",nonce="\#(nonce)",qop="auth",algorithm=md5-sess,charset=utf-8"#
      #expect(try text(client.respond(to: Array(challenge.utf8))).contains(",response=\(response),"))
      try client.finish(with: Array("rspauth=\(rspauth)".utf8))
    }
  }

  @Test func readsWhatServersSend() throws {
    let client = try digest(domain: "lab.test")
    // ejabberd 23.01: no realm.
    #expect(
      try answer(client, #"nonce="5728768491523847619",qop="auth",charset=utf-8,algorithm=md5-sess"#)
        .contains(#"realm="lab.test","#))
    #expect(
      try answer(
        client,
        "\r\n , REALM = \"a\" ,, realm=\"lab.test\", nonce = \"\\\"x\\\\\", algorithm=MD5-sess,qop=\"auth-int, auth\",new=1\n"
      )
      .contains(#"realm="lab.test",nonce="\"x\\","#))
    #expect(
      try answer(client, #"realm="b",realm="a",nonce=n,algorithm="md5-sess",maxbuf=1"#)
        .contains(#"realm="b",nonce="n","#))
  }

  @Test func quotesNames() throws {
    let client = try digest(user: #"a"b\c"#, as: "x@y")
    let answer = try answer(client, "nonce=n,algorithm=md5-sess,charset=utf-8")
    #expect(answer.hasPrefix(#"username="a\"b\\c","#) && answer.hasSuffix(#",charset=utf-8,authzid="x@y""#))
  }

  /// Values by Python's hashlib: ISO 8859-1 if possible, and UTF-8 in the other form.
  @Test func hashesInLatin1WhereItCan() throws {
    let client = try digest(user: "\u{E9}", password: "\u{FC}", domain: "d", nonce: "c")
    var latin = client
    let bytes = try latin.respond(to: Array("realm=d,nonce=n,algorithm=md5-sess".utf8))
    #expect(bytes.starts(with: Array("username=\"".utf8) + [0xE9]) && !text(bytes).contains("charset"))
    var offered = client
    let challenge = "realm=d,nonce=n,algorithm=md5-sess,charset=utf-8"
    #expect(try offered.respond(to: Array(challenge.utf8)) == bytes)
    #expect(text(bytes).contains("response=\(latinResponse)"))
    #expect(!latin.hasOtherForm && offered.hasOtherForm)
    let utf8 = try answer(
      digest(user: "\u{E9}", password: "\u{FC}", domain: "d", nonce: "c", .utf8), challenge)
    #expect(utf8.hasPrefix("username=\"\u{E9}\"") && utf8.hasSuffix(",charset=utf-8"))
    #expect(utf8.contains("response=027f09213132071ef18dfae691d01b4a"))
    var greek = try digest(user: "\u{3C0}")
    let failure = failure { () throws(Failure) in
      _ = try greek.respond(to: Array("nonce=n,algorithm=md5-sess".utf8))
    }
    #expect(failure?.condition == "digest-charset")
  }

  private let latinResponse = "b7b673439d129de399dbe05cef535b71"

  @Test(
    arguments: [
      "", "nonce=n", "algorithm=md5-sess", "nonce=n,algorithm=md5", "nonce=\"\",algorithm=md5-sess",
      "nonce=n,nonce=m,algorithm=md5-sess", "nonce=n,algorithm=md5-sess,algorithm=md5-sess",
      "nonce=n,algorithm=md5-sess,qop=\"auth-int\"", "nonce=n,algorithm=md5-sess,qop=\"\"",
      "nonce=n,algorithm=md5-sess,charset=latin1", "nonce=\"n,algorithm=md5-sess", "nonce=\"n\\",
      "nonce=n algorithm=md5-sess", "nonce=\"n\"x,algorithm=md5-sess", "=n", "nonce",
      "nonce=,algorithm=md5-sess",
      "rspauth=562f859abce5b7d9b3fba16b45be1c56",
    ])
  func refuses(challenge: String) throws {
    var client = try digest()
    let failure = failure { () throws(Failure) in _ = try client.respond(to: Array(challenge.utf8)) }
    #expect(failure?.status == .authentication && failure?.condition.hasPrefix("digest-") == true)
    #expect(throws: Failure.self) { try client.finish(with: nil) }
  }

  @Test(
    "A1, A2: the server must prove itself",
    arguments: [nil, "", "rspauth=", "rspauth=ea40f60335c427b5527b84dbabcdfffd", "stale=true", "x"]
      as [String?],
    [false, true])
  func demandsProof(final: String?, inChallenge: Bool) throws {
    var client = try digest()
    _ = try client.respond(to: Array("nonce=n,algorithm=md5-sess".utf8))
    let failure = failure { () throws(Failure) in
      if inChallenge {
        _ = try client.respond(to: Array((final ?? "").utf8))
      } else {
        try client.finish(with: final.map { Array($0.utf8) })
      }
    }
    #expect(failure?.status == .authentication)
    #expect(throws: Failure.self) { try client.finish(with: nil) }
  }

  @Test("A3: success unasked or too early breaks the protocol")
  func earlySuccess() throws {
    var client = try digest()
    let failure = failure { () throws(Failure) in try client.finish(with: nil) }
    #expect(failure?.condition == "early-success" && failure?.status == .protocolViolation)
  }

  @Test("whatever the server sends, it is an answer or a failure")
  func mutations() throws {
    var random = SeededRandom(seed: 2831)
    let challenge = Array(
      #"realm="a",nonce="OA6MG9tEQGm2hh",qop="auth",charset=utf-8,algorithm=md5-sess"#.utf8)
    var (answered, refused) = (0, 0)
    for _ in 0..<5_000 {
      var client = try digest()
      do throws(Failure) {
        _ = try client.respond(to: mutated(challenge, &random))
        answered += 1
        try client.finish(with: mutated(Array("rspauth=00".utf8), &random))
        Issue.record("logged in")
      } catch {
        refused += 1
      }
    }
    #expect(refused == 5_000 && answered > 0)
  }
}
