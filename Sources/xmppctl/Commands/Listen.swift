import ArgumentParser
import XMPP

/// `xmppctl listen`: what comes in, one line a stanza.
struct Listen: OffersAllOptions {
  static let configuration = CommandConfiguration(
    commandName: "listen", _superCommandName: "xmppctl",
    abstract: "Print what comes in, one line a stanza.",
    usage: "xmppctl listen [options]",
    discussion: """
      A stanza is acknowledged to the server once its whole line was written.

        xmppctl listen --type chat
        xmppctl listen --json | jq -ac 'select(.body) | [.from, .body]'

      All options: xmppctl listen --help-all, or man xmppctl-listen.
      """,
    version: Version.report)

  @Flag(help: "Print JSON objects.") var json = false
  @Flag(help: "Print the stanzas themselves.") var xml = false
  @OptionGroup(title: "What is printed") var filter: FilterOptions
  @OptionGroup(title: "What is listened to") var presence: PresenceOptions
  @OptionGroup(title: "Keeping at it") var keeping: KeepingOptions
  @OptionGroup(title: "Logging in") var account: AccountOptions
  @OptionGroup(title: "Reaching the server") var options: ConnectionOptions
  @OptionGroup var help: HelpOption

  func run() throws {
    let login = try account.login(reaching: options) {
      Waiter(seconds: try once("--max-time", filter.maxTime)?.value ?? $0, interrupts: Interrupts())
    }
    let waiter = login.waiter
    try login.echoes.redactingFailure(Hints(login.settings)) {
      try listen(try makePlan(login), login, waiter)
    }
  }

  private func listen(_ plan: ListenPlan, _ login: Login, _ waiter: Waiter) throws {
    Printer.warnings(login.settings)
    if plan.duplex { try login.password.claimInput(waiter) }
    var plan = plan
    plan.roomPassword = try presence.roomPassword.fetch(login, waiter, for: plan.rooms)
    defer { plan.state?.discardIfEmpty() }
    let saved = try plan.state?.load(account: login.jid, capacity: Listener.capacity)
    let session = Session(
      login.settings, account: login.account, waiter: waiter,
      trace: try options.makeTrace(login.echoes),
      management: saved?.management ?? StreamManagement(capacity: Listener.capacity), jid: saved?.jid)
    let listener = Listener(plan, session: session, after: saved, waiter: waiter)
    try listener.run()
    // Which room was lost, and why, has been told.
    if listener.hasLostRooms { throw ExitCode(ExitStatus.refused.rawValue) }
  }

  private func makePlan(_ login: Login) throws -> ListenPlan {
    if json && xml { throw Failure.usage("--json and --xml exclude each other") }
    var plan = ListenPlan(filter: try filter.makeFilter(), echoes: login.echoes)
    plan.style = json ? .json : xml ? .xml : .text
    plan.count = try once("--count", filter.count)?.value
    plan.idle = try once("--idle", filter.idle)?.value
    try presence.apply(to: &plan, login)
    try keeping.apply(to: &plan)
    return plan
  }
}
