import Foundation
import TestSupport
import Testing

@testable import xmppctl

/// What users write as addresses, input and configuration, up to the bytes that are sent.
@Suite struct InputRowsTests {
  /// What a run sent to a scripted server, which confirms everything.
  private func sent(
    _ arguments: [String], input: String = "", files: [String: String] = [:]
  ) throws -> (outcome: Outcome, text: String) {
    let peer = try ScriptedPeer(
      ListenScene.Part.raw(managed: false) { talk in
        try ListenScene.Part.bind(talk)
        while true {
          // Until the client closes the stream.
          guard let element = try? talk.element() else { return }
          let id = LoginScene.id(of: element)
          if element.hasPrefix("<iq") { try talk.send("<iq type='result' id='\(id)' from='example.org'/>") }
          if element.hasPrefix("<presence"), !element.contains("unavailable") {
            let to = element.firstMatch(of: #/to=['"]([^'"]*)['"]/#)?.1 ?? ""
            try talk.send(
              "<presence from='\(to)'><x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' "
                + "role='participant'/><status code='110'/></x></presence>")
          }
          if element.hasPrefix("<message"), element.contains("groupchat") {
            let body = element.firstMatch(of: #/<body>([^<]*)</#)?.1 ?? ""
            try talk.send(
              "<message type='groupchat' id='\(id)' from='team@rooms.example.org/ci'><body>\(body)</body></message>"
            )
          }
        }
      }.script)
    let folder = try TemporaryFolder()
    for (name, text) in files { try folder.write(name, text, mode: 0o600) }
    let login = arguments.contains("--config") || files.keys.contains(".config/xmppctl/config.json5")
    let way =
      login ? ["--tls", "direct", "--connect-to", "127.0.0.1:\(peer.port)"] : try ListenScene.way(peer.port)
    let outcome = try Program.xmppctl.run(
      arguments + way + (login ? try Certificates.trusted : []) + ["--max-time", "20"], input: input,
      environment: login ? [:] : ListenScene.environment, folder: folder)
    return (outcome, try peer.finish().first?.text ?? "")
  }

  @Test("I20: the query of an xmpp: URI does what it says, or is rejected")
  func queries() throws {
    let (outcome, text) = try sent([
      "send", "xmpp:bob@example.org?message;body=a%20b;subject=s;thread=t;id=m1;type=headline",
    ])
    #expect(outcome.status == 0, "\(outcome.error)")
    for part in [
      "<body>a b</body>", "<subject>s</subject>", "<thread>t</thread>", "id='m1'", "type='headline'",
    ] {
      #expect(text.replacing("\"", with: "'").contains(part), "\(part): \(text)")
    }
    let joined = try sent(["send", "-m", "hi", "--nick", "ci", "xmpp:team@rooms.example.org?join"])
    #expect(
      joined.outcome.status == 0 && joined.text.contains("team@rooms.example.org/ci"),
      "\(joined.outcome.error)")

    for arguments in [
      ["send", "xmpp:bob@example.org?message;body=x", "-m", "y"],
      ["send", "xmpp:bob@example.org?message;body=x", "eve@example.org"],
      ["send", "xmpp:bob@example.org?message;from=eve%40example.org", "-m", "x"],
      ["send", "xmpp:bob@example.org?message;type=error", "-m", "x"],
      ["send", "xmpp:bob@example.org?roster", "-m", "x"],
      ["send", "xmpp:bob@example.org?message;body=x", "--lines"],
      ["connect", "xmpp:bob@example.org?message"], ["features", "xmpp:bob@example.org?join"],
      ["bind", "xmpp:bob@example.org?message;body=x"],
      ["listen", "-j", "a@b.c", "--room", "xmpp:team@rooms.example.org?message"],
    ] {
      let outcome = try Program.xmppctl.run(arguments)
      #expect(outcome.status == 64, "\(arguments): \(outcome.ending) \(outcome.error)")
    }
  }

  @Test("I21: NDJSON with several recipients and a link; a wrong type is named with its key")
  func objects() throws {
    let line = #"{"to":["bob@example.org","eve@example.org"],"body":"x","oob_url":"https://example.org/a"}"#
    let (outcome, text) = try sent(["send", "--ndjson", "--json"], input: line + "\n")
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.results.map { $0["to"] } == ["bob@example.org", "eve@example.org"])
    #expect(text.matches(of: #/<url>https:\/\/example\.org\/a<\/url>/#).count == 2, "\(text)")

    for (line, message) in [
      (#"{"to":"a@b.c","body":5}"#, #"line 1: "body" must be a string, not a number"#),
      (#"{"to":"a@b.c","body":true}"#, #"line 1: "body" must be a string, not true or false"#),
      (#"{"to":"a@b.c","body":{"x":1}}"#, #"line 1: "body" must be a string, not an object"#),
      (#"{"to":"a@b.c","subject":["x"]}"#, #"line 1: "subject" must be a string, not an array"#),
      (
        #"{"to":{"x":1},"body":"x"}"#, #"line 1: "to" must be a string or an array of strings, not an object"#
      ),
      (#"{"to":[1],"body":"x"}"#, "needs a string in the array"),
      (#"{"to":"a@b.c","body":"x","priority":5}"#, #"line 1: there is no key "priority""#),
      (#"{"to":"a@b.c","body":"\ud83d"}"#, "put U+FFFD in its place with --replace-invalid"),
      (#"{"to":[],"body":"x"}"#, #"the array "to" is empty"#),
      (#"{"to":["a@b.c","d@e.f"],"id":"m","body":"x"}"#, #""id" requires a single recipient"#),
      (#"{"to":"bob","body":"x"}"#, #"line 1: "bob" has no domain"#),
      (#"{"to":["a@b.c","bob"],"body":"x"}"#, #"line 1: "bob" has no domain"#),
    ] {
      let outcome = try Program.xmppctl.run(["send", "--ndjson", "-j", "a@example.org"], input: line + "\n")
      #expect(outcome.status == 65 && outcome.error.contains(message), "\(line): \(outcome.error)")
    }
  }

  @Test("I22: a language must be a language tag")
  func languages() throws {
    for tag in [
      "en", "de-AT", "zh-Hant-TW", "sl-rozaj-biske", "de-DE-u-co-phonebk", "x-whatever", "i-klingon",
      "en-x-a",
      "es-419", "DE",
    ] {
      #expect(LanguageTag.isWellFormed(tag), "\(tag)")
    }
    for tag in [
      "", "e", "-", "en-", "-en", "en--us", "en_US", "deutsch_", "abcdefghi", "en-u", "en-u-x", "x", "1a",
      "dé",
    ] {
      #expect(!LanguageTag.isWellFormed(tag), "\(tag)")
    }
    let option = try Program.xmppctl.run(["send", "--lang", "en_US", "-m", "x", "bob@example.org"])
    #expect(option.status == 64 && option.error.contains("en_US"), "\(option.error)")
    let line = #"{"to":"bob@example.org","body":"x","lang":"en_US"}"#
    let input = try Program.xmppctl.run(["send", "--ndjson", "-j", "a@example.org"], input: line)
    #expect(input.status == 65 && input.error.contains("line 1: \"en_US\""), "\(input.error)")
    let (sent, text) = try sent(["send", "--lang", "de-AT", "-m", "x", "bob@example.org"])
    #expect(sent.status == 0 && text.contains("xml:lang='de-AT'") || text.contains("xml:lang=\"de-AT\""))
  }

  @Test("I23: the address of a room may name the nickname")
  func nicknames() throws {
    let (outcome, text) = try sent(["send", "--room", "-m", "hi", "team@rooms.example.org/ci"])
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(text.contains("team@rooms.example.org/ci"), "\(text)")
    let room = try Program.xmppctl.run(["send", "-j", "a@example.org", "--room", "-m", "hi", "team"])
    #expect(room.status == 64 && room.error.contains("team has no domain"), "\(room.error)")
    #expect(!room.error.contains("team@example.org"), "\(room.error)")
    let heard = try Program.xmppctl.run(["listen", "-j", "a@example.org", "--room", "team"])
    #expect(heard.status == 64 && heard.error.contains("team has no domain"), "\(heard.error)")
  }

  @Test("I24: the only account of a configuration needs no default")
  func onlyAccount() throws {
    let account = "{jid: '\(ListenScene.jid)', password: '\(LoginScene.password)'}"
    let (outcome, _) = try sent(
      ["send", "-m", "hi", "bob@example.org"],
      files: [".config/xmppctl/config.json5": "{accounts: {a: \(account)}}"])
    #expect(outcome.status == 0, "\(outcome.error)")
    let two = try TemporaryFolder()
    try two.write(".config/xmppctl/config.json5", "{accounts: {a: \(account), b: \(account)}}", mode: 0o600)
    let unclear = try Program.xmppctl.run(["bind"], folder: two)
    #expect(unclear.status == 64 && unclear.error.contains("nobody to log in as"), "\(unclear.error)")
  }

  @Test("I25: the passphrase of a client key comes from a file, the configuration or the terminal")
  func keyPassphrase() throws {
    let passphrase = "open sesame/7"
    let client = try Certificates.shared.leaf("alice.test")
    let key = try Certificates.shared.encrypted(client, passphrase: passphrase)
    let folder = try TemporaryFolder()
    let right = try folder.write("right", passphrase + "\n", mode: 0o600)
    let wrong = try folder.write("wrong", "Sesame\n", mode: 0o600)
    let open = try folder.write("open", passphrase + "\n", mode: 0o644)
    let port = try LoopbackPort(.refusing)
    let place = ["--connect-to", "127.0.0.1:\(port.port)"]
    let certificate = ["--cert", client.certificate, "--key", key]
    // 69: the key was opened, and nothing listens.
    for (options, status, hint) in [
      (["--key-password-file", right], 69, nil), (["--key-password-file", wrong], 65, nil),
      (["--key-password-file", open], 78, "chmod 600 \(open)"), ([], 65, "use --key-password-file FILE"),
    ] as [([String], Int32, String?)] {
      let outcome = try Program.xmppctl.run(["connect"] + place + certificate + options + ["example.org"])
      #expect(outcome.status == status, "\(options): \(outcome.error)")
      if let hint { #expect(outcome.error.contains("xmppctl: hint: \(hint)\n"), "\(outcome.error)") }
      #expect(!outcome.error.contains(passphrase))
    }
    let account =
      "jid: 'a@example.org', cert: '\(client.certificate)', key: '\(key)', key_password_file: 'right'"
    let file = try folder.write("c.json5", "{accounts: {a: {\(account)}}}", mode: 0o600)
    let configured = try Program.xmppctl.run(["bind", "--config", file] + place)
    #expect(configured.status == 69, "\(configured.error)")

    var server = try Certificates.server
    server.requiresCertificate = true
    let done = Dialogue.header() + Dialogue.features(Dialogue.plain)
    let peer = try ScriptedPeer(.direct(server, done) + [.silence])
    let way = try peer.way("direct", certificate + Certificates.trusted)
    let running = try PseudoTerminal().start(
      [Program.xmppctl.path, "connect"] + way, environment: ["HOME": folder.path], folder: folder)
    try running.terminal.shown(until: "Passphrase for the key \(key): ")
    running.terminal.type(passphrase + "\n")
    let ended = try running.finish()
    #expect(ended.status == 0 && !ended.shown.contains(passphrase), "\(ended.shown)")
    #expect(try peer.finish().first?.session?.clientCertificate != nil)
  }
}
