import XMPP

/// What `connect`, `features` and `bind` have in common: go the way as far as it leads, print what was learnt, then fail if
/// it led nowhere.
struct Probe {
  private let waiter: Waiter
  private let connection: Connection
  private let account: Account?
  private let echoes: EchoRedaction
  private let hints: Hints

  /// A way without a login.
  init(_ target: String, _ options: ConnectionOptions, _ time: TimeOption) throws {
    guard !target.isEmpty else { throw Failure.usage("the domain is empty") }
    let waiter = try time.waiter()
    let settings = try options.settings(for: Target(target).address(for: "this command").domain, waiter)
    try self.init(settings, waiter, options, EchoRedaction(of: settings), account: nil)
  }

  /// A way with a login.
  ///
  /// - Parameters:
  ///   - registers: whether the account is made first.
  ///   - describesSession: whether a bound session is asked what it can do.
  init(
    _ login: Login, _ options: ConnectionOptions, registers: Bool = false, describesSession: Bool = false
  ) throws {
    var account = login.account
    account.registers = registers
    account.describesSession = describesSession
    try self.init(login.settings, login.waiter, options, login.echoes, account: account)
  }

  private init(
    _ settings: ConnectionSettings, _ waiter: Waiter, _ options: ConnectionOptions, _ echoes: EchoRedaction,
    account: Account?
  ) throws {
    self.echoes = echoes
    self.waiter = waiter
    self.account = account
    hints = Hints(settings)
    connection = Connection(settings, waiter: waiter, trace: try options.makeTrace(echoes))
    Printer.warnings(settings)
  }

  /// Goes as far as `goal` and prints the report, also where it failed.
  ///
  /// - Parameter print: writes the report in pieces.
  /// - Throws: why the goal was not reached, or the report not written.
  func run(until goal: Goal, print: (Report, @escaping ([UInt8]) -> Void) -> Void) throws {
    defer { connection.close() }
    try? connection.open(until: goal, as: account)
    Printer.redirections(connection.report)
    // What was learnt is worth a moment more when the time is over.
    let failure = connection.report.failure
    connection.close()
    let waiter = failure == nil ? waiter : waiter.closing(within: 2)
    var unwritten: Failure?
    print(echoes.report(hints.applied(to: connection.report))) { bytes in
      guard unwritten == nil else { return }
      do throws(Failure) { try Printer.output(bytes, waiter: waiter) } catch { unwritten = error }
    }
    if let unwritten { throw unwritten }
    if let failure { throw echoes.failure(hints.applied(to: failure)) }
  }

  /// Prepares a run. If that fails and `json` is true, the report of the failure is printed, as it is for a run.
  ///
  /// - Parameters:
  ///   - target: the argument, whose domain is in the report if it is one.
  ///   - make: prepares it.
  static func prepare(json: Bool, _ target: String?, _ make: () throws -> Probe) throws -> Probe {
    do {
      return try make()
    } catch let failure as Failure {
      guard json else { throw failure }
      let domain = target.flatMap { try? JID(target: $0).domainpart }
      var report = Report(domain: domain ?? "")
      report.failure = failure
      let bytes = report.json(indented: Terminal().isOutputTerminal)
      try Printer.output(bytes, waiter: Waiter(seconds: 2))
      throw failure
    }
  }
}

extension EchoRedaction {
  /// Knows the secrets of the settings.
  convenience init(of settings: ConnectionSettings) {
    self.init()
    if let proxy = settings.proxy, let password = proxy.password { protect(password, of: proxy.host) }
  }

  /// Does something; its failure gets its hint and loses the run's secrets.
  func redactingFailure<Value>(_ hints: Hints, _ body: () throws -> Value) throws -> Value {
    do { return try body() } catch let failure as Failure { throw self.failure(hints.applied(to: failure)) }
  }
}

extension Login {
  /// The account as the connection wants it.
  var account: Account {
    var account = Account(jid: jid) { () throws(Failure) in try password.secret(waiter) }
    account.mechanisms = mechanisms
    account.compresses = compresses
    account.usesSASL2 = usesSASL2
    return account
  }
}
