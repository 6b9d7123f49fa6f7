import Foundation
import TestSupport
import Testing
import XMPP

/// Every exit status, brought about once, with what a user reads then: stage, place, cause, and what to do.
@Suite(.serialized) struct ExitStatusTests {
  /// A way to fail, and what must be said.
  private struct Way {
    let status: XMPP.ExitStatus
    let stage: Failure.Stage
    /// A command line for bash.
    let line: String
    /// What the message says, from behind the stage up to its end.
    let message: Regex<Substring>
    /// What the hint says; none where there is nothing to be done.
    var hint: Regex<Substring>?
  }

  private static let header = Dialogue.header()
  private static let direct = "--tls direct --connect-to"

  /// A server at which every way of failing that needs one is played.
  private static func peers() throws -> [String: ScriptedPeer] {
    let server = try Certificates.server
    let busy = ListenScene.Part.raw { talk in
      let id = LoginScene.id(of: try talk.element())
      try talk.send(
        "<iq type='error' id='\(id)'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
          + "</error></iq>")
    }
    return [
      "web.example:5222": try ScriptedPeer([.expectHeader, .send("HTTP/1.1 400 Bad Request\r\n\r\n"), .close]
      ),
      "mute.example:5222": try ScriptedPeer(scripts: Array(repeating: [.expectHeader, .silence], count: 6)),
      "clear.example:5222": try ScriptedPeer([
        .expectHeader,
        .send(
          Dialogue.header("id='s1' from='clear.example' version='1.0'") + Dialogue.features(Dialogue.plain)),
        .silence,
      ]),
      "busy.example:5223": try ScriptedPeer(busy.script),
      "host.example.org:5223": try ScriptedPeer(scripts: [
        [.tls(server), .silence], [.tls(server), .expectHeader, .send(header), .silence],
      ]),
    ]
  }

  private static var ways: [Way] {
    [
      Way(
        status: .refused, stage: .stanza, line: "xmppctl send -m hello nobody@example.org",
        message: #/the message \S+ to nobody@example\.org was refused: service-unavailable.*/#),
      Way(
        status: .usage, stage: .usage, line: "xmppctl send --pni x bob@example.org",
        message: #/Unknown option '--pni'.*/#, hint: #/xmppctl send --help-all says what there is/#),
      Way(
        status: .usage, stage: .usage, line: "xmppctl send -m hello", message: #/no recipient given/#,
        hint: #/xmppctl send bob@example\.org/#),
      Way(
        status: .usage, stage: .usage, line: "xmppctl send -m hello bob",
        message: #/bob has no domain/#,
        hint: #/xmppctl send bob@example\.org/#),
      Way(
        status: .data, stage: .input, line: "printf 'a\\001b' | xmppctl send bob@example.org",
        message: #/.*U\+0001.*offset 1.*/#, hint: #/.*--replace-invalid.*/#),
      Way(
        status: .noInput, stage: .input, line: "xmppctl bind --password-file nowhere bob@example.org",
        message: #/nowhere: No such file or directory/#),
      Way(
        status: .noHost, stage: .dns,
        line: "ALL_PROXY= xmppctl connect --dns-server 127.0.0.1:$NAMES nowhere.example",
        message: #/nowhere\.example does not exist/#, hint: #/check the spelling, or use --connect-to HOST.*/#
      ),
      Way(
        status: .noConnection, stage: .tcp,
        line: "ALL_PROXY= xmppctl connect --connect-to 127.0.0.1:$CLOSED example.org",
        message: #/no connection to 127\.0\.0\.1 port \d+ \(127\.0\.0\.1: Connection refused\)/#,
        hint: #/nothing listens there; another place can be given with --connect-to/#),
      Way(
        status: .noConnection, stage: .proxy,
        line: "ALL_PROXY=socks5h://127.0.0.1:$CLOSED xmppctl connect example.org",
        message: #/the proxy of ALL_PROXY cannot be reached: .* port \d+ .*/#,
        hint: #/--proxy '' connects without the proxy of ALL_PROXY/#),
      Way(
        status: .internalError, stage: .tcp,
        line: "strace -o /dev/null -e inject=poll,ppoll:error=EINVAL:when=1 xmppctl connect example.org",
        message: #/poll: Invalid argument/#),
      Way(
        status: .output, stage: .output, line: "xmppctl connect example.org > /dev/full",
        message: #/stdout: No space left on device/#),
      Way(
        status: .timeout, stage: .timeout, line: "xmppctl connect -m 0.5 mute.example",
        message: #/no answer within 0\.5 s while .*, at mute\.example:5222/#,
        hint: #/allow more with --max-time/#),
      Way(
        status: .timeout, stage: .timeout, line: "xmppctl connect --connect-timeout 0.5 mute.example",
        message: #/no answer within 0\.5 s while .*, at mute\.example:5222/#,
        hint: #/allow more with --connect-timeout, or try --tls direct/#),
      Way(
        status: .protocolViolation, stage: .stream, line: "xmppctl connect web.example",
        message: #/.*, at web\.example:5222/#),
      Way(
        status: .authentication, stage: .auth, line: "XMPPCTL_PASSWORD=wrong xmppctl bind -j bob@example.org",
        message:
          #/the server does not accept these credentials \(not-authorized\).*, for bob@example\.org at example\.org:5222/#,
        hint: #/check the address and the password/#),
      Way(
        status: .configuration, stage: .config, line: "xmppctl bind -a nobody",
        message: #/\S+\/config\.json5: there is no account nobody/#, hint: #/the accounts are bob, robot/#),
      Way(
        status: .configuration, stage: .config,
        line: "echo '{accounts: {a: {jib: \"x\"}}}' > c.json5; xmppctl bind --config c.json5",
        message: #/c\.json5: account a: there is no key jib/#, hint: #/use jid/#),
      Way(
        status: .tls, stage: .starttls, line: "xmppctl connect clear.example",
        message: #/the server does not offer STARTTLS, at clear\.example:5222/#,
        hint: #/use --tls direct, or --tls none to connect without encryption/#),
      Way(
        status: .bind, stage: .bind, line: "xmppctl bind \(direct) busy.example -a bob",
        message: #/the resource is in use: conflict, at busy\.example:5223/#,
        hint: #/choose another resource with --resource, or none/#),
    ]
  }

  @Test("every status has a message that says stage, place and cause, and a hint where something can be done")
  func messages() throws {
    let peers = try Self.peers()
    let names = try FakeDNSServer()
    let scene = try ExampleScene(
      routes: peers.mapValues(\.port), trusting: [Certificates.shared.authorityFile])
    let environment = ["NAMES": "\(names.port)", "CLOSED": "\(try FreePort.take(1)[0])"]
    for way in Self.ways {
      let outcome = try scene.run(way.line, environment: environment)
      let said = "\(way.line): \(outcome.ending)\n\(outcome.error)"
      #expect(outcome.status == way.status.rawValue, "\(said)")
      let command = try #require(way.line.firstMatch(of: #/xmppctl ([a-z]+)/#)).output.1
      let lines = outcome.error.split(separator: "\n")
      let start = "xmppctl: \(command): \(way.stage.rawValue): "
      #expect(lines.first?.hasPrefix(start) == true, "\(said)")
      #expect(lines.first?.dropFirst(start.count).wholeMatch(of: way.message) != nil, "\(said)")
      if let hint = way.hint {
        #expect(lines.count == 2 && lines[1].hasPrefix("xmppctl: hint: "), "\(said)")
        #expect(lines.last?.dropFirst("xmppctl: hint: ".count).wholeMatch(of: hint) != nil, "\(said)")
      } else {
        #expect(lines.count == 1, "\(said)")
      }
    }
    for (signal, status, name) in [
      (SIGINT, 130, "SIGINT"), (SIGTERM, 143, "SIGTERM"), (SIGHUP, 129, "SIGHUP"), (SIGQUIT, 131, "SIGQUIT"),
    ] as [(Int32, Int32, String)] {
      let running = try scene.start("exec xmppctl connect -v mute.example")
      try running.awaitError("connected to", within: .seconds(30))
      running.signal(signal)
      let outcome = try running.wait()
      #expect(outcome.status == status)
      #expect(
        outcome.error.contains("\nxmppctl: connect: interrupted: \(name) while "), "\(outcome.error)")
    }
    // A certificate that is not trusted is below.
    let elsewhere: Set<XMPP.ExitStatus> = [.ok, .certificate, .hangup, .interrupted, .quit, .terminated]
    #expect(Set(Self.ways.map(\.status)) == Set(XMPP.ExitStatus.allCases).subtracting(elsewhere))
  }

  /// What stands behind the last colon of the hint.
  private func hint(_ outcome: Outcome) throws -> String {
    let line = try #require(outcome.error.firstMatch(of: #/xmppctl: hint: (.*)\n/#), "\(outcome.error)")
      .output.1
    return String(line)
  }

  @Test("what a hint says works when it is typed")
  func hints() throws {
    let peers = try Self.peers()
    let scene = try ExampleScene(
      routes: peers.mapValues(\.port), trusting: [Certificates.shared.authorityFile])

    // The name of a host is not the domain of its addresses.
    let unknown = try scene.run("xmppctl connect --connect-to example.org chat.example.org")
    #expect(unknown.status == 76 && unknown.error.contains("host-unknown"), "\(unknown.error)")
    let domain = try #require(try hint(unknown).split(separator: ": ").last)
    let known = try scene.run("xmppctl connect \(domain)")
    #expect(known.status == 0, "\(domain): \(known.error)")

    let wrong = try scene.run("xmppctl connect \(Self.direct) host.example.org host.example.org")
    #expect(wrong.status == 80)
    #expect(
      wrong.error.contains("the certificate is not for host.example.org: its names are dns:example.org, at"))
    let name = try #require(try hint(wrong).split(separator: ": ").last)
    let right = try scene.run("xmppctl connect --tls direct \(name)")
    #expect(right.status == 0, "\(name): \(right.error)")

    let others = try TestCertificates(authority: "Another")
    // Its files go with it.
    defer { withExtendedLifetime(others) {} }
    let another = others.authorityFile
    let stranger = try scene.run("SSL_CERT_FILE=\(another) xmppctl connect example.org")
    #expect(stranger.status == 80)
    #expect(try hint(stranger).contains("--cacert FILE"), "\(stranger.error)")
    let trusted = try scene.run(
      "SSL_CERT_FILE=\(another) xmppctl connect --cacert \(scene.server.caFile) example.org")
    #expect(trusted.status == 0, "\(trusted.error)")

    let none = try scene.run("xmppctl bind -a bob --mechanism EXTERNAL")
    #expect(none.status == 77)
    for mechanism in ["PLAIN", "SCRAM-SHA-1"] {
      #expect(none.error.contains("\(mechanism) (not among the mechanisms allowed)"), "\(none.error)")
    }
    let other = try hint(none).replacing("use ", with: "")
    let taken = try scene.run("xmppctl bind -a bob \(other)")
    #expect(taken.status == 0, "\(other): \(taken.error)")

    try scene.home.write(
      "open.json5", "{accounts: {a: {jid: 'bob@example.org', password: 'secret'}}}", mode: 0o644)
    let open = try scene.run("xmppctl bind -a a --config open.json5")
    #expect(open.status == 78)
    #expect(try scene.run("\(hint(open)) && xmppctl bind -a a --config open.json5").status == 0)
  }
}
