import Foundation
import TestSupport
import Testing

/// Where a password must not be, and how it gets in.
@Suite struct SecretRowsTests {
  /// A login by one mechanism that goes well.
  private func scene(_ mechanism: String, sasl2: Bool = false) throws -> LoginScene {
    var scene = try LoginScene(mechanism)
    scene.sasl.bindsChannels = false
    if sasl2 {
      scene.sasl.profile = .sasl2(
        "<authorization-identifier>\(LoginScene.fullJID)</authorization-identifier><bound xmlns='urn:xmpp:bind:0'/>"
      )
      scene.after = { try $0.send(Dialogue.features(LoginScene.bindFeature)) }
    }
    return scene
  }

  static let mechanisms = SASLRowsTests.hashes + ["DIGEST-MD5", "PLAIN"]

  @Test(
    "C11: a trace hides all that a login says, and shows it where that is asked for", arguments: mechanisms,
    [false, true])
  func trace(mechanism: String, sasl2: Bool) throws {
    // `play` looks for the password in every form; here, for whatever else the exchange consists of.
    let masked = try scene(mechanism, sasl2: sasl2).play()
    masked.binds()
    let said = masked.sent.matches(of: #/>([A-Za-z0-9+\/]{8,}=*)</#).map { String($0.1) }
    #expect(!said.isEmpty && said.allSatisfy { !masked.trace.contains($0) })
    #expect(masked.trace.contains("***"))
    // What the server says is of use to whoever guesses passwords.
    #expect(!masked.trace.contains(#/<(challenge|success|additional-data)[^>]*>[A-Za-z0-9+=]/#))
    #expect(masked.row.outcome.error.isEmpty)

    var open = try scene(mechanism, sasl2: sasl2)
    open.options = ["--trace-secrets"]
    let started = try open.start()
    let row = try Row(started.program.finish(), command: "bind")
    let sent = try #require(try started.peer.finish().first).text
    let trace = try started.folder.read("trace")
    #expect(row.outcome.status == 0)
    for (element, _) in sent.matches(of: #/>([A-Za-z0-9+\/]{8,}=*)</#).map(\.output) {
      #expect(trace.contains(element))
    }
    expectSecret(LoginScene.password, nowhereIn: [row.outcome.output, row.outcome.error])
    if mechanism == "PLAIN" {
      let plain = Account(user: LoginScene.user, domain: "example.org", password: LoginScene.password).plain
      #expect(trace.contains(plain))
    }
  }

  @Test("C11: stderr, where the trace goes without a file, hides it as well; so does -v")
  func traceOnStandardError() throws {
    for options in [["--trace", "-"], ["-v"], ["--trace=-", "-v"]] {
      let peer = try ScriptedPeer(try plainServer())
      let outcome = try Program.xmppctl.run(
        ["bind"] + options + way(peer), environment: ["XMPPCTL_PASSWORD": LoginScene.password])
      #expect(outcome.status == 0 && outcome.output == LoginScene.fullJID + "\n")
      #expect(!outcome.error.isEmpty)
      expectSecret(LoginScene.password, nowhereIn: [outcome.error])
      try peer.finish()
    }
  }

  /// A server that lets the password in by PLAIN and binds.
  private func plainServer() throws -> [ScriptedPeer.Step] {
    let scene = try LoginScene("PLAIN")
    return [
      .tls(scene.tls), .expectHeader, .send(Dialogue.header() + Dialogue.features(Dialogue.plain)),
      .talk { if try scene.sasl.serve($0) { try scene.after($0) } }, .silence,
    ]
  }

  private func way(_ peer: ScriptedPeer) throws -> [String] {
    peer.way("direct", try Certificates.trusted).dropLast() + ["alice@example.org"]
  }

  @Test(
    "C10: there is no option that takes the password, and it is not repeated",
    arguments: [
      ["--password", LoginScene.password], ["--password=\(LoginScene.password)"],
      ["-p", LoginScene.password],
    ])
  func noSuchOption(arguments: [String]) throws {
    let outcome = try Program.xmppctl.run(["bind", "--jid", "alice@example.org"] + arguments)
    #expect(outcome.status == 64)
    #expect(outcome.output.isEmpty)
    expectSecret(LoginScene.password, nowhereIn: [outcome.error])
  }

  @Test(
    "C7, C10: while a login waits, its password is in no argument and no variable, and a crash leaves no core"
  )
  func whileItRuns() throws {
    let (asked, scene) = (Gate(), try LoginScene("PLAIN"))
    let peer = try ScriptedPeer([
      .tls(scene.tls), .expectHeader, .send(Dialogue.header() + Dialogue.features(Dialogue.plain)),
      .expectElement, .open(asked), .silence,
    ])
    let folder = try TemporaryFolder()
    let arguments = try way(peer).map { "'\($0)'" }.joined(separator: " ")
    let running = try Program("/bin/sh").start(
      ["-c", "ulimit -S -c \"$(ulimit -H -c)\"; exec '\(Program.xmppctl.path)' bind \(arguments)"],
      environment: ["XMPPCTL_PASSWORD": LoginScene.password], folder: folder)
    #expect(asked.wait())
    let process = "/proc/\(running.pid)"
    func read(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(process)/\(name)")), as: UTF8.self)
    }
    #expect(try read("cmdline").contains("bind"))
    #expect(try read("environ").contains("PATH="))
    expectSecret(LoginScene.password, nowhereIn: [try read("cmdline"), try read("environ")])
    let limits = try read("limits").split(separator: "\n").filter { $0.hasPrefix("Max core file size") }
    let words = try #require(limits.first).split(separator: " ").map(String.init)
    #expect(["0", "1"].contains(words[4]) && ["0", "1"].contains(words[5]), "\(words)")
    running.signal(SIGABRT)
    #expect(try running.wait().ending == .killed(SIGABRT))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    try peer.finish()
  }

  @Test("the password comes from a file, standard input, a command, the environment or the configuration")
  func sources() throws {
    let folder = try TemporaryFolder()
    let word = LoginScene.password
    let file = try folder.write("word", word + "\nmore\n")
    let account = "accounts: {a: {jid: 'alice@example.org', password"
    let command = try folder.write("command.json5", "{\(account)_command: 'cat \(file)'}}}")
    let inFile = try folder.write("file.json5", "{\(account)_file: 'word'}}}")
    let inClear = try folder.write("clear.json5", "{default: 'a', \(account): \"\(word)\"}}}")
    let ways: [(options: [String], input: String, environment: [String: String])] = [
      (["--password-file", file], "", [:]), (["--password-file", "-"], word + "\r\nmore", [:]),
      (["--password-file", "-"], word, [:]), (["--password-command", "cat \(file)"], "", [:]),
      ([], "", ["XMPPCTL_PASSWORD": word]), (["--config", command], "", [:]),
      (["--config", inFile], "", [:]), ([], "", ["XMPPCTL_CONFIG": inClear]),
      (["--password-file", file], "", ["XMPPCTL_PASSWORD": "another"]),
    ]
    for way in ways {
      let peer = try ScriptedPeer(try plainServer())
      let outcome = try Program.xmppctl.run(
        try ["bind"] + way.options + self.way(peer), input: way.input, environment: way.environment)
      #expect(outcome.status == 0 && outcome.output == LoginScene.fullJID + "\n", "\(way): \(outcome.error)")
      #expect(outcome.error.isEmpty)
      try peer.finish()
    }
  }

  @Test("a password that cannot be had ends it before the login, each cause with its status")
  func noPassword() throws {
    let folder = try TemporaryFolder()
    let empty = try folder.write("empty", "\n")
    let causes: [(options: [String], status: Int32, condition: String)] = [
      (["--password-file", folder.path("absent")], 66, "unreadable"),
      (["--password-file", folder.path], 66, "unreadable"),
      (["--password-file", empty], 65, "empty-password"),
      (["--password-file", "-"], 65, "empty-password"),
      (["--password-command", "exit 3"], 77, "password-command"),
      (["--password-command", "true"], 65, "empty-password"), ([], 77, "no-password"),
    ]
    for cause in causes {
      let scene = try LoginScene("PLAIN")
      let peer = try ScriptedPeer([
        .tls(scene.tls), .expectHeader, .send(Dialogue.header() + Dialogue.features(Dialogue.plain)),
        .silence,
      ])
      // Without a controlling terminal there is nobody to ask.
      let outcome = try Program("/usr/bin/setsid").run(
        try ["--wait", Program.xmppctl.path, "bind", "--json"] + cause.options + way(peer))
      let row = try Row(outcome, command: "bind")
      #expect(
        outcome.status == cause.status && row["error.condition"] == cause.condition,
        "\(cause): \(outcome.error)")
      #expect(isNothingButTheStream(try #require(try peer.finish().first).text))
    }
  }

  @Test("a terminal is asked for the password, and does not show it")
  func terminal() throws {
    let peer = try ScriptedPeer(try plainServer())
    let command = ([Program.xmppctl.path, "bind"] + (try way(peer))).map { "'\($0)'" }.joined(separator: " ")
    let running = try Program("/usr/bin/script").start(["-qec", command, "/dev/null"])
    try running.awaitOutput("Password for alice@example.org: ")
    try running.write(LoginScene.password + "\n")
    let outcome = try running.wait()
    #expect(outcome.status == 0, "\(outcome.output)")
    #expect(outcome.output.hasSuffix("\(LoginScene.fullJID)\r\n"))
    expectSecret(LoginScene.password, nowhereIn: [outcome.output, outcome.error])
    try peer.finish()
  }

  @Test(
    "C12: a configuration that others may read, that is a FIFO, or is not there is refused before anything is sent"
  )
  func configuration() throws {
    let folder = try TemporaryFolder()
    let text = "{accounts: {a: {jid: 'alice@example.org', password: '\(LoginScene.password)'}}}"
    let readable = try folder.write("readable.json5", text, mode: 0o644)
    let writable = try folder.write("writable.json5", "{}", mode: 0o602)
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    for (file, condition) in [
      (readable, "others may access it"), (writable, "others can write it"), (pipe, "not a regular file"),
      (folder.path("absent"), "No such file"),
    ] {
      let outcome = try Program.xmppctl.run(
        ["bind", "--config", file, "--connect-to", "127.0.0.1:1", "alice@example.org"], within: .seconds(10))
      #expect(outcome.status == 78 && outcome.output.isEmpty, "\(outcome.error)")
      #expect(
        outcome.error.hasPrefix("xmppctl: bind: config: \(file): ") && outcome.error.contains(condition))
      expectSecret(LoginScene.password, nowhereIn: [outcome.error])
    }
  }
}
