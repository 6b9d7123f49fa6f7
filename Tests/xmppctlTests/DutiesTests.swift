import Foundation
import TestSupport
import Testing

/// That a run is really held to what every run owes: something in the executable's place that neglects one of its duties.
@Suite struct DutiesTests {
  private static let secret = "0pen-Sesame/8"

  /// Starts a shell script as if it were the executable: a shell by that name, which reads a file by a command's name.
  private func start(_ script: String, _ arguments: [String] = []) throws -> RunningProgram {
    let folder = try TemporaryFolder()
    let path = folder.path("xmppctl")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/bin/sh")
    try folder.write("features", script + "\n")
    return try Program(path).start(
      ["features"] + arguments, environment: ["XMPPCTL_PASSWORD": DutiesTests.secret], folder: folder)
  }

  private func run(_ script: String, _ arguments: [String] = []) throws -> Outcome {
    try start(script, arguments).finish()
  }

  @Test("who does all that every run owes passes")
  func honest() throws {
    #expect(try run("echo '{\"ok\":true}'; echo fine >&2; exit 79", ["--json"]).status == 79)
    #expect(try run("echo text").status == 0)
  }

  @Test(
    "who neglects one of it does not",
    arguments: [
      ("exit 3", "its status is 3"), ("kill -SEGV $$", "signal 11 ended it"),
      ("printf '\\033[31m\\n'", "something raw is on stdout"),
      ("printf '\\302\\233\\n' >&2", "something raw is on stderr"),
      ("printf '\\377\\n'", "stdout is not UTF-8"), ("printf half", "stdout ends within a line"),
      ("echo \"$XMPPCTL_PASSWORD\"", "the password is in stdout"),
      ("printf 'x\\0bob\\0%s' \"$XMPPCTL_PASSWORD\" | base64 >&2", "the password is in stderr"),
      ("printf %s \"$XMPPCTL_PASSWORD\" | od -An -tx1 | tr -d ' ' >$HOME/left", "/left"),
    ])
  func neglecting(script: String, words: String) throws {
    let failure = #expect(throws: SupportFailure.self) { try run(script) }
    #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
  }

  @Test("who shows the password among its arguments does not either")
  func arguments() throws {
    let running = try start("exec sh -c 'echo there; read line' sh \"$XMPPCTL_PASSWORD\"")
    #expect(try running.line() == "there")
    let failure = #expect(throws: SupportFailure.self) { try running.finish("end\n") }
    #expect(failure?.description.contains("the password is in its arguments") == true)
  }

  @Test("who prints half an object does not either, nor who leaves the password in a trace")
  func files() throws {
    let broken = #expect(throws: SupportFailure.self) { try run("echo '{\"ok\":'", ["--json"]) }
    #expect(broken?.description.contains("a line is no JSON object") == true)
    let folder = try TemporaryFolder()
    let trace = folder.path("trace")
    let told = #expect(throws: SupportFailure.self) {
      try run("echo \"$XMPPCTL_PASSWORD\" >\(trace)", ["--trace=\(trace)"])
    }
    #expect(told?.description.contains("the password is in \(trace)") == true)
  }
}
