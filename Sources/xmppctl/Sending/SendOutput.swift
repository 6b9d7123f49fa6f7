import XMPP

/// Where the results of a run go: lines to stdout, and what did not arrive to stderr.
final class SendOutput {
  /// What stdout gets.
  enum Style {
    case nothing
    /// A line of JSON for each stanza.
    case json
    /// The answers to iqs.
    case xml
  }

  /// What came of the stanzas so far.
  var tally = SendTally()

  private let style: Style
  private let progress: Progress?
  private let echoes: EchoRedaction
  private var waiter: Waiter
  /// Why stdout takes no more.
  private var broken: Failure?
  private var wasAnythingSent = false
  private var notSent = 0
  private var firstNotSent: SendResult?
  /// Lines of what was not sent, until there are enough of them to be written.
  private var lines: [UInt8] = []
  private static let batch = 32 << 10
  /// How long stderr is waited for; milliseconds.
  private var patience: Int32 = 100

  init(_ style: Style, waiter: Waiter, progress: Progress?, echoes: EchoRedaction) {
    self.echoes = echoes
    self.style = style
    self.waiter = waiter
    self.progress = progress
  }

  /// Shows the ends of stanzas. All get their word on stderr, also where stdout is broken.
  ///
  /// - Throws: where stdout cannot be written.
  func show(_ outcomes: [Delivery.Outcome]) throws(Failure) {
    guard !outcomes.isEmpty else { return }
    var lines: [UInt8] = []
    for outcome in outcomes {
      wasAnythingSent = true
      tally.count(outcome)
      let result = SendResult(outcome: outcome.redacted(by: echoes))
      if let complaint = result.complaint { say(complaint) }
      if let hint = result.outcome.error?.hint { sayHint(hint) }
      lines += line(result)
    }
    try write(lines)
  }

  /// Shows that a stanza was not sent: on stdout each of them, on stderr their number.
  ///
  /// - Parameter failure: why the run ended before.
  func show(notSent item: SendItem, because failure: Failure) {
    let outcome = Delivery.Outcome(of: item.stanza, awaiting: item.awaited, .notSent, error: failure)
    let redacted = outcome.redacted(by: echoes)
    let result = SendResult(outcome: redacted)
    notSent += 1
    firstNotSent = firstNotSent ?? result
    lines += line(result)
    if lines.count >= SendOutput.batch { flush() }
  }

  private func flush() {
    try? write(lines)
    lines.removeAll(keepingCapacity: true)
  }

  /// Gives stdout so much time, also after the deadline of the exchange.
  func extend(to moment: Waiter) { waiter = moment }

  /// Shows the ends of stanzas where the run has failed: there is a moment left for it, whatever the deadline, and where
  /// stdout takes them not, the run's own failure is worth more.
  ///
  /// - Parameter moment: how long there is.
  func end(_ outcomes: [Delivery.Outcome], within moment: Waiter) {
    waiter = moment
    try? show(outcomes)
  }

  /// Says how much was surely not sent. Where nothing was sent at all, the run's failure says it.
  func summarize() {
    flush()
    guard wasAnythingSent, let firstNotSent else { return }
    say(
      "\(notSent == 1 ? "1 stanza was" : "\(notSent) stanzas were") not sent, the first: \(firstNotSent.name)"
    )
  }

  /// When the progress wants to be shown again.
  var progressDue: Deadline { progress?.due ?? .never }

  /// Shows how far it is, where somebody sits before it.
  func showProgress(waiting: Int) { progress?.show(confirmed: tally.confirmed, waiting: waiting) }

  /// Says something on stderr.
  func say(_ text: String, _ stage: Failure.Stage = .stanza) {
    progress?.clear()
    let line = "xmppctl: send: \(stage.rawValue): \(echoes.text(text).shown)"
    // Of many messages, only the first waits for a reader that sleeps.
    if !Printer.diagnostic(line, patience: patience) { patience = 0 }
  }

  /// Says a hint on stderr.
  func sayHint(_ hint: String) {
    progress?.clear()
    if !Printer.diagnostic("xmppctl: hint: \(hint.shown)", patience: patience) { patience = 0 }
  }

  private func line(_ result: SendResult) -> [UInt8] {
    switch style {
    case .nothing: []
    case .json: result.json()
    case .xml: result.xml()
    }
  }

  private func write(_ bytes: [UInt8]) throws(Failure) {
    if let broken { throw broken }
    guard !bytes.isEmpty else { return }
    progress?.clear()
    do throws(Failure) {
      try Printer.output(bytes, waiter: waiter)
    } catch {
      broken = error
      throw error
    }
  }
}

extension Delivery.Outcome {
  /// The outcome without the run's secrets, which a peer may repeat in an error or an answer.
  fileprivate func redacted(by echoes: EchoRedaction) -> Delivery.Outcome {
    var redacted = self
    redacted.error = error.map { echoes.failure(Hints().applied(to: $0)) }
    redacted.reply = reply.map(echoes.stanza)
    return redacted
  }
}
