import Foundation
import TestSupport
import Testing

/// The executable against what servers do in a login.
@Suite struct SASLRowsTests {
  static let hashes = ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"]

  /// A SCRAM login with something changed.
  private func scram(_ change: (inout LoginScene) -> Void = { _ in }) throws -> LoginScene {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.sasl.bindsChannels = false
    change(&scene)
    return scene
  }

  @Test(
    "an honest server is logged in to by every mechanism, its proof with success or before it",
    arguments: hashes + ["DIGEST-MD5", "PLAIN"], [true, false])
  func honest(mechanism: String, provesWithSuccess: Bool) throws {
    let login = try scram {
      $0.mechanisms = [mechanism]
      $0.sasl.provesWithSuccess = provesWithSuccess
    }.play()
    login.binds()
    #expect(login.row["auth.mechanism"] == mechanism && login.row["auth.sasl2"] == false)
    #expect(login.row["auth.server_authenticated"] == (mechanism != "PLAIN"))
    #expect(!login.row.has("auth.channel_binding"))
  }

  @Test(
    "an honest server is bound to by every type of channel binding", arguments: hashes,
    ["tls-exporter", "tls-unique", "tls-server-end-point"])
  func bound(mechanism: String, type: String) throws {
    let login = try scram {
      $0.mechanisms = [mechanism, mechanism + "-PLUS"]
      $0.bindings = [type]
      $0.sasl.bindsChannels = true
      if type == "tls-unique" { $0.tls.newest = .tls12 }
    }.play()
    login.binds()
    #expect(login.firstMessage.hasPrefix("p=\(type),,n=alice,r="))
    #expect(login.row["auth.mechanism"] == mechanism + "-PLUS" && login.row["auth.channel_binding"] == type)
  }

  @Test("A1: a wrong proof of the server's is no login", arguments: hashes + ["DIGEST-MD5"], [true, false])
  func wrongProof(mechanism: String, provesWithSuccess: Bool) throws {
    let wrong = "rspauth=0123456789abcdef0123456789abcdef"
    for lie in mechanism == "DIGEST-MD5"
      ? [wrong, "rspauth=\"\"", "x=1"] : ["v=AAAA", "v=", "v=!", "x=1", wrong]
    {
      let login = try scram {
        $0.mechanisms = [mechanism]
        $0.sasl.provesWithSuccess = provesWithSuccess
        $0.sasl.changesProof = { _ in lie }
      }.play()
      login.fails(77, "server-signature")
      #expect(!login.row.has("auth.server_authenticated"))
    }
  }

  @Test(
    "A1: one bit of the server's proof, or its end, is not enough of it", arguments: hashes + ["DIGEST-MD5"])
  func almostTheProof(mechanism: String) throws {
    let changes: [@Sendable (String) -> String] = [
      { $0.replacingOccurrences(of: "=", with: "=A").replacingOccurrences(of: "=A=A", with: "==") },
      { proof in
        let first = proof.hasPrefix("v=") ? 2 : 8
        var letters = Array(proof)
        letters[first] = letters[first] == "a" ? "b" : "a"
        return String(letters)
      },
      { String($0.dropLast(4)) },
    ]
    for change in changes {
      let login = try scram {
        $0.mechanisms = [mechanism]
        $0.sasl.changesProof = change
      }.play()
      login.fails(77, "server-signature")
      #expect(!login.row.has("auth.server_authenticated"))
    }
  }

  @Test("A2: success without the server's proof is no login", arguments: hashes + ["DIGEST-MD5"])
  func noProof(mechanism: String) throws {
    for success in ["", "="] {
      let login = try scram {
        $0.mechanisms = [mechanism]
        $0.sasl.instead = [1: "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(success)</success>"]
      }.play()
      login.fails(77, "server-not-authenticated")
      #expect(!login.row.has("auth.server_authenticated"))
    }
  }

  @Test("A3: success too early is a violation", arguments: hashes + ["DIGEST-MD5"])
  func earlySuccess(mechanism: String) throws {
    for success in ["", "=", "dj1BQUFB"] {
      let login = try scram {
        $0.mechanisms = [mechanism]
        $0.sasl.instead = [0: "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(success)</success>"]
      }.play()
      login.fails(76, "early-success")
    }
  }

  @Test("A3: success before the login is a violation, and nothing is sent after it")
  func unaskedSuccess() throws {
    let success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
    let peer = try ScriptedPeer(.direct(try Certificates.server, Dialogue.header() + success) + [.silence])
    let options = peer.way("direct", try Certificates.trusted).dropLast() + ["alice@example.org"]
    try Row(Array(options), command: "bind").fails(.protocolViolation, .stream, "unexpected-element")
    #expect(isNothingButTheStream(try #require(try peer.finish().first).text))
  }

  @Test(
    "A4: a nonce that does not extend ours ends it before the proof",
    arguments: ["r=other,", "r=,", "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"])
  func foreignNonce(nonce: String) throws {
    let login = try scram { scene in
      scene.sasl.changesFirst = { $0.replacing(#/^r=[^,]*,/#, with: nonce) }
    }.play()
    login.fails(77, nonce == "r=," ? "scram-malformed" : "scram-nonce")
    #expect(!login.sent.contains("<response"))
  }

  @Test("A4: our own nonce without an addition is none of the server's")
  func sameNonce() throws {
    let login = try scram { $0.sasl.changesFirst = { $0.replacing("3rfcNHYJY1ZVvWVs7j", with: "") } }
      .play()
    login.fails(77, "scram-nonce")
    #expect(!login.sent.contains("<response"))
  }

  @Test(
    "A5: too few iterations, too many, and junk end it before any work is done",
    arguments: [
      ("1", "scram-iterations"), ("4095", "scram-iterations"), ("2147483648", "scram-iterations"),
      ("18446744073709551617", "scram-iterations"), ("1000001", "scram-iterations"),
      ("0", "scram-malformed"), ("-4096", "scram-malformed"), ("4096x", "scram-malformed"),
      ("", "scram-malformed"), ("+4096", "scram-malformed"), ("٤٠٩٦", "scram-malformed"),
    ])
  func iterations(count: String, condition: String) throws {
    let login = try scram { $0.sasl.changesFirst = { $0.replacing("i=4096", with: "i=\(count)") } }
      .play()
    login.fails(77, condition)
    #expect(!login.sent.contains("<response"))
    #expect(login.row.outcome.processorTime < .seconds(1))
  }

  @Test(
    "A5: other broken first messages end it before the proof",
    arguments: [
      ("s=", "s=!"), ("s=", "x="), ("r=", "m=1,r="), ("i=", "i=4096,4,i="), ("r=", "e=other-error,r="),
    ])
  func brokenFirst(part: String, broken: String) throws {
    let login = try scram { $0.sasl.changesFirst = { $0.replacing(part, with: broken, maxReplacements: 1) } }
      .play()
    #expect(login.row.outcome.status == 77 && login.row["error.stage"] == "auth")
    #expect(login.endsWithTheLogin && !login.sent.contains("<response"))
  }

  @Test("A7: the -PLUS mechanisms taken away: flag y, and the server that knows better refuses")
  func takenAway() throws {
    let login = try scram {
      $0.bindings = ["tls-exporter"]
      $0.sasl.bindsChannels = true
    }.play()
    login.fails(77, "not-authorized")
    #expect(login.firstMessage.hasPrefix("y,,n=alice,"))
  }

  @Test("A8: -PLUS without a usable type of binding: flag n, and it logs in unbound")
  func nothingToBindTo() throws {
    for types in [["tls-unique"], ["urn:example:other"], [], nil] {
      let login = try scram {
        $0.mechanisms = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
        $0.bindings = types
        $0.sasl.bindsChannels = true
      }.play()
      login.binds()
      #expect(login.firstMessage.hasPrefix("n,,n=alice,"))
      #expect(login.row["auth.mechanism"] == "SCRAM-SHA-256" && !login.row.has("auth.channel_binding"))
      #expect(login.row["auth.skipped.0.mechanism"] == "SCRAM-SHA-256-PLUS")
    }
  }

  @Test("A8: types of binding without -PLUS: flag y, and it logs in where the server really cannot bind")
  func nothingToBindWith() throws {
    let login = try scram { $0.bindings = ["tls-exporter"] }.play()
    login.binds()
    #expect(login.firstMessage.hasPrefix("y,,n=alice,"))
  }

  @Test(
    "A9: where binding was demanded, nothing else will do and no login is tried",
    arguments: [["SCRAM-SHA-256"], ["SCRAM-SHA-256", "PLAIN", "DIGEST-MD5"], []])
  func bindingDemanded(offered: [String]) throws {
    var scene = try scram { $0.options = ["--mechanism", "SCRAM-SHA-256-PLUS"] }
    scene.mechanisms = offered
    let login = try scene.play()
    #expect(login.row.outcome.status == 77 && login.row["error.condition"] == "no-mechanism")
    #expect(login.tries == 0 && isNothingButTheStream(login.sent))
  }

  @Test(
    "A10: a certificate whose signature has no hash gives no tls-server-end-point, and nothing binds to nothing"
  )
  func noEndPoint() throws {
    var scene = try scram {
      $0.mechanisms = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
      $0.bindings = ["tls-server-end-point"]
    }
    scene.sasl.bindsChannels = true
    let authority = try Certificates.shared
    let signer = try authority.issue(.init(commonName: "Edwards", key: .ed25519, isAuthority: true))
    let certificate = try authority.issue(
      .init(commonName: "example.org", [.dns("example.org")], key: .ed25519), by: signer)
    scene.tls = TestTLSServer(certificate)
    let login = try scene.play()
    login.binds()
    #expect(login.firstMessage.hasPrefix("n,,n=alice,"))
    #expect(!login.row.has("auth.channel_binding"))
  }

  @Test("A11: tls-exporter without the extended master secret is not used")
  func noExtendedMasterSecret() throws {
    for (hasSecret, flag) in [(false, "n,,"), (true, "p=tls-exporter,,")] {
      let login = try scram {
        $0.mechanisms = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
        $0.bindings = ["tls-exporter"]
        $0.sasl.bindsChannels = true
        $0.tls.newest = .tls12
        $0.tls.hasExtendedMasterSecret = hasSecret
      }.play()
      login.binds()
      #expect(login.firstMessage.hasPrefix(flag))
    }
  }

  @Test("A12: the hash of what was offered must be of what arrived")
  func downgrade() throws {
    func login(hashing offer: String) throws -> PlayedLogin {
      let hash = Data(ServerHash.sha256.digest(Array(offer.utf8))).base64EncodedString()
      return try scram {
        $0.mechanisms = ["SCRAM-SHA-256", "PLAIN"]
        $0.bindings = ["tls-exporter", "tls-server-end-point"]
        $0.sasl.changesFirst = { $0 + ",h=\(hash)" }
      }.play()
    }
    try login(hashing: "PLAIN\u{1E}SCRAM-SHA-256\u{1F}tls-exporter\u{1E}tls-server-end-point").binds()
    let stripped = try login(
      hashing: "PLAIN\u{1E}SCRAM-SHA-256\u{1E}SCRAM-SHA-256-PLUS\u{1F}tls-exporter\u{1E}tls-server-end-point")
    stripped.fails(77, "downgrade")
    #expect(!stripped.sent.contains("<response"))
  }

  @Test(
    "A13: a password is not shown without TLS, or to a server that is not verified, unless PLAIN is named")
  func plainAlone() throws {
    let server = try Certificates.server
    let dialogue = Dialogue.header() + Dialogue.features(Dialogue.plain)
    for (mode, script) in [
      ("none", .opened(dialogue)), ("direct", .direct(server, dialogue)),
    ] as [(String, [ScriptedPeer.Step])] {
      let peer = try ScriptedPeer(script + [.silence])
      let options = peer.way(mode, ["--insecure"]).dropLast() + ["alice@example.org"]
      let outcome = try Program.xmppctl.run(
        ["bind", "--json"] + options, environment: ["XMPPCTL_PASSWORD": LoginScene.password])
      try Row(outcome, command: "bind").fails(.authentication, .auth, "no-mechanism")
      expectSecret(LoginScene.password, nowhereIn: [outcome.output, outcome.error])
      #expect(isNothingButTheStream(try #require(try peer.finish().first).text))
    }
    var named = try LoginScene("PLAIN")
    named.options = ["--insecure", "--mechanism", "plain"]
    #expect(try named.play().row["jid"] == LoginScene.fullJID)
  }

  @Test(
    "A14: a refusal is final: one try, whatever else is offered", arguments: hashes + ["PLAIN", "DIGEST-MD5"])
  func refused(mechanism: String) throws {
    let login = try scram {
      $0.mechanisms = [mechanism, "PLAIN"]
      $0.options = ["--mechanism", mechanism]
      $0.sasl.instead = [0: $0.sasl.failure("not-authorized")]
    }.play()
    login.fails(77, "not-authorized")
  }

  @Test("A wrong password is an authentication failure", arguments: hashes + ["PLAIN", "DIGEST-MD5"])
  func wrongPassword(mechanism: String) throws {
    let login = try scram {
      $0.mechanisms = [mechanism]
      $0.sasl.password = "another"
    }.play()
    login.fails(77, "not-authorized")
  }

  @Test("A15: every condition is a failed login; only the temporary one says to try again")
  func conditions() throws {
    for condition in [
      "aborted", "account-disabled", "credentials-expired", "encryption-required", "incorrect-encoding",
      "invalid-authzid", "invalid-mechanism", "malformed-request", "mechanism-too-weak",
      "temporary-auth-failure", "never-heard-of",
    ] {
      let login = try scram {
        $0.sasl.instead = [0: $0.sasl.failure(condition, text: "words \(hostile)")]
      }.play()
      login.fails(77, condition)
      #expect(login.row.outcome.error.contains("try again later") == (condition == "temporary-auth-failure"))
      #expect(login.row.message.contains("words \(hostile)"))
    }
    let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
    for empty in ["", "<text>no</text>", "<not-authorized xmlns='urn:other'/>"] {
      let login = try scram { $0.sasl.instead = [0: "<failure xmlns='\(sasl)'>\(empty)</failure>"] }.play()
      login.fails(77, "undefined-condition")
    }
  }

  @Test("T10: a certificate that verifies with somebody else's key: a login bound to the channel fails")
  func between() throws {
    let stranger = try Certificates.shared.leaf("example.org")
    for type in ["tls-exporter", "tls-unique", "tls-server-end-point"] {
      let login = try scram {
        $0.mechanisms = ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]
        $0.bindings = [type]
        $0.sasl.bindsChannels = true
        if type == "tls-unique" { $0.tls.newest = .tls12 }
        // Who stands between shows a certificate of its own; the server knows of its own session only.
        $0.tls.certificate = stranger
        if type != "tls-server-end-point" { $0.sasl.changesBinding = { $0.reversed() } }
      }.play()
      login.fails(77, "not-authorized")
      #expect(login.row["tls.certificate.verified"] == true && login.firstMessage.hasPrefix("p=\(type),"))
    }
  }

  @Test(
    "data that is no base64 is a failed login",
    arguments: [" %", "%\n", "!", "a", "%=", "====", "%%", "Zg", "Zh==", "Ä"])
  func notBase64(shape: String) throws {
    let login = try scram {
      $0.sasl.changesData = { shape.replacing("%", with: $0) }
    }.play()
    // Twice the same without padding between is base64 of a first message that is none.
    login.fails(
      77,
      shape == "%%" && login.row["error.condition"] == "scram-malformed"
        ? "scram-malformed" : "incorrect-encoding")
  }

  @Test(
    "a challenge where the mechanism has none is a violation", arguments: ["PLAIN", "EXTERNAL", "ANONYMOUS"])
  func unexpectedChallenge(mechanism: String) throws {
    let login = try withoutPassword(mechanism) { $0.sasl.instead = [0: SASLRowsTests.challenge("more")] }
    login.fails(76, "unexpected-challenge")
  }

  @Test(
    "data with success where the mechanism has none is a violation",
    arguments: ["PLAIN", "EXTERNAL", "ANONYMOUS"])
  func unexpectedData(mechanism: String) throws {
    let success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>dGV4dA==</success>"
    try withoutPassword(mechanism) { $0.sasl.instead = [0: success] }.fails(76, "unexpected-data")
  }

  @Test("a second challenge behind the server's proof is a violation", arguments: hashes + ["DIGEST-MD5"])
  func thirdChallenge(mechanism: String) throws {
    let login = try scram {
      $0.mechanisms = [mechanism]
      $0.sasl.provesWithSuccess = false
      $0.sasl.instead = [2: SASLRowsTests.challenge("more")]
    }.play()
    login.fails(76, "unexpected-challenge")
  }

  @Test(
    "A18: what comes right behind <success/> is not taken for the next stream",
    arguments: [
      "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", Dialogue.features(LoginScene.bindFeature), " ",
      Dialogue.header() + Dialogue.features(LoginScene.bindFeature),
    ])
  func behindSuccess(text: String) throws {
    let success = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
    let login = try withoutPassword("PLAIN") { $0.sasl.instead = [0: success + text] }
    login.fails(76, "unexpected-element", stage: "stream")
  }

  @Test(
    "what is no SASL in the middle of a login is a violation",
    arguments: [
      "<success/>", "<success xmlns='urn:xmpp:sasl:2'/>",
      "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
      "<message from='example.org'/>", "<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
      Dialogue.features(Dialogue.plain),
    ])
  func otherElement(text: String) throws {
    try scram { $0.sasl.instead = [0: text] }.play().fails(76, "unexpected-element", stage: "stream")
  }

  /// A login without an exchange, of a mechanism that may need a client certificate or nobody's name.
  private func withoutPassword(_ mechanism: String, _ change: (inout LoginScene) -> Void) throws
    -> PlayedLogin
  {
    var scene = try LoginScene(mechanism)
    if mechanism == "EXTERNAL" {
      let own = try Certificates.shared.issue(.init([.xmppAddress("alice@example.org")]))
      scene.tls.asksForCertificate = true
      scene.options = ["--cert", own.certificate, "--key", own.key]
    }
    if mechanism == "ANONYMOUS" { scene.jid = "example.org" }
    change(&scene)
    return try scene.play()
  }

  /// A challenge with some data.
  private static func challenge(_ data: String) -> String {
    "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(Data(data.utf8).base64EncodedString())</challenge>"
  }
}
