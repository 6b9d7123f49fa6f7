import Glibc

/// What the name servers say to one question.
enum DNSAnswer: Sendable, Equatable {
  /// Records of the type asked for, at the name itself or at the end of its aliases.
  case records([DNSRecord])
  /// The name is there, but has no such record.
  case noData
  /// The name does not exist (NXDOMAIN).
  case noSuchName
  /// Nobody could say.
  case failed(Failure)
}

/// Questions put to the name servers side by side over UDP, and over TCP where an answer was cut off.
///
/// Each try has a socket of its own, connected to its server, and an id by chance: an answer has to match in the server,
/// both ports, the id and the question. A server that keeps silent is followed by the next one, but a late answer of the
/// first still counts.
struct DNSExchange {
  /// When to try again, in seconds from the start, going round the servers; and when to give up.
  static let schedule: [Double] = [0, 1, 2, 4, 7]
  static let patience = 10.0
  /// What is waited for the other answers once there is one with records: enough to ask once more.
  static let grace = 1.5

  private let servers: [NameServer]
  private let waiter: Waiter
  private let start = Deadline.now
  private var end: Deadline
  private var inquiries: [Inquiry]
  private var tries: [Try] = []
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Asks, and waits for the answers.
  ///
  /// - Parameter moment: when to give up, if that is before this program's own patience ends.
  /// - Returns: an answer for each question, in their order.
  /// - Throws: what `Waiter.wait` throws.
  static func ask(
    _ questions: [DNSQuestion], of servers: [NameServer], waiter: Waiter, until moment: Deadline
  ) throws(Failure) -> [DNSAnswer] {
    var exchange = DNSExchange(questions, servers, waiter, moment)
    return try exchange.run()
  }

  private init(_ questions: [DNSQuestion], _ servers: [NameServer], _ waiter: Waiter, _ moment: Deadline) {
    self.servers = servers
    self.waiter = waiter
    end = min(moment, .after(seconds: DNSExchange.patience))
    inquiries = questions.map { Inquiry(question: $0) }
  }

  private mutating func run() throws(Failure) -> [DNSAnswer] {
    while inquiries.contains(where: { $0.answer == nil }) && !end.hasPassed {
      startDueTries()
      // Not before what is due has been looked at: a server may have failed at once.
      guard let moment = nextDue else { continue }
      var descriptors = tries.map { pollfd(fd: $0.socket.descriptor, events: $0.events, revents: 0) }
      _ = try waiter.wait(for: &descriptors, until: min(moment, end), doing: "asking the name servers")
      for (attempt, descriptor) in zip(tries, descriptors) where descriptor.revents != 0 {
        advance(attempt)
      }
      tries.removeAll { $0.isOver || inquiries[$0.inquiry].answer != nil }
    }
    return inquiries.map { $0.answer ?? .failed($0.failure ?? timeout($0.question)) }
  }

  /// When the next try is to be made, now where one is overdue; `nil` when nothing is left to answer.
  private var nextDue: Deadline? {
    inquiries.filter { $0.answer == nil }.map { due($0) }.min()
  }

  private func due(_ inquiry: Inquiry) -> Deadline {
    guard inquiry.made < DNSExchange.schedule.count else { return end }
    if inquiry.isHurried { return .now }
    return Deadline(nanoseconds: start.nanoseconds &+ UInt64(DNSExchange.schedule[inquiry.made] * 1e9))
  }

  private mutating func startDueTries() {
    for index in inquiries.indices where inquiries[index].answer == nil {
      guard inquiries[index].made < DNSExchange.schedule.count, due(inquiries[index]) <= .now else {
        continue
      }
      let left = servers.indices.filter { !inquiries[index].failed.contains($0) }
      guard !left.isEmpty else {
        inquiries[index].answer = .failed(inquiries[index].failure ?? noServer)
        continue
      }
      let server = left[inquiries[index].made % left.count]
      inquiries[index].made += 1
      inquiries[index].isHurried = false
      begin(index, server, edns: true)
    }
  }

  private mutating func begin(_ inquiry: Int, _ server: Int, edns: Bool, tcp: Bool = false) {
    do throws(Failure) {
      let attempt = try Try(
        inquiry, server, servers[server], inquiries[inquiry].question, edns: edns, tcp: tcp)
      tries.append(attempt)
    } catch {
      fail(inquiry, server, unreachable(server, error))
    }
  }

  private mutating func advance(_ attempt: Try) {
    guard inquiries[attempt.inquiry].answer == nil else { return }
    do throws(Failure) {
      guard let message = try attempt.advance(&buffer) else { return }
      take(DNSReply(message, to: inquiries[attempt.inquiry].question, id: attempt.id), attempt)
    } catch {
      attempt.isOver = true
      fail(attempt.inquiry, attempt.server, unreachable(attempt.server, error))
    }
  }

  private mutating func take(_ reply: DNSReply, _ attempt: Try) {
    let question = inquiries[attempt.inquiry].question
    switch reply {
    case .foreign where !attempt.tcp:
      return
    case .truncated where !attempt.tcp:
      attempt.isOver = true
      begin(attempt.inquiry, attempt.server, edns: attempt.edns, tcp: true)
    case .foreign, .truncated, .malformed:
      attempt.isOver = true
      fail(
        attempt.inquiry, attempt.server,
        Failure(
          .dns, "malformed-answer",
          "the name server \(servers[attempt.server].text) sent a broken answer for \(question.name.text)",
          status: .noHost))
    case .answer(code: 1, _) where attempt.edns, .answer(code: 4, _) where attempt.edns:
      attempt.isOver = true
      begin(attempt.inquiry, attempt.server, edns: false, tcp: attempt.tcp)
    case .answer(let code, let records):
      attempt.isOver = true
      switch code {
      case 0, 3:
        let answer = DNSExchange.answer(question, code: code, records)
        if case .records = answer { end = min(end, .after(seconds: DNSExchange.grace)) }
        inquiries[attempt.inquiry].answer = answer
      default:
        fail(attempt.inquiry, attempt.server, refusal(code, question, attempt.server))
      }
    }
  }

  /// A server that failed is not asked this question again; the next one is, at once.
  private mutating func fail(_ inquiry: Int, _ server: Int, _ failure: Failure) {
    inquiries[inquiry].failed.insert(server)
    inquiries[inquiry].isHurried = true
    let known = inquiries[inquiry].failure
    if known == nil || known?.condition == "dns-unreachable" { inquiries[inquiry].failure = failure }
    if inquiries[inquiry].failed.count >= servers.count {
      inquiries[inquiry].answer = .failed(inquiries[inquiry].failure ?? failure)
    }
  }

  /// Follows the aliases within an answer; more than 16 of them are a loop.
  static func answer(_ question: DNSQuestion, code: UInt8, _ records: [DNSRecord]) -> DNSAnswer {
    var name = question.name
    for _ in 0...16 {
      let found = records.filter { $0.owner == name && $0.isA(question.type) }
      if !found.isEmpty { return .records(found) }
      let alias = records.lazy.compactMap { record -> DNSName? in
        guard record.owner == name, case .alias(let target) = record.content else { return nil }
        return target
      }.first
      guard let alias else { return code == 3 ? .noSuchName : .noData }
      name = alias
    }
    return .failed(
      Failure(.dns, "alias-loop", "the aliases of \(question.name.text) do not end", status: .noHost))
  }

  private func timeout(_ question: DNSQuestion) -> Failure {
    Failure(
      .dns, "dns-timeout",
      "no name server answered for \(question.name.text) (asked \(servers.map(\.text).joined(separator: ", ")))",
      hint: "another one can be given with --dns-server", status: .timeout)
  }

  private var noServer: Failure {
    Failure(
      .dns, "dns-unreachable", "there is no name server to ask",
      hint: "one can be given with --dns-server", status: .noConnection)
  }

  private func unreachable(_ server: Int, _ cause: Failure) -> Failure {
    Failure(
      .dns, "dns-unreachable",
      "the name server \(servers[server].text) cannot be asked: \(cause.message)",
      hint: "another one can be given with --dns-server", status: .noConnection)
  }

  private func refusal(_ code: UInt8, _ question: DNSQuestion, _ server: Int) -> Failure {
    let (condition, name) =
      switch code {
      case 1: ("formerr", "FORMERR")
      case 2: ("servfail", "SERVFAIL")
      case 4: ("notimp", "NOTIMP")
      case 5: ("refused", "REFUSED")
      default: ("rcode-\(code)", "response code \(code)")
      }
    return Failure(
      .dns, condition, "the name server \(servers[server].text) answered \(name) for \(question.name.text)",
      hint: "another one can be given with --dns-server", status: .noHost)
  }

  /// One question's state.
  private struct Inquiry {
    let question: DNSQuestion
    var answer: DNSAnswer?
    var made = 0
    var isHurried = false
    var failed: Set<Int> = []
    var failure: Failure?
  }

  /// One question put to one server.
  private final class Try {
    let inquiry: Int
    let server: Int
    let id: UInt16
    let edns: Bool
    let tcp: Bool
    let socket: Socket
    var isOver = false
    private var unsent: ArraySlice<UInt8>
    private var received: [UInt8] = []

    init(
      _ inquiry: Int, _ server: Int, _ place: NameServer, _ question: DNSQuestion, edns: Bool, tcp: Bool
    ) throws(Failure) {
      (self.inquiry, self.server, self.edns, self.tcp) = (inquiry, server, edns, tcp)
      id = UInt16.random(in: 0...UInt16.max)
      let message = question.message(id: id, edns: edns)
      unsent = (tcp ? [UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message : message)[...]
      socket = try Socket(tcp ? .tcp : .udp, place.address.family)
      try socket.connect(to: place.address, port: place.port)
    }

    var events: Int16 { Int16(unsent.isEmpty ? POLLIN : POLLOUT) }

    /// Does what can be done now; returns the message once it is whole.
    func advance(_ buffer: inout [UInt8]) throws(Failure) -> ArraySlice<UInt8>? {
      guard unsent.isEmpty else {
        let count = try socket.write(unsent)
        unsent = unsent.dropFirst(count ?? 0)
        return nil
      }
      guard let count = try socket.read(into: &buffer) else { return nil }
      guard tcp else { return buffer.prefix(count) }
      guard count > 0 else {
        throw Failure(.dns, "connection-closed", "the connection was closed", status: .noConnection)
      }
      received += buffer.prefix(count)
      guard received.count >= 2 else { return nil }
      let length = Int(received[0]) << 8 | Int(received[1])
      return received.count >= 2 + length ? received[2..<(2 + length)] : nil
    }
  }
}

extension DNSRecord {
  fileprivate func isA(_ type: DNSType) -> Bool {
    switch (content, type) {
    case (.address(let address), .a): address.family == .v4
    case (.address(let address), .aaaa): address.family == .v6
    case (.service, .srv): true
    case (.alias, .cname): true
    default: false
    }
  }
}
