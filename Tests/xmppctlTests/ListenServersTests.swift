import Foundation
import TestSupport
import Testing

/// `listen` on the real servers.
@Suite struct ListenServersTests {
  /// A server as a client sees it.
  struct Place: Sendable, CustomTestStringConvertible {
    let domain: String
    let port: UInt16
    let caFile: String
    var testDescription: String { domain }

    static func prosody(_ server: Prosody) -> Place {
      Place(domain: server.domain, port: server.port, caFile: server.caFile)
    }

    static func make(_ name: String) throws -> Place {
      if name == "prosody" { return prosody(try .shared) }
      let server = try Ejabberd.shared
      return Place(domain: server.domain, port: server.port, caFile: server.caFile)
    }

    func account(_ user: String) throws -> String {
      if domain == "example.test" {
        try Prosody.shared.account(user)
      } else {
        try Ejabberd.shared.account(user)
      }
      return "\(user)@\(domain)"
    }

    func arguments(_ command: String, _ jid: String, _ options: [String]) -> [String] {
      [command, "--jid", jid, "--connect-to", "127.0.0.1:\(port)", "--cacert", caFile] + options
    }

    func start(_ jid: String, _ options: [String], output: String? = nil) throws -> RunningProgram {
      try Program.xmppctl.start(
        arguments("listen", jid, ["--resource", "ear"] + options),
        environment: ["XMPPCTL_PASSWORD": "secret"], output: output)
    }

    /// Sends these bodies, in order, and waits until the server has them.
    func send(_ bodies: ClosedRange<Int>, from: String, to: String) throws {
      let lines = bodies.map { "text \($0)\n" }.joined()
      let outcome = try Program.xmppctl.run(
        arguments("send", from, ["--lines", "--max-time", "60", to]), input: lines,
        environment: ["XMPPCTL_PASSWORD": "secret"])
      guard outcome.status == 0 else { throw SupportFailure("send: \(outcome.error)") }
    }

    /// Waits until a listener answers, which it does behind its presence.
    func awaitAnswer(of listener: String, from: String) throws {
      try wait("\(listener) is there", within: .seconds(60)) {
        try Program.xmppctl.run(
          arguments("send", from, ["--xml", "--max-time", "30", "\(listener)/ear"]),
          input: "<iq type='get' id='there'><ping xmlns='urn:xmpp:ping'/></iq>",
          environment: ["XMPPCTL_PASSWORD": "secret"], within: .seconds(60)
        ).status == 0
      }
    }

    /// Waits until a listener is there to receive.
    ///
    /// What comes while somebody appears may be put aside just after what was put aside has been delivered (ejabberd), so
    /// nothing is sent before it answers.
    func awaitPresence(of listener: RunningProgram, from: String, to: String) throws {
      try awaitAnswer(of: to, from: from)
      try send(0...0, from: from, to: to)
      try listener.awaitOutput("text 0", within: .seconds(60))
    }
  }

  private func bodies(_ output: String) throws -> [String] {
    try ListenScene.bodies(output).filter { $0.hasPrefix("text") }
  }

  @Test("messages come in order, once each", arguments: ["prosody", "ejabberd"])
  func order(server: String) throws {
    let place = try Place.make(server)
    let (bob, ann) = (try place.account("listen-bob"), try place.account("listen-ann"))
    let listener = try place.start(
      bob, ["--json", "--type", "message", "--count", "301", "--max-time", "120"])
    try place.awaitPresence(of: listener, from: ann, to: bob)
    try place.send(1...300, from: ann, to: bob)
    let outcome = try listener.wait(within: .seconds(130))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try bodies(outcome.output) == ListenScene.texts(0...300))
  }

  @Test(
    "the archive is joined to what is live without a gap and without a line twice",
    arguments: ["prosody", "ejabberd"])
  func archive(server: String) throws {
    let place = try Place.make(server)
    let (bob, ann) = (try place.account("archive-bob"), try place.account("archive-ann"))
    try place.send(1...120, from: ann, to: bob)
    let all = try place.start(
      bob, ["--json", "--type", "message", "--since", "2020-01-01", "--count", "125", "--max-time", "120"])
    try all.awaitOutput("text 1", within: .seconds(60))
    try place.send(121...125, from: ann, to: bob)
    let outcome = try all.wait(within: .seconds(130))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try bodies(outcome.output) == ListenScene.texts(1...125))

    let last = try place.start(
      bob, ["--json", "--type", "message", "--since", "7", "--idle", "1", "--max-time", "120"])
    let tail = try last.wait(within: .seconds(130))
    #expect(tail.status == 0, "\(tail.error)")
    #expect(try bodies(tail.output) == ListenScene.texts(119...125))
  }

  @Test("rooms and carbons", arguments: ["prosody", "ejabberd"])
  func roomsAndCarbons(server: String) throws {
    let place = try Place.make(server)
    let (bob, ann) = (try place.account("room-bob"), try place.account("room-ann"))
    let room = try KeptRoom(server == "prosody" ? "Prosody" : server)
    let listener = try place.start(
      bob, ["--json", "--type", "message", "--carbons", "--room", room.address, "--max-time", "120"])
    try place.awaitPresence(of: listener, from: ann, to: bob)
    try place.send(1...1, from: bob, to: ann)
    try listener.awaitOutput("\"carbon\":\"sent\"")
    listener.signal(SIGINT)
    let outcome = try listener.wait()
    #expect(outcome.status == 130)
    #expect(try bodies(outcome.output) == ListenScene.texts(0...1))
  }

  @Test("S12: a restart of the server in the middle")
  func restart() throws {
    let server = try Prosody()
    let place = Place.prosody(server)
    let listener = try place.start(
      "bob@\(place.domain)", ["--json", "--type", "message", "--count", "41", "--max-time", "120"])
    try place.awaitPresence(of: listener, from: "alice@\(place.domain)", to: "bob@\(place.domain)")
    try place.send(1...20, from: "alice@\(place.domain)", to: "bob@\(place.domain)")
    server.kill()
    try server.restart()
    try place.send(21...40, from: "alice@\(place.domain)", to: "bob@\(place.domain)")
    let outcome = try listener.wait(within: .seconds(130))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try bodies(outcome.output) == ListenScene.texts(0...40))
  }

  @Test("--state: between two runs nothing is lost", arguments: ["prosody", "ejabberd"])
  func state(server: String) throws {
    let place = try Place.make(server)
    let (bob, ann) = (try place.account("state-bob"), try place.account("state-ann"))
    let folder = try TemporaryFolder()
    let options = ["--json", "--type", "message", "--state", folder.path("s"), "--max-time", "120"]
    let first = try place.start(bob, options)
    try place.awaitPresence(of: first, from: ann, to: bob)
    try place.send(1...5, from: ann, to: bob)
    try first.awaitOutput("text 5", within: .seconds(60))
    first.signal(SIGKILL)
    let before = try first.wait()
    try place.send(6...12, from: ann, to: bob)
    let second = try place.start(bob, options + ["--idle", "5"])
    let after = try second.wait(within: .seconds(130))
    #expect(after.status == 0, "\(after.error)")
    // What came last may have been written and not noted before it was killed; that alone comes again.
    let (printed, again) = (try bodies(before.output), try bodies(after.output))
    let twice = printed.filter(again.contains)
    #expect(printed == ListenScene.texts(0...5) && Array(printed.suffix(twice.count)) == twice)
    #expect(!twice.contains("text 0"))
    #expect(Array(printed.dropLast(twice.count)) + again == ListenScene.texts(0...12))
  }

  @Test("--state: where the server has given the session up, the archive fills the gap")
  func expired() throws {
    let server = try Prosody()
    let place = Place.prosody(server)
    let (bob, ann) = ("bob@\(place.domain)", "alice@\(place.domain)")
    let folder = try TemporaryFolder()
    let options = ["--json", "--type", "message", "--state", folder.path("s"), "--max-time", "120"]
    let first = try place.start(bob, options)
    try place.awaitPresence(of: first, from: ann, to: bob)
    try place.send(1...3, from: ann, to: bob)
    try first.awaitOutput("text 3", within: .seconds(60))
    first.signal(SIGTERM)
    let before = try first.wait()
    #expect(try before.status == 143 && bodies(before.output) == ListenScene.texts(0...3))
    // A server that was away has no session any more.
    server.kill()
    try server.restart()
    try place.send(4...8, from: ann, to: bob)
    let second = try place.start(bob, options + ["--since", "3", "--count", "6"])
    try second.awaitOutput("text 8", within: .seconds(60))
    try place.send(9...9, from: ann, to: bob)
    let after = try second.wait(within: .seconds(130))
    #expect(after.status == 0, "\(after.error)")
    #expect(try bodies(after.output) == ListenScene.texts(4...9))
  }

  @Test(
    "S12: a line that is cut for a while: resumed, nothing lost, nothing twice",
    arguments: ["prosody", "ejabberd"])
  func cut(server: String) throws { try cut(server, for: .zero) }

  /// Cuts the line of a listener for at least so long, and holds what came to what was sent.
  func cut(_ server: String, for duration: Duration) throws {
    let place = try Place.make(server)
    let (bob, ann) = (try place.account("cut-bob"), try place.account("cut-ann"))
    let proxy = try ChaosProxy(to: place.port)
    let line = Place(domain: place.domain, port: proxy.port, caFile: place.caFile)
    let listener = try line.start(
      bob, ["--json", "--type", "message", "--count", "61", "--max-time", "120", "--trace", "-"])
    try place.awaitPresence(of: listener, from: ann, to: bob)
    try place.send(1...20, from: ann, to: bob)
    proxy.cut()
    let end = ContinuousClock.now + duration
    try place.send(21...40, from: ann, to: bob)
    try listener.awaitError("connecting again")
    try wait("the time is over", within: duration + .seconds(20)) { ContinuousClock.now >= end }
    proxy.mend()
    try place.send(41...60, from: ann, to: bob)
    let outcome = try listener.wait(within: .seconds(130))
    #expect(outcome.status == 0, "\(outcome.error.suffix(2000))")
    #expect(try bodies(outcome.output) == ListenScene.texts(0...60))
    #expect(outcome.error.contains("<resumed "))
  }

  @Test("a message in a room is a line, once", arguments: ["prosody", "ejabberd"])
  func roomMessage(server: String) throws {
    let place = try Place.make(server)
    let (bob, ann) = (try place.account("talk-bob"), try place.account("talk-ann"))
    let room = try KeptRoom(server == "prosody" ? "Prosody" : server)
    let listener = try place.start(
      bob,
      [
        "--json", "--type", "message", "--room", room.address, "--nick", "ear", "-n", "3", "--max-time",
        "120",
      ])
    try place.awaitPresence(of: listener, from: ann, to: bob)
    for number in 1...2 {
      let outcome = try Program.xmppctl.run(
        place.arguments("send", ann, ["--room", "--nick", "ann", "-m", "text \(number)", room.address]),
        environment: ["XMPPCTL_PASSWORD": "secret"])
      #expect(outcome.status == 0, "\(outcome.error)")
    }
    let outcome = try listener.wait(within: .seconds(130))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(0...2))
    #expect(
      outcome.output.contains("\"type\":\"groupchat\",") && outcome.output.contains("\(room.address)/ann"))
  }

  @Test("a pipeline of listen and jq")
  func pipeline() throws {
    let place = try Place.make("prosody")
    let (bob, ann) = (try place.account("pipe-bob"), try place.account("pipe-ann"))
    let words = place.arguments(
      "listen", bob, ["--json", "--count", "1", "--type", "chat", "--max-time", "30"])
    let command = ([Program.xmppctl.path] + words).joined(separator: " ")
    let pipe = try Program("/bin/bash").start(
      ["-c", "set -o pipefail; \(command) | jq -r 'select(.body) | [.from, .body] | @tsv'"],
      environment: ["XMPPCTL_PASSWORD": "secret"])
    try place.send(1...1, from: ann, to: bob)
    let outcome = try pipe.wait()
    #expect(
      outcome.status == 0 && outcome.output.hasPrefix(ann + "/") && outcome.output.hasSuffix("\ttext 1\n"))
  }
}
