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
    if !message.replaceInvalid { try InputText.checkArguments() }
    let template = try message.template(for: recipients.map { try JID(target: $0) })
    let login = try account.login(reaching: options)
    try message.checkRecipients(template.recipients, of: login.jid)
    try login.echoes.redactingFailure { try send(template, as: login) }
  }

  private func send(_ template: SendTemplate, as login: Login) throws {
    let limit = try once("--max-time", message.maxTime)?.value ?? login.maxTime ?? 30
    let waiter = Waiter(seconds: limit, interrupts: Interrupts())
    let trace = try options.makeTrace(login.echoes)
    try login.password.claimInput(waiter)
    let room = try message.room(template.recipients, login, waiter)
    let source = try message.source(template)
    try source.prepare(waiter)
    Printer.warnings(login.settings)

    let session = Session<Int>(
      login.settings, account: login.account(waiter), waiter: waiter, trace: trace,
      management: StreamManagement(window: 128, capacity: 2048))
    let progress = Progress(Terminal())
    defer { progress?.clear() }
    let output = SendOutput(
      message.json ? .json : message.xml ? .xml : .nothing, waiter: waiter, progress: progress,
      echoes: login.echoes)
    try Sender(session, source, room: room, retries: message.retry, waiter: waiter, output: output).run()
    guard let failure = output.tally.failure else { return }
    // What one stanza was refused for has been said.
    throw output.tally.refused == 1 && failure.status == .refused
      ? ExitCode(failure.status.rawValue) : failure
  }
}
