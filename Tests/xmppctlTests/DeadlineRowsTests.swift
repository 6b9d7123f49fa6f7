import Foundation
import TestSupport
import Testing
import XMPP

/// Deadlines, signals and files that are full. That a run ends by its deadline is what `Duties` holds every run to.
@Suite struct DeadlineRowsTests {
  private static let enabled = "<enabled xmlns='urn:xmpp:sm:3'/>"

  /// What a server does while a client wants to be done.
  enum Trouble: String, CaseIterable, Sendable {
    case silence, flood, drip

    /// Does it until the client leaves.
    func play(_ talk: ScriptedPeer.Talk) {
      let flood = String(repeating: ListenScene.messages(1...1), count: 200)
      while true {
        do {
          switch self {
          case .silence: return
          case .flood: try talk.send(flood)
          case .drip:
            usleep(50_000)
            try talk.send(" ")
          }
        } catch { return }
      }
    }
  }

  @Test(
    "F20: a server that is silent, floods or drips puts off the end of no run", arguments: Trouble.allCases,
    ["1", "2"])
  func trouble(trouble: Trouble, limit: String) throws {
    let folder = try TemporaryFolder()
    // Nobody by that name: what comes has no lines.
    let quiet = ["--json", "--max-time", limit, "--from", "nobody.test"]
    for options in [[], ["--state", folder.path("session")]] {
      let scene = try ListenScene(quiet + options, .new { trouble.play($0) })
      let outcome = try scene.program.wait(within: .seconds(60))
      #expect(outcome.status == 0, "\(outcome.error)")
      _ = try? scene.peer.finish()
    }
    for (command, options, status) in [("bind", [], 0), ("send", ["-m", "hi", "bob@example.org"], 75)] {
      var scene = try LoginScene("SCRAM-SHA-256")
      scene.command = command
      scene.sasl.bindsChannels = false
      scene.after = LoginScene.binds(then: { trouble.play($0) })
      scene.options = options + ["--max-time", limit]
      let started = try scene.start()
      let outcome = try started.program.finish(within: .seconds(60))
      #expect(outcome.status == Int32(status), "\(command): \(outcome.error)")
      _ = try? started.peer.finish()
    }
  }

  @Test(
    "F21: each signal ends listening with its status, after the last acknowledgement and the end of the stream",
    arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
  func signals(signal: Int32) throws {
    let scene = try ListenScene(
      ["--json"],
      .new(then: [.expect("<a xmlns='urn:xmpp:sm:3' h='1'/>" + Dialogue.end), .close]) { talk in
        try talk.send(ListenScene.messages(1...1))
      })
    try scene.program.awaitOutput("text 1", within: .seconds(30))
    scene.program.signal(signal)
    let outcome = try scene.program.wait()
    #expect(outcome.status == 128 + signal, "\(outcome.ending) \(outcome.error)")
    try scene.peer.finish()
  }

  @Test(
    "F21: a signal while the stream is being closed ends the run with its status",
    arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT])
  func signalsWhileClosing(signal: Int32) throws {
    let closing = Gate()
    let scene = try ListenScene(
      ["--json", "--count", "1"],
      .new(then: [.expect(Dialogue.end), .open(closing), .silence]) { talk in
        try talk.send(ListenScene.messages(1...1))
      })
    #expect(closing.wait())
    scene.program.signal(signal)
    let outcome = try scene.program.wait()
    #expect(outcome.status == 128 + signal, "\(outcome.ending) \(outcome.error)")
    try scene.peer.finish()
  }

  @Test("F21: SIGHUP that was ignored at the start, as under nohup, does not end the run")
  func nohup() throws {
    let goOn = Gate()
    let peer = try ScriptedPeer(
      try ListenScene.Part.new { talk in
        try talk.send(ListenScene.messages(1...1))
        guard goOn.wait() else { throw SupportFailure("the gate stayed shut") }
        try talk.send(ListenScene.messages(2...2))
      }.script)
    let program = try Program("/bin/sh").start(
      ["-c", "trap '' HUP; exec \"$@\"", "sh", Program.xmppctl.path, "listen", "--json", "--count", "2"]
        + ListenScene.way(peer.port),
      environment: ListenScene.environment)
    try program.awaitOutput("text 1", within: .seconds(30))
    program.signal(SIGHUP)
    goOn.open()
    let outcome = try program.wait()
    #expect(outcome.status == 0, "\(outcome.ending) \(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    try peer.finish()
  }

  @Test("F22: a password command that ignores SIGTERM does not outlast the deadline")
  func stubbornCommand() throws {
    let peer = try ScriptedPeer(
      .direct(try Certificates.server, Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence])
    let outcome = try Program.xmppctl.run(
      try ["bind", "--password-command", "trap '' TERM; sleep 30; true", "--max-time", "1"]
        + ListenScene.way(peer.port), within: .seconds(60))
    #expect(outcome.status == 75, "\(outcome.ending) \(outcome.error)")
    try peer.finish()
  }

  @Test(
    "F23: a login that takes a million iterations ends at the deadline",
    arguments: ["SCRAM-SHA-1", "SCRAM-SHA-256"])
  func iterations(mechanism: String) throws {
    var scene = try LoginScene(mechanism)
    scene.sasl.bindsChannels = false
    scene.sasl.iterations = 1_000_000
    scene.options = ["--max-time", "1"]
    let started = try scene.start()
    let outcome = try started.program.finish(within: .seconds(60))
    _ = try? started.peer.finish()
    // A fast machine may come as far as the server's own million.
    #expect(outcome.status == 75 || outcome.status == 0, "\(outcome.ending) \(outcome.error)")
  }

  /// Runs a command line that appends to a file which may have no more than so many blocks of 1024 bytes.
  private func limited(_ arguments: [String], to file: String, blocks: String = "1") throws -> RunningProgram
  {
    try Program("/bin/bash").start(
      [
        "-c", "file=$1; shift; ulimit -f \(blocks); exec \"$@\" >>\"$file\"", "bash", file,
        Program.xmppctl.path,
      ]
        + arguments,
      environment: ListenScene.environment)
  }

  @Test(
    "F24: a file that takes no more ends the run with 74 and ends with a whole line; the next run appends whole lines"
  )
  func fileLimit() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("lines")
    func listen(
      _ blocks: String, _ count: Int, then play: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void
    ) throws
      -> Outcome
    {
      let peer = try ScriptedPeer(try ListenScene.Part.new(play).script)
      let program = try limited(
        ["listen", "--json", "--count", "\(count)"] + ListenScene.way(peer.port), to: file, blocks: blocks)
      let outcome = try program.wait()
      try peer.finish()
      return outcome
    }
    let full = try listen("1", 50) { try $0.send(ListenScene.messages(1...50)) }
    #expect(full.status == 74 && full.error.contains("File too large"), "\(full.ending) \(full.error)")
    let before = try folder.read("lines")
    #expect(before.hasSuffix("}\n") && before.utf8.count <= 1024, "\(before)")
    let count = before.utf8.count { $0 == UInt8(ascii: "\n") }
    #expect(try ListenScene.bodies(before) == ListenScene.texts(1...count))

    let next = try listen("unlimited", 2) { try $0.send(ListenScene.messages(60...61)) }
    #expect(next.status == 0, "\(next.error)")
    #expect(
      try ListenScene.bodies(folder.read("lines")) == ListenScene.texts(1...count)
        + ListenScene.texts(60...61))
  }

  /// Whether file systems can be mounted, which takes root.
  private static let canMount =
    (try? Program("/usr/bin/unshare").run(["--mount", "true"]))?.ending == .exited(0)

  @Test("F24: so does a disk that is full", .enabled(if: canMount))
  func fullDisk() throws {
    let folder = try TemporaryFolder()
    let peer = try ScriptedPeer(
      try ListenScene.Part.new { try $0.send(ListenScene.messages(1...50)) }.script)
    let script = """
      mount -t tmpfs -o size=4k none "$1" || exit; file=$1/lines; shift
      "$@" >>"$file"; echo "status $?" >&2; cat "$file"
      """
    let outcome = try Program("/usr/bin/unshare").run(
      [
        "--mount", "sh", "-c", script, "sh", folder.path, Program.xmppctl.path, "listen", "--json", "--count",
        "50",
      ]
        + ListenScene.way(peer.port),
      environment: ListenScene.environment, within: .seconds(60))
    try peer.finish()
    #expect(outcome.error.hasSuffix("status 74\n"), "\(outcome.error)")
    #expect(outcome.error.contains("No space left on device"), "\(outcome.error)")
    #expect(outcome.output.hasSuffix("}\n"), "\(outcome.output)")
    let bodies = try ListenScene.bodies(outcome.output)
    #expect(bodies == ListenScene.texts(1...bodies.count) && bodies.count < 50)
  }

  @Test("F24: send does the same with its results")
  func resultLimit() throws {
    let folder = try TemporaryFolder()
    let file = folder.path("results")
    let peer = try ScriptedPeer(
      try ListenScene.Part.raw { talk in
        try ListenScene.Part.bind(talk)
        // What comes after the failed write need not come.
        while true {
          let element = try talk.element()
          if element.hasPrefix("</") { return }
          if element.hasPrefix("<enable") { try talk.send(DeadlineRowsTests.enabled) }
          if element.hasPrefix("<iq") {
            try talk.send("<iq type='result' id='\(LoginScene.id(of: element))' from='example.org'/>")
          }
          if element.hasPrefix("<r ") { try talk.send("<a xmlns='urn:xmpp:sm:3' h='51'/>") }
        }
      }.script)
    let program = try limited(
      ["send", "--json", "--lines", "--max-time", "20", "alice@example.org"] + ListenScene.way(peer.port),
      to: file)
    let outcome = try program.finish(String(repeating: "x\n", count: 50))
    #expect(outcome.status == 74, "\(outcome.ending) \(outcome.error)")
    let text = try folder.read("results")
    #expect(text.hasSuffix("}\n") && text.utf8.count <= 1024, "\(text)")
    #expect(text.split(separator: "\n").allSatisfy { (try? JSON(Data($0.utf8))) != nil })
    _ = try? peer.finish()
  }

  @Test(
    "F25: a stream error right after the features, before TLS, is told as one that nobody has authenticated")
  func errorBeforeTLS() throws {
    let error = Dialogue.error(
      Dialogue.condition("policy-violation")
        + "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>too many connections</text>")
    for text in [
      Dialogue.features(Dialogue.startTLS) + error,
      Dialogue.features(Dialogue.startTLS) + error + Dialogue.end,
    ] {
      let peer = try ScriptedPeer(.opened(Dialogue.header() + text) + [.close])
      let row = try Row(peer.way("starttls"), command: "connect")
      try peer.finish()
      row.fails(.protocolViolation, .stream, "policy-violation")
      #expect(row.message.contains("too many connections"), "\(row.message)")
      #expect(row.message.contains("not authenticated"), "\(row.message)")
    }
  }

  @Test("F26: a server that answers only when more bytes have come gets white space")
  func lateParser() throws {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = "send"
    scene.sasl.bindsChannels = false
    scene.after = LoginScene.binds(
      "<sm xmlns='urn:xmpp:sm:3'/>",
      then: { talk in
        // <enable/>, the message, the ping, <r/>; then as much again.
        for _ in 0..<4 { _ = try talk.element() }
        try talk.bytes(64)
        try talk.send(DeadlineRowsTests.enabled + "<a xmlns='urn:xmpp:sm:3' h='2'/>")
      })
    scene.options = ["-m", "hi", "--id", "m1", "--max-time", "20", "bob@example.org"]
    let started = try scene.start()
    let outcome = try started.program.finish(within: .seconds(60))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.statuses == ["m1": "acknowledged"])
    let sent = try #require(try started.peer.finish().first?.text)
    #expect(sent.contains("<r xmlns='urn:xmpp:sm:3'/>" + String(repeating: " ", count: 64)), "\(sent)")
  }
}
