import ArgumentParser
import XMPP

/// `xmppctl features`: every set of stream features.
struct Features: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Show every set of stream features the server offers.",
    discussion: """
      Before TLS, after TLS, one line a feature: what it is, where it is specified, what it offers.

        xmppctl features example.org
        xmppctl features example.org --json | jq -r '.stages[-1].features[].title'
      """)

  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Print the features elements themselves, one a line.") var xml = false
  @OptionGroup(title: "Reaching the server") var options: ConnectionOptions
  @OptionGroup var time: TimeOption
  @Argument(help: ArgumentHelp("A domain, a JID or an xmpp: URI.", valueName: "domain|jid")) var target:
    String

  func run() throws {
    if json && xml { throw Failure.usage("--json and --xml exclude each other") }
    let terminal = Terminal()
    try Probe(target, options, time).run(until: .featured) { report in
      let text = ReportText(report: report, terminal: terminal)
      return json
        ? report.json(indented: terminal.isOutputTerminal) : Array((xml ? text.xml : text.features).utf8)
    }
  }
}
