import Glibc
import XMPP

/// Sends everything a source has and waits until each stanza's fate is known: one poll loop over the stream and the input.
final class Sender {
  /// How many stanzas may wait for their confirmation at any time, and how many bytes of them.
  private static let window = 512
  private static let mostBytes = 1 << 20
  /// Bytes of answers that may wait for an earlier one, so that results come in order.
  private static let mostWaiting = 8 << 20
  /// After how many a round trip is begun.
  private static let stride = 128
  /// Bytes that may wait to be sent before more is taken from the input.
  private static let mostPending = 256 << 10
  /// How long a server that acknowledged everything may owe the answer to a ping; seconds.
  private static let patience = 2.0
  /// Bytes of white space for a server that is silent for a second; more each time, up to what a large tag takes.
  private static let leastPadding = 64
  private static let mostPadding = 16 << 10
  /// How long the list of what is unconfirmed or was not sent may take; seconds.
  private static let longestList = 10.0
  /// How long the server's closing is waited for; what nobody has confirmed may be lost without it; seconds.
  static let parting = 2.0
  /// How long a server keeps a session to come back to, where it does not say; seconds.
  private static let keeping = 300

  let session: Session<Int>
  private let source: SendSource
  var rooms: SendRooms
  private let retries: Bool
  private let waiter: Waiter
  let output: SendOutput
  private let hints: Hints

  var delivery: Delivery
  private var tracker: IQTracker<Int>
  private var bounces: BounceWait
  /// What we sent of our own and is not acknowledged, by numbers that are negative, to be told from those of the input.
  private var own: [Int: Element] = [:]
  private var ownKept = Footprint()
  private var nextOwn = -1
  /// For each ping in flight, which stanza is the first behind it.
  private var barriers: [Int: Int] = [:]
  private var sentSincePing = 0
  private var patienceEnds = Deadline.never
  /// When a server that owes an answer gets white space, and how many bytes of it.
  private var paddingDue = Deadline.never
  private var padding = Sender.leastPadding
  /// What of the input could not be sent; nothing behind it is.
  private var badInput: Failure?
  /// The first recipient that refused a message as rooms do.
  private var roomQuestion: RoomQuestion?
  /// Whether there is a session, since when, and why the one before was lost.
  private var isOpen = false
  private var opened = Deadline.now
  private var loss: Failure?

  init(
    _ session: Session<Int>, _ source: SendSource, rooms: SendRooms, retries: Bool, bounces: BounceWait,
    waiter: Waiter, output: SendOutput, hints: Hints
  ) {
    self.bounces = bounces
    self.session = session
    self.source = source
    self.rooms = rooms
    self.retries = retries
    self.waiter = waiter
    self.output = output
    self.hints = hints
    delivery = Delivery(account: session.jid)
    tracker = IQTracker(account: session.jid)
  }

  /// Connects, sends, waits, and closes the stream.
  ///
  /// - Throws: why it ended before everything's fate was known; all that is unknown has been told by then.
  func run() throws(Failure) {
    do throws(Failure) {
      try carryOn()
      if isOpen, let hint = try roomQuestion?.hint(session) { output.sayHint(hint) }
    } catch {
      close(within: 0)
      let failure = error.explained(by: delivery)
      giveUp(after: failure)
      throw failure
    }
    if let interruption = close(within: Sender.parting) { throw interruption }
    output.tally.passedOver += source.passedOver
    if let badInput { throw badInput }
  }

  /// Sends and receives until the source is empty and everything has ended.
  private func exchange() throws(Failure) {
    while true {
      try fill()
      let wasFull = !hasRoom
      var arrivals = 0
      while arrivals < Sender.window, let arrival = try session.take() {
        try take(arrival)
        arrivals += 1
      }
      if arrivals > 0 || paddingDue == .never {
        (paddingDue, padding) = (.after(seconds: 1), Sender.leastPadding)
      }
      try emit()
      if source.isAtEnd || badInput != nil, delivery.count == 0, session.pendingBytes == 0 { return }
      // What made room has been read: nothing more may come to end the wait for it.
      if arrivals == Sender.window || wasFull && hasRoom { continue }
      try wait()
    }
  }

  /// Whether the server itself, and not a recipient, owes an answer.
  private var owesAnswer: Bool { !barriers.isEmpty || !delivery.isAcknowledged }

  /// Whether everything was sent and acknowledged, and nothing but the server was to confirm it.
  private func isDone(despite failure: Failure) -> Bool {
    guard source.isAtEnd || badInput != nil, delivery.isAcknowledged, !failure.isInterruption,
      failure.stage != .output
    else { return false }
    delivery.roundTrip(behind: delivery.nextNumber)
    bounces.end(&delivery)
    output.extend(to: waiter.closing(within: Sender.longestList))
    return (try? emit()) != nil && delivery.count == 0
  }

  private func wait() throws(Failure) {
    var others: [pollfd] = []
    if source.wantsInput, badInput == nil, hasRoom {
      others.append(pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0))
    }
    let isWaiting = delivery.count > 0
    let moment = isWaiting ? min(patienceEnds, bounces.due, owesAnswer ? paddingDue : .never) : .never
    try session.wait(
      for: &others, until: min(moment, rooms.due, output.progressDue), while: "waiting for confirmation")
    elapseRooms()
    if paddingDue.hasPassed {
      if owesAnswer, session.pendingBytes == 0 { session.pad(padding) }
      (paddingDue, padding) = (.after(seconds: 1), min(Sender.mostPadding, padding * 2))
    }
    if let input = others.first, input.revents != 0 { try read() }
    if patienceEnds.hasPassed {
      patienceEnds = .never
      if delivery.isAcknowledged { delivery.roundTrip(behind: delivery.nextNumber) }
    }
  }

  private func emit() throws(Failure) {
    bounces.update(&delivery)
    let outcomes = delivery.finished()
    if roomQuestion == nil, rooms.isEmpty {
      roomQuestion =
        outcomes.lazy.compactMap { [delivery] in
          RoomQuestion($0, account: delivery.account)
        }.first
    }
    try output.show(outcomes)
    output.showProgress(waiting: delivery.count)
  }

  /// Tells of everything whose fate is unknown, and of everything that surely was not sent.
  private func giveUp(after failure: Failure) {
    delivery.abandon()
    let moment = waiter.closing(within: Sender.longestList)
    output.end(delivery.finished(), within: moment)
    let cause = hints.applied(to: failure)
    while let item = source.rest(moment, readsOn: !failure.isInterruption) {
      output.show(notSent: item, because: cause)
    }
    output.summarize()
  }
}

// MARK: - Sending

extension Sender {
  private func fill() throws(Failure) {
    while hasRoom, let item = next() {
      send(item)
      if sentSincePing >= Sender.stride { ping() }
    }
    if sentSincePing > 0 { ping() }
  }

  /// Whether another stanza may be under way.
  private var hasRoom: Bool {
    delivery.count < Sender.window && delivery.bytes + ownKept.bytes < Sender.mostBytes
      && session.management.hasRoom
      && session.pendingBytes < Sender.mostPending
  }

  /// The next thing of the input. What cannot be sent ends it, and what is under way is waited for.
  private func next() -> SendItem? {
    guard badInput == nil else { return nil }
    do throws(Failure) {
      return try source.next()
    } catch {
      end(with: error)
      return nil
    }
  }

  private func read() throws(Failure) {
    do throws(Failure) {
      try source.read()
    } catch {
      end(with: error)
    }
  }

  private func end(with failure: Failure) {
    badInput = failure
    badInput?.message += "; nothing behind it was sent"
  }

  private func send(_ item: SendItem) {
    let number = delivery.nextNumber
    if let limit = session.stanzaLimit, item.stanza.xml.utf8.count > limit {
      let failure = Failure.input(
        "too-large",
        "\(item.stanza.attribute("id") ?? "a stanza") is larger than the \(limit) bytes the server takes")
      delivery.add(item.stanza, to: item.to, awaiting: item.awaited)
      delivery.fail(number, failure)
      if !source.keepsGoing { end(with: failure) }
      return
    }
    if refuses(item) { return }
    let awaitsBounce = bounces.begins(item, number: number, account: session.jid)
    let before = session.pendingBytes
    // What nobody waits for has ended by now, and is kept with our own until it is acknowledged.
    if item.awaited == .nothing { send(item.stanza) } else { _ = session.send(item.stanza, token: number) }
    let size = session.pendingBytes - before
    delivery.add(
      item.stanza, to: item.to, awaiting: item.awaited, bytes: size, awaitsBounce: awaitsBounce)
    if item.awaited == .copy { rooms.sent(to: item.to) }
    sentSincePing += 1
  }

  /// Sends something of our own, where there is room for it.
  func send(_ stanza: Element) {
    guard session.send(stanza, token: nextOwn) else { return }
    own[nextOwn] = stanza
    ownKept.add(stanza)
    nextOwn -= 1
  }

  /// Begins a round trip behind everything sent so far, and asks for its acknowledgement.
  private func ping() {
    guard session.management.hasRoom else {
      // Answers to strangers may have taken the room; then only an acknowledgement gives it back.
      if session.management.isOn, !session.management.awaitsAnswer { session.requestAcknowledgement() }
      return
    }
    askDomains()
    // The pings to domains may have taken the room; the acknowledgement of them gives it back.
    guard session.management.hasRoom else { return session.requestAcknowledgement() }
    sentSincePing = 0
    barriers[nextOwn] = delivery.nextNumber
    send(tracker.request(.get, to: session.jid.domain, Ping.payload, for: nextOwn))
    session.requestAcknowledgement()
  }

  /// Pings the domains whose errors are waited for, after the stanzas for them.
  private func askDomains() {
    while session.management.hasRoom, let domain = bounces.domainToAsk(nextOwn, before: delivery.nextNumber) {
      send(tracker.request(.get, to: domain, Ping.payload, for: nextOwn))
    }
  }

  /// Answers a request, as everybody must (RFC 6120 §8.2.3); but nobody can make us keep more than so much for the server.
  private func answer(_ request: Stanza) {
    let manners = Manners(account: session.jid, name: "xmppctl", version: Version.number)
    guard session.pendingBytes < Sender.mostPending, ownKept.bytes < Sender.mostBytes,
      let answer = manners.answer(to: request)
    else { return }
    send(answer)
    sentSincePing += 1
  }
}

// MARK: - Receiving

extension Sender {
  func take(_ arrival: Session<Int>.Arrival) throws(Failure) {
    switch arrival {
    case .management(let event): take(event)
    case .stanza(let stanza):
      session.handled(1)
      if let reply = tracker.take(stanza) {
        answered(reply.purpose)
        bounces.answered(reply.purpose, reply.error, &delivery)
        askDomains()
      } else if !delivery.take(stanza), stanza.isRequest {
        answer(stanza)
      }
      guard delivery.bytes < Sender.mostWaiting else {
        throw .protocolViolation(
          "too-much", "the answers that wait for an earlier one have more than \(Sender.mostWaiting) bytes")
      }
      try takeInRooms(stanza)
    }
  }

  private func take(_ event: StreamManagement<Int>.Event) {
    switch event {
    case .enabled(let numbers), .acknowledged(let numbers), .resumed(let numbers, _): acknowledge(numbers)
    case .notEnabled, .answer: break
    case .notResumed(_, let numbers, let unconfirmed):
      acknowledge(numbers)
      delivery.lost(unconfirmed.lazy.filter { $0 >= 0 })
    }
  }

  private func acknowledge(_ numbers: [Int]) {
    for number in numbers where number < 0 {
      if let stanza = own.removeValue(forKey: number) { ownKept.remove(stanza) }
    }
    delivery.acknowledged(numbers.lazy.filter { $0 >= 0 })
    // The acknowledgement is the server's word; the round trip behind it only gives bounces time to arrive.
    if delivery.isAcknowledged { patienceEnds = .after(seconds: Sender.patience) }
  }

  /// A ping came back; an error is an answer too.
  private func answered(_ number: Int) {
    if !session.management.canRequest, let index = session.management.unacknowledged.firstIndex(of: number) {
      acknowledge(session.management.confirm(index + 1))
    }
    if let barrier = barriers.removeValue(forKey: number) { delivery.roundTrip(behind: barrier) }
  }
}

// MARK: - Beginning, and beginning again

extension Sender {
  /// Goes on over one connection after another. A lost session is resumed, so that everything goes on exactly once; where
  /// that cannot be, what was sent and not acknowledged stays unknown, and only `--retry` goes on in a new session.
  private func carryOn() throws(Failure) {
    var reconnection = Reconnection()
    var givesUp = Deadline.never
    // Why the attempt before failed.
    var cause: Failure?
    while true {
      do throws(Failure) {
        try open()
        return try exchange()
      } catch {
        // What is acknowledged is the server's: how the connection ends after that does not matter.
        if isOpen, isDone(despite: error) { return }
        // That the time is over says nothing about what kept failing until then.
        if !isOpen, error.isEndOfTime, let cause { throw cause }
        cause = error
        var held = 0.0
        if isOpen {
          isOpen = false
          loss = error
          held = Deadline.now.milliseconds(since: opened) / 1000
          givesUp = .after(seconds: Double(session.management.resumption?.seconds ?? Sender.keeping))
        }
        guard retries || session.management.resumption != nil else { throw error }
        if !retries, let loss, givesUp.hasPassed { throw loss }
        guard let seconds = reconnection.pause(after: error, heldFor: held) else { throw error }
        output.say(error.message + "; trying again", error.stage)
        var nothing: [pollfd] = []
        let moment = Deadline.after(seconds: seconds)
        do throws(Failure) {
          _ = try waiter.wait(for: &nothing, until: moment, doing: "waiting to connect again")
        } catch {
          throw error.isEndOfTime ? cause ?? error : error
        }
      }
    }
  }

  /// Connects: to the session of before, or to a new one and into the room.
  private func open() throws(Failure) {
    defer { Printer.redirections(session.connection.report) }
    let opening = try session.open(resumable: true)
    if let failure = session.refusedResumption {
      output.say("the session was not resumed: " + failure.message, failure.stage)
    }
    switch opening {
    case .resumed(let acknowledged, let numbers):
      (opened, isOpen) = (.now, true)
      acknowledge(acknowledged)
      for number in numbers {
        if let stanza = number < 0 ? own[number] : delivery.stanza(number) { session.resend(stanza) }
      }
      session.requestAcknowledgement()
    case .new(let acknowledged, let unconfirmed):
      acknowledge(acknowledged)
      delivery.lost(unconfirmed.lazy.filter { $0 >= 0 })
      delivery.abandon()
      try emit()
      if let loss, !retries { throw loss }
      (opened, isOpen) = (.now, true)
      delivery.account = session.jid
      tracker = IQTracker(account: session.jid)
      (own, ownKept, barriers) = ([:], Footprint(), [:])
      bounces.end(&delivery)
      (sentSincePing, patienceEnds) = (0, .never)
      try join()
    }
  }
}
