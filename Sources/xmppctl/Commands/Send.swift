import ArgumentParser
import XMPP

/// `xmppctl send`: messages and other stanzas, and the certainty that they arrived.
struct Send: OffersAllOptions {
  static let configuration = CommandConfiguration(
    commandName: "send", _superCommandName: "xmppctl",
    abstract: "Send, and know that it arrived.",
    usage: "xmppctl send [options] RECIPIENT...",
    discussion: """
      It succeeds when the server has taken all of it, and nothing came back.

        echo 'disk full' | xmppctl send bob@example.org
        xmppctl send --room --nick ci -m 'build 42 is green' team@rooms.example.org

      All options: xmppctl send --help-all, or man xmppctl-send.
      """,
    version: Version.report)

  @OptionGroup(title: "This command") var message: SendOptions
  @OptionGroup(title: "Logging in") var account: AccountOptions
  @OptionGroup(title: "Reaching the server") var options: ConnectionOptions
  @OptionGroup var help: HelpOption
  @Argument(help: ArgumentHelp("Who gets it: JIDs or xmpp: URIs.", valueName: "recipient"))
  var recipients: [String] = []

  func run() throws {
    let unsent = UnsentInput(recipients, id: message.id.first)
    // Standard input begins with a password otherwise.
    unsent.readsInput = !(account.passwordFile + message.roomPassword.roomPasswordFile).contains("-")
    let run: Prepared
    do {
      run = try prepare(unsent)
    } catch let failure as Failure {
      if message.json { unsent.show(failure) }
      throw failure
    }
    try run.login.echoes.redactingFailure(Hints(run.login.settings)) { try send(run) }
  }

  /// A run that can connect.
  private struct Prepared {
    let login: Login
    let trace: Trace?
    let rooms: SendRooms
    let source: SendSource
    let bounces: BounceWait
  }

  private func prepare(_ unsent: UnsentInput) throws -> Prepared {
    if !message.replaceInvalid { try InputText.checkArguments() }
    let targets = try message.targets(recipients)
    let message = try message.filled(by: targets)
    let template = try message.template(for: targets.map(\.jid))
    let bounces = try message.bounces
    let source = try message.source(template)
    unsent.source = source
    let login = try account.login(reaching: options) {
      Waiter(seconds: try once("--max-time", message.maxTime)?.value ?? $0 ?? 30, interrupts: Interrupts())
    }
    try message.checkRecipients(template.recipients, of: login.jid)
    source.setAccount(login.jid)
    return try login.echoes.redactingFailure(Hints(login.settings)) {
      let waiter = login.waiter
      let trace = try options.makeTrace(login.echoes)
      try login.password.claimInput(waiter)
      let rooms = try message.rooms(targets.map(\.jid), login, waiter)
      try source.prepare(waiter)
      return Prepared(login: login, trace: trace, rooms: rooms, source: source, bounces: bounces)
    }
  }

  private func send(_ run: Prepared) throws {
    let (login, waiter) = (run.login, run.login.waiter)
    Printer.warnings(login.settings)
    let session = Session<Int>(
      login.settings, account: login.account, waiter: waiter, trace: run.trace,
      management: StreamManagement(window: 128, capacity: 2048))
    let progress = Progress(Terminal())
    defer { progress?.clear() }
    let output = SendOutput(
      message.json ? .json : message.xml ? .xml : .nothing, waiter: waiter, progress: progress,
      echoes: login.echoes)
    try Sender(
      session, run.source, rooms: run.rooms, retries: message.retry, bounces: run.bounces, waiter: waiter,
      output: output, hints: Hints(login.settings)
    ).run()
    guard let failure = output.tally.failure else { return }
    // What one stanza was refused for has been said.
    throw output.tally.refused == 1 && failure.status == .refused
      ? ExitCode(failure.status.rawValue) : failure
  }
}
