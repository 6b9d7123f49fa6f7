import ArgumentParser
import XMPP

/// Who logs in and how: shared by the commands that log in.
struct AccountOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("Who logs in; also XMPPCTL_JID.", valueName: "jid"))
  var jid: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("An account of the configuration; also XMPPCTL_ACCOUNT.", valueName: "name"),
    completion: .custom(AccountCompletion.names))
  var account: [String] = []

  @Option(
    help: ArgumentHelp("The password is FILE's first line; - is stdin.", valueName: "file"),
    completion: .file())
  var passwordFile: [String] = []

  @Option(help: ArgumentHelp("The password is the first line CMD prints.", valueName: "cmd"))
  var passwordCommand: [String] = []

  @Option(
    help: ArgumentHelp(
      "Use only this SASL mechanism. Repeatable.", valueName: "name", visibility: .uncommon),
    completion: .list(MechanismChoice.names))
  var mechanism: [String] = []

  @Option(
    help: ArgumentHelp(
      "The resource wished for; the server makes one otherwise.", valueName: "r", visibility: .uncommon))
  var resource: [String] = []

  @Flag(help: ArgumentHelp("Compress the stream where the server offers it.", visibility: .uncommon))
  var compress = false

  @Flag(
    name: .customLong("no-sasl2"),
    help: ArgumentHelp("Log in as RFC 6120 has it, also where SASL2 is offered.", visibility: .uncommon))
  var noSASL2 = false

  @Option(
    help: ArgumentHelp("Configuration file; also XMPPCTL_CONFIG.", valueName: "file", visibility: .uncommon),
    completion: .file(extensions: ["json5", "json"]))
  var config: [String] = []

  /// What options, environment and configuration say together, in this order of precedence.
  ///
  /// Who logs in comes from the first of these places that says it, as a whole: a password kept for one account is
  /// never sent to another's server because a variable was set. The configured account with that bare JID gives the rest.
  ///
  /// - Parameters:
  ///   - target: an argument that says who logs in, in place of `--jid`; an address or an `xmpp:` URI.
  ///   - connection: the options about reaching the server.
  ///   - environment: the password is taken out of the process's own.
  ///   - makeWaiter: makes what waits for the run, from the limit that the account has.
  /// - Throws: status 64 or 65 for options, 78 for the configuration.
  func login(
    _ target: String? = nil, reaching connection: ConnectionOptions,
    _ environment: LoginEnvironment = .take(), within makeWaiter: (Double?) throws -> Waiter
  ) throws -> Login {
    let configuration = try Configuration.load(named: try once("--config", config), environment)
    let (jid, account) = try identity(target, configuration, environment)
    let password = try source() ?? environment.password.map(PasswordSource.given) ?? account.password
    let waiter = try makeWaiter(account.maxTime)
    let settings = try connection.settings(for: jid, account: account, waiter)
    let echoes = EchoRedaction(of: settings)
    return Login(
      jid: jid, settings: settings,
      mechanisms: mechanism.isEmpty ? account.mechanisms ?? [] : mechanism,
      compresses: compress || account.compress ?? false, usesSASL2: !noSASL2 && account.usesSASL2 ?? true,
      waiter: waiter, password: Password(password ?? .terminal, of: jid, echoes),
      roomPassword: environment.roomPassword, echoes: echoes)
  }

  /// The address with the resource wished for, and the account's settings.
  private func identity(
    _ target: String?, _ configuration: Configuration, _ environment: LoginEnvironment
  ) throws -> (JID, AccountSettings) {
    let name = try once("--account", account)
    let jid = try given(target)
    let isGiven = name != nil || jid != nil
    let environmentJID = try environment.jid.map { try JID(parsing: $0) }

    let who = isGiven ? jid : environmentJID
    var settings = try (isGiven ? name : environment.account).map { try configuration.account(named: $0) }
    if settings == nil {
      settings = try who.map { try configuration.account(of: $0) } ?? configuration.defaultAccount
    }
    let own = settings?.jid
    if let who, let own, who.bare != own.bare {
      throw Failure.usage("\(who.bare) is not the address of the account, which is \(own.bare)")
    }
    guard let found = who ?? own ?? environmentJID else {
      throw Failure.usage(
        "nobody to log in as",
        hint: "use --jid JID, or --account NAME with an account in \(configuration.file)")
    }
    // ANONYMOUS and EXTERNAL log in to a domain, which may have one label.
    if found.isBareName, mechanism.isEmpty, settings?.mechanisms == nil {
      throw Failure.usage("\(found.domainpart) has no domain", hint: "write it as \(found.domainpart)@DOMAIN")
    }
    let wish =
      try once("--resource", resource) ?? who?.resourcepart ?? settings?.resource ?? own?.resourcepart
    return (try wish.map { try found.with(resourcepart: $0) } ?? found, settings ?? AccountSettings())
  }

  /// The address among the options and arguments.
  private func given(_ target: String?) throws -> JID? {
    let option = try once("--jid", jid)
    if option != nil, target != nil {
      throw Failure.usage("the address is given twice, as --jid and as argument")
    }
    return try option.map { try JID(parsing: $0) } ?? target.map { try Target($0).address(for: "bind") }
  }

  /// The one source of the password among the options.
  private func source() throws -> PasswordSource? {
    let file = try once("--password-file", passwordFile)
    let command = try once("--password-command", passwordCommand)
    switch (file, command) {
    case (nil, nil): return nil
    case (let file?, nil): return file == "-" ? .standardInput : .file(file)
    case (nil, let command?): return .command(command)
    case (_?, _?): throw Failure.usage("--password-file and --password-command exclude each other")
    }
  }
}

/// Everything a login needs to know.
struct Login {
  /// Who; the resourcepart is the resource wished for.
  let jid: JID
  /// The way to the server.
  let settings: ConnectionSettings
  /// The only SASL mechanisms wanted; empty for all that are safe.
  let mechanisms: [String]
  /// Whether to compress where it is offered (XEP-0138).
  let compresses: Bool
  /// Whether to use SASL2 where it is offered (XEP-0388).
  let usesSASL2: Bool
  /// Waits for the run.
  let waiter: Waiter
  /// The password, not yet asked for.
  let password: Password
  /// The password of rooms, from the environment.
  let roomPassword: Secret?
  /// Keeps what the server repeats of the run's secrets out of what is shown.
  let echoes: EchoRedaction
}
