import ArgumentParser
import XMPP

/// `xmppctl send`: messages and other stanzas, and the certainty that they arrived.
struct Send: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send",
    abstract: "Send, and know that it arrived.",
    discussion: """
      Exit status 0 means that the server has taken responsibility for every stanza and none came back.

        echo 'disk full' | xmppctl send bob@example.org
        xmppctl send --room --nick ci -m 'build 42 is green' team@rooms.example.org
      """)

  @OptionGroup(title: "This command") var message: SendOptions
  @OptionGroup(title: "Logging in") var account: AccountOptions
  @OptionGroup(title: "Reaching the server") var options: ConnectionOptions
  @Argument(help: ArgumentHelp("Who gets it: JIDs or xmpp: URIs.", valueName: "recipient"))
  var recipients: [String] = []

  func run() throws {
    let template = try message.template(for: recipients.map { try JID(target: $0) })
    let login = try account.login(reaching: options)
    let limit = try once("--max-time", message.maxTime)?.value ?? login.maxTime ?? 30
    let waiter = Waiter(seconds: limit, interrupts: Interrupts())
    try login.password.claimInput(waiter)
    let source = try message.source(template)
    try source.prepare(waiter)
    if login.settings.tls.insecure { Probe.warnInsecure() }

    let session = Session<Int>(
      login.settings, account: login.account(waiter), waiter: waiter, trace: try options.makeTrace(),
      management: StreamManagement(window: 128, capacity: 2048))
    let progress = Progress(Terminal())
    let room = try message.room(template.recipients, account: login.jid)
    let sender = Sender(
      session, source, room: room, retries: message.retry, waiter: waiter, progress: progress
    ) { outcome throws(Failure) in
      let result = SendResult(outcome: outcome)
      if let complaint = result.complaint {
        progress?.clear()
        Printer.diagnostic("xmppctl: send: stanza: \(complaint.shown)")
      }
      let line = message.json ? result.json() : message.xml ? result.xml() : []
      try Printer.output(line, waiter: Waiter(seconds: waiter.deadline.hasPassed ? 2 : nil))
    }
    defer { progress?.clear() }
    try sender.run()
    try judge(sender.tally, source)
  }

  /// The exit status of a run that went to its end.
  private func judge(_ tally: Sender.Tally, _ source: SendSource) throws {
    if var failure = tally.refused {
      if tally.refusals > 1 {
        failure.message = "\(tally.refusals) stanzas were refused; the first: \(failure.message)"
      }
      throw failure
    }
    if source.passedOver > 0 {
      throw Failure.input("passed-over", "\(source.passedOver) lines of the input were passed over")
    }
  }
}
