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

  @Flag(help: "RECIPIENT is a room: join it, send, leave.") var room = false
  @Option(help: "The nickname in the room; the localpart without it.") var nick: [String] = []
  @OptionGroup var roomPassword: RoomPasswordOptions

  @Flag(help: "Each line of standard input is a message.") var lines = false
  @Flag(help: "Each line of standard input is a JSON object.") var ndjson = false
  @Flag(help: "Standard input is stanzas; iqs' answers are printed.") var xml = false

  @Option(help: ArgumentHelp("What must confirm it; default server.", valueName: "level"))
  var confirm: [Confirmation] = []

  @Flag(help: ArgumentHelp("Pass over bad lines of the input.", visibility: .uncommon)) var keepGoing = false
  @Flag(help: ArgumentHelp("Put U+FFFD where XML cannot carry a character.", visibility: .uncommon))
  var replaceInvalid = false
  @Flag(help: ArgumentHelp("Connect again for what surely was not sent.", visibility: .uncommon))
  var retry = false
  @Flag(help: "Print a line of JSON for each stanza.") var json = false

  @Option(help: ArgumentHelp("Limit for the whole run; default 30.", valueName: "sec")) var maxTime:
    [Seconds] =
      []

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
    if room, recipients.count != 1 || recipients.first?.resourcepart != nil {
      throw Failure.usage("--room wants exactly one recipient, the room")
    }
    var template = SendTemplate(recipients: recipients)
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
    for to in recipients where to.localpart == nil && !xml && to.domain != account.domain {
      guard !to.domainpart.utf8.contains(UInt8(ascii: ".")), to.domainAddress == nil else { continue }
      throw Failure.usage(
        "\(to.domainpart) is the name of a server: the domain is missing",
        hint: "xmppctl send \(to.domainpart)@\(account.domainpart)")
    }
  }

  /// Where the stanzas come from.
  func source(_ template: SendTemplate) throws -> SendSource {
    if let body = try once("--message", message) {
      return try SendSource(body: body, template, replacesInvalid: replaceInvalid)
    }
    let form: SendReader.Form = lines ? .lines : ndjson ? .ndjson : xml ? .xml : .body
    return SendSource(form, template, replacesInvalid: replaceInvalid, keepsGoing: keepGoing)
  }

  /// The room to join, where there is one.
  func room(_ recipients: [JID], _ login: Login, _ waiter: Waiter) throws -> SendRoom? {
    guard room, let room = recipients.first else { return nil }
    let nick = try once("--nick", nick) ?? login.jid.localpart ?? "xmppctl"
    let password = try roomPassword.fetch(login, waiter, for: [room])
    return SendRoom(try room.bare.with(resourcepart: nick), password: password)
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
