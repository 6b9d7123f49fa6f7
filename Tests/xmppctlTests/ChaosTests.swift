import Foundation
import Synchronization
import TestSupport
import Testing

/// Runs with one seed after another, some at a time.
enum ChaosLoop {
  /// How to repeat one.
  static let again = "one of them again: make torture ONLY=Chaos SEED=… RUNS=1"
  private static let workers = 4

  /// - Parameters:
  ///   - first: the first seed.
  ///   - count: how many runs there are at most.
  ///   - limit: no run begins later.
  static func run(from first: UInt64, count: Int, within limit: Duration = .seconds(3600)) throws
    -> ChaosTally
  {
    let end = ContinuousClock.now + limit
    var rooms: [String: KeptRoom] = [:]
    for server in ChaosRun.servers { rooms[server] = try KeptRoom(server) }
    let kept = rooms
    let state = Mutex((next: 0, tally: ChaosTally()))
    DispatchQueue.concurrentPerform(iterations: workers) { _ in
      while ContinuousClock.now < end {
        let number = state.withLock { state in
          state.next += 1
          return state.next - 1
        }
        guard number < count else { return }
        let tally = ChaosRun(seed: first &+ UInt64(number), rooms: kept).perform()
        state.withLock { $0.tally += tally }
      }
    }
    return state.withLock { $0.tally }
  }
}

@Suite struct ChaosTests {
  @Test("D9: every command over lines that stall, break, lie and fall silent: nothing lost, nothing twice")
  func chaos() throws {
    let tally = try ChaosLoop.run(from: 1, count: 26)
    #expect(tally.problems.isEmpty, "\(tally.problems.joined(separator: "\n\n"))\n\(ChaosLoop.again)")
    #expect(tally.runs == 26 && tally.lost == 0 && tally.duplicated == 0)
  }
}

/// Requests before TLS that arrive in pieces.
@Suite struct ChaosPiecesTests {
  @Test("D13: a request before TLS that is cut in its first half is answered", arguments: ChaosRun.servers)
  func pieces(server: String) throws {
    var chaos = Chaos(seed: 0)
    (chaos.pieces, chaos.pauses, chaos.faults) = (.bytes, 5, [])
    let tag = "pieces" + String(UInt32.random(in: 0 ... .max), radix: 36)
    let scene = try ChaosScene(server, .startTLS, chaos, tag: tag)
    let outcome = try Program.xmppctl.run(
      ["connect", "--max-time", "\(scene.limit)"] + scene.throughLine + [scene.account.domain],
      environment: scene.environment, within: .seconds(scene.limit + 30))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(scene.proxy.counts["pieces"] == 1)
    scene.settle()
  }

  @Test("D13: a server that does not answer STARTTLS is sent no white space, which would break TLS")
  func noWhiteSpace() throws {
    let peer = try ScriptedPeer(.asked + [.silence])
    let row = try Row(
      ["--connect-to", "127.0.0.1:\(peer.port)", "--tls", "starttls", "-m", "3", "example.org"])
    row.fails(.timeout, .timeout, "max-time")
    #expect(isNothingButTheStream(try peer.finish()[0].text))
  }
}

/// For as long as XMPPCTL_TORTURE_TIME says, from XMPPCTL_TORTURE_SEED on; `make torture` runs it.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["XMPPCTL_TORTURE"] != nil))
struct ChaosTortureTests {
  @Test("every command over bad lines, for as long as wished")
  func chaos() throws {
    let environment = ProcessInfo.processInfo.environment
    let seed =
      environment["XMPPCTL_TORTURE_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 1...999_999_999)
    let time = environment["XMPPCTL_TORTURE_TIME"].flatMap { Int($0) } ?? 300
    let runs = environment["XMPPCTL_TORTURE_RUNS"].flatMap { Int($0) } ?? .max
    print("chaos: seeds from \(seed) on, for \(time) s; \(ChaosLoop.again)")
    let tally = try ChaosLoop.run(from: seed, count: runs, within: .seconds(time))
    print("chaos: \(tally.summary)")
    #expect(tally.problems.isEmpty, "\(tally.problems.joined(separator: "\n\n"))")
    #expect(tally.runs > 0 && tally.lost == 0 && tally.duplicated == 0)
  }
}
