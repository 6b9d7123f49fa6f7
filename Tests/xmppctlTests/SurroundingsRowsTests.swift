import Foundation
import TestSupport
import Testing
import XMPP

/// What networks, name servers and other users of the machine do to the executable.
@Suite struct SurroundingsRowsTests {
  private static let service = "_xmpp-client._tcp.example.org"

  private func features(_ dns: FakeDNSServer, _ options: [String] = []) throws -> Row {
    try Row(
      ["--dns-server", dns.address, "--tls", "starttls", "--max-time", "20"] + Certificates.trusted + options
        + ["example.org"])
  }

  @Test("D6: an IPv6 address that is a black hole costs less than a second")
  func blackHole() throws {
    let hole = try LoopbackPort(.blackHole, host: "::1")
    let server = try Certificates.server
    let peer = try ScriptedPeer(
      .upgraded(server) + .opened(Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence],
      port: hole.port)
    let dns = try FakeDNSServer()
    dns.answer(SurroundingsRowsTests.service, .srv, .records([.srv(0, 0, Int(hole.port), "t.example.org")]))
    dns.answer("t.example.org", .aaaa, .records([.address("::1")]))
    dns.answer("t.example.org", .a, .records([.address("127.0.0.1")]))
    let row = try features(dns)
    row.succeeds()
    #expect(row["endpoint.address"] == "127.0.0.1")
    let spent: Double = try #require(row["attempts.0.timings.tcp"])
    #expect((200..<1000).contains(spent), "\(spent) ms")
    try peer.finish()
  }

  @Test("D11: an answer with another id, or to another question, is nobody's")
  func forgedAnswer() throws {
    let server = try Certificates.server
    let peer = try ScriptedPeer(
      .upgraded(server) + .opened(Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence])
    let dns = try FakeDNSServer()
    dns.answer(
      SurroundingsRowsTests.service, .srv,
      .afterForgeries(.records([.srv(0, 0, Int(peer.port), "t.example.org")])))
    dns.answer("t.example.org", .a, .afterForgeries(.records([.address("127.0.0.1")])))
    let row = try features(dns, ["-4"])
    row.succeeds()
    #expect(row["endpoint.host"] == "t.example.org")
    try peer.finish()
  }

  @Test("D12: an answer that names another host is not followed out of the question")
  func unaskedRecords() throws {
    let dns = try FakeDNSServer()
    // An address for the target, and for the domain, in an answer to the question for services alone.
    dns.answer(
      SurroundingsRowsTests.service, .srv,
      .records([
        .srv(0, 0, 5222, "t.example.org"), .address("127.0.0.1", owner: "t.example.org"),
        .address("127.0.0.1", owner: "example.org"),
      ]))
    try features(dns, ["-4"]).fails(.noHost, .dns, "nxdomain")
    #expect(dns.queries.contains { $0.name == "t.example.org" && $0.kind == 1 })
  }

  @Test("C3: a disk that is full at the nth write: what was not written is never acknowledged")
  func fullLater() throws {
    for failing in 1...3 {
      let folder = try TemporaryFolder()
      let peer = try ScriptedPeer(
        ListenScene.Part.new { talk in
          for number in 1...3 {
            try talk.send(ListenScene.messages(number...number) + ListenScene.request)
            // The next one comes once this one is written, or nothing does.
            if number < failing { try talk.await("h='\(number)'") }
          }
        }.script)
      let lines = folder.path("lines")
      _ = FileManager.default.createFile(atPath: lines, contents: nil)
      let outcome = try Program("/usr/bin/strace").run(
        try [
          "-qq", "-o", "/dev/null", "-P", lines, "-e", "trace=write", "-e",
          "inject=write:error=ENOSPC:when=\(failing)+", Program.xmppctl.path, "listen", "--json",
        ] + ListenScene.way(peer.port), environment: ListenScene.environment, output: lines)
      #expect(outcome.status == 74, "\(failing): \(outcome.error)")
      let written = try folder.read("lines").split(separator: "\n").count
      #expect(written == failing - 1)
      let sent = try peer.finish()[0].text
      #expect(!sent.contains("h='\(failing)'") && sent.hasSuffix(Dialogue.end))
      #expect(failing == 1 || sent.contains("h='\(failing - 1)'"))
    }
  }

  @Test("C12: a configuration of another user is refused before anything is sent")
  func foreignConfiguration() throws {
    let folder = try TemporaryFolder()
    let text = "{accounts: {a: {jid: 'alice@example.org', password: '\(LoginScene.password)'}}}"
    let file = try folder.write("config.json5", text)
    let arguments = [
      "bind", "--config", file, "--connect-to", "127.0.0.1:1", "--max-time", "5", "alice@example.org",
    ]
    let outcome: Outcome
    if geteuid() == 0 {
      try #require(chown(file, 12_345, 12_345) == 0)
      outcome = try Program.xmppctl.run(arguments)
    } else {
      // Who is root in a user namespace that knows no other user finds the files of all others to be nobody's.
      try #require(chmod(folder.path, 0o755) == 0)
      let passwd = arguments.map { $0 == file ? "/etc/passwd" : $0 }
      outcome = try Program("/usr/bin/unshare").run(
        ["--user", "--map-root-user", Program.xmppctl.path] + passwd)
    }
    #expect(outcome.status == 78 && outcome.output.isEmpty, "\(outcome.error)")
    #expect(outcome.error.contains("it belongs to another user"), "\(outcome.error)")
    expectSecret(LoginScene.password, nowhereIn: [outcome.error])
  }

  @Test("C7: a password that is given is in no core file even before the login begins")
  func beforeTheLogin() throws {
    let folder = try TemporaryFolder()
    let account = "{jid: 'alice@example.org', password: '\(LoginScene.password)'}"
    let file = try folder.write("config.json5", "{default: 'a', accounts: {a: \(account)}}")
    for (options, environment) in [
      ("alice@example.org", ["XMPPCTL_PASSWORD": LoginScene.password]), ("--config \(file)", [:]),
    ] {
      let silent = try LoopbackPort(.silent)
      let command =
        "ulimit -S -c \"$(ulimit -H -c)\"; exec '\(Program.xmppctl.path)' bind --tls direct"
        + " --connect-to 127.0.0.1:\(silent.port) \(options)"
      let running = try Program("/bin/sh").start(["-c", command], environment: environment)
      try wait("it connects") { silent.accepted > 0 }
      try expectNoCore(running, options)
    }
  }

  @Test("C7: nor is one from a file or a command, once it was fetched")
  func onceFetched() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("password", LoginScene.password + "\n")
    for option in ["--password-file \(file)", "--password-command 'cat \(file)'"] {
      let asked = Gate()
      let peer = try ScriptedPeer([
        .tls(try Certificates.server), .expectHeader,
        .send(Dialogue.header() + Dialogue.features(Dialogue.plain)), .expectElement, .open(asked), .silence,
      ])
      let command =
        "ulimit -S -c \"$(ulimit -H -c)\"; exec '\(Program.xmppctl.path)' bind --tls direct"
        + " --connect-to 127.0.0.1:\(peer.port) --cacert \(try Certificates.shared.authorityFile)"
        + " \(option) alice@example.org"
      let running = try Program("/bin/sh").start(["-c", command])
      #expect(asked.wait())
      try expectNoCore(running, option)
      try peer.finish()
    }
  }

  /// Expects that a crash would leave no core file, and ends the program.
  private func expectNoCore(
    _ running: RunningProgram, _ what: String, at place: SourceLocation = #_sourceLocation
  ) throws {
    let limits = try String(contentsOfFile: "/proc/\(running.pid)/limits", encoding: .utf8)
    let most = try #require(limits.firstMatch(of: #/Max core file size +(\S+) +(\S+)/#))
    #expect(
      ["0", "1"].contains(most.1) && ["0", "1"].contains(most.2), "\(what): \(most.0)", sourceLocation: place)
    running.signal(SIGTERM)
    #expect(try running.wait().status == 143, sourceLocation: place)
  }

  @Test("C14: a link that somebody laid where the session is kept leads nowhere")
  func laidLink() throws {
    let folder = try TemporaryFolder()
    let victim = try folder.write("victim", "precious")
    let state = folder.path("session")
    try FileManager.default.createSymbolicLink(atPath: state + ".new", withDestinationPath: victim)
    let scene = try ListenScene(
      ["--json", "--state", state, "--count", "1"], .new { try $0.send(ListenScene.messages(1...1)) })
    #expect(try scene.program.wait().status == 0)
    try scene.peer.finish()
    #expect(try folder.read("victim") == "precious")
    let facts = try FileManager.default.attributesOfItem(atPath: state)
    #expect(facts[.type] as? FileAttributeType == .typeRegular && facts[.posixPermissions] as? Int == 0o600)
  }
}
