import Foundation
import TestSupport
import Testing

/// `bind --register` against what servers do with it (XEP-0077).
@Suite struct RegistrationRowsTests {
  private static let plainForm = "<instructions>Choose</instructions><username/><password/>"

  /// A server that answers the request for its form with this, and the filled form with that.
  private func scene(
    _ query: String = plainForm,
    answer: @escaping @Sendable (String) -> String = { "<iq type='result' id='\($0)'/>" }
  ) throws -> LoginScene {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.sasl.bindsChannels = false
    scene.options = ["--register"]
    scene.otherFeatures = "<register xmlns='http://jabber.org/features/iq-register'/>"
    scene.before = { talk in
      let inquiry = try talk.element()
      guard inquiry.contains("type='get'") else { throw SupportFailure(inquiry) }
      try talk.send(
        "<iq type='result' id='\(LoginScene.id(of: inquiry))'><query xmlns='jabber:iq:register'>\(query)</query></iq>"
      )
      let form = try talk.element()
      guard !form.hasSuffix(Dialogue.end) else { return false }
      try talk.send(answer(LoginScene.id(of: form)))
      return true
    }
    return scene
  }

  /// The same server, where the account then logs in over another connection.
  private func registered(_ query: String = plainForm) throws -> LoginScene {
    var scene = try scene(query)
    let registers = scene.before
    scene.earlier = { _ = try registers($0) }
    scene.before = { _ in true }
    return scene
  }

  @Test(
    "A21: the plain form is filled in, and the account logs in over another connection; a trace hides the password"
  )
  func plain() throws {
    let login = try registered().play()
    login.binds()
    let password = LoginScene.password.replacing("&", with: "&amp;")
    #expect(login.sent.contains("<username>alice</username><password>\(password)</password>"))
    #expect(login.trace.contains("<password>***</password>"))
    #expect(login.requests == 3)
  }

  @Test("a data form is filled in: name, password, and what is hidden; a trace hides the password")
  func dataForm() throws {
    let form = """
      <username/><x xmlns='jabber:x:data' type='form'><title>T</title>
      <field type='hidden' var='FORM_TYPE'><value>jabber:iq:register</value></field>
      <field type='text-single' var='username'><required/></field>
      <field type='text-private' var='password'><required/></field>
      <field type='text-single' var='email'/></x>
      """
    let login = try registered(form).play()
    login.binds()
    let filled = try #require(login.sent.firstMatch(of: #/<x .*?</x>/#)).output
    let password = LoginScene.password.replacing("&", with: "&amp;")
    for (name, value) in [("FORM_TYPE", "jabber:iq:register"), ("username", "alice"), ("password", password)]
    {
      #expect(filled.contains("<field var='\(name)'><value>\(value)</value></field>"), "\(filled)")
    }
    #expect(!filled.contains("email"))
    #expect(login.trace.contains("***"))
  }

  @Test(
    "what only a person can fill in is refused, and the password is not sent",
    arguments: [
      "<username/><password/><email/>",
      "<x xmlns='jabber:x:data' type='form'><field var='username'/><field var='ocr'><required/></field></x>",
      "<x xmlns='jabber:x:data' type='form'><field type='hidden' var='\(hostile)'/></x>",
    ])
  func forPeople(form: String) throws {
    let login = try scene(form).play()
    #expect(login.row.outcome.status == 1 && login.row["error.condition"] == "not-acceptable")
    #expect(login.tries == 0 && login.requests == 1)
    expectSecret(LoginScene.password, nowhereIn: [login.sent])
  }

  @Test("an account that is there already is a conflict, told in either step")
  func conflict() throws {
    let error = "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    let late = try scene(answer: { "<iq type='error' id='\($0)'>\(error)</iq>" }).play()
    let early = try scene("<registered/><username>alice</username>").play()
    for login in [late, early] {
      #expect(login.row.outcome.status == 1 && login.row["error.condition"] == "conflict")
      #expect(login.tries == 0)
    }
  }

  @Test(
    "every refusal ends it without a login",
    arguments: [
      "not-acceptable", "not-allowed", "resource-constraint", "never-heard-of",
    ])
  func refused(condition: String) throws {
    let stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"
    let login = try scene(answer: {
      "<iq type='error' id='\($0)'><error type='wait'><\(condition) xmlns='\(stanzas)'/>"
        + "<text xmlns='\(stanzas)'>words \(hostile)</text></error></iq>"
    }).play()
    #expect(login.row.outcome.status == 1 && login.row["error.condition"] == condition)
    #expect(login.tries == 0 && login.row.message.contains("words \(hostile)"))
  }

  @Test("A21: a login that fails after the registration says that the account exists")
  func exists() throws {
    var refused = try registered()
    refused.sasl.instead = [0: refused.sasl.failure("not-authorized")]
    let login = try refused.play()
    #expect(login.row.outcome.status == 77 && login.row["error.condition"] == "not-authorized")
    #expect(login.row.message.hasSuffix("; the account alice@example.org exists now"), "\(login.row.message)")
    var silent = try scene(answer: { _ in "" })
    silent.before = { [before = silent.before] in
      _ = try before($0)
      return false
    }
    silent.ending = [.close]
    let lost = try silent.play()
    #expect(lost.row.outcome.status == 69, "\(lost.row.outcome.error)")
    #expect(lost.row.message.hasSuffix("; the account may have been created"), "\(lost.row.message)")
  }

  @Test("no account is made with a password nobody could log in by", arguments: ["a\u{1}b", "a\u{FFFF}b"])
  func badPassword(password: String) throws {
    var scene = try scene()
    scene.password = password
    let login = try scene.play()
    #expect(login.row.outcome.status == 65 && login.row["error.condition"] == "saslprep")
    #expect(login.requests == 1 && login.tries == 0)
  }

  @Test("an answer that is none is a violation")
  func otherAnswer() throws {
    for answer in [
      "<iq type='result' id='x'/>", "<message/>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
    ] {
      let login = try scene(answer: { _ in answer }).play()
      #expect(login.row.outcome.status == 76 && login.tries == 0, "\(login.row.outcome.error)")
    }
  }

  @Test("A13: a server that is not verified, or does not offer it, is not given a password")
  func notVerified() throws {
    var insecure = try scene()
    insecure.options += ["--insecure"]
    insecure.tls = TestTLSServer(try TestCertificates(authority: "Stranger").leaf("example.org"))
    var missing = try scene()
    missing.otherFeatures = ""
    for (scene, condition) in [(insecure, "encryption-required"), (missing, "register-missing")] {
      var scene = scene
      scene.before = { _ in true }
      let login = try scene.play()
      #expect(login.row.outcome.status == 77 && login.row["error.condition"] == condition)
      #expect(isNothingButTheStream(login.sent))
    }
  }
}
