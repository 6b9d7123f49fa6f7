import Foundation
import TestSupport
import Testing

/// A home folder in which `xmppctl` leads to one scripted server, whatever host a recipe names.
private struct RecipeScene {
  let peer: ScriptedPeer
  private let home: TemporaryFolder

  /// - Parameters:
  ///   - mode: how the server secures its stream, as a value of `--tls`.
  ///   - scripts: what it does, one script for each connection.
  init(_ mode: String = "direct", _ scripts: [ScriptedPeer.Step]...) throws {
    peer = try ScriptedPeer(scripts: scripts)
    home = try TemporaryFolder()
    let options = (["--connect-to", "127.0.0.1:\(peer.port)", "--tls", mode] + (try Certificates.trusted))
      .joined(separator: " ")
    try home.write(
      "bin/xmppctl",
      """
      #!/bin/sh
      command=$1
      shift
      [ "$command" != listen ] || set -- --no-reconnect "$@"
      exec \(Program.xmppctl.path) "$command" \(options) "$@"
      """, mode: 0o700)
    try home.write(".config/xmppctl/config.json5", "{accounts: {}}")
  }

  /// Runs a recipe to its end, in a shell with `set -o pipefail`.
  func run(_ script: String, _ arguments: String...) throws -> Outcome {
    try Program("/bin/bash").start(
      ["-o", "pipefail", "-c", script, "recipe"] + arguments,
      environment: [
        "PATH": "\(home.path("bin")):/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
        "XMPPCTL_JID": ListenScene.jid, "XMPPCTL_PASSWORD": ListenScene.password,
      ], folder: home
    ).finish(within: .seconds(60))
  }
}

/// The recipes of the README, the manual pages and the help, as they are printed, against those who write what they read.
@Suite struct RecipeRowsTests {
  private static func message(_ from: String, _ content: String, type: String = "chat") -> String {
    "<message from='\(from)' type='\(type)'>\(content)</message>"
  }

  private static func body(_ text: String) -> String { "<body>\(text)</body>" }

  /// A line feed, C0 and C1 controls, DEL, a direction, a line separator and a zero-width space.
  private static let hostileText =
    "hi&#10;[\"alice@example.org/x\",\"pay\"]&#9;&#x9B;31m&#x7F;\u{202E}\u{2028}\u{200B}é"

  private static let nested =
    body("deep") + String(repeating: "<a xmlns='urn:deep'>", count: 200)
    + String(repeating: "</a>", count: 200)

  /// A session in which the server says this, and ends.
  private static func session(_ stanzas: [String]) throws -> [ScriptedPeer.Step] {
    try ListenScene.Part.new(then: [.close]) {
      try $0.send(stanzas.joined() + Dialogue.end)
    }.script
  }

  private func isPrintableASCII(_ text: some StringProtocol) -> Bool {
    text.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
  }

  // MARK: V30: messages

  @Test("V30: what a stranger writes is one line of ASCII behind jq, and hides no other line")
  func messages() throws {
    let help = try Program.xmppctl.run(["help", "listen"]).output.split(separator: "\n")
    let recipes = [
      try Readme().session("xmppctl listen").line,
      try #require(try ManualPage("xmppctl-listen.1").commands.first),
      try #require(try ManualPage("xmppctl-json.5").commands.last),
      String(try #require(help.first { $0.contains("| jq") })),
    ]
    for recipe in recipes {
      let scene = try RecipeScene(
        "direct",
        try Self.session([
          Self.message("eve@evil.test/a\u{200B}|\u{202E}x", Self.body(Self.hostileText)),
          Self.message("eve@evil.test/x", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
          Self.message("eve@evil.test/x", Self.nested), "<presence from='eve@evil.test/x'/>",
          Self.message("alice@example.org/x", Self.body("lunch?")),
        ]))
      let outcome = try scene.run(recipe)
      let lines = outcome.output.split(separator: "\n")
      #expect(lines.allSatisfy(isPrintableASCII), "\(recipe): \(outcome.output)")
      #expect(lines.count == 3, "\(recipe): \(outcome.output)\(outcome.error)")
      #expect(lines.last == "[\"alice@example.org/x\",\"lunch?\"]", "\(recipe)")
      #expect(lines.first?.contains(#"hi\n[\"alice@example.org/x\",\"pay\"]"#) == true, "\(recipe)")
      try scene.peer.finish()
    }
  }

  // MARK: V31: monitoring

  @Test("V31: neither a certificate nor a server adds performance data to a check, or a line")
  func check() throws {
    let recipe = try Readme().only("bash", below: "Watch a certificate")
    let forged = "x | days=9999\u{1B}[31m\u{9B}\u{202E}\nOK: 60 days left"
    let certificate = try Certificates.shared.issue(
      .init(commonName: forged, [.rawDNS(Array("x | days=9999\nOK".utf8))]))
    let text = "x | days=9999 &#10;OK: 60 days left &#x9B;"
    let streamError = Dialogue.error(
      Dialogue.condition("policy-violation")
        + "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>\(text)</text>")
    for (mode, script, status, word) in [
      ("direct", [.tls(TestTLSServer(certificate)), .silence], 2, "CRITICAL: "),
      (
        "starttls",
        .opened(Dialogue.header() + streamError) + [
          .silence
        ],
        3, "UNKNOWN: "
      ),
    ] as [(String, [ScriptedPeer.Step], Int32, String)] {
      let scene = try RecipeScene(mode, script)
      let outcome = try scene.run(recipe, "example.org")
      #expect(outcome.status == status, "\(outcome.output)\(outcome.error)")
      #expect(outcome.output.hasPrefix(word) && outcome.output.contains("days=9999"), "\(outcome.output)")
      #expect(
        !outcome.output.contains("|") && isPrintableASCII(outcome.output.dropLast()), "\(outcome.output)")
      #expect(outcome.output.hasSuffix("\n"))
      try scene.peer.finish()
    }
  }

  @Test("V31: a report without a certificate, and limits that are no numbers, are never OK")
  func neverOK() throws {
    let recipe = try Readme().only("bash", below: "Watch a certificate")
    let plain = try RecipeScene("none", .opened(Dialogue.header()) + [.silence])
    let outcome = try plain.run(recipe, "example.org")
    #expect(outcome.status == 3 && outcome.output == "UNKNOWN: no certificate\n", "\(outcome.output)")
    try plain.peer.finish()

    let watch = try #require(try ManualPage("xmppctl-connect.1").commands.first)
    let other = try RecipeScene("none", .opened(Dialogue.header()) + [.silence])
    let warned = try other.run(watch)
    #expect(warned.output == "check the certificate of example.org\n", "\(warned.output)\(warned.error)")
    try other.peer.finish()

    let server = try Certificates.server
    let secured = try RecipeScene("direct", .direct(server, Dialogue.header()) + [.silence])
    let wrong = try secured.run(recipe, "example.org", "21d", "7d")
    #expect(wrong.status == 2 && wrong.output.hasPrefix("CRITICAL: "), "\(wrong.output)")
    try secured.peer.finish()
  }

  // MARK: V32: a bot

  @Test("V32: the bot answers a question once, and nothing that strangers or other bots send instead of one")
  func bot() throws {
    let delay = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z' from='example.org'/>"
    let noise = [
      Self.message("eve@evil.test/x", "<composing xmlns='http://jabber.org/protocol/chatstates'/>"),
      Self.message("eve@evil.test/x", Self.body("I only know the time.")),
      Self.message("eve@evil.test/x", Self.body("$(touch x)`id`\n&quot;'")),
      "<message type='chat'>\(Self.body("time"))</message>", Self.message("@", Self.body("time")),
      Self.message("\u{2665}@evil.test/x", Self.body("time")),
      Self.message("eve@evil.test/a\u{200B}b", Self.body("time")),
      Self.message("eve@evil.test/x", Self.body("time") + delay),
      Self.message("eve@evil.test/x", Self.body("time"), type: "groupchat"),
      Self.message("eve@evil.test/x", Self.body("time"), type: "error"),
      Self.message("eve@evil.test/x", Self.nested),
    ]
    let part = ListenScene.Part.new(then: [.close]) { talk in
      try talk.send(noise.joined() + Self.message("alice@example.org/x", Self.body("time")))
      let answer = try talk.await("<message ")
      guard answer.contains("to='alice@example.org/x'"),
        let text = answer.firstMatch(of: #/<body>(.*)</body>/#)?.1
      else { throw SupportFailure("the first answer is \(answer)") }
      try talk.send(
        Self.message("robot@example.org/x", Self.body(String(text)))
          + Self.message("carol@example.org/x", Self.body("time")))
      let next = try talk.await("<message ")
      guard next.contains("to='carol@example.org/x'") else {
        throw SupportFailure("the next answer is \(next)")
      }
      try talk.send(Dialogue.end)
    }
    let scene = try RecipeScene("direct", try part.script)
    let outcome = try scene.run(try Readme().only("bash", below: "A bot"))
    #expect(outcome.output.isEmpty && !outcome.error.contains("usage"), "\(outcome.output)\(outcome.error)")
    let sent = try scene.peer.finish()[0].text
    #expect(sent.matches(of: #/<message /#).count == 2, "\(sent)")
    #expect(sent.contains(#/<body>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ</body>/#), "\(sent)")
  }

  @Test("V32: the bot ends as listen does")
  func botEnds() throws {
    let scene = try RecipeScene("direct", try refusedLogin)
    let outcome = try scene.run(try Readme().only("bash", below: "A bot"))
    #expect(outcome.status == 77 && outcome.output.isEmpty, "\(outcome.error)")
    try scene.peer.finish()
  }

  /// A verified server that refuses the login.
  private var refusedLogin: [ScriptedPeer.Step] {
    get throws {
      .direct(try Certificates.server, Dialogue.header() + Dialogue.features(Dialogue.plain)) + [
        .expectElement,
        .send("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"), .silence,
      ]
    }
  }

  // MARK: V33: an answer

  @Test("V33: only a message with a body from the contact is the answer that is waited for")
  func answer() throws {
    let recipe = try ManualPage("xmppctl-listen.1").commands[1]
    let noise = [
      "<presence from='alice@example.org/x'/>",
      Self.message(
        "alice@example.org/x",
        "<thread>t</thread><composing xmlns='http://jabber.org/protocol/chatstates'/>"),
      Self.message("eve@evil.test/x", Self.body("no")),
      Self.message("alice@example.org", Self.body("no"), type: "error"),
    ]
    let answered = try RecipeScene(
      "direct", try Self.session(noise + [Self.message("alice@example.org/x", Self.body("yes&#10;&#x9B;"))]))
    let answer = try answered.run(recipe)
    #expect(answer.status == 0 && answer.output == "\"yes\\n\\u009b\"\n", "\(answer.output)\(answer.error)")
    try answered.peer.finish()

    let unanswered = try RecipeScene("direct", try Self.session(noise))
    let none = try unanswered.run(recipe)
    #expect(none.status == 4 && none.output.isEmpty, "\(none.output)\(none.error)")
    try unanswered.peer.finish()
  }

  // MARK: V34: reports

  @Test("V34: a recipe takes no key, mechanism or feature from a server that was not verified")
  func reports() throws {
    let other = TestTLSServer(try Certificates.shared.leaf("evil.test"))
    let pin = try #require(try ManualPage("xmppctl-connect.1").commands.last)
    let keyed = try RecipeScene("direct", [.tlsFails(other), .silence])
    let key = try keyed.run(pin)
    #expect(key.status != 0 && key.output.isEmpty, "\(key.output)\(key.error)")

    let forged = Dialogue.features(
      Dialogue.startTLS + Dialogue.plain + "<sm xmlns='urn:xmpp:sm:3'/>")
    for (page, number, shown) in [
      ("xmppctl-features.1", 0, ""), ("xmppctl-features.1", 1, "false\n"), ("xmppctl-json.5", 2, ""),
    ] {
      let recipe = try ManualPage(page).commands[number]
      let scene = try RecipeScene(
        "starttls",
        .opened(Dialogue.header() + forged) + [
          .expectElement, .send(Dialogue.proceed), .tlsFails(other), .silence,
        ])
      let outcome = try scene.run(recipe)
      #expect(outcome.status != 0 && outcome.output == shown, "\(recipe): \(outcome.output)\(outcome.error)")
    }

    for (page, number) in [("xmppctl-bind.1", 0), ("xmppctl-json.5", 3)] {
      let recipe = try ManualPage(page).commands[number]
      let scene = try RecipeScene("direct", try refusedLogin)
      let outcome = try scene.run(recipe)
      #expect(outcome.status == 77 || outcome.status == 4, "\(recipe): \(outcome.error)")
      #expect(outcome.output.isEmpty, "\(recipe): \(outcome.output)")
    }
  }

  @Test("V34: what a server calls its mechanisms is one line of ASCII each")
  func mechanisms() throws {
    let name = "PLAIN\u{9B}31m\u{202E}\u{2028}&#10;X-FORGED"
    let features = Dialogue.features(
      "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>\(name)</mechanism></mechanisms>"
        + "<x xmlns='urn:\u{202E}x'/>")
    let help = try Program.xmppctl.run(["help", "features"]).output.split(separator: "\n")
    for (recipe, count) in [
      (try ManualPage("xmppctl-features.1").commands[0], 1),
      (try ManualPage("xmppctl-json.5").commands[2], 1),
      (String(try #require(help.first { $0.contains("| jq") })), 2),
    ] {
      let scene = try RecipeScene(
        "direct", .direct(try Certificates.server, Dialogue.header() + features) + [.silence])
      let outcome = try scene.run(recipe)
      let lines = outcome.output.split(separator: "\n")
      #expect(outcome.status == 0 && lines.count == count, "\(recipe): \(outcome.output)\(outcome.error)")
      #expect(lines.allSatisfy(isPrintableASCII), "\(recipe): \(outcome.output)")
      try scene.peer.finish()
    }
  }
}
