import Foundation
import TestSupport
import Testing

@Suite struct ProgramTests {
  private let shell = Program("/bin/sh")

  @Test func tellsHowAProgramEnded() throws {
    #expect(try shell.run(["-c", "exit 65"]).status == 65)
    #expect(try shell.run(["-c", "kill -TERM $$"]).ending == .killed(SIGTERM))
    #expect(try shell.run(["-c", "echo out; echo err >&2"]).output == "out\n")
    #expect(try shell.run(["-c", "echo out; echo err >&2"]).error == "err\n")
  }

  @Test func carriesMoreThanAPipeHoldsBothWays() throws {
    let text = String(repeating: "0123456789abcdef", count: 65_536)
    #expect(try Program("/bin/cat").run([], input: text).output == text)
    #expect(try Program("/bin/true").run([], input: text).status == 0)
  }

  @Test func givesAnEnvironmentWithNothingOfTheTestsInIt() throws {
    let names = try Program("/usr/bin/env").run([], environment: ["GIVEN": "1"]).output
      .split(separator: "\n").compactMap { $0.split(separator: "=").first }
    // What the tests' sanitizer is told, where there is one, is for it too.
    #expect(
      Set(names.filter { !$0.hasSuffix("SAN_OPTIONS") }) == ["PATH", "HOME", "SWIFT_BACKTRACE", "GIVEN"])
  }

  @Test func startsWithEverySignalAsAShellWouldHandItOn() throws {
    let status = try Program("/bin/cat").run(["/proc/self/status"]).output
    for name in ["SigBlk", "SigIgn"] {
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):\t") })
      let signals = try #require(UInt64(line.dropFirst(8), radix: 16))
      // glibc leaves two signals of its own ignored, above the 31 that have names.
      #expect(signals & 0x7fff_ffff == 0, "\(line)")
    }
  }

  @Test func killsAProgramThatDoesNotEndAndItsChildren() throws {
    let running = try shell.start(["-c", "sleep 600 & echo $!; wait"])
    let child = try #require(try running.line().flatMap { pid_t($0) })
    #expect(throws: SupportFailure.self) { try running.wait(within: .milliseconds(50)) }
    let end = ContinuousClock.now + .seconds(10)
    while isAlive(child) && ContinuousClock.now < end { usleep(1000) }
    #expect(!isAlive(child))
  }

  @Test func talksWithAProgramWhileItRuns() throws {
    let running = try shell.start(["-c", "while read -r word; do echo \"got $word\"; done; echo bye"])
    try running.write("one\n")
    #expect(try running.line() == "got one")
    try running.write("two\n")
    #expect(try running.line() == "got two")
    running.closeInput()
    #expect(try running.line() == "bye")
    #expect(try running.line() == nil)
    #expect(try running.wait().status == 0)
  }

  @Test func findsTheExecutableThatWasBuiltBesideTheTests() throws {
    let outcome = try Program.xmppctl.run(["--help"])
    #expect(outcome.status == 0)
    #expect(outcome.output.contains("xmppctl"))
  }

  /// Whether a process runs; one that only waits to be reaped does not.
  private func isAlive(_ pid: pid_t) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
    return !stat.contains(") Z ")
  }
}
