import ArgumentParser
import XMPP

/// `xmppctl connect`: the way to a secured stream.
struct Connect: OffersAllOptions {
  static let configuration = CommandConfiguration(
    commandName: "connect", _superCommandName: "xmppctl",
    abstract: "Open a secured stream; show the way there.",
    usage: "xmppctl connect [options] DOMAIN|JID",
    discussion: """
      Shows each endpoint tried, TLS and the certificate, and how long each part took.

        xmppctl connect example.org
        xmppctl connect example.org --json | jq .tls.certificate.days_left

      All options: xmppctl connect --help-all, or man xmppctl-connect.
      """,
    version: Version.report)

  @Flag(help: "Print one JSON object.") var json = false
  @OptionGroup(title: "Reaching the server") var options: ConnectionOptions
  @OptionGroup var time: TimeOption
  @OptionGroup var help: HelpOption
  @Argument(help: ArgumentHelp("A domain, a JID or an xmpp: URI.", valueName: "domain|jid"))
  var target: String?

  func run() throws {
    let terminal = Terminal()
    let probe = try Probe.prepare(json: json, target) {
      guard let target else {
        throw Failure.usage("no domain given", hint: "xmppctl connect example.org")
      }
      return try Probe(target, options, time)
    }
    try probe.run(until: .secured) { report, write in
      write(
        json
          ? report.json(indented: terminal.isOutputTerminal, drain: write)
          : Array(ReportText(report: report, terminal: terminal).connect.utf8))
    }
  }
}
