import Foundation
import TestSupport
import Testing

@testable import XMPP
@testable import xmppctl

/// What is written about the executable, held to the executable.
@Suite struct DocumentationTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL

  private static let commands = XMPPCtl.configuration.subcommands.map { $0.configuration.commandName ?? "" }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The options a help text explains, short and long.
  private func options(inHelp help: String) -> Set<String> {
    let lines = help.split(separator: "\n").filter { $0.hasPrefix("  -") }
    return Set(
      lines.flatMap { line -> [String] in
        // Behind two spaces the explanation begins.
        let names = String(line.dropFirst(2).prefix { $0 != "<" }).components(separatedBy: "  ")[0]
        return names.matches(of: #/--?[A-Za-z0-9][-A-Za-z0-9]*/#).map { String($0.output) }
      })
  }

  /// The options a manual page has a paragraph for.
  private func options(inPage page: String) -> Set<String> {
    let lines = page.split(separator: "\n").filter { $0.hasPrefix(".It Fl ") }
    return Set(
      lines.flatMap { line in
        line.matches(of: #/\bFl (-?[A-Za-z0-9][-A-Za-z0-9]*)/#).map { "-" + String($0.output.1) }
      })
  }

  @Test(
    "every option has its place in the manual page, and none has it that is not there", arguments: commands)
  func options(command: String) throws {
    let help = try Program.xmppctl.run([command, "--help-all"])
    #expect(help.status == 0)
    let offered = options(inHelp: help.output)
    let page = try text("man/xmppctl-\(command).1")
    let written = options(inPage: page)
    #expect(
      offered.isSuperset(of: ["--help", "-h", "--help-all", "--version"]),
      "the help text is read as it is laid out")
    #expect(offered.subtracting(written) == [], "not in the manual page")
    #expect(written.subtracting(offered) == [], "not in the executable")
    let shown = options(inHelp: try Program.xmppctl.run(["help", command]).output)
    #expect(shown.isStrictSubset(of: offered), "the usual ones are a part of all")
  }

  @Test("every manual page has the sections that one looks for")
  func sections() throws {
    let pages = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("man").path)
    #expect(Set(pages).isSuperset(of: Self.commands.map { "xmppctl-\($0).1" } + ["xmppctl.1"]))
    for page in pages {
      let text = try text("man/\(page)")
      for section in ["ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES", "STANDARDS", "SECURITY"] {
        #expect(text.contains("\n.Sh \(section)\n"), "\(page): \(section)")
      }
    }
  }

  @Test func theMainPageNamesEveryCommandAndVariable() throws {
    let page = try text("man/xmppctl.1")
    let named = page.matches(of: #/\n\.It Cm ([a-z]+)\n/#).map { String($0.output.1) }
    #expect(named == Self.commands + ["help"])
    let variables = Set(
      page.matches(of: #/\n\.It Ev ([A-Za-z_ ,]+)\n/#).flatMap { $0.output.1.split(separator: " , ") }.map(
        String.init))
    let sources = try FileManager.default.subpathsOfDirectory(
      atPath: Self.root.appendingPathComponent("Sources/xmppctl").path
    ).filter { $0.hasSuffix(".swift") }.map { try text("Sources/xmppctl/\($0)") }.joined()
    let read = Set(
      sources.matches(
        of:
          #/"((?:XMPPCTL_[A-Z_]+|XDG_CONFIG_HOME|all_proxy|ALL_PROXY|no_proxy|NO_PROXY|NO_COLOR|CLICOLOR_FORCE))"/#
      )
      .map { String($0.output.1) })
    // These are OpenSSL's and c-ares' own, and TLSTests and NetworkRowsTests hold us to them.
    #expect(
      variables
        == read.union(["SSL_CERT_FILE", "SSL_CERT_DIR", "CARES_HOSTS", "LOCALDOMAIN", "RES_OPTIONS"]))
  }

  /// The rows of a table as number and name.
  private func rows(_ page: String, _ row: Regex<(Substring, Substring, Substring)>) -> [Int32: String] {
    Dictionary(
      page.matches(of: row).compactMap { match in Int32(match.output.1).map { ($0, String(match.output.2)) } }
    ) { $0 + " and " + $1 }
  }

  @Test("the tables of exit statuses are the executable's")
  func exitStatuses() throws {
    let page = rows(try text("man/xmppctl.1"), #/\n\.It (\d+) Ta ([-a-z]+) Ta /#)
    let readme = rows(try text("README.md"), #/\n\| (\d+) \| ([-a-z]+) \| /#)
    #expect(Set(page.keys) == Set(ExitStatus.allCases.map(\.rawValue)))
    #expect(page == readme)
  }

  @Test func theManualPagesAreWellFormed() throws {
    let pages = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appendingPathComponent("man").path)
    #expect(!pages.isEmpty)
    for page in pages.sorted() {
      let outcome = try Program("/usr/bin/env").run([
        "mandoc", "-T", "lint", "-W", "all", Self.root.appendingPathComponent("man/\(page)").path,
      ])
      // Pages refer to each other before they are installed.
      let complaints = outcome.output.split(separator: "\n").filter {
        !$0.contains("referenced manual not found")
      }
      #expect(complaints == [] && outcome.status != 127)
    }
  }

  @Test func theReadmeShowsCommandsThatThereAre() throws {
    let readme = try text("README.md")
    for command in Self.commands { #expect(readme.contains("xmppctl \(command)"), "\(command)") }
    let makefile = try text("Makefile")
    let targets = readme.matches(of: #/make ([a-z]+)/#).map { String($0.output.1) }
    #expect(Set(targets).isSuperset(of: ["install", "test", "demo"]))
    for target in targets { #expect(makefile.contains("\n\(target):"), "make \(target)") }
    for link in readme.matches(of: #/\]\(([^):]+)\)/#) {
      let file = Self.root.appendingPathComponent(String(link.output.1)).path
      #expect(FileManager.default.fileExists(atPath: file), "\(link.output.1)")
    }
  }
}
