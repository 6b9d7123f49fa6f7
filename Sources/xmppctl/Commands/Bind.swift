import ArgumentParser
import XMPP

/// `xmppctl bind`: a login up to the bound resource.
struct Bind: OffersAllOptions {
  static let configuration = CommandConfiguration(
    commandName: "bind", _superCommandName: "xmppctl",
    abstract: "Log in, bind a resource, print the full JID.",
    usage: "xmppctl bind [options] [JID]",
    discussion: """
      The whole login: a check that an account works.

        xmppctl bind bob@example.org
        xmppctl bind --jid bob@example.org --json | jq -e 'select(.ok).auth.mechanism'

      All options: xmppctl bind --help-all, or man xmppctl-bind.
      """,
    version: Version.report)

  @Flag(help: "Print one JSON object.") var json = false
  @Flag(help: "Create the account first (XEP-0077).") var register = false
  @OptionGroup(title: "Logging in") var account: AccountOptions
  @OptionGroup(title: "Reaching the server") var options: ConnectionOptions
  @OptionGroup var time: TimeOption
  @OptionGroup var help: HelpOption
  @Argument(help: ArgumentHelp("Who logs in; as --jid.", valueName: "jid")) var target: String?

  func run() throws {
    let terminal = Terminal()
    let probe = try Probe.prepare(json: json, target ?? account.jid.first) {
      let login = try account.login(target, reaching: options) { try time.waiter($0) }
      return try Probe(login, options, registers: register, describesSession: json)
    }
    try probe.run(until: .bound) { report, write in
      write(
        json
          ? report.json(indented: terminal.isOutputTerminal, drain: write)
          : Array((report.failure == nil ? report.jid.map { $0.full.shown + "\n" } ?? "" : "").utf8))
    }
  }
}
