import ArgumentParser
import XMPP

/// What is sent, in which form, and when it counts as sent.
struct SendOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, parsing: .unconditionalSingleValue,
    help: ArgumentHelp("The body; without it standard input is the body.", valueName: "text"))
  var message: [String] = []

  @Option(parsing: .unconditionalSingleValue, help: "The subject.") var subject: [String] = []
  @Option(help: ArgumentHelp("The thread the message belongs to.", visibility: .uncommon))
  var thread: [String] = []
  @Option(help: ArgumentHelp("The id of the message; random without it.", visibility: .uncommon))
  var id: [String] = []
  @Option(help: ArgumentHelp("The language of the text.", valueName: "tag", visibility: .uncommon))
  var lang: [String] = []

  @Option(help: ArgumentHelp("What kind of message; default chat.", valueName: "type"))
  var type: [Message.Kind] = []

  @Option(help: ArgumentHelp("A link that goes with it (XEP-0066).", valueName: "url", visibility: .uncommon))
  var oobUrl: [String] = []

  @Flag(help: "The recipients are rooms: join, send, leave.") var room = false
  @Option(help: "The nickname in the rooms; default the localpart.") var nick: [String] = []
  @OptionGroup var roomPassword: RoomPasswordOptions

  @Flag(help: "Each line of standard input is a message.") var lines = false
  @Flag(help: "Each line of standard input is a JSON object.") var ndjson = false
  @Flag(help: "Standard input is stanzas; iqs' answers are printed.") var xml = false

  @Option(help: ArgumentHelp("What must confirm it; default server.", valueName: "level"))
  var confirm: [Confirmation] = []
  @Option(
    help: ArgumentHelp(
      "Wait for an error from another domain, at most SEC seconds; default 2.", valueName: "sec",
      visibility: .uncommon))
  var bounceWait: [SecondsOrNone] = []

  @Flag(help: ArgumentHelp("Pass over bad lines of the input.", visibility: .uncommon)) var keepGoing = false
  @Flag(help: ArgumentHelp("Put U+FFFD where XML cannot carry a character.", visibility: .uncommon))
  var replaceInvalid = false
  @Flag(help: ArgumentHelp("Connect again for what surely was not sent.", visibility: .uncommon))
  var retry = false
  @Flag(help: "Print a line of JSON for each stanza.") var json = false

  @Option(help: ArgumentHelp("Limit for the whole run; default 30.", valueName: "sec")) var maxTime:
    [Seconds] =
      []

  /// The recipients.
  ///
  /// - Throws: what is wrong with one of them, which may be the text of the message.
  func targets(_ recipients: [String]) throws(Failure) -> [Target] {
    var targets: [Target] = []
    for recipient in recipients {
      do throws(Failure) {
        targets.append(try Target(recipient))
      } catch {
        var failure = error
        failure.hint = textHint(recipient, behind: targets.first?.jid) ?? error.hint
        throw failure
      }
    }
    return targets
  }

  /// What to type if the text of the message is given as a recipient.
  private func textHint(_ text: String, behind recipient: JID?) -> String? {
    guard let recipient, message.isEmpty, !lines, !ndjson, !xml, text.utf8.count <= 200 else { return nil }
    return "give the text with -m: xmppctl send -m \(shellQuoted(text)) \(shellQuoted(recipient.full))"
  }

  /// The options, with what the query of a recipient's `xmpp:` URI says (XEP-0147).
  ///
  /// - Throws: a usage failure for a query that is not understood, or not the only recipient's.
  func filled(by targets: [Target]) throws -> SendOptions {
    guard let query = targets.lazy.compactMap(\.query).first else { return self }
    guard targets.count == 1 else {
      throw Failure.usage("an xmpp: URI with a query must be the only recipient")
    }
    var filled = self
    switch query.action {
    case "message": for parameter in query.parameters { try filled.set(parameter) }
    case "join":
      try query.rejectParameters()
      filled.room = true
    default: throw query.rejection("send")
    }
    return filled
  }

  private mutating func set(_ parameter: XMPPURI.Parameter) throws {
    let value = parameter.value
    switch parameter.name {
    case "body": message.append(value)
    case "subject": subject.append(value)
    case "thread": thread.append(value)
    case "id": id.append(value)
    case "type":
      guard let kind = Message.Kind(rawValue: value) else {
        throw Failure.usage("the xmpp: URI has an unknown message type: \"\(value)\"")
      }
      type.append(kind)
    default:
      throw Failure.usage(
        "the query ?message has the unknown parameter \"\(parameter.name)\"",
        hint: "the parameters are body, subject, thread, id and type")
    }
  }

  /// The arguments with a text such as `---` or `--` attached to its option.
  ///
  /// ArgumentParser takes any other text that follows `-m`, but reads these as a broken option and as the end of the options.
  /// Attached by `=`, it takes them too. Every argument keeps its meaning: no other option takes a value like `-m`.
  static func attached(_ arguments: [String]) -> [String] {
    var attached: [String] = []
    var rest = arguments[...]
    while let argument = rest.first, argument != "--" {
      rest.removeFirst()
      let name = argument == "-m" ? "--message" : argument
      guard ["--message", "--subject"].contains(name), let text = rest.popFirst() else {
        attached.append(argument)
        continue
      }
      let isMisread = text == "--" || text.utf8.starts(with: "---".utf8)
      attached += isMisread ? ["\(name)=\(text)"] : [argument, text]
    }
    return attached + rest
  }

  /// What the options say about every message.
  ///
  /// - Throws: a usage failure for what makes no sense together.
  func template(for recipients: [JID]) throws -> SendTemplate {
    let forms = [("--lines", lines), ("--ndjson", ndjson), ("--xml", xml)].filter(\.1).map(\.0)
    if forms.count > 1 { throw Failure.usage("\(forms.joined(separator: " and ")) exclude each other") }
    if let form = forms.first, !message.isEmpty {
      throw Failure.usage("\(form) reads standard input, not --message")
    }
    if recipients.isEmpty, !ndjson, !xml {
      throw Failure.usage("no recipient given", hint: "xmppctl send bob@example.org")
    }
    if room { try checkRooms(recipients) }
    var template = SendTemplate(recipients: room ? recipients.map(\.bare) : recipients)
    template.kind = try once("--type", type) ?? (room ? .groupchat : .chat)
    template.id = try once("--id", id).map(checked("--id"))
    if let id = template.id {
      if !forms.isEmpty || recipients.count > 1 { throw Failure.usage("--id is for one message alone") }
      if id.isEmpty { throw Failure.usage("--id is empty") }
    }
    if !room, let option = nick.isEmpty ? roomPassword.givenOption : "--nick" {
      throw Failure.usage("\(option) needs --room")
    }
    template.subject = try once("--subject", subject).map(checked("--subject"))
    template.thread = try once("--thread", thread).map(checked("--thread"))
    template.language = try once("--lang", lang).map(checked("--lang"))
    if let language = template.language, !LanguageTag.isWellFormed(language) {
      throw Failure.usage(
        "--lang: \"\(language)\" is not a language tag (RFC 5646)", hint: "use a tag such as en or de-AT")
    }
    template.outOfBandURL = try once("--oob-url", oobUrl).map(checked("--oob-url"))
    template.confirmation =
      switch try once("--confirm", confirm) ?? .server {
      case .none: .nothing
      case .server: room ? .copy : .server
      case .receipt: .receipt
      }
    if room, template.confirmation == .receipt { throw Failure.usage("a room sends no receipts") }
    return template
  }

  /// A name without a domain is the address of a server by the rules (RFC 7622 §3.2), and nobody means that: it would be
  /// taken, and lost.
  ///
  /// - Throws: a usage failure that names the address that is probably meant.
  func checkRecipients(_ recipients: [JID], of account: JID) throws {
    for to in recipients where to.isBareName && !xml && to.domain != account.domain {
      let meant = room ? nil : "xmppctl send \(to.domainpart)@\(account.domainpart)"
      let other = recipients.first.flatMap { $0 == to ? nil : textHint(to.domainpart, behind: $0) }
      throw Failure.usage("\(to.domainpart) has no domain", hint: other ?? meant)
    }
  }

  /// How long errors from other domains are waited for.
  var bounces: BounceWait {
    get throws { BounceWait(seconds: try once("--bounce-wait", bounceWait)?.value ?? 2) }
  }

  /// Where the stanzas come from.
  func source(_ template: SendTemplate) throws -> SendSource {
    if let body = try once("--message", message) {
      return try SendSource(body: body, template, replacesInvalid: replaceInvalid)
    }
    let form: SendReader.Form = lines ? .lines : ndjson ? .ndjson : xml ? .xml : .body
    return SendSource(form, template, replacesInvalid: replaceInvalid, keepsGoing: keepGoing)
  }

  /// The rooms to join; none without `--room`. An address may name the nickname too.
  func rooms(_ recipients: [JID], _ login: Login, _ waiter: Waiter) throws -> SendRooms {
    let rooms = room ? recipients : []
    let given = try once("--nick", nick)
    let password = try roomPassword.fetch(login, waiter, for: rooms)
    let occupants = try rooms.map { room in
      try room.bare.with(
        resourcepart: given ?? room.resourcepart ?? login.jid.localpart ?? "xmppctl")
    }
    return SendRooms(
      occupants, account: login.jid, password: password,
      hasNick: given != nil || rooms.contains { !$0.isBare })
  }

  /// - Throws: a usage failure if the recipients cannot be the rooms of a run.
  private func checkRooms(_ recipients: [JID]) throws {
    guard !recipients.isEmpty else { throw Failure.usage("--room requires a recipient, the room") }
    var seen: Set<JID> = []
    for room in recipients where !seen.insert(room.bare).inserted {
      throw Failure.usage("the room \(room.bare.full) is given twice")
    }
  }

  private func checked(_ option: String) -> (String) throws -> String {
    { text in try InputText(replacesInvalid: replaceInvalid).text(Array(text.utf8), in: option) }
  }
}

/// When a message counts as sent.
enum Confirmation: String, ExpressibleByArgument, CaseIterable {
  case server, receipt, none
}

extension Message.Kind: ExpressibleByArgument {}

/// A number of seconds, or 0.
struct SecondsOrNone: ExpressibleByArgument {
  let value: Double

  init?(argument: String) {
    guard let value = Double(argument) == 0 ? 0 : Seconds(argument: argument)?.value else { return nil }
    self.value = value
  }
}
