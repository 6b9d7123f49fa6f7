import Foundation
import TestSupport
import Testing
import XMPP

@testable import xmppctl

@Suite struct ConfigurationTests {
  @Test func json5IsRead() throws {
    let configured = try ConfiguredLogin(
      """
      // where I work
      {
        default: 'work', /* bare keys, single quotes */
        accounts: { work: { jid: "bob@example.org", connect_timeout: +2.5, }, },
      }
      """)
    let login = try configured.login()
    #expect(login.jid.full == "bob@example.org")
    #expect(login.settings.connectTimeout == 2.5)
  }

  @Test func everyKeyHasItsEffect() throws {
    let configured = try ConfiguredLogin(
      """
      {accounts: {work: {
        jid: "bob@example.org", resource: "desk", mechanism: "PLAIN", compress: true, sasl2: false,
        password: "open sesame", connect_to: "127.0.0.1:5333", tls: "starttls", insecure: true,
        pin: "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", tls_min: "1.3", ipv4: true,
        dns_server: "127.0.0.1:53", proxy: "socks5h://127.0.0.1:1080", connect_timeout: 3, max_time: 60,
      }}}
      """)
    let login = try configured.login("--account", "work")
    #expect(login.jid.full == "bob@example.org/desk")
    #expect(login.mechanisms == ["PLAIN"])
    #expect(login.compresses)
    #expect(!login.usesSASL2)
    #expect(login.waiter.limit == 60)
    #expect(try login.passwordText() == "open sesame")
    let settings = login.settings
    #expect(settings.domain.full == "example.org")
    #expect(settings.connectTo == (try HostAndPort(parsing: "127.0.0.1:5333", for: "")))
    #expect(settings.tlsMode == .starttls)
    #expect(settings.tls.insecure)
    #expect(settings.tls.pins.count == 1)
    #expect(settings.tls.minimumVersion == .tls13)
    #expect(settings.families == .v4)
    #expect(settings.nameServer == (try NameServer(parsing: "127.0.0.1:53")))
    #expect(settings.proxy.map { "\($0)" } == "socks5h://127.0.0.1:1080")
    #expect(settings.connectTimeout == 3)
  }

  @Test func pathsStartAtTheFileOrAtHome() throws {
    let configured = try ConfiguredLogin(
      """
      {accounts: {near: {jid: "a@example.org", password_file: "near.txt"},
                  home: {jid: "b@example.org", password_file: "~/home.txt"},
                  far: {jid: "c@example.org", cacert: "missing.pem"}}}
      """)
    try configured.folder.write(".config/xmppctl/near.txt", "one\n")
    try configured.folder.write("home.txt", "two\n")
    #expect(try configured.login("--account", "near").passwordText() == "one")
    #expect(try configured.login("--account", "home").passwordText() == "two")
    let failure = #expect(throws: Failure.self) { try configured.login("--account", "far") }
    #expect(failure?.message.contains(configured.folder.path(".config/xmppctl/missing.pem")) == true)
  }

  @Test(arguments: [
    (#"{acounts: {}}"#, "unknown-key", "acounts"),
    (
      #"{accounts: {work: {jid: "a@b", pasword: "x"}}}"#, "unknown-key",
      "account work: there is no key pasword"
    ),
    (#"{accounts: {work: {jid: 5}}}"#, "wrong-type", "account work: jid: must be a string, not a number"),
    (#"{accounts: {work: {insecure: "yes"}}}"#, "wrong-type", "account work: insecure"),
    (#"{accounts: {work: {pin: [1]}}}"#, "wrong-type", "account work: pin"),
    (#"{accounts: {work: null}}"#, "wrong-type", "account work: must be an object"),
    (#"{accounts: [1]}"#, "wrong-type", "accounts: must be an object, not an array"),
    (#"[]"#, "wrong-type", "must be an object"),
    (#"{default: "home", accounts: {work: {}}}"#, "unknown-account", "home"),
    (#"{accounts: {work: {jid: "@b"}}}"#, "jid-malformed", "account work: jid"),
    (#"{accounts: {work: {tls: "maybe"}}}"#, "invalid-value", "auto, direct, starttls, none"),
    (#"{accounts: {work: {connect_timeout: 0}}}"#, "invalid-value", "account work: connect_timeout"),
    (#"{accounts: {work: {connect_timeout: Infinity}}}"#, "invalid-value", "account work: connect_timeout"),
    (#"{accounts: {work: {connect_timeout: NaN}}}"#, "invalid-value", "account work: connect_timeout"),
    (#"{accounts: {work: {resource: ""}}}"#, "invalid-value", "account work: resource"),
    (
      #"{accounts: {work: {password_file: "a", password_command: "b"}}}"#, "contradiction",
      "password_file and"
    ),
    (#"{accounts: {work: {sasl2: true, no_sasl2: true}}}"#, "contradiction", "sasl2 and no_sasl2"),
    (#"{accounts: "#, "malformed", "JSON5: line 1"),
    ("", "malformed", "JSON5"),
  ])
  func aMistakeIsNamed(json5: String, condition: String, words: String) throws {
    let configured = try ConfiguredLogin(json5)
    let failure = #expect(throws: Failure.self) { try configured.login("--jid", "a@example.org") }
    #expect(failure?.condition == condition)
    #expect(failure?.status == .configuration)
    #expect(failure?.stage == .config)
    #expect(failure?.message.contains(configured.file) == true)
    #expect(failure?.message.contains(words) == true)
  }

  @Test func deepNestingIsAMistakeAndNoCrash() throws {
    let configured = try ConfiguredLogin(String(repeating: "[", count: 100_000))
    let failure = #expect(throws: Failure.self) { try configured.login("--jid", "a@example.org") }
    #expect(failure?.condition == "malformed")
  }

  @Test("what is no UTF-8 is a mistake and no crash: found by fuzzing")
  func brokenTextIsAMistakeAndNoCrash() throws {
    for bytes in [[0xFF], [0xC3], [0xE2, 0x80], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80]]
      as [[UInt8]]
    {
      for (before, behind) in [("{accounts: {a: {password: '", "'}}}"), ("{", ": 1}"), ("", "")] {
        let failure = #expect(throws: Failure.self) {
          try Configuration(Array(before.utf8) + bytes + Array(behind.utf8), file: "c.json5", home: nil)
        }
        #expect(failure?.message.contains("line 1: it is not UTF-8") == true)
      }
    }
  }

  @Test("JSON5 1.0.0, value by value")
  func json5Values() throws {
    let cases: [(String, JSONValue)] = [
      ("null", .null), (" true // x", .bool(true)), ("/* { */false", .bool(false)),
      ("0", .number(0)), ("-0", .number(-0.0)), ("+1", .number(1)), (".5", .number(0.5)), ("5.", .number(5)),
      ("1e3", .number(1000)), ("1.5E-1", .number(0.15)), ("5.e+1", .number(50)), ("0xFf", .number(255)),
      ("-0X10", .number(-16)), ("Infinity", .number(.infinity)), ("-Infinity", .number(-.infinity)),
      ("1e999", .number(.infinity)), ("\"\"", .string("")), ("'a\"b'", .string("a\"b")),
      (
        #"'\'\"\\\/\b\f\n\r\t\v\0\x41\u00e9\uD83D\uDE00\q'"#,
        .string("'\"\\/\u{8}\u{C}\n\r\t\u{B}\0A\u{E9}\u{1F600}q")
      ),
      ("'a\\\nb\\\r\nc\\\u{2028}d'", .string("abcd")),
      ("'\u{2028}\t\u{FEFF}'", .string("\u{2028}\t\u{FEFF}")),
      ("[]", .array([])), ("[1,[2,],]", .array([.number(1), .array([.number(2)])])), ("{}", .object([:])),
      (
        "{a:1,$_b2:2,'c d':3,\"e\":4,null:5,\u{E9}:6,}",
        .object([
          "a": .number(1), "$_b2": .number(2), "c d": .number(3), "e": .number(4), "null": .number(5),
          "\u{E9}": .number(6),
        ])
      ),
      ("\u{FEFF}\u{A0}\u{2003}\u{2029}{\u{B}\u{C}}\u{3000}", .object([:])),
    ]
    for (text, value) in cases { #expect(try JSONValue(json5: Array(text.utf8)) == value, "\(text)") }
    for text in ["NaN", "-NaN"] {
      guard case .number(let number) = try JSONValue(json5: Array(text.utf8)) else {
        throw SupportFailure(text)
      }
      #expect(number.isNaN)
    }
  }

  @Test(
    "what is no JSON5 is refused, with its line: 7.5e+ was found by fuzzing",
    arguments: [
      ("", 1, "no value"), ("\n\n  x", 3, "no value"), ("{a:\n+7.5e+}", 2, "lacks its digits"),
      ("0x", 1, "lacks its digits"),
      ("1e", 1, "lacks its digits"), (".", 1, "no value"), ("-", 1, "no value"), ("--1", 1, "no value"),
      ("01", 1, "begins with 0"),
      ("1a", 1, "no value"), ("nullx", 1, "no value"), ("tru", 1, "no value"), ("{a}", 1, "colon"),
      ("{a:1 b:2}", 1, "comma"),
      ("{1:2}", 1, "no key"), ("{,}", 1, "no key"), ("{a:1,a:2}", 1, "twice"),
      ("{'a':1,\n\"a\":2}", 2, "twice"),
      ("[1 2]", 1, "comma"), ("[,]", 1, "no value"), ("[", 1, "no value"), ("'a", 1, "does not end"),
      ("'a\nb'", 1, "on its line"),
      (#"'\1'"#, 1, "escape"), (#"'\01'"#, 1, "escape"), (#"'\x4'"#, 1, "digits"),
      (#"'\ud800'"#, 1, "surrogate"),
      (#"'\udc00\ud800'"#, 1, "surrogate"), ("{} x", 1, "behind"), ("/* x", 1, "comment"),
      ("/", 1, "no value"), ("{\u{200B}}", 1, "no key"),
      ("\0", 1, "no value"), ("{}\0", 1, "behind"),
    ])
  func noJSON5(text: String, line: Int, what: String) {
    let failure = #expect(throws: JSON5Reader.Malformed.self) { try JSONValue(json5: Array(text.utf8)) }
    #expect(failure?.line == line)
    #expect(failure?.what.contains(what) == true)
  }

  @Test func aMissingFileMattersOnlyWhereItWasNamed() throws {
    let empty = try TemporaryFolder()
    let configured = try ConfiguredLogin("{}")
    let nowhere = LoginEnvironment(home: empty.path)
    #expect(try configured.login("--jid", "a@example.org", environment: nowhere).jid.full == "a@example.org")
    let missing = empty.path("other.json5")
    for environment in [LoginEnvironment(), LoginEnvironment(config: missing)] {
      let named = environment.config == nil ? ["--config", missing] : []
      let options = try LoginOptions.parse(["--jid", "a@example.org"] + named)
      let failure = #expect(throws: Failure.self) {
        try options.account.login(reaching: options.connection, environment) { Waiter(seconds: $0) }
      }
      #expect(failure?.condition == "unreadable")
      #expect(failure?.status == .configuration)
    }
  }

  @Test func theFileIsFoundByOptionThenVariableThenBaseDirectory() throws {
    func text(_ name: String) -> String { "{default: 'x', accounts: {x: {jid: '\(name)@example.org'}}}" }
    let configured = try ConfiguredLogin(text("home"))
    let byOption = try configured.folder.write("option.json5", text("option"))
    let byVariable = try configured.folder.write("variable.json5", text("variable"))
    try configured.folder.write("xdg/xmppctl/config.json5", text("xdg"))
    var environment = LoginEnvironment()
    #expect(try configured.login(environment: environment).jid.localpart == "home")
    environment.configurationHome = "xdg"
    #expect(try configured.login(environment: environment).jid.localpart == "home")
    environment.configurationHome = configured.folder.path("xdg")
    #expect(try configured.login(environment: environment).jid.localpart == "xdg")
    environment.config = byVariable
    #expect(try configured.login(environment: environment).jid.localpart == "variable")
    #expect(try configured.login("--config", byOption, environment: environment).jid.localpart == "option")
  }
}

/// Which files are trusted.
@Suite struct ConfigurationTrustTests {
  static let password = #"{accounts: {work: {jid: "a@example.org", password: "x"}}}"#
  static let proxyPassword =
    #"{accounts: {work: {jid: "a@example.org", proxy: "socks5h://u:p@127.0.0.1:1"}}}"#
  static let command = #"{accounts: {work: {jid: "a@example.org", password_command: "true"}}}"#

  @Test(
    "C12: a file with a password or a command that others may read is refused, also for another account's sake",
    arguments: [password, proxyPassword, command], [0o644, 0o640, 0o604])
  func readablePassword(json5: String, mode: Int) throws {
    let configured = try ConfiguredLogin(json5, mode: mode)
    let failure = #expect(throws: Failure.self) { try configured.login("--jid", "other@example.org") }
    #expect(failure?.condition == "insecure-permissions")
    #expect(failure?.status == .configuration)
    #expect(failure?.hint == "chmod 600 \(configured.file)")
  }

  @Test func aFileWithoutAPasswordMayBeReadByOthers() throws {
    let configured = try ConfiguredLogin(
      "{ accounts: { work: { jid: 'a@example.org', password_file: 'word' } } }", mode: 0o644)
    #expect(try configured.login("--account", "work").jid.full == "a@example.org")
    let secured = try ConfiguredLogin(ConfigurationTrustTests.password, mode: 0o400)
    #expect(try secured.login("--account", "work").passwordText() == "x")
  }

  @Test("C12: a file that others may write is refused", arguments: [0o646, 0o602, 0o620, 0o664])
  func writable(mode: Int) throws {
    let configured = try ConfiguredLogin(ConfigurationTrustTests.command, mode: mode)
    let failure = #expect(throws: Failure.self) { try configured.login("--account", "work") }
    #expect(failure?.condition == "insecure-permissions")
  }

  @Test("C12: a file of another user is refused, root's is not")
  func owner() throws {
    var facts = stat()
    facts.st_mode = S_IFREG | 0o600
    facts.st_uid = 1001
    #expect(throws: Failure.self) { try Configuration.check(facts, "file", user: 1000) }
    #expect(throws: Failure.self) { try Configuration.check(facts, "file", user: 0) }
    try Configuration.check(facts, "file", user: 1001)
    facts.st_uid = 0
    try Configuration.check(facts, "file", user: 1000)
  }

  @Test("C12: a FIFO and a device are refused at once", arguments: ["fifo", "/dev/zero", "/dev/null", "/"])
  func notAFile(name: String) throws {
    let folder = try TemporaryFolder()
    let path = name == "fifo" ? folder.path("fifo") : name
    if name == "fifo" { try #require(mkfifo(path, 0o600) == 0) }
    let failure = #expect(throws: Failure.self) {
      try Configuration.load(named: path, LoginEnvironment(home: folder.path))
    }
    #expect(failure?.condition == "not-a-file")
    #expect(failure?.status == .configuration)
  }

  @Test func aHugeFileIsRefused() throws {
    let configured = try ConfiguredLogin(String(repeating: " ", count: 1 << 20) + "{}")
    let failure = #expect(throws: Failure.self) { try configured.login("--jid", "a@example.org") }
    #expect(failure?.condition == "too-big")
  }
}
