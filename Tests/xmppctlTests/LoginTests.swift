import Foundation
import TestSupport
import Testing
import XMPP

@testable import xmppctl

/// Who logs in, and with which of several answers.
@Suite struct LoginTests {
  static let accounts = """
    {default: "home", accounts: {
      home: {jid: "home@example.org/sofa", password_file: "home.txt", mechanism: ["PLAIN", "EXTERNAL"]},
      work: {jid: "work@example.org", password: "work's", tls: "direct", resource: "desk"},
      twin: {jid: "twin@example.org"}, twin2: {jid: "twin@example.org"},
      shape: {tls: "starttls"}}}
    """

  struct Case: Sendable, CustomTestStringConvertible {
    var arguments: [String] = []
    var target: String?
    var jid: String?
    var account: String?
    let expected: String
    var testDescription: String { "\(arguments) \(target ?? "") \(jid ?? "") \(account ?? "") → \(expected)" }
  }

  @Test(arguments: [
    Case(expected: "home@example.org/sofa"),
    Case(account: "work", expected: "work@example.org/desk"),
    Case(jid: "env@example.org", expected: "env@example.org"),
    Case(jid: "work@example.org", expected: "work@example.org/desk"),
    Case(jid: "work@example.org/env", account: "work", expected: "work@example.org/env"),
    Case(jid: "env@example.org", account: "shape", expected: "env@example.org"),
    Case(arguments: ["--jid", "opt@example.org"], account: "work", expected: "opt@example.org"),
    Case(arguments: ["--jid", "opt@example.org"], jid: "work@example.org", expected: "opt@example.org"),
    Case(arguments: ["-a", "home"], jid: "env@example.org", expected: "home@example.org/sofa"),
    Case(arguments: ["-a", "home"], account: "work", expected: "home@example.org/sofa"),
    Case(arguments: ["-a", "shape"], jid: "env@example.org/e", expected: "env@example.org/e"),
    Case(arguments: ["-a", "shape", "-j", "opt@example.org"], expected: "opt@example.org"),
    Case(arguments: ["-j", "WORK@example.org/x"], expected: "work@example.org/x"),
    Case(arguments: ["-a", "work", "--resource", "r"], expected: "work@example.org/r"),
    Case(arguments: ["-j", "opt@example.org/x", "--resource", "r"], expected: "opt@example.org/r"),
    Case(target: "xmpp:uri@example.org", jid: "env@example.org", expected: "uri@example.org"),
  ])
  func whoComesFromOptionThenEnvironmentThenDefault(_ given: Case) throws {
    let configured = try ConfiguredLogin(LoginTests.accounts)
    let options = try LoginOptions.parse(given.arguments)
    let environment = LoginEnvironment(jid: given.jid, account: given.account, home: configured.folder.path)
    let login = try options.account.login(
      given.target, reaching: options.connection, environment
    ) { Waiter(seconds: $0) }
    #expect(login.jid.full == given.expected)
    #expect(login.settings.domain.full == "example.org")
  }

  @Test func thePasswordComesFromOptionThenEnvironmentThenAccount() throws {
    let configured = try ConfiguredLogin(LoginTests.accounts)
    let file = try configured.folder.write("option.txt", "option's\n")
    try configured.folder.write(".config/xmppctl/home.txt", "home's\n")
    func environment() -> LoginEnvironment { LoginEnvironment(password: Secret("environment's")) }
    #expect(try configured.login("-a", "work").passwordText() == "work's")
    #expect(try configured.login("-j", "work@example.org").passwordText() == "work's")
    #expect(try configured.login().passwordText() == "home's")
    #expect(try configured.login("-a", "work", environment: environment()).passwordText() == "environment's")
    let byFile = try configured.login("-a", "work", "--password-file", file, environment: environment())
    #expect(try byFile.passwordText() == "option's")
    let byCommand = try configured.login(
      "-a", "work", "--password-command", "echo command", environment: environment())
    #expect(try byCommand.passwordText() == "command")
  }

  @Test func optionsWinOverTheAccount() throws {
    let configured = try ConfiguredLogin(LoginTests.accounts)
    #expect(try configured.login().mechanisms == ["PLAIN", "EXTERNAL"])
    #expect(try configured.login("--mechanism", "SCRAM-SHA-1").mechanisms == ["SCRAM-SHA-1"])
    #expect(try configured.login("-a", "work").settings.tlsMode == .direct)
    #expect(try configured.login("-a", "work", "--tls", "starttls").settings.tlsMode == .starttls)
    let defaults = try configured.login("-j", "other@example.org")
    #expect(defaults.settings.tlsMode == .auto)
    #expect(defaults.settings.connectTimeout == 10)
    #expect(defaults.mechanisms.isEmpty)
    #expect(!defaults.compresses)
    #expect(defaults.usesSASL2)
    #expect(defaults.waiter.limit == nil)
    let flags = try configured.login("--compress", "--no-sasl2")
    #expect(flags.compresses)
    #expect(!flags.usesSASL2)
  }

  @Test(arguments: [
    (["--jid", "a@example.org", "--jid", "b@example.org"], XMPP.ExitStatus.usage),
    (["--account", "work", "--jid", "other@example.org"], .usage),
    (["--jid", "twin@example.org"], .usage),
    (["--password-file", "a", "--password-command", "b"], .usage),
    (["--jid", "@"], .data),
    (["--account", "nobody"], .configuration),
    (["--resource", ""], .data),
  ])
  func whatContradictsItselfIsRefused(arguments: [String], status: XMPP.ExitStatus) throws {
    let configured = try ConfiguredLogin(LoginTests.accounts)
    let options = try LoginOptions.parse(arguments)
    let failure = #expect(throws: Failure.self) {
      try options.account.login(
        reaching: options.connection, LoginEnvironment(home: configured.folder.path)
      ) { Waiter(seconds: $0) }
    }
    #expect(failure?.status == status)
  }

  @Test func theArgumentAndTheOptionExcludeEachOther() throws {
    let configured = try ConfiguredLogin("{}")
    let failure = #expect(throws: Failure.self) {
      try configured.login("--jid", "a@example.org", target: "a@example.org")
    }
    #expect(failure?.status == .usage)
  }

  @Test func nobodyIsAUsageErrorThatNamesTheFile() throws {
    let configured = try ConfiguredLogin("{}")
    let failure = #expect(throws: Failure.self) { try configured.login() }
    #expect(failure?.status == .usage)
    #expect(failure?.hint?.contains(configured.file) == true)
  }

  @Test("C10: no option takes the password itself", arguments: ["--password", "--pass", "-p", "-w"])
  func noPasswordOption(name: String) {
    #expect(throws: (any Error).self) { try LoginOptions.parse([name, "secret"]) }
    #expect(!LoginOptions.helpMessage().contains("--password "))
  }

  @Test func nothingThatPrintsALoginShowsItsPassword() throws {
    let configured = try ConfiguredLogin(LoginTests.accounts)
    let login = try configured.login("-a", "work")
    var dumped = ""
    dump(login, to: &dumped)
    #expect(!dumped.contains("work's"))
    #expect(!String(reflecting: login).contains("work's"))
  }
}
