import Testing

@testable import XMPP

@Suite struct MechanismChoiceTests {
  private typealias Facts = MechanismChoice.Facts
  private let tls12: [ChannelBindingType] = [.tlsUnique, .tlsServerEndPoint]
  private let tls13: [ChannelBindingType] = [.tlsExporter, .tlsServerEndPoint]
  private let ejabberd = [
    "DIGEST-MD5", "PLAIN", "SCRAM-SHA-512-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256",
    "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "X-OAUTH2",
  ]
  private let prosody12 = ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "PLAIN"]

  private func choose(_ mechanisms: [String], _ types: [String]? = nil, _ facts: Facts) -> MechanismChoice {
    MechanismChoice(from: SASLOffer(mechanisms: mechanisms, channelBindings: types), facts)
  }

  private func reason(_ choice: MechanismChoice, _ mechanism: String) -> String? {
    choice.skipped.first { $0.mechanism == mechanism }?.reason
  }

  @Test("what the real servers offer logs in, bound where they can")
  func realServers() {
    let old = choose(prosody12, nil, Facts(security: .verified, channelBindings: tls12))
    #expect(old.mechanism == "SCRAM-SHA-1-PLUS" && old.binding == .bound(.tlsUnique) && old.skipped.isEmpty)
    let older = choose(ejabberd, nil, Facts(security: .verified, channelBindings: tls12))
    #expect(older.mechanism == "SCRAM-SHA-512-PLUS" && older.binding == .bound(.tlsUnique))
    let unnamed = choose(ejabberd, nil, Facts(security: .verified, channelBindings: tls13))
    #expect(unnamed.mechanism == "SCRAM-SHA-512" && unnamed.binding == .unsupported)
    #expect(
      reason(unnamed, "SCRAM-SHA-512-PLUS") == "the server does not say which channel bindings it knows")
    #expect(reason(unnamed, "X-OAUTH2") == "not supported")
    let trunk = choose(
      prosody12, ["tls-server-end-point", "tls-exporter"], Facts(security: .verified, channelBindings: tls13))
    #expect(trunk.mechanism == "SCRAM-SHA-1-PLUS" && trunk.binding == .bound(.tlsExporter))
  }

  @Test("A7: the flag is y when no -PLUS arrived and the session could bind")
  func nothingOffered() {
    let choice = choose(["SCRAM-SHA-1", "PLAIN"], nil, Facts(security: .verified, channelBindings: tls13))
    #expect(choice.mechanism == "SCRAM-SHA-1" && choice.binding == .notOffered)
    let listed = choose(
      ["SCRAM-SHA-1"], ["tls-exporter"], Facts(security: .verified, channelBindings: tls13))
    #expect(listed.binding == .notOffered)
    #expect(choose(["SCRAM-SHA-1"], nil, Facts(security: .plaintext)).binding == .unsupported)
    #expect(
      choose(["PLAIN"], nil, Facts(security: .verified, channelBindings: tls13)).binding == .unsupported)
  }

  @Test("A8: the flag is n when -PLUS arrived and cannot be used")
  func notUsable() {
    let foreign = choose(
      ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"], ["tls-unique"],
      Facts(security: .verified, channelBindings: tls13))
    #expect(foreign.mechanism == "SCRAM-SHA-256" && foreign.binding == .unsupported)
    #expect(reason(foreign, "SCRAM-SHA-256-PLUS") == "no common channel binding; the server has tls-unique")
    let unknown = choose(
      ["SCRAM-SHA-256", "SCRAM-SHA3-512-PLUS"], nil, Facts(security: .verified, channelBindings: tls12))
    #expect(unknown.binding == .unsupported)
    let refused = choose(
      ejabberd, nil, Facts(security: .verified, channelBindings: tls12, allowed: ["scram-sha-256"]))
    #expect(refused.mechanism == "SCRAM-SHA-256" && refused.binding == .unsupported)
    let none = choose(ejabberd, nil, Facts(security: .verified))
    #expect(reason(none, "SCRAM-SHA-1-PLUS") == "this TLS session gives no channel binding")
  }

  @Test("the strongest common type is taken from the server's list")
  func types() {
    let facts = Facts(security: .verified, channelBindings: ChannelBindingType.allCases)
    let offer = ["SCRAM-SHA-256-PLUS"]
    #expect(choose(offer, ["tls-server-end-point", "tls-unique"], facts).binding == .bound(.tlsUnique))
    #expect(choose(offer, ["tls-unique", "tls-exporter"], facts).binding == .bound(.tlsExporter))
    #expect(choose(offer, ["tls-server-end-point"], facts).binding == .bound(.tlsServerEndPoint))
    #expect(choose(offer, [], facts).mechanism == nil)
  }

  @Test("A9: a binding demanded by name is used, or the login fails")
  func demanded() throws {
    let facts = Facts(security: .verified, channelBindings: tls13, allowed: ["SCRAM-SHA-256-PLUS"])
    let unnamed = choose(ejabberd, nil, facts)
    #expect(unnamed.mechanism == "SCRAM-SHA-256-PLUS" && unnamed.binding == .bound(.tlsExporter))
    for offer in [["SCRAM-SHA-256", "PLAIN"], ["SCRAM-SHA-1-PLUS"], []] {
      let failure = failure { () throws(Failure) in _ = try choose(offer, nil, facts).chosen() }
      #expect(
        failure?.condition == "no-mechanism" && failure?.status == .authentication && failure?.stage == .auth)
    }
    let foreign = choose(ejabberd, ["tls-unique"], facts)
    #expect(foreign.mechanism == nil)
  }

  @Test("A13: PLAIN goes only where it shows the password to nobody else, named or not")
  func plain() {
    #expect(choose(["PLAIN"], nil, Facts(security: .verified)).mechanism == "PLAIN")
    for security in [Facts.Security.plaintext, .unverified] {
      #expect(choose(["PLAIN"], nil, Facts(security: security)).mechanism == nil)
      #expect(choose(["PLAIN"], nil, Facts(security: security, allowed: ["plain"])).mechanism == nil)
    }
    for previous in ["SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "DIGEST-MD5", "EXTERNAL"] {
      let choice = choose(["PLAIN"], nil, Facts(security: .verified, previous: previous))
      #expect(choice.mechanism == nil)
      #expect(reason(choice, "PLAIN") == "weaker than \(previous), which was used before")
      let named = Facts(security: .verified, allowed: ["PLAIN"], previous: previous)
      #expect(choose(["PLAIN"], nil, named).mechanism == "PLAIN")
    }
    #expect(choose(["PLAIN"], nil, Facts(security: .verified, previous: "PLAIN")).mechanism == "PLAIN")
  }

  @Test func takesTheStrongestWhateverTheOrder() {
    var random = SeededRandom(seed: 4422)
    var left = MechanismChoice.Candidate.allCases.map(\.rawValue)
    let facts = Facts(security: .verified, channelBindings: tls12, hasClientCertificate: true)
    while left.count > 1 {
      #expect(choose(left.shuffled(using: &random), nil, facts).mechanism == left.first)
      left.removeFirst()
    }
  }

  @Test func needsWhatItNeeds() {
    let verified = Facts(security: .verified)
    #expect(reason(choose(["EXTERNAL"], nil, verified), "EXTERNAL") == "no client certificate given")
    let certificate = Facts(security: .verified, hasPassword: false, hasClientCertificate: true)
    #expect(choose(["EXTERNAL", "SCRAM-SHA-1"], nil, certificate).mechanism == "EXTERNAL")
    #expect(
      choose(["EXTERNAL"], nil, Facts(security: .plaintext, hasClientCertificate: true)).mechanism == nil)
    #expect(reason(choose(["SCRAM-SHA-1"], nil, certificate), "SCRAM-SHA-1") == "no password given")
    #expect(choose(["ANONYMOUS"], nil, verified).mechanism == nil)
    #expect(
      choose(["ANONYMOUS"], nil, Facts(security: .verified, allowed: ["Anonymous"])).mechanism == "ANONYMOUS")
    let nobody = Facts(security: .verified, hasLocalpart: false, hasPassword: false)
    #expect(choose(["ANONYMOUS", "PLAIN"], nil, nobody).mechanism == "ANONYMOUS")
    #expect(reason(choose(["PLAIN"], nil, nobody), "PLAIN") == "no user name given")
  }

  @Test func saysWhatWasOfferedAndWhyItWillNotDo() {
    let choice = choose(["GSSAPI", "plain", "PLAIN"], nil, Facts(security: .plaintext))
    let failure = failure { () throws(Failure) in _ = try choice.chosen() }
    #expect(
      failure?.message
        == "no acceptable SASL mechanism is offered: GSSAPI (not supported), plain (not supported), PLAIN (would show the password: no TLS)"
    )
    let empty = choose([], nil, Facts(security: .verified))
    #expect(
      XMPPTests.failure { () throws(Failure) in _ = try empty.chosen() }?.message
        == "the server offers no SASL mechanism")
  }

  @Test("the mechanism made is the one chosen, with the header that was decided")
  func makes() throws {
    let credentials = MechanismChoice.Credentials(username: "u", password: secret("p"), domain: "d")
    for candidate in MechanismChoice.Candidate.allCases {
      let facts = Facts(
        security: .verified, channelBindings: tls12, hasClientCertificate: true, allowed: [candidate.rawValue]
      )
      let choice = choose([candidate.rawValue], nil, facts)
      var mechanism = try choice.makeMechanism(credentials, nonce: "n") { Array($0.rawValue.utf8) }
      #expect(mechanism.name == candidate.rawValue)
      let first = try mechanism.initialResponse()
      if candidate.isSCRAM {
        #expect(text(first) == (candidate.isBound ? "p=tls-unique" : "y") + ",,n=u,r=n")
      }
      if candidate.needsPassword {
        let without = MechanismChoice.Credentials(username: "u", password: nil, domain: "d")
        #expect(throws: Failure.self) { try choice.makeMechanism(without, nonce: "n") { _ in [1] } }
      }
      if candidate.isBound {
        #expect(throws: Failure.self) { try choice.makeMechanism(credentials, nonce: "n") { _ in nil } }
      }
    }
  }
}
