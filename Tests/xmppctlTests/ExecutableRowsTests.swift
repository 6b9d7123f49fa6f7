import Foundation
import TestSupport
import Testing

/// The executable file and its process, seen from outside.
@Suite struct ExecutableRowsTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL.path
  private static let check = Program("\(root)/scripts/check-linking.sh")

  /// Whether Swift's libraries are in it, as in a release.
  private func isRelease() throws -> Bool {
    let outcome = try Program("/usr/bin/readelf").run(["-dW", Program.xmppctl.path])
    return !outcome.output.contains("libswiftCore.so")
  }

  @Test("C32: its symbols are bound at start and the table of them is read-only; a release has no RUNPATH")
  func linking() throws {
    let outcome = try Self.check.run([Program.xmppctl.path])
    // Only a build for tests needs to find Swift's libraries, and the check finds that.
    let expected =
      try isRelease() ? "" : "check-linking: \(Program.xmppctl.path): libraries are looked for in a RUNPATH\n"
    #expect(outcome.error == expected && outcome.status == (expected.isEmpty ? 0 : 1))
  }

  @Test("C32: the release build asks for no RUNPATH, and fails where there is one")
  func release() throws {
    let folder = try TemporaryFolder()
    let swift = try folder.write(
      "bin/swift",
      "#!/bin/sh\necho \"$@\" >>'\(folder.path("arguments"))'\n"
        + "case $* in *--show-bin-path*) echo '\(folder.path("bin"))' ;; esac\n", mode: 0o700)
    try FileManager.default.createSymbolicLink(
      atPath: folder.path("bin/xmppctl"), withDestinationPath: "/bin/cat")
    let path = "\(URL(fileURLWithPath: swift).deletingLastPathComponent().path):/usr/bin:/bin"
    let outcome = try Program("\(Self.root)/scripts/build-release.sh").run([], environment: ["PATH": path])
    #expect(
      try folder.read("arguments").split(separator: "\n").allSatisfy { $0.contains("--disable-local-rpath") })
    // What it was given here is a program of the system, which binds its symbols when they are first used.
    #expect(outcome.status == 1 && outcome.error.contains("(no BIND_NOW)"), "\(outcome.error)")
  }

  @Test("C33: once it holds a password or a private key, no other process of the user can read its memory")
  func memory() throws {
    // What only the administrator may do is done without the right to it.
    let rights = "-sys_ptrace,-sys_admin,-perfmon"
    let weaker =
      geteuid() == 0 ? ["/usr/bin/setpriv", "--bounding-set", rights, "--inh-caps", rights] : []
    func read(_ pid: Int) throws -> Outcome {
      let command = weaker + ["/bin/sh", "-c", "cat /proc/\(pid)/environ >/dev/null"]
      return try Program(command[0]).run(Array(command.dropFirst()))
    }
    func run(_ variables: [String: String], _ arguments: [String]) throws -> Outcome {
      let port = try LoopbackPort(.silent)
      let command =
        weaker + [Program.xmppctl.path]
        + arguments.map { $0.replacing("PORT", with: "\(port.port)") }
        + ["--connect-to", "127.0.0.1:\(port.port)", "--tls", "direct", "--max-time", "30"]
      let running = try Program(command[0]).start(Array(command.dropFirst()), environment: variables)
      try wait("it connects") { port.accepted > 0 }
      let outcome = try read(Int(running.pid))
      running.signal(SIGTERM)
      _ = try running.finish()
      return outcome
    }
    let before = try run([:], ["connect", "example.org"])
    #expect(before.status == 0, "\(before.error)")
    let own = try Certificates.shared.leaf("alice.test")
    for (variables, arguments) in [
      (["XMPPCTL_PASSWORD": LoginScene.password], ["bind", "--jid", "alice@example.org"]),
      ([:], ["connect", "--cert", own.certificate, "--key", own.key, "example.org"]),
      ([:], ["connect", "example.org", "--proxy", "socks5h://user:secret@127.0.0.1:PORT"]),
    ] {
      let after = try run(variables, arguments)
      #expect(after.status != 0 && after.error.contains("Permission denied"), "\(arguments): \(after.error)")
    }
  }
}
