import XMPP

/// What a run that fails before it connects was to send: its result lines say for each stanza that it was not sent, and why.
final class UnsentInput {
  /// Where the stanzas come from, once the options are understood.
  var source: SendSource?
  /// Whether standard input may be read for them.
  var readsInput = true

  private let recipients: [String]
  private let id: String?
  /// How long that may take; seconds.
  private static let limit = 2.0

  /// - Parameters:
  ///   - recipients: the arguments.
  ///   - id: the id that the options give.
  init(_ recipients: [String], id: String?) {
    self.recipients = recipients
    self.id = id
  }

  /// Prints a line of JSON for each stanza of the input; for each recipient if no stanza can be read.
  func show(_ failure: Failure) {
    let waiter = Waiter(seconds: UnsentInput.limit)
    let output = SendOutput(.json, waiter: waiter, progress: nil, echoes: EchoRedaction())
    var isEmpty = true
    while let item = source?.rest(waiter, readsOn: readsInput) {
      output.show(notSent: item, because: failure)
      isEmpty = false
    }
    if isEmpty {
      for recipient in recipients.isEmpty ? [nil] : recipients.map(Optional.some) {
        let message = Element("message", Namespace.client, ["to": recipient, "id": id], [])
        output.show(notSent: SendItem(stanza: message, to: nil, awaited: .server), because: failure)
      }
    }
    output.summarize()
  }
}
