import ArgumentParser
import Glibc
import XMPP

/// How to reach the server: shared by every command.
///
/// Options that may be given once are declared as arrays, so that a second one is an error and not silently the last word.
struct ConnectionOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Go to HOST[:PORT] instead of asking DNS.", valueName: "host"))
  var connectTo: [String] = []

  @Option(
    name: .customLong("tls"),
    help: ArgumentHelp("How the stream becomes secure; default auto.", valueName: "mode"))
  var tlsMode: [TLSMode] = []

  @Option(
    help: ArgumentHelp("Trust the authorities in FILE, not the system's.", valueName: "file"),
    completion: .file(extensions: ["pem", "crt"]))
  var cacert: [String] = []

  @Option(
    help: ArgumentHelp("Client certificate, PEM.", valueName: "file", visibility: .uncommon),
    completion: .file())
  var cert: [String] = []

  @Option(
    help: ArgumentHelp(
      "Its key, where that is in another file.", valueName: "file", visibility: .uncommon),
    completion: .file())
  var key: [String] = []

  @Option(
    help: ArgumentHelp(
      "The passphrase of the key is FILE's first line.", valueName: "file", visibility: .uncommon),
    completion: .file())
  var keyPasswordFile: [String] = []

  @Option(
    help: ArgumentHelp(
      "Accept only this public key: sha256//BASE64. Repeatable.", valueName: "pin", visibility: .uncommon))
  var pin: [String] = []

  @Flag(name: [.customShort("k"), .long], help: "Do not verify the certificate.")
  var insecure = false

  @Option(
    help: ArgumentHelp(
      "Oldest TLS version accepted; default 1.2.", valueName: "version", visibility: .uncommon))
  var tlsMin: [TLSOptions.Version] = []

  @Flag(
    name: [.customShort("4"), .customLong("ipv4")],
    help: ArgumentHelp("Use IPv4 addresses only.", visibility: .uncommon))
  var ipv4 = false

  @Flag(
    name: [.customShort("6"), .customLong("ipv6")],
    help: ArgumentHelp("Use IPv6 addresses only.", visibility: .uncommon))
  var ipv6 = false

  @Option(
    help: ArgumentHelp("Ask this name server.", valueName: "addr[:port]", visibility: .uncommon))
  var dnsServer: [String] = []

  @Option(
    help: ArgumentHelp("Use a proxy, http, socks5 or socks5h://host:port.", valueName: "url"))
  var proxy: [String] = []

  @Option(
    help: ArgumentHelp(
      "Limit for one endpoint, TCP and TLS; default 10.", valueName: "sec", visibility: .uncommon))
  var connectTimeout: [Seconds] = []

  @Option(
    help: ArgumentHelp("Write all XML to FILE; - is stderr.", valueName: "file"),
    completion: .file())
  var trace: [String] = []

  @Flag(help: ArgumentHelp("Show secrets in the trace too.", visibility: .uncommon))
  var traceSecrets = false

  @Flag(name: .shortAndLong, help: "Say each step on stderr.")
  var verbose = false

  /// What they say together about reaching `domain`; where they are silent, what the account says.
  ///
  /// - Parameter waiter: waits for the passphrase of a client key.
  /// - Throws: a usage failure for what is given twice, contradicts itself or cannot be read.
  func settings(
    for domain: JID, account: AccountSettings = AccountSettings(), _ waiter: Waiter
  ) throws -> ConnectionSettings {
    var settings = ConnectionSettings(domain: domain.domain)
    settings.tlsMode = try once("--tls", tlsMode) ?? account.tlsMode ?? .auto
    settings.connectTo =
      try once("--connect-to", connectTo).map { try HostAndPort(parsing: $0, for: "--connect-to") }
      ?? account.connectTo
    if ipv4 && ipv6 { throw Failure.usage("-4 and -6 exclude each other") }
    settings.families = ipv4 ? .v4 : ipv6 ? .v6 : account.families ?? .both
    settings.nameServer =
      try once("--dns-server", dnsServer).map { try NameServer(parsing: $0) } ?? account.nameServer
    let names = [domain.asciiDomain, domain.domainpart] + (settings.connectTo.map { [$0.host] } ?? [])
    settings.proxy = try ProxyChoice.proxy(
      option: try once("--proxy", proxy), account: account.proxy, for: names)
    Environment.forgetProxyPasswords()
    settings.connectTimeout =
      try once("--connect-timeout", connectTimeout)?.value ?? account.connectTimeout ?? 10
    settings.tls = try tlsOptions(account, waiter)
    // A private key, or the password of a proxy.
    if settings.tls.clientCertificate != nil || settings.proxy != nil { leaveNoCore() }
    return settings
  }

  private func tlsOptions(_ account: AccountSettings, _ waiter: Waiter) throws -> TLSOptions {
    var options = TLSOptions()
    options.minimumVersion = try once("--tls-min", tlsMin) ?? account.minimumVersion ?? .tls12
    options.trust =
      try (try once("--cacert", cacert) ?? account.cacert).map { .authorities(try .init(file: $0)) }
      ?? .fromEnvironment()
    let file = try once("--cert", cert)
    // Another certificate has another key.
    let keyFile = try once("--key", key) ?? (file == nil ? account.key : nil)
    let passphraseFile =
      try once("--key-password-file", keyPasswordFile)
      ?? (file == nil && key.isEmpty ? account.keyPasswordFile : nil)
    if let file = file ?? account.cert {
      ConnectionOptions.warnAboutKey(keyFile ?? file)
      options.clientCertificate = try KeyPassphrase(file: passphraseFile, waiter: waiter)
        .certificate(file, key: keyFile)
    } else if keyFile != nil {
      throw Failure.usage("--key needs --cert")
    } else if passphraseFile != nil {
      throw Failure.usage("--key-password-file needs --cert")
    }
    options.pins = pin.isEmpty ? account.pins ?? [] : try pin.map { try PublicKeyPin($0) }
    options.insecure = insecure || account.insecure ?? false
    return options
  }
}

extension ConnectionOptions {
  /// Says so if others can read the user's private key. It is not refused: servers' keys are often shared with a group.
  private static func warnAboutKey(_ file: String) {
    var facts = stat()
    guard stat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_mode & S_IROTH != 0 else {
      return
    }
    Printer.diagnostic("xmppctl: warning: \(file.shown): others may read the private key")
    Printer.diagnostic("xmppctl: hint: chmod 600 \(shellPath(file).shown)")
  }
}

/// The limit of the whole run. Not among the connection options because `send` has `-m` for the message.
struct TimeOption: ParsableArguments {
  @Option(
    name: [.customShort("m"), .long],
    help: ArgumentHelp("Limit for the whole run; default 30.", valueName: "sec"))
  var maxTime: [Seconds] = []

  /// What waits for a run.
  ///
  /// - Parameter account: the limit that the account of the configuration has; seconds.
  func waiter(_ account: Double? = nil) throws -> Waiter {
    Waiter(seconds: try once("--max-time", maxTime)?.value ?? account ?? 30, interrupts: Interrupts())
  }
}

/// The flag that shows every option; shared by every command.
struct HelpOption: ParsableArguments {
  @Flag(help: ArgumentHelp("Show all options.", visibility: .uncommon)) var helpAll = false
}

/// A command whose `--help` leaves the uncommon options to `--help-all`.
protocol OffersAllOptions: ParsableCommand {
  var help: HelpOption { get }
}

/// A number of seconds above zero.
struct Seconds: ExpressibleByArgument {
  let value: Double

  init?(argument: String) {
    guard let value = Double(argument), value > 0, value.isFinite else { return nil }
    self.value = value
  }
}

extension ArgumentVisibility {
  /// For options that `--help` leaves out so that it fits a screen. `--help-all` and the completions list them all.
  ///
  /// ArgumentParser leaves hidden options out of the completions. It writes them only if the first argument asks for that,
  /// and the first argument is never the value of an option.
  static let uncommon: ArgumentVisibility =
    CommandLine.arguments.dropFirst().first?.utf8.starts(with: "--generate-completion-script".utf8) == true
    ? .default : .hidden
}

extension TLSMode: ExpressibleByArgument {}
extension TLSOptions.Version: ExpressibleByArgument {}

/// The one value of an option that may be given once.
func once<Value>(_ name: String, _ values: [Value]) throws(Failure) -> Value? {
  guard values.count < 2 else { throw .usage("\(name) is given \(values.count) times") }
  return values.first
}

extension Failure {
  /// Options or arguments that make no sense.
  static func usage(_ message: String, hint: String? = nil) -> Failure {
    Failure(.usage, "usage", message, hint: hint, status: .usage)
  }
}
