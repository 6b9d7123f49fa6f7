import Foundation
import TestSupport

/// One run of a command over a line on which things happen, and what became of everything, at both ends.
///
/// Everything about it follows from its seed, save for the moments at which the bytes come.
struct ChaosRun: CustomStringConvertible {
  enum Command: String, CaseIterable {
    case connect, features, bind
    case body, lines, ndjson, xml, room, receipt
    case listen, state, since, last
  }

  static let servers = ["Prosody", "ejabberd"]

  let seed: UInt64
  let command: Command
  let server: String
  private let way: ChaosScene.Way
  private let chaos: Chaos
  private let isTraced: Bool
  private let isRetried: Bool
  private let count: Int
  private let rooms: [String: KeptRoom]

  /// - Parameter rooms: one on each server, for the runs that need one.
  init(seed: UInt64, rooms: [String: KeptRoom]) {
    self.seed = seed
    self.rooms = rooms
    // So that any few seeds in a row are all of the commands, on both servers.
    let number = Int(seed % UInt64(Command.allCases.count * ChaosRun.servers.count))
    command = Command.allCases[number / 2]
    server = ChaosRun.servers[number % 2]
    var generator = SeededGenerator(seed: seed)
    chaos = Chaos(seed: generator.next())
    way = ChaosScene.Way.allCases.randomElement(using: &generator) ?? .startTLS
    isTraced = Bool.random(using: &generator)
    isRetried = Bool.random(using: &generator)
    count = Int.random(in: 1...120, using: &generator)
  }

  var description: String { "seed \(seed): \(command.rawValue) on \(server), \(way.rawValue), \(chaos)" }

  /// Runs it.
  func perform() -> ChaosTally {
    var tally = ChaosTally()
    tally.runs = 1
    do {
      let tag = "\(seed)x" + String(UInt32.random(in: 0 ... .max), radix: 36)
      let scene = try ChaosScene(server, way, chaos, tag: tag)
      defer {
        scene.proxy.cut()
        tally.faults = scene.proxy.counts
      }
      switch command {
      case .connect, .features, .bind: try probe(scene, &tally)
      case .body, .lines, .ndjson, .xml, .room, .receipt: try send(scene, tag, &tally)
      case .listen, .state, .since, .last: try listen(scene, tag, &tally)
      }
    } catch { tally.problems.append("\(error)") }
    tally.problems = tally.problems.map { "\(self): \($0)" }
    return tally
  }

  /// Notes how a run ended, and what is wrong with it.
  private func take(_ outcome: Outcome, _ problems: [String], _ tally: inout ChaosTally) {
    tally.statuses[outcome.status ?? -1, default: 0] += 1
    if !problems.isEmpty {
      tally.problems.append(
        problems.joined(separator: "; ")
          + "\n--- status \(outcome.ending)\n--- output\n\(outcome.output.suffix(3000))\n--- error\n\(outcome.error.suffix(6000))"
      )
    }
  }

  private func probe(_ scene: ChaosScene, _ tally: inout ChaosTally) throws {
    // What logs in can compress; `features` may.
    let target =
      command == .connect || command == .features && isRetried
      ? [scene.account.domain] : ["--jid", scene.account.jid] + scene.loginOptions
    let outcome = try Program.xmppctl.run(
      [command.rawValue, "--json", "--max-time", "\(scene.limit)"] + scene.throughLine + options + target,
      environment: scene.environment, within: .seconds(scene.limit + 30))
    var problems = scene.faults(of: outcome)
    let reports = (try? outcome.results) ?? []
    if reports.count != 1 || reports[0]["ok"] != .boolean(outcome.status == 0) {
      problems.append("not one report that says so")
    } else if outcome.status != 0, reports[0]["error"]["code"] != .number(Double(outcome.status ?? -1)) {
      problems.append("the report has another status")
    }
    take(outcome, problems, &tally)
  }

  private var options: [String] { isTraced ? ["--trace", "-"] : [] }

  // MARK: send

  private func send(_ scene: ChaosScene, _ tag: String, _ tally: inout ChaosTally) throws {
    let receiver =
      try command == .room ? nil : scene.other("ear\(tag)", answersReceipts: command == .receipt)
    let room = command == .room ? rooms[server] : nil
    guard let to = receiver?.jid ?? room?.address else { throw SupportFailure("nobody to send to") }
    let isMany = [.lines, .ndjson, .xml].contains(command)
    let bodies = (0..<(isMany ? count : 1)).map { "\(tag) \($0)" }
    var arguments = ["send", "--json", "--jid", scene.account.jid, "--max-time", "\(scene.limit)"]
    arguments += scene.throughLine + scene.loginOptions + options
    if isMany && isRetried { arguments.append("--retry") }
    switch command {
    case .lines: arguments += ["--lines", "--type", "headline", to]
    case .ndjson: arguments += ["--ndjson"]
    case .xml: arguments += ["--xml"]
    case .room: arguments += ["--room", "--nick", tag, to]
    case .receipt: arguments += ["--confirm", "receipt", to]
    default: arguments += ["--type", "headline", to]
    }
    let input = bodies.enumerated().map { number, body in
      switch command {
      case .ndjson: "{\"to\":\"\(to)\",\"id\":\"i\(number)\",\"type\":\"headline\",\"body\":\"\(body)\"}\n"
      case .xml: "<message to='\(to)' id='i\(number)' type='headline'><body>\(body)</body></message>\n"
      default: "\(body)\n"
      }
    }
    let outcome = try Program.xmppctl.run(
      arguments, input: input.joined(), environment: scene.environment,
      within: .seconds(scene.limit + 30))
    scene.settle()
    var problems = scene.faults(of: outcome)
    let results = (try? outcome.results) ?? []
    /// What was said of each body, in the order of the input.
    let said = results.map { result in
      if case .string(let status) = result["status"] { status } else { "nothing" }
    }
    if said.count != bodies.count { problems.append("\(said.count) results of \(bodies.count)") }
    let word = [.receipt, .room].contains(command) ? "received" : "acknowledged"
    let good = Set(zip(bodies, said).filter { $0.1 == word }.map(\.0))
    func arrived() -> [String] {
      (receiver ?? room?.scene.receiver)?.messagesSoFar(quietFor: 0.3).compactMap(\.body)
        .filter { $0.hasPrefix("\(tag) ") } ?? []
    }
    // What was taken responsibility for may take its time on a busy machine; what is missing then is lost.
    try? wait("what was acknowledged has arrived", within: .seconds(20)) { good.isSubset(of: arrived()) }
    let there = arrived()
    let lost = good.subtracting(there)
    let twice = there.count - Set(there).count
    if !lost.isEmpty { problems.append("lost: \(lost.sorted())") }
    if twice > 0 { problems.append("\(twice) arrived twice") }
    var unconfirmed = 0
    for (index, result) in results.enumerated() where index < bodies.count && said[index] != word {
      guard case .string(let id) = result["id"] else { continue }
      if said[index] == "unconfirmed" {
        unconfirmed += 1
        if !outcome.error.contains("unconfirmed: \(id) to \(to)\n") { problems.append("\(id) is not listed") }
      } else if result["status"] != "not-sent" {
        problems.append("\(id) is \(said[index]): \(result["error"])")
      } else {
        tally.notSent += 1
        if there.contains(bodies[index]) { problems.append("\(id) was said not to be sent and arrived") }
      }
    }
    // What was acknowledged may still be waited for: an error that comes back.
    if outcome.status == 0, good.count < bodies.count {
      problems.append("\(good.count) of \(bodies.count) confirmed, exit status \(outcome.status ?? -1)")
    }
    tally.sent += bodies.count
    tally.acknowledged += good.count
    tally.unconfirmed += unconfirmed
    tally.received += there.count
    tally.lost += lost.count
    tally.duplicated += twice
    take(outcome, problems, &tally)
  }

  // MARK: listen

  /// What is asked of the archive, if anything: all of it, by time or by number.
  private var archive: [String]? {
    switch command {
    case .since: ["--since", "2020-01-01"]
    case .last: ["--since", "30"]
    default: nil
    }
  }

  private func listen(_ scene: ChaosScene, _ tag: String, _ tally: inout ChaosTally) throws {
    let sender = try scene.other("mouth\(tag)")
    let bodies = (0..<30).map { "\(tag) \($0)" }
    let folder = try TemporaryFolder()
    let common = ["listen", "--json", "--type", "chat", "--jid", "\(scene.account.jid)/ear", "--trace", "-"]
    let state = command == .state ? ["--state", folder.path("state")] : []
    var last = 0
    /// Whether the server has dealt with what was sent so far, and what it says of the listener.
    func ask(_ to: String) -> Bool {
      last += 1
      let ping = "<iq type='get' id='there\(last)' to='\(to)'><ping xmlns='urn:xmpp:ping'/></iq>"
      return (try? sender.ask(ping, "there\(last)", within: 2))?.contains("type='result'") == true
    }
    func say(_ range: Range<Int>) throws {
      let text = range.map {
        "<message to='\(scene.account.jid)' id='\(tag)-\($0)' type='chat'><body>\(bodies[$0])</body></message>"
      }
      try sender.send(text.joined())
      try wait("the server has taken it", within: .seconds(30)) { ask(scene.account.domain) }
    }
    // The archive has some of it already.
    if archive != nil { try say(0..<8) }
    let listener = try Program.xmppctl.start(
      common + state + scene.throughLine + scene.loginOptions
        + (archive ?? [])
        + [
          "--count", "\(bodies.count)", "--ping-interval", chaos.isHarmless ? "30" : "1", "--max-time",
          "\(scene.limit)",
        ],
      environment: scene.environment)
    // Before it is there, what comes is put aside; both have their turn.
    try? wait("it is there", within: .seconds(3)) { ask("\(scene.account.jid)/ear") }
    for start in stride(from: archive == nil ? 0 : 8, to: bodies.count, by: 8) {
      try say(start..<min(start + 8, bodies.count))
    }
    let outcome = try listener.wait(within: .seconds(scene.limit + 30))
    scene.settle()
    var problems = scene.faults(of: outcome)
    let printed = try ListenScene.bodies(outcome.output)
    var missing = Set(bodies).subtracting(printed)
    if outcome.status == 0, !missing.isEmpty {
      problems.append("it counted to \(bodies.count) without \(missing)")
    }

    // Whatever it has not acknowledged, the server still has for who comes next.
    var fetched: [String] = []
    var story = ""
    if !missing.isEmpty {
      let next = try Program.xmppctl.start(
        common + state + scene.direct + scene.loginOptions
          + (archive ?? []) + ["--max-time", "60"],
        environment: scene.environment)
      while !missing.isEmpty, let line = try? next.line(within: .seconds(20)) {
        fetched += try ListenScene.bodies(line)
        missing.subtract(fetched)
      }
      next.signal(SIGTERM)
      let end = try next.wait(within: .seconds(30))
      story =
        "\n--- the next run, status \(end.ending)\n\(end.output.suffix(2000))\n\(end.error.suffix(4000))"
    }
    if !missing.isEmpty { problems.append("lost: \(missing.sorted())") }
    let again = printed.count - Set(printed).count
    // A new session instead of a resumed one may bring again what was not acknowledged.
    let isNew = outcome.error.components(separatedBy: "<enable ").count > 2
    if again > 0, !isNew { problems.append("\(again) printed twice") }
    let later = archive != nil ? 0 : fetched.filter { printed.contains($0) }.count
    if later > 0, command == .state, !isNew { problems.append("\(later) printed again by the next run") }
    tally.sent += bodies.count
    tally.printed += printed.count
    tally.fetched += fetched.count - later
    tally.repeated += again + later
    tally.lost += missing.count
    tally.duplicated += isNew ? 0 : again
    take(outcome, problems.isEmpty ? [] : problems + [story], &tally)
  }
}
