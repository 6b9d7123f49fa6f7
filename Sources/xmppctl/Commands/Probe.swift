import XMPP

/// What `connect` and `features` have in common: go the way as far as it leads, print what was learnt, then fail if it
/// led nowhere.
struct Probe {
  private let waiter: Waiter
  private let connection: Connection

  /// Reads target and options; nothing is sent.
  init(_ target: String, _ options: ConnectionOptions, _ time: TimeOption) throws {
    guard !target.isEmpty else { throw Failure.usage("the domain is empty") }
    let limit = try once("--max-time", time.maxTime)?.value ?? 30
    let domain = try JID(target: target).domain
    let settings = try options.settings(for: domain)
    waiter = Waiter(seconds: limit, interrupts: Interrupts())
    connection = Connection(settings, waiter: waiter, trace: try options.makeTrace())
  }

  /// Goes as far as `goal` and prints the report, also where it failed.
  ///
  /// - Throws: why the goal was not reached, or the report not written.
  func run(until goal: Goal, print: (Report) -> [UInt8]) throws {
    defer { connection.close() }
    try? connection.open(until: goal)
    let report = connection.report
    try Printer.output(print(report), waiter: report.failure == nil ? waiter : Waiter(seconds: 2))
    if let failure = report.failure { throw failure }
  }
}
