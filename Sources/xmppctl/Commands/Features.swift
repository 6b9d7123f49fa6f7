import ArgumentParser
import XMPP

/// `xmppctl features`: every set of stream features.
struct Features: OffersAllOptions {
  static let configuration = CommandConfiguration(
    commandName: "features", _superCommandName: "xmppctl",
    abstract: "Show every set of stream features the server offers.",
    usage: "xmppctl features [options] DOMAIN|JID",
    discussion: """
      One line is one feature. With --jid or --account, those after the login too.

        xmppctl features example.org
        xmppctl features example.org --json | jq -a '.stages[-1].features[].title'

      All options: xmppctl features --help-all, or man xmppctl-features.
      """,
    version: Version.report)

  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Print the features elements themselves, one a line.") var xml = false
  @OptionGroup(title: "Logging in") var account: AccountOptions
  @OptionGroup(title: "Reaching the server") var options: ConnectionOptions
  @OptionGroup var time: TimeOption
  @OptionGroup var help: HelpOption
  @Argument(help: ArgumentHelp("A domain, a JID or an xmpp: URI.", valueName: "domain|jid"))
  var target: String?

  func run() throws {
    let terminal = Terminal()
    let logsIn = !account.jid.isEmpty || !account.account.isEmpty
    let probe = try Probe.prepare(json: json, target ?? account.jid.first) {
      if json && xml { throw Failure.usage("--json and --xml exclude each other") }
      return try makeProbe(logsIn)
    }
    try probe.run(until: logsIn ? .authenticated : .featured) { report, write in
      let text = ReportText(report: report, terminal: terminal)
      if json {
        write(report.json(indented: terminal.isOutputTerminal, drain: write))
      } else if xml {
        text.xml(write)
      } else {
        text.features(write)
      }
    }
  }

  private func makeProbe(_ logsIn: Bool) throws -> Probe {
    guard logsIn else {
      guard let target else {
        throw Failure.usage(
          "the domain is missing", hint: "xmppctl features example.org, or --account NAME to log in")
      }
      return try Probe(target, options, time)
    }
    let login = try account.login(reaching: options) { try time.waiter($0) }
    if let target, try Target(target).address(for: "features").domain != login.jid.domain {
      throw Failure.usage("\(login.jid.bare.full) is no account of \(target)")
    }
    return try Probe(login, options)
  }
}
