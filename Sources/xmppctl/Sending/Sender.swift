import Glibc
import XMPP

/// Sends everything a source has and waits until each stanza's fate is known: one poll loop over the stream and the input.
final class Sender {
  /// How a run ended: what was refused, and what nobody knows of.
  struct Tally {
    var confirmed = 0
    var refused: Failure?
    var refusals = 0
    var unconfirmed = 0
    var notSent = 0
  }

  /// How many stanzas may wait for their confirmation at any time.
  private static let window = 512
  /// After how many a round trip is begun.
  private static let stride = 128
  /// Bytes that may wait to be sent before more is taken from the input.
  private static let mostPending = 256 << 10
  /// How long a server that acknowledged everything may owe the answer to a ping.
  private static let patience = 2.0

  private let session: Session<Int>
  private let source: SendSource
  private let room: SendRoom?
  private let retries: Bool
  private let waiter: Waiter
  private let report: (Delivery.Outcome) throws(Failure) -> Void
  private let progress: Progress?

  private var delivery: Delivery
  private var tracker: IQTracker<Int>
  /// Pings sent and not answered: their stanzas by number, which are negative to be told from those of the input.
  private var pings: [Int: Element] = [:]
  private var nextPing = -1
  private var sentSincePing = 0
  private var patienceEnds = Deadline.never
  private(set) var tally = Tally()

  init(
    _ session: Session<Int>, _ source: SendSource, room: SendRoom?, retries: Bool, waiter: Waiter,
    progress: Progress?, report: @escaping (Delivery.Outcome) throws(Failure) -> Void
  ) {
    self.session = session
    self.source = source
    self.room = room
    self.retries = retries
    self.waiter = waiter
    self.report = report
    self.progress = progress
    delivery = Delivery(account: session.jid)
    tracker = IQTracker(account: session.jid)
  }

  /// Connects, sends, waits, and closes the stream.
  ///
  /// - Throws: why it ended before everything's fate was known; all that is unknown has been reported as such then.
  func run() throws(Failure) {
    do throws(Failure) {
      try open()
      while true {
        do throws(Failure) {
          try exchange()
          break
        } catch {
          try recover(from: error)
        }
      }
      try room?.leave(session)
      session.close(within: 0.2)
    } catch {
      session.close(within: 0)
      delivery.abandon()
      try emit()
      try giveUpRest()
      throw error
    }
  }

  /// Sends and receives until the source is empty and everything has ended.
  private func exchange() throws(Failure) {
    while true {
      try fill()
      while let arrival = try session.take() { try take(arrival) }
      try emit()
      if source.isAtEnd, delivery.count == 0, session.pendingBytes == 0 { return }
      try wait()
    }
  }

  private func fill() throws(Failure) {
    while delivery.count < Sender.window, session.management.hasRoom,
      session.pendingBytes < Sender.mostPending,
      let item = try source.next()
    {
      if let limit = session.stanzaLimit, item.stanza.xml.utf8.count > limit {
        throw .input("too-large", "a stanza is larger than the \(limit) bytes the server takes")
      }
      let number = delivery.add(item.stanza, to: item.to, awaiting: item.awaited)
      _ = session.send(item.stanza, token: number)
      sentSincePing += 1
      if sentSincePing >= Sender.stride { try ping() }
    }
    if sentSincePing > 0 { try ping() }
  }

  /// Begins a round trip behind everything sent so far, and asks for its acknowledgement.
  private func ping() throws(Failure) {
    guard session.management.hasRoom else { return }
    sentSincePing = 0
    let number = nextPing
    nextPing -= 1
    let ping = tracker.request(.get, to: session.jid.domain, Ping.payload, for: number)
    pings[number] = ping
    barriers[number] = delivery.nextNumber
    _ = session.send(ping, token: number)
    session.requestAcknowledgement()
  }

  /// What each ping in flight is behind of.
  private var barriers: [Int: Int] = [:]

  private func take(_ arrival: Session<Int>.Arrival) throws(Failure) {
    switch arrival {
    case .management(let event): try take(event)
    case .stanza(let stanza):
      session.handled(1)
      if let reply = tracker.take(stanza) {
        answered(reply.purpose)
      } else if !delivery.take(stanza), stanza.isRequest {
        answer(stanza)
      }
      try room?.take(stanza)
    }
  }

  /// Answers a request, as everybody must (RFC 6120 §8.2.3).
  private func answer(_ request: Stanza) {
    let manners = Manners(account: session.jid, name: "xmppctl", version: Version.number)
    guard let answer = manners.answer(to: request) else { return }
    pings[nextPing] = answer
    _ = session.send(answer, token: nextPing)
    nextPing -= 1
  }

  private func take(_ event: StreamManagement<Int>.Event) throws(Failure) {
    switch event {
    case .enabled(let numbers), .acknowledged(let numbers): acknowledge(numbers)
    case .notEnabled, .answer: break
    case .resumed(let acknowledged, _): acknowledge(acknowledged)
    case .notResumed(_, let acknowledged, let unconfirmed):
      acknowledge(acknowledged)
      delivery.lost(unconfirmed.lazy.filter { $0 >= 0 })
    }
  }

  private func acknowledge(_ numbers: [Int]) {
    for number in numbers where number < 0 { pings[number] = nil }
    delivery.acknowledged(numbers.lazy.filter { $0 >= 0 })
    // The acknowledgement is the server's word; the round trip behind it only gives bounces time to arrive.
    if delivery.isAcknowledged { patienceEnds = .after(seconds: Sender.patience) }
  }

  /// A ping came back; an error is an answer too.
  private func answered(_ number: Int) {
    let unacknowledged = session.management.unacknowledged
    if !session.management.canRequest, let index = unacknowledged.firstIndex(of: number) {
      acknowledge(session.management.confirm(index + 1))
    }
    if let barrier = barriers.removeValue(forKey: number) { delivery.roundTrip(behind: barrier) }
  }

  private func emit() throws(Failure) {
    for outcome in delivery.finished() {
      switch outcome.status {
      case .acknowledged, .received: tally.confirmed += 1
      case .failed:
        tally.refusals += 1
        tally.refused = tally.refused ?? outcome.error
      case .unconfirmed: tally.unconfirmed += 1
      }
      try report(outcome)
    }
    progress?.show(confirmed: tally.confirmed, waiting: delivery.count)
  }

  private func wait() throws(Failure) {
    var others: [pollfd] = []
    if source.wantsInput, delivery.count < Sender.window {
      others.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0))
    }
    let moment = delivery.count > 0 ? patienceEnds : .never
    try session.wait(
      for: &others, until: min(moment, progress?.due ?? .never), while: "waiting for confirmation")
    if let input = others.first, input.revents != 0 { try source.read() }
    if patienceEnds.hasPassed {
      patienceEnds = .never
      if delivery.isAcknowledged { delivery.roundTrip(behind: delivery.nextNumber) }
    }
  }
}

// MARK: - Beginning, and beginning again

extension Sender {
  private func open() throws(Failure) {
    var reconnection = Reconnection()
    while true {
      do throws(Failure) {
        _ = try session.open(resumable: true)
        break
      } catch {
        guard retries else { throw error }
        try pause(after: error, &reconnection)
      }
    }
    try begin()
  }

  private func begin() throws(Failure) {
    delivery.account = session.jid
    tracker = IQTracker(account: session.jid)
    (pings, barriers) = ([:], [:])
    try room?.join(session)
  }

  /// Comes back to the session, so that everything goes on exactly once; where that cannot be, what was sent and not
  /// acknowledged stays unknown, and the rest goes out in a new session if the user wants that.
  private func recover(from failure: Failure) throws(Failure) {
    guard session.management.resumption != nil || retries else { throw failure }
    var reconnection = Reconnection()
    var latest = failure
    while true {
      try pause(after: latest, &reconnection)
      do throws(Failure) {
        return try reopen(after: failure)
      } catch {
        // The first failure again means that going on is not wanted.
        if error == failure { throw error }
        latest = error
      }
    }
  }

  private func reopen(after failure: Failure) throws(Failure) {
    switch try session.open(resumable: true) {
    case .resumed(let acknowledged, let numbers):
      acknowledge(acknowledged)
      for number in numbers {
        if let stanza = number < 0 ? pings[number] : delivery.stanza(number) { session.resend(stanza) }
      }
      session.requestAcknowledgement()
    case .new(let acknowledged, let unconfirmed):
      acknowledge(acknowledged)
      delivery.lost(unconfirmed.lazy.filter { $0 >= 0 })
      delivery.abandon()
      try emit()
      guard retries else { throw failure }
      try begin()
    }
  }

  /// - Throws: the failure itself, where another attempt would not go better; what the waiter throws.
  private func pause(after failure: Failure, _ reconnection: inout Reconnection) throws(Failure) {
    guard let seconds = reconnection.pause(after: failure, heldFor: 0) else { throw failure }
    progress?.clear()
    Printer.diagnostic("xmppctl: send: \(failure.stage.rawValue): \(failure.message.shown); trying again")
    var nothing: [pollfd] = []
    let moment = Deadline.after(seconds: seconds)
    _ = try waiter.wait(for: &nothing, until: moment, doing: "waiting to connect again")
  }

  /// Reports what is left in the source, which surely was not sent.
  private func giveUpRest() throws(Failure) {
    while !source.isAtEnd, let item = try? source.next() {
      tally.notSent += 1
      try report(
        Delivery.Outcome(
          to: item.to?.full, id: item.stanza.attribute("id"), status: .failed,
          error: Failure(.stanza, "not-sent", "it was not sent", status: .noConnection)))
    }
  }
}
