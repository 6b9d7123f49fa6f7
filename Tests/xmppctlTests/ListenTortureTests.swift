import Foundation
import TestSupport
import Testing

/// What of `listen` takes long on the real servers; `make torture` runs it.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["XMPPCTL_TORTURE"] != nil))
struct ListenTortureTests {
  private typealias Place = ListenServersTests.Place

  /// Headlines, which no server stores.
  private func flood(_ place: Place, _ bodies: ClosedRange<Int>, from: String, to: String) throws {
    let outcome = try Program.xmppctl.run(
      place.arguments("send", from, ["--lines", "--type", "headline", "--max-time", "300", to]),
      input: bodies.map { "text \($0)\n" }.joined(), environment: ["XMPPCTL_PASSWORD": "secret"],
      within: .seconds(320))
    guard outcome.status == 0 else { throw SupportFailure("send: \(outcome.error.suffix(500))") }
  }

  @Test("100,000 messages, once each and in order", arguments: ["prosody", "ejabberd"])
  func many(server: String) throws {
    let place = try Place.make(server)
    let (bob, ann) = (try place.account("many-bob"), try place.account("many-ann"))
    let folder = try TemporaryFolder()
    // Into a file: a reader of lines would be what is measured.
    let listener = try place.start(
      bob, ["--json", "--type", "headline", "--count", "100000", "--max-time", "600"],
      output: folder.path("lines"))
    try place.awaitAnswer(of: bob, from: ann)
    try flood(place, 1...100_000, from: ann, to: "\(bob)/ear")
    let outcome = try listener.wait(within: .seconds(600))
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = try folder.read("lines").split(separator: "\n")
    #expect(lines.count == 100_000)
    #expect(lines.enumerated().allSatisfy { $1.contains("\"body\":\"text \($0 + 1)\"") })
  }

  @Test("S12: a line that is cut for ten seconds", arguments: ["prosody", "ejabberd"])
  func cut(server: String) throws { try ListenServersTests().cut(server, for: .seconds(10)) }

  @Test("C5: a consumer asleep for a minute in the flood: memory bounded, the stream alive, nothing lost")
  func asleep() throws {
    let server = try Prosody()
    let place = Place.prosody(server)
    let (bob, ann) = ("bob@\(place.domain)", "alice@\(place.domain)")
    // Nobody reads its output until the minute is over.
    let listener = try place.start(
      bob, ["--json", "--type", "headline", "--count", "50000", "--max-time", "600", "--ping-interval", "5"])
    try place.awaitAnswer(of: bob, from: ann)
    let end = ContinuousClock.now + .seconds(60)
    try flood(place, 1...50_000, from: ann, to: "\(bob)/ear")
    try wait("a minute has passed", within: .seconds(90)) { ContinuousClock.now >= end }
    let memory = try listener.peakMemory
    #expect(memory < 32 << 20, "\(memory) bytes")
    let outcome = try listener.wait(within: .seconds(600))
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...50_000))
  }
}
