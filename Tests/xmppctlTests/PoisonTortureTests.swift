import Foundation
import TestSupport
import Testing

/// Odd stanzas by chance through real servers: each has a line, and so has the honest one after it.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["XMPPCTL_TORTURE"] != nil))
struct PoisonTortureTests {
  private func number(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment["XMPPCTL_TORTURE_" + name].flatMap(UInt64.init)
  }

  @Test("P1: odd stanzas by chance through each server", arguments: OddServer.Kind.allCases)
  func chance(kind: OddServer.Kind) throws {
    let seed = number("SEED") ?? UInt64.random(in: 0 ... .max)
    print("P1: \(kind), seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let server = try OddServer(kind)
    let (bob, eve) = (try server.account("bob"), try server.account("eve"))
    let listener = try server.listen(bob, ["--json", "--from", eve.jid])
    try server.awaitPresence(of: bob, from: eve)
    var client = try RawClient(server.plainPort, as: eve)
    var taken = 0
    for number in 0..<(number("RUNS") ?? 400) {
      let (kind, to) =
        [("message", bob.jid), ("presence", "\(bob.jid)/ear"), ("iq type='get'", "\(bob.jid)/ear")]
        .randomElement(using: &random) ?? ("message", bob.jid)
      let name = kind.prefix { $0 != " " }
      let odd = "<\(kind) to='\(to)' id='odd-\(number)'>\(OddStanza.random(&random))</\(name)>"
      if client.send(odd) == nil { client = try RawClient(server.plainPort, as: eve) } else { taken += 1 }
      guard client.send("<message to='\(bob.jid)' id='honest-\(number)'><body>h</body></message>") != nil
      else {
        throw SupportFailure("seed \(seed): the server takes no honest message")
      }
      try listener.awaitOutput("\"id\":\"honest-\(number)\"", within: .seconds(60))
    }
    listener.signal(SIGTERM)
    #expect(try listener.wait(within: .seconds(60)).status == 143, "seed \(seed)")
    print("P1: \(kind), \(taken) taken by the server")
    #expect(taken > 0)
    client.close()
  }
}
