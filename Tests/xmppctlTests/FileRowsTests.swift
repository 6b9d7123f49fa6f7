import Foundation
import TestSupport
import Testing

/// What other users of the machine lay where a run reads and writes. What belongs to another user is made by `chown`, which
/// takes root.
@Suite struct FileRowsTests {
  private static let nobody: uid_t = 65_534
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func giveAway(_ path: String) throws {
    guard lchown(path, FileRowsTests.nobody, FileRowsTests.nobody) == 0 else {
      throw SupportFailure("chown \(path): run the tests as root")
    }
  }

  private func link(_ name: String, to target: String) throws -> String {
    try FileManager.default.createSymbolicLink(atPath: folder.path(name), withDestinationPath: target)
    return folder.path(name)
  }

  private func mode(_ path: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  /// A run that reaches a server and reads its features, with a trace.
  private func traced(_ file: String) throws -> Outcome {
    let server = try Certificates.server
    let peer = try ScriptedPeer(
      .direct(server, Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence])
    let outcome = try Program.xmppctl.run(
      ["features"] + peer.way("direct", try Certificates.trusted + ["--trace=\(file)"]))
    try peer.finish()
    return outcome
  }

  private func expectRefused(
    _ outcome: Outcome, _ status: Int32, _ why: String, at place: SourceLocation = #_sourceLocation
  ) {
    #expect(outcome.status == status, "\(outcome.error)", sourceLocation: place)
    #expect(outcome.error.contains(why), "\(outcome.error)", sourceLocation: place)
    #expect(outcome.output.isEmpty, sourceLocation: place)
  }

  @Test("F1: a trace goes through no link, and neither into another user's file nor one with another name")
  func laidTrace() throws {
    let victim = try folder.write("victim", "precious")
    func refused(_ path: String, _ why: String) throws {
      let outcome = try Program.xmppctl.run(
        ["connect", "--connect-to", "127.0.0.1:1", "--trace=\(path)", "example.org"])
      expectRefused(outcome, 74, "output: \(path): \(why)")
    }
    try refused(link("link", to: victim), "it is a symbolic link")
    try refused(link("dangling", to: folder.path("new")), "it is a symbolic link")
    #expect(!FileManager.default.fileExists(atPath: folder.path("new")))
    try FileManager.default.linkItem(atPath: victim, toPath: folder.path("hard"))
    try refused(folder.path("hard"), "it has other names")
    #expect(try folder.read("victim") == "precious")

    let foreign = try folder.write("foreign", "theirs", mode: 0o666)
    try giveAway(foreign)
    try refused(foreign, "it belongs to another user")
    #expect(try folder.read("foreign") == "theirs" && mode(foreign) == 0o666)
    let pipe = folder.path("pipe")
    #expect(mkfifo(pipe, 0o666) == 0)
    let reader = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    try giveAway(pipe)
    try refused(pipe, "it belongs to another user")
    try refused(folder.path, "Is a directory")
  }

  @Test("F2: a trace into an own file from before empties it and makes it the owner's alone; devices pass")
  func ownTrace() throws {
    let own = try folder.write("own", String(repeating: "old ", count: 10_000), mode: 0o644)
    #expect(try traced(own).status == 0)
    #expect(try mode(own) == 0o600)
    let text = try folder.read("own")
    #expect(!text.contains("old") && text.contains("<stream:features"))
    #expect(try traced("/dev/null").status == 0)
    for name in ["-", "/dev/stderr", "/dev/fd/2", "/proc/self/fd/2"] {
      let outcome = try traced(name)
      #expect(outcome.status == 0 && outcome.error.contains("<stream:features"), "\(name): \(outcome.error)")
    }
  }

  /// The arguments of a `listen` that keeps its session in a file.
  private func kept(_ state: String, _ port: UInt16 = 1) throws -> [String] {
    try ["listen", "--json", "--state", state, "--count", "1"] + ListenScene.way(port)
  }

  private func refusedState(_ path: String, _ status: Int32, _ why: String) throws {
    let outcome = try Program.xmppctl.run(try kept(path), environment: ListenScene.environment)
    expectRefused(outcome, status, why)
  }

  @Test("F3: a session is kept through a link of the user's own, and through no other")
  func linkedState() throws {
    try refusedState(link("dangling", to: folder.path("new")), 65, "it is a symbolic link that leads nowhere")
    #expect(!FileManager.default.fileExists(atPath: folder.path("new")))
    let target = try folder.write("elsewhere/session", "")
    let foreign = try link("foreign", to: target)
    try giveAway(foreign)
    try refusedState(foreign, 65, "it is a symbolic link of another user")

    let own = try link("own", to: target)
    let scene = try ListenScene(
      ["--json", "--state", own, "--count", "1"], .new { try $0.send(ListenScene.messages(1...1)) })
    #expect(try scene.program.wait().status == 0)
    try scene.peer.finish()
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: own) == target)
    #expect(try folder.read("elsewhere/session").contains(#""id":"s1""#))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("elsewhere")) == ["session"])
  }

  @Test("F4: another user's file is not removed, neither where the session is kept nor beside it")
  func foreignState() throws {
    let foreign = try folder.write("foreign", "")
    try giveAway(foreign)
    try refusedState(foreign, 65, "it belongs to another user")
    #expect(FileManager.default.fileExists(atPath: foreign))

    let state = folder.path("session")
    let new = try folder.write("session.new", "theirs")
    try giveAway(new)
    let scene = try ListenScene(
      ["--json", "--state", state, "--count", "1"],
      .new { try $0.send(ListenScene.messages(1...1)) })
    let outcome = try scene.program.wait()
    #expect(
      outcome.status == 74 && outcome.error.contains("session.new belongs to another user"),
      "\(outcome.error)")
    #expect(try folder.read("session.new") == "theirs")
    _ = try? scene.peer.finish()
  }

  @Test("F8: times in the file of a session that no calendar has are passed over")
  func farTimes() throws {
    let state = folder.path("session")
    _ = try folder.write(
      "session",
      #"{"jid":"bob@example.org/desk","handled":0,"acknowledged":0,"unacknowledged":[],"#
        + #""time":-9223372036854775808,"opened":9223372036854774784,"#
        + #""seen":["00000000000000000000000000000000",["0000000000000000",-9223372036854775808]]}"#,
      mode: 0o600)
    let scene = try ListenScene(
      ["--json", "--state", state, "--count", "1"],
      .new { try $0.send(ListenScene.messages(1...1)) })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0 && outcome.output.contains("text 1"), "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test(
    "F5: a password file that others may access, or that is another user's, is rejected with what to type",
    arguments: ["--password-file", "--room-password-file"])
  func passwordFile(option: String) throws {
    let word = "one-Two/three"
    let isRoom = option == "--room-password-file"
    let arguments =
      (isRoom ? ["send", "--room", "-m", "x", "den@rooms.example.org"] : ["bind"])
      + ["--jid", "alice@example.org", "--tls", "direct"] + (try Certificates.trusted)
    func run(_ path: String) throws -> Outcome {
      let peer = try ScriptedPeer([
        .tls(try Certificates.server), .expectHeader,
        .send(Dialogue.header() + Dialogue.features(Dialogue.plain)), .silence,
      ])
      let outcome = try Program.xmppctl.run(
        arguments + ["--connect-to", "127.0.0.1:\(peer.port)", option, path, "--max-time", "10"],
        environment: isRoom ? ["XMPPCTL_PASSWORD": "unused-word"] : [:])
      // A room's password is read before anything is connected to.
      if let connection = try? peer.finish().first { #expect(isNothingButTheStream(connection.text)) }
      expectSecret(word, nowhereIn: [outcome.output, outcome.error])
      return outcome
    }
    for mode in [0o644, 0o640, 0o604, 0o620] {
      let file = try folder.write("word", word + "\n", mode: mode)
      let outcome = try run(file)
      #expect(outcome.status == 78, "\(outcome.error)")
      #expect(outcome.error.contains("config: \(file): it holds a password and others may access it"))
      #expect(outcome.error.contains("\nxmppctl: hint: chmod 600 \(file)\n"))
    }
    let foreign = try folder.write("foreign", word + "\n")
    try giveAway(foreign)
    let outcome = try run(foreign)
    #expect(outcome.status == 78 && outcome.error.contains("it belongs to another user"), "\(outcome.error)")
  }

  @Test("F6: a configuration that others can write or replace is rejected before its command runs")
  func configuration() throws {
    let ran = folder.path("ran")
    let text =
      "{default: 'a', accounts: {a: {jid: 'a@example.org', password_command: 'echo x | tee \(ran)'}}}"
    func run(_ file: String) throws -> Outcome {
      try Program.xmppctl.run(
        ["bind", "--config", file, "--connect-to", "127.0.0.1:1", "--max-time", "5"])
    }
    for mode in [0o660, 0o620, 0o606] {
      let file = try folder.write("config.json5", text, mode: mode)
      let outcome = try run(file)
      expectRefused(outcome, 78, "\(file): others can write it")
      #expect(outcome.error.contains("hint: chmod 600 \(file)"))
    }
    let readable = try folder.write("config.json5", text, mode: 0o644)
    expectRefused(try run(readable), 78, "others may access it")

    let inside = try folder.write("open/config.json5", text)
    try #require(chmod(folder.path("open"), 0o777) == 0)
    expectRefused(try run(inside), 78, "others can replace it in \(folder.path("open"))")
    expectRefused(try run(link("link", to: inside)), 78, "others can replace it in \(folder.path("open"))")
    try #require(chmod(folder.path("open"), 0o1777) == 0)
    #expect(try run(inside).status == 69)
    try #require(chmod(folder.path("open"), 0o755) == 0)
    try giveAway(folder.path("open"))
    expectRefused(try run(inside), 78, "belongs to another user")
    #expect(!FileManager.default.fileExists(atPath: ran))
  }

  @Test("F7: a private key that others may read is told of, with what to type")
  func readableKey() throws {
    let leaf = try Certificates.shared.leaf("example.org")
    let key = try folder.write("key.pem", try String(contentsOfFile: leaf.key, encoding: .utf8), mode: 0o644)
    let arguments = ["connect", "--cert", leaf.certificate, "--key", key, "--connect-to", "127.0.0.1:1"]
    let told = try Program.xmppctl.run(arguments + ["example.org"])
    #expect(
      told.error.contains("xmppctl: warning: \(key): others may read the private key\n"), "\(told.error)")
    #expect(told.error.contains("xmppctl: hint: chmod 600 \(key)\n"))
    try #require(chmod(key, 0o600) == 0)
    #expect(try !Program.xmppctl.run(arguments + ["example.org"]).error.contains("warning"))
  }
}
