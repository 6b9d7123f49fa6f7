import Foundation
import TestSupport
import Testing

/// What others on the machine can see of a login that runs.
@Suite struct PasswordExposureTests {
  @Test("C10: a running login shows its password neither in its arguments nor in its environment")
  func proc() throws {
    let peer = try LoopbackPort(.silent)
    let program = try Program.xmppctl.start(
      ["bind", "bob@example.org", "-v", "--connect-to", "127.0.0.1:\(peer.port)", "--tls", "direct"],
      environment: ["XMPPCTL_PASSWORD": "open-sesame"])
    try program.awaitError("\n")
    // The kernel shows where the variable was, so it was given.
    let environment = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(program.pid)/environ"))
    #expect(environment.range(of: Data("XMPPCTL_PASSWORD=\0\0\0".utf8)) != nil)
    for name in ["environ", "cmdline"] {
      let shown = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(program.pid)/\(name)"))
      #expect(!shown.isEmpty)
      #expect(shown.range(of: Data("open-sesame".utf8)) == nil)
    }
    program.signal(SIGTERM)
    let outcome = try program.finish()
    #expect(outcome.status == 143)
    #expect(!outcome.error.contains("open-sesame"))
  }
}
