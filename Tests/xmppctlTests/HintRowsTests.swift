import Foundation
import TestSupport
import Testing
import XMPP

/// Hints: the input that produces each, and what typing it does.
@Suite struct HintRowsTests {
  private let done = Dialogue.header() + Dialogue.features(Dialogue.plain)

  /// What follows an option in a hint.
  private func words(_ hint: String, from option: String) throws -> [String] {
    let start = try #require(hint.range(of: option), "\(hint)").lowerBound
    return hint[start...].split(separator: " ").map(String.init)
  }

  // MARK: - Certificates

  /// A rejected certificate.
  private struct Rejected {
    var domain = "example.org"
    let certificate: TestCertificates.Issued
    var options: [String] = []
    /// What the hint says, up to what is typed; `nil` if there is none.
    var hint: String?
    /// What is typed then.
    var typed: [String] = []
  }

  @Test("H1: a hint about a certificate makes it acceptable, and is not given if it could not")
  func certificates() throws {
    let own = try TestCertificates()
    let others = try TestCertificates(authority: "Another")
    let both = try own.file(
      "both.pem",
      [own, others].map { try String(contentsOfFile: $0.authorityFile, encoding: .utf8) }.joined())
    let signed = try own.selfSigned(.init([.dns("example.org")]))
    let host = "chat.example.org"
    for rejected in [
      Rejected(
        domain: host, certificate: try own.leaf("example.org"), hint: "if the addresses end in @example.org"),
      Rejected(
        domain: host, certificate: try own.issue(.init([.srv("_xmpp-client.example.org")])),
        hint: "if the addresses end in @example.org"),
      // None of these names is another domain that could be meant.
      Rejected(certificate: try own.leaf("*.example.org")),
      Rejected(certificate: try own.issue(.init([.srv("_xmpp-server.example.org")]))),
      Rejected(domain: host, certificate: try own.issue(.init([.srv("_xmpp-server.example.org")]))),
      Rejected(certificate: try own.issue(.init([.ip([127, 0, 0, 1])]))),
      Rejected(certificate: try own.leaf("xmpp.example.org")),
      Rejected(certificate: try own.leaf("org")),
      Rejected(certificate: try own.issue(.init([.dns("example.org")], validFrom: -90000, validTo: -60))),
      Rejected(
        certificate: try own.issue(.init(commonName: "example.org")), hint: "if this is the server's key"),
      Rejected(
        certificate: try own.selfSigned(.init(commonName: "example.org")), hint: "if this is the server's key"
      ),
      Rejected(certificate: signed, hint: "trust the certificate", typed: ["--cacert", signed.certificate]),
      Rejected(
        certificate: try others.leaf("example.org"), hint: "trust its issuer",
        typed: ["--cacert", others.authorityFile]),
      Rejected(
        certificate: try others.leaf("example.org"), options: ["--cacert", own.authorityFile],
        hint: "add the certificate of that issuer to the file of --cacert", typed: ["--cacert", both]),
    ] {
      try check(rejected, own)
    }
    withExtendedLifetime(others) {}
  }

  private func check(_ rejected: Rejected, _ own: TestCertificates) throws {
    let server = TestTLSServer(rejected.certificate)
    let refusal: [ScriptedPeer.Step] = [.tls(server), .silence]
    let peer = try ScriptedPeer(scripts: [refusal, .direct(server, done) + [.silence]])
    // The system trusts the tests' authority.
    let way = ["--tls", "direct", "--connect-to", "127.0.0.1:\(peer.port)", "--max-time", "15"]
    let trusted = ["SSL_CERT_FILE": own.authorityFile]
    func connect(_ options: [String]) throws -> Row {
      try Row(
        Program.xmppctl.run(["connect", "--json"] + options, environment: trusted), command: "connect")
    }
    let row = try connect(way + rejected.options + [rejected.domain])
    row.fails(.certificate, .certificate)
    let hint: String? = row["error.hint"]
    guard let wanted = rejected.hint else {
      #expect(hint == nil, "\(row.message): \(hint ?? "")")
      return
    }
    let given = try #require(hint, "\(row.message)")
    #expect(given.hasPrefix(wanted), "\(given)")
    var typed = rejected.typed + [rejected.domain]
    if given.contains("use that domain") {
      typed = try words(given, from: "example.org --connect-to")
      #expect(typed.last == "127.0.0.1:\(peer.port)")
      typed += ["--tls", "direct", "--max-time", "15"]
      try connect(typed).succeeds()
    } else {
      if rejected.typed.isEmpty { typed += try words(given, from: "-k --pin") }
      let outcome = try connect(way + typed).outcome
      #expect(outcome.status == 0, "\(typed): \(outcome.error)")
    }
    try peer.finish()
  }

  // MARK: - Logging in

  @Test("H2: a hint about a refused login leads to a login")
  func logins() throws {
    let client = try Certificates.shared.leaf("alice.test")
    let certificate = ["--cert", client.certificate, "--key", client.key]
    for (offer, options, hint) in [
      (["SCRAM-SHA-1"], [], "check the address and the password"),
      (
        ["EXTERNAL", "SCRAM-SHA-1"], certificate,
        "log in with the password instead of the certificate: --mechanism SCRAM-SHA-1"
      ),
      (["EXTERNAL"], certificate, nil),
      (
        ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN"], ["--mechanism", "SCRAM-SHA-1-PLUS"],
        "if the password is right, log in without channel binding: --mechanism SCRAM-SHA-1"
      ),
      (
        ["ANONYMOUS", "PLAIN", "SCRAM-SHA-1", "DIGEST-MD5"], ["--mechanism", "SCRAM-SHA-512"],
        "use --mechanism SCRAM-SHA-1"
      ),
      (["PLAIN"], ["-k"], "use --cacert FILE instead of -k"),
      (["EXTERNAL"], [], "use a client certificate with --cert FILE"),
    ] as [([String], [String], String?)] {
      var scene = try LoginScene()
      (scene.mechanisms, scene.options, scene.bindings) = (offer, options, ["tls-exporter"])
      scene.sasl.bindsChannels = offer.contains { $0.hasSuffix("-PLUS") }
      var untrusting = scene
      if hint?.contains("--cacert") == true {
        untrusting.tls = TestTLSServer(try TestCertificates(authority: "Another").leaf("example.org"))
      }
      let sasl = scene.sasl
      untrusting.before = { talk in
        _ = try talk.element()
        try talk.send(sasl.failure("not-authorized"))
        return false
      }
      let row = try untrusting.play().row
      #expect(row.outcome.status == 77)
      #expect((row["error.hint"] as String?) == hint, "\(row.outcome.error)")
      guard let hint, hint.contains("--mechanism") else { continue }
      scene.options = options.filter { $0 != "--mechanism" && !$0.hasPrefix("SCRAM-") }
      scene.options += try words(hint, from: "--mechanism")
      try scene.play().binds()
    }
  }

  // MARK: - Stanzas

  @Test(
    "H3: a message to a room without --room, and one that is too large, get a hint that helps",
    arguments: ["Prosody", "ejabberd"])
  func stanzas(name: String) throws {
    let room = try KeptRoom(name)
    let refused = try room.scene.send("-m", "hi", room.address)
    #expect(refused.status == 1)
    #expect(
      refused.error.contains("\nxmppctl: hint: \(room.address) is a room: use --room\n"),
      "\(refused.error)")
    let sent = try room.scene.send("-m", "hi", "--room", room.address)
    #expect(sent.status == 0, "\(sent.error)")

    // The ejabberd of the tests accepts more.
    guard name == "Prosody" else { return }
    let body = String(repeating: "x", count: 700_000)
    let large = try room.scene.send(room.scene.to, input: body)
    #expect(large.status == 76, "\(large.error)")
    let hint = try #require(
      large.error.firstMatch(of: #/hint: the server may not accept a stanza of (\d+) bytes: /#))
    #expect(try #require(Int(hint.1)) > 700_000)
    #expect(!large.error.contains("try again later"))
    #expect(try room.scene.send(room.scene.to, input: String(body.prefix(9000))).status == 0)
  }

  // MARK: - Addresses and files

  /// Runs a line of a shell in a folder of its own, with a port at which nothing listens.
  private func shell(_ line: String, in folder: TemporaryFolder, port: UInt16) throws -> Outcome {
    let environment = [
      "XMPPCTL_JID": "alice@example.org", "XMPPCTL_PASSWORD": "secret",
      "WAY": "--connect-to 127.0.0.1:\(port)", "PATH": "\(folder.path("bin")):/usr/bin:/bin",
    ]
    return try Program("/bin/bash").run(["-c", line], environment: environment, folder: folder)
  }

  @Test("H4: a hint about an address, an option or a file can be typed in a shell")
  func words() throws {
    let folder = try TemporaryFolder()
    try folder.write("bin/xmppctl", "#!/bin/sh\nexec '\(Program.xmppctl.path)' \"$@\"\n", mode: 0o700)
    let port = try LoopbackPort(.refusing)
    try folder.write("my conf'ig", "{accounts: {a: {jid: 'a@b.c', password: 'secret'}}}", mode: 0o644)
    try folder.write("two.json5", "{accounts: {a: {jid: 'a@b.c'}, b: {jid: 'a@b.c'}}}", mode: 0o600)
    let object = #"{"to":"bob@example.org","body":"x"}"#
    let place = "127.0.0.1:\(port.port)"
    // What fails, what the hint says, and what is typed instead.
    for (line, status, hint, typed) in [
      (
        "xmppctl send $WAY -m x \"john d'arc@example.org\"", 65,
        #"escape it (XEP-0106): 'john\20d\27arc@example.org'"#,
        #"xmppctl send $WAY -m x 'john\20d\27arc@example.org'"#
      ),
      (
        "xmppctl send $WAY -m x a@b@example.org", 65, #"escape it (XEP-0106): 'a\40b@example.org'"#,
        #"xmppctl send $WAY -m x 'a\40b@example.org'"#
      ),
      (
        #"echo '{"to":"a b@example.org","body":"x"}' | xmppctl send --ndjson $WAY"#, 65,
        #"escape it (XEP-0106): "a\\20b@example.org""#,
        #"echo '{"to":"a\\20b@example.org","body":"x"}' | xmppctl send --ndjson $WAY"#
      ),
      ("xmppctl send $WAY -m x 'a b@'", 65, nil, nil),
      (
        "xmppctl send $WAY -m x bob", 64, "xmppctl send bob@example.org",
        "xmppctl send bob@example.org -m x $WAY"
      ),
      (
        "echo '{\"to\":\"bob\",\"body\":\"x\"}' | xmppctl send --ndjson $WAY", 65,
        "write it as \"bob@example.org\"", "echo '\(object)' | xmppctl send --ndjson $WAY"
      ),
      ("xmppctl bind $WAY -j bob", 64, "write it as bob@DOMAIN", "xmppctl bind $WAY -j bob@example.org"),
      (
        "xmppctl bind $WAY --config \"my conf'ig\" -a a", 78, #"chmod 600 'my conf'\''ig'"#,
        #"chmod 600 'my conf'\''ig' && xmppctl bind $WAY --config "my conf'ig" -a a"#
      ),
      (
        "echo '\(object)' | jq . | xmppctl send --ndjson $WAY", 65,
        "print each object on a line of its own with jq -c .",
        "echo '\(object)' | jq . | jq -c . | xmppctl send --ndjson $WAY"
      ),
      (
        "echo '[\(object)]' | xmppctl send --ndjson $WAY", 65,
        "print each object on a line of its own with jq -c '.[]'",
        "echo '[\(object)]' | jq -c '.[]' | xmppctl send --ndjson $WAY"
      ),
      (
        "echo '\(object)\(object)' | xmppctl send --ndjson $WAY", 65,
        "print each object on a line of its own with jq -c .",
        "echo '\(object)\(object)' | jq -c . | xmppctl send --ndjson $WAY"
      ),
      (
        "printf 'a\\001' | xmppctl send $WAY bob@example.org", 65,
        "put U+FFFD in its place with --replace-invalid",
        "printf 'a\\001' | xmppctl send $WAY --replace-invalid bob@example.org"
      ),
      (
        "echo '{\"to\":\"bob@example.org\",\"txt\":\"x\"}' | xmppctl send --ndjson $WAY", 65,
        "the keys are to, body, type, subject, thread, id, lang, oob_url, xml", nil
      ),
      (
        "xmppctl send --lang deutsch_ --room $WAY -m x r@example.org", 64, "use a tag such as en or de-AT",
        "xmppctl send --lang de-AT $WAY -m x r@example.org"
      ),
      (
        "xmppctl send $WAY 'xmpp://alice@example.org/bob@example.org' -m x", 64,
        "use xmpp:ADDRESS, and log in with --jid alice@example.org",
        "xmppctl send $WAY xmpp:bob@example.org --jid alice@example.org -m x"
      ),
      (
        "xmppctl send $WAY 'xmpp:r@example.org?join;password=x' -m x", 64,
        "others can see the arguments: use --room-password-file, --room-password-command or XMPPCTL_ROOM_PASSWORD",
        "XMPPCTL_ROOM_PASSWORD=x xmppctl send $WAY 'xmpp:r@example.org?join' -m x"
      ),
      (
        "xmppctl send $WAY bob@example.org 'good morning'", 65,
        "give the text with -m: xmppctl send -m 'good morning' bob@example.org",
        "xmppctl send -m 'good morning' bob@example.org $WAY"
      ),
      (
        "xmppctl send $WAY bob@example.org hello", 64,
        "give the text with -m: xmppctl send -m hello bob@example.org",
        "xmppctl send -m hello bob@example.org $WAY"
      ),
      (
        "xmppctl send $WAY -m x", 64, "xmppctl send bob@example.org", "xmppctl send bob@example.org $WAY -m x"
      ),
      ("xmppctl connect $WAY", 64, "xmppctl connect example.org", "xmppctl connect example.org $WAY"),
      (
        "xmppctl features $WAY", 64, "xmppctl features example.org, or --account NAME to log in",
        "xmppctl features example.org $WAY"
      ),
      (
        "xmppctl connect \(place)", 65, "use 127.0.0.1 --connect-to \(place)",
        "xmppctl connect 127.0.0.1 --connect-to \(place)"
      ),
      (
        "xmppctl bind bob@\(place)", 65, "use bob@127.0.0.1 --connect-to \(place)",
        "xmppctl bind -j bob@127.0.0.1 --connect-to \(place)"
      ),
      (
        "xmppctl connect https://\(place)/path?x=y", 65, "use 127.0.0.1 --connect-to \(place)",
        "xmppctl connect 127.0.0.1 --connect-to \(place)"
      ),
      (
        "xmppctl connect $WAY https://example.org/", 65, "use example.org", "xmppctl connect $WAY example.org"
      ),
      ("xmppctl connect 'https://me:secret@example.org:1/'", 65, nil, nil),
      (
        "xmppctl -j a@example.org send -m x bob@example.org $WAY", 64, "put the command first: xmppctl send",
        "xmppctl send -j a@example.org -m x bob@example.org $WAY"
      ),
      ("xmppctl conect example.org", 64, "use xmppctl connect", "xmppctl connect example.org $WAY"),
      ("xmppctl fly", 64, "the commands are connect, features, bind, send, listen", nil),
      (
        "xmppctl bind --password x -j a@example.org", 64,
        "others can see the arguments: use --password-file, --password-command or XMPPCTL_PASSWORD",
        "XMPPCTL_PASSWORD=x xmppctl bind -j a@example.org $WAY"
      ),
      (
        "ln -s two.json5 link; xmppctl connect $WAY --trace link example.org", 74,
        "name another file with --trace",
        "xmppctl connect $WAY --trace other example.org"
      ),
      (
        "echo '{\"body\":\"x\"}' | xmppctl send --ndjson $WAY", 65, "add a \"to\" to it, or a RECIPIENT",
        "echo '{\"body\":\"x\"}' | xmppctl send --ndjson $WAY bob@example.org"
      ),
      (
        "echo '{\"to\":\"bob@example.org\"}' | xmppctl send --ndjson $WAY", 65, "the text goes into \"body\"",
        "echo '\(object)' | xmppctl send --ndjson $WAY"
      ),
      (
        "echo '{\"to\":\"bob@example.org\",\"body\":\"x\",\"type\":\"room\"}' | xmppctl send --ndjson $WAY",
        65,
        "the types are chat, normal, headline, groupchat", nil
      ),
      (
        "echo '<x/>' | xmppctl send --xml $WAY", 65, "use message, presence or iq in jabber:client",
        "echo '<message to=\"bob@example.org\"/>' | xmppctl send --xml $WAY"
      ),
      (
        "echo '{accounts: {a: {jib: \"a@b.c\"}}}' > c.json5; xmppctl bind $WAY --config c.json5", 78,
        "use jid",
        "echo '{accounts: {a: {jid: \"a@b.c\"}}}' > c.json5; xmppctl bind $WAY --config c.json5"
      ),
      (
        "xmppctl bind $WAY --config two.json5 -j a@b.c", 64, "choose one with --account",
        "xmppctl bind $WAY --config two.json5 -a b"
      ),
      (
        "xmppctl bind $WAY --config two.json5 -a c", 78, "the accounts are a, b",
        "xmppctl bind $WAY --config two.json5 -a a"
      ),
      (
        "unset XMPPCTL_JID; xmppctl bind $WAY", 64,
        "use --jid JID, or --account NAME with an account in \(folder.path(".config/xmppctl/config.json5"))",
        "unset XMPPCTL_JID; xmppctl bind $WAY --jid a@example.org"
      ),
    ] as [(String, Int32, String?, String?)] {
      let outcome = try shell(line, in: folder, port: port.port)
      let found = "\(line): \(outcome.ending)\n\(outcome.error)"
      #expect(outcome.status == status, "\(found)")
      let given = outcome.error.split(separator: "\n").first { $0.hasPrefix("xmppctl: hint: ") }
      #expect(given.map { String($0.dropFirst("xmppctl: hint: ".count)) } == hint, "\(found)")
      guard let typed else { continue }
      // All that is left to fail is the connection.
      let better = try shell(typed, in: folder, port: port.port)
      #expect(better.status == 69 && better.error.contains("Connection refused"), "\(typed): \(better.error)")
    }
  }

  // MARK: - Causes

  @Test("H5: with --json every failure has its object on standard output, with the cause")
  func objects() throws {
    let folder = try TemporaryFolder()
    try folder.write("bad.json5", "{accounts: 1}", mode: 0o600)
    for (arguments, status, stage, lines) in [
      (["connect"], 64, "usage", 1), (["connect", "a@b@c"], 65, "input", 1),
      (["connect", "--cacert", "nowhere", "example.org"], 66, "input", 1),
      (["features", "--xml", "example.org"], 64, "usage", 1),
      (["features", "-a", "x", "--config", "bad.json5"], 78, "config", 1),
      (["bind", "-j", "a@b@c"], 65, "input", 1), (["bind", "--config", "bad.json5"], 78, "config", 1),
      (["send", "-m", "x"], 64, "usage", 1),
      (["send", "-m", "x", "a@b@c", "bob@example.org"], 65, "input", 2),
      (["send", "-m", "x", "--config", "bad.json5", "bob@example.org", "eve@example.org"], 78, "config", 2),
      (["send", "--ndjson", "--config", "bad.json5"], 78, "config", 3),
      (["send", "--ndjson", "-j", "a@example.org", "--cacert", "nowhere"], 66, "input", 3),
    ] as [([String], Int32, String, Int)] {
      let input = (1...3).map { "{\"to\":\"bob@example.org\",\"body\":\"x\",\"id\":\"m\($0)\"}\n" }.joined()
      let outcome = try Program.xmppctl.run(arguments + ["--json"], input: input, folder: folder)
      let found = "\(arguments): \(outcome.output)\(outcome.error)"
      #expect(outcome.status == status, "\(found)")
      let results = try outcome.results
      #expect(results.count == lines, "\(found)")
      for result in results {
        #expect(
          result["error"]["stage"] == .string(stage) && result["error"]["code"] == .number(Double(status)),
          "\(found)")
        #expect(
          arguments[0] == "send" ? result["status"] == "not-sent" : result["ok"] == .boolean(false),
          "\(found)")
      }
    }
  }

  @Test("H5: what was not sent names the cause, and a run that kept trying does too")
  func causes() throws {
    let scene = try SendScene()
    let wrong = try Program.xmppctl.run(
      scene.arguments(["--json", "-m", "x", scene.to]), environment: ["XMPPCTL_PASSWORD": "wrong"])
    #expect(wrong.status == 77)
    let result = try #require(try wrong.results.first)
    #expect(result["status"] == "not-sent" && result["error"]["stage"] == "auth")
    #expect(result["error"]["condition"] == "not-authorized" && result["error"]["code"] == .number(77))
    #expect(result["error"]["hint"] == "check the address and the password")

    let port = try LoopbackPort(.refusing)
    let retried = try Program.xmppctl.run(
      [
        "send", "--retry", "--json", "--max-time", "2", "-j", "alice@example.org", "--connect-to",
        "127.0.0.1:\(port.port)", "-m", "x", "bob@example.org",
      ], environment: ["XMPPCTL_PASSWORD": "wrong"])
    #expect(retried.status == 69 && !retried.error.contains("--max-time"), "\(retried.error)")
    let cause = try #require(try retried.results.first)
    #expect(cause["error"]["condition"] == "connection-refused" && cause["error"]["code"] == .number(69))
  }
}
