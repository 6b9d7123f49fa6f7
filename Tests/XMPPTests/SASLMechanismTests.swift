import TestSupport
import Testing

@testable import XMPP

@Suite struct SASLMechanismTests {
  @Test func plainCarriesTheThreeParts() throws {
    var plain = Plain(username: "tim", password: secret("tanstaaftanstaaf"))
    #expect(try text(plain.initialResponse()) == "\0tim\0tanstaaftanstaaf")
    try plain.finish(with: nil)
    var other = Plain(username: "Kurt", password: secret("xipj3plmq"), authorizationID: "Ursel")
    #expect(try text(other.initialResponse()) == "Ursel\0Kurt\0xipj3plmq")
  }

  @Test(
    "PLAIN carries no NUL and nothing empty",
    arguments: [("a\0b", "p", nil), ("a", "p\0q", nil), ("a", "p", "x\0y"), ("", "p", nil), ("a", "", nil)]
      as [(String, String, String?)])
  func plainRefuses(user: String, password: String, identity: String?) {
    var plain = Plain(username: user, password: secret(password), authorizationID: identity)
    #expect(failure { () throws(Failure) in _ = try plain.initialResponse() }?.status == .data)
  }

  @Test func externalNamesAnIdentityOnlyWhenTold() throws {
    var silent = External()
    #expect(try silent.initialResponse() == [])
    try silent.finish(with: [])
    var named = External(authorizationID: "a@b")
    #expect(try text(named.initialResponse()) == "a@b")
  }

  @Test func anonymousSaysNothing() throws {
    var anonymous = Anonymous()
    #expect(try anonymous.initialResponse() == [])
    try anonymous.finish(with: nil)
  }

  @Test("A3: success unasked, a challenge and data with success break the protocol")
  func singleMessages() throws {
    let mechanisms: [any SASLMechanism] = [
      Plain(username: "a", password: secret("b")), External(), Anonymous(),
    ]
    for mechanism in mechanisms {
      var early = mechanism
      let unasked = failure { () throws(Failure) in try early.finish(with: nil) }
      #expect(unasked?.condition == "early-success" && unasked?.status == .protocolViolation)
      var client = mechanism
      _ = try client.initialResponse()
      let challenged = failure { () throws(Failure) in _ = try client.respond(to: []) }
      #expect(challenged?.condition == "unexpected-challenge" && challenged?.status == .protocolViolation)
      let data = failure { () throws(Failure) in try client.finish(with: [1]) }
      #expect(data?.condition == "unexpected-data" && data?.status == .protocolViolation)
    }
  }

  @Test(
    "A15: temporary-auth-failure alone is temporary",
    arguments: [
      "aborted", "account-disabled", "credentials-expired", "encryption-required", "incorrect-encoding",
      "invalid-authzid", "invalid-mechanism", "malformed-request", "mechanism-too-weak", "not-authorized",
      "temporary-auth-failure", "made-up", "",
    ])
  func serverFailures(condition: String) {
    let failure = SASLFailure(condition: condition, text: "words")
    #expect(failure.isTemporary == (condition == "temporary-auth-failure"))
    #expect(failure.failure().condition == condition && failure.failure().stage == .auth)
    #expect(failure.failure().status == .authentication && failure.failure().message.hasSuffix(": words"))
  }

  @Test(
    "RFC 4648 §10",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func base64(plain: String, encoded: String) {
    #expect(text(Base64.encode(plain.utf8)) == encoded)
    #expect(Base64.decode(encoded.utf8) == Array(plain.utf8))
  }

  @Test(
    arguments: [
      "=", "==", "===", "====", "Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "Zm9v\n", " Zm9",
      "Zg==Zg==", "Zm-_", "=m9v", "Z=9v", "Zm=v",
    ])
  func base64IsStrict(encoded: String) {
    #expect(Base64.decode(encoded.utf8) == nil)
  }

  @Test func base64GivesBackAnyBytes() {
    let bytes = (0..<4).flatMap { _ in UInt8(0)...255 }
    for count in 0..<bytes.count {
      #expect(Base64.decode(Base64.encode(bytes.prefix(count))) == Array(bytes.prefix(count)))
    }
  }

  @Test func aSecretShowsItselfToNobody() throws {
    var bytes = Array("hunter2".utf8)
    let secret = Secret(wiping: &bytes)
    #expect(bytes == [UInt8](repeating: 0, count: 7))
    #expect(secret.withBytes { Array($0) } == Array("hunter2".utf8))
    var dumped = ""
    dump(Plain(username: "a", password: secret), to: &dumped)
    for shown in ["\(secret)", String(reflecting: secret), String(describing: [secret]), dumped] {
      #expect(!shown.contains("hunter") && !shown.showsNumber(104), "\(shown)")
    }
    #expect(try secret.prepared().withBytes { Array($0) } == Array("hunter2".utf8))
    #expect(!secret.isEmpty)
  }

  @Test func comparesWholeValues() {
    #expect(equalInConstantTime([1, 2], [1, 2]) && equalInConstantTime([], []))
    #expect(!equalInConstantTime([1, 2], [1, 3]) && !equalInConstantTime([1, 2], [1]))
  }
}
