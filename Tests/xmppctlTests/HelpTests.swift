import Foundation
import TestSupport
import Testing

@testable import xmppctl

/// What somebody sees who asks for help, or for the version.
@Suite struct HelpTests {
  private static let commands = XMPPCtl.configuration.subcommands.map { $0.configuration.commandName ?? "" }

  private func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n", omittingEmptySubsequences: false)
  }

  @Test func theFirstHelpFitsAScreenAndShowsTheTwoMostCommonUses() throws {
    let help = try Program.xmppctl.run(["--help"])
    #expect(help.status == 0 && help.error.isEmpty)
    #expect(lines(help.output).count <= 24)
    #expect(help.output.contains("\n  xmppctl features example.org "))
    #expect(help.output.contains("\n  echo hello | xmppctl send -j bob@example.org alice@example.org\n"))
  }

  @Test func aCommandLineWithNothingInItIsAnErrorAndShowsTheHelp() throws {
    let help = try Program.xmppctl.run(["--help"])
    let nothing = try Program.xmppctl.run([])
    #expect(nothing.status == 64 && nothing.output.isEmpty)
    #expect(nothing.error == help.output)
  }

  @Test("what is no command, and an option where there is none yet, are named")
  func noCommand() throws {
    for (arguments, words) in [
      (["--foo"], "usage: Unknown option '--foo'\nxmppctl: hint: xmppctl --help says what there is"),
      (["listne"], "listne: usage: there is no such command\nxmppctl: hint: use xmppctl listen\n"),
    ] {
      let outcome = try Program.xmppctl.run(arguments)
      #expect(outcome.status == 64 && outcome.error.hasPrefix("xmppctl: \(words)"), "\(outcome.error)")
    }
  }

  @Test(
    "the help of a command fits a screen: the usual options in groups, the two most common uses, where the rest is",
    arguments: commands)
  func groups(command: String) throws {
    let help = try Program.xmppctl.run(["help", command])
    #expect(lines(help.output).count <= 51, "the last line has its line feed")
    #expect(help.output == (try Program.xmppctl.run([command, "--help"]).output))
    #expect(
      help.output.contains("\nAll options: xmppctl \(command) --help-all, or man xmppctl-\(command).\n"))
    #expect(help.output.matches(of: #/\n  \S.*xmppctl [a-z]+ |\n  xmppctl [a-z]+ /#).count == 2)
    let groups = ["REACHING THE SERVER:"] + (command == "connect" ? [] : ["LOGGING IN:"])
    for group in groups { #expect(help.output.contains("\n\(group)\n"), "\(group)") }
    #expect(lines(help.output).allSatisfy { $0.unicodeScalars.count <= 80 })
    #expect(help.output.contains("\n  xmppctl \(command) ") || help.output.contains("| xmppctl \(command) "))
  }

  @Test func theCommitIsReadOutOfTheBuildID() {
    let commit = (1...20).map { UInt8($0) }
    #expect(Version.commit(in: [0, 0, 0, 0] + commit) == "010203040506")
    #expect(Version.commit(in: [0, 0, 0, 1] + commit) == "010203040506, modified")
    for other in [[], commit, [1, 0, 0, 0] + commit, [0, 0, 0, 2] + commit] {
      #expect(Version.commit(in: other) == nil)
    }
  }

  @Test("the version names the libraries in use, each with its own")
  func version() throws {
    let version = try Program.xmppctl.run(["--version"])
    #expect(version.status == 0)
    let lines = lines(version.output)
    #expect(lines.first.map(String.init) == "xmppctl \(Version.number)")
    for (name, package) in [
      ("OpenSSL", "openssl"), ("libxml2", "libxml-2.0"), ("ICU", "icu-uc"), ("zlib", "zlib"),
      ("c-ares", "libcares"),
    ] {
      let known = try Program("/usr/bin/env").run(["pkg-config", "--modversion", package]).output
      let number = known.trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(!number.isEmpty && version.output.contains("\(name) \(number)"), "\(name) \(number)")
    }
  }
}
