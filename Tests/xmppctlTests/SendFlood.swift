import Foundation
import TestSupport
import Testing

/// Many messages by `--ndjson`, and what became of each of them at both ends.
struct SendFlood {
  let count: Int

  /// The input: headlines, which no server stores.
  private func input(_ to: String) -> String {
    (0..<count).map {
      "{\"to\":\"\(to)\",\"id\":\"i\($0)\",\"type\":\"headline\",\"body\":\"number \($0)\"}\n"
    }
    .joined()
  }

  /// To a server that lives: every message arrives, once and in order, and memory stays flat.
  func run(on server: String = "Prosody", at place: SourceLocation = #_sourceLocation) throws {
    let scene = try SendScene(server)
    let program = try Program.xmppctl.start(
      scene.arguments(["--ndjson", "--json"], within: 300), environment: SendScene.environment)
    try program.write(input(scene.to), within: .seconds(300))
    for _ in 0..<count { _ = try program.line(within: .seconds(60)) }
    // What the system tells of a process that has ended counts what its parent had when it was started.
    let memory = try String(contentsOfFile: "/proc/\(program.pid)/status", encoding: .utf8)
      .firstMatch(of: #/VmHWM:\s*([0-9]+) kB/#).flatMap { Int($0.1) }
    let outcome = try program.finish()
    #expect(outcome.status == 0, "\(outcome.error.suffix(500))", sourceLocation: place)
    let ids = (0..<count).map { "i\($0)" }
    #expect(try outcome.results.map { $0["id"] } == ids.map { .string($0) }, sourceLocation: place)
    #expect(try scene.receiver.messages(count).map(\.id) == ids, sourceLocation: place)
    #expect(try #require(memory) < 40 << 10, "KiB", sourceLocation: place)
  }

  /// To a server that is killed in the middle: what is acknowledged has arrived, and everything else is listed.
  ///
  /// - Parameter restarts: whether the server comes back, without the session.
  func runWithKill(restarts: Bool, at place: SourceLocation = #_sourceLocation) throws {
    let prosody = try Prosody()
    let scene = try SendScene("Prosody", prosody)
    let folder = try TemporaryFolder()
    let file = try folder.write("input", input(scene.to))
    let arguments = scene.arguments(["--ndjson", "--json"], within: (restarts ? 60 : 15) + count / 1000)
    let program = try Program("/bin/sh").start(
      ["-c", "file=$1; shift; exec \"$@\" <\"$file\"", "sh", file, Program.xmppctl.path] + arguments,
      environment: SendScene.environment)
    // Half of them are confirmed, whatever of that the receiver has read by now.
    for _ in 0..<count / 2 {
      guard try program.line(within: .seconds(120)) != nil else {
        throw SupportFailure("it ended: \(program.errorSoFar.suffix(500))")
      }
    }
    prosody.kill()
    if restarts { try prosody.restart() }
    let outcome = try program.finish(within: .seconds(120))
    #expect(outcome.status == 69, "\(outcome.error.suffix(500))", sourceLocation: place)

    let statuses = try outcome.statuses
    let arrived = scene.receiver.messagesSoFar(quietFor: 0.3).map(\.id)
    #expect(Set(arrived).count == arrived.count, "none twice", sourceLocation: place)
    #expect(statuses.count == count, "every id has its line", sourceLocation: place)
    let acknowledged = Set(statuses.filter { $0.value == "acknowledged" }.keys)
    #expect(!acknowledged.isEmpty && acknowledged.count < count, sourceLocation: place)
    #expect(acknowledged.isSubset(of: arrived), sourceLocation: place)
    let unconfirmed = statuses.filter { $0.value == "unconfirmed" }.keys
    for id in unconfirmed {
      #expect(outcome.error.contains("unconfirmed: \(id) to \(scene.to)\n"), sourceLocation: place)
    }
    let notSent = Set(statuses.filter { $0.value == "not-sent" }.keys)
    #expect(
      notSent.isDisjoint(with: arrived), "what is said not to have been sent was not", sourceLocation: place)
    #expect(
      outcome.error.contains("\(notSent.count) stanzas were not sent, the first: "), sourceLocation: place)
  }
}

/// What takes long; `make torture` runs it.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["XMPPCTL_TORTURE"] != nil)) struct TortureTests {
  @Test("100,000 by --ndjson", arguments: SendTests.servers)
  func flood(server: String) throws { try SendFlood(count: 100_000).run(on: server) }

  @Test("S9: a server killed in the middle of 50,000", arguments: [true, false])
  func kill(restarts: Bool) throws { try SendFlood(count: 50_000).runWithKill(restarts: restarts) }
}
