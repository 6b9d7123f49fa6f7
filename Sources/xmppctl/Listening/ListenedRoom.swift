import XMPP

/// A room that is listened to: its occupancy, and which of its messages are history or the subject of the join.
struct ListenedRoom {
  var occupancy: RoomOccupancy
  /// How many of the last messages the user asked for.
  private let history: Int
  /// Until when the history and the subject of a join may come. The subject is the last thing that a room sends to a
  /// new occupant (XEP-0045 §7.2.15); not every room sends one.
  private var greetingLimit = Deadline.now
  /// When the last message came; milliseconds since 1970.
  private var lastMessage: Int64?
  private var printed = PrintedMessages()

  /// Seconds that a room has for its history and subject after a join.
  private static let greetingTime = 10.0
  /// How many messages a later join asks for: fewer than are recognized.
  private static let mostRepeated = PrintedMessages.limit / 2

  /// What a message of the room is.
  enum Kind {
    case subjectOfJoin
    case history
    /// History that has a line already.
    case repeated
    case live
  }

  init(_ occupant: JID, _ plan: ListenPlan, account: JID) {
    var policy = RoomOccupancy.Policy()
    policy.password = plan.roomPassword
    policy.keepsNickname = plan.hasNick
    policy.rejoins = plan.reconnects
    policy.silence = plan.pingInterval * ListenedRoom.pingRatio
    occupancy = RoomOccupancy(occupant, account: account, policy: policy)
    history = plan.history
  }

  /// A room is silent more often than a server, so it is asked after so many times the interval of the pings.
  private static let pingRatio = 5.0

  /// Notes what an event means for the history.
  mutating func note(_ event: RoomOccupancy.Event) {
    switch event {
    case .send(let element) where element.name == "presence": beginGreeting()
    case .joined: if greetingLimit == .never { greetingLimit = .after(seconds: ListenedRoom.greetingTime) }
    case .send, .confirmed, .notice, .interrupted, .ended: break
    }
  }

  /// Prepares the history that the next join asks for.
  mutating func prepare() { if occupancy.occupant == nil { occupancy.history = laterHistory } }

  /// What a message is. The caller has checked that it comes from the room.
  mutating func take(_ message: Stanza) -> Kind {
    guard message.isType("groupchat") else { return .live }
    let isGreeting = !greetingLimit.hasPassed
    let isDelayed = message.element.elements.contains { $0.commonNamespace == .delay }
    if isGreeting, isSubject(message) {
      greetingLimit = .now
      return .subjectOfJoin
    }
    if isGreeting, isDelayed {
      if printed.match(message) { return .repeated }
      note(message)
      return .history
    }
    // A live message comes after all of the greeting.
    if !isDelayed, occupancy.occupant != nil { greetingLimit = .now }
    note(message)
    return .live
  }

  private mutating func beginGreeting() {
    greetingLimit = .never
    printed.beginMatching()
  }

  private mutating func note(_ message: Stanza) {
    lastMessage = .now
    printed.add(message)
  }

  /// The history of a later join: what came since, with room for clocks that differ. What has a line is recognized.
  private var laterHistory: Room.History {
    guard history > 0, let lastMessage else { return Room.History(count: history) }
    return Room.History(
      count: min(history, ListenedRoom.mostRepeated),
      since: Timestamp.text(seconds: (lastMessage - SeenMessages.margin) / 1000))
  }

  private func isSubject(_ message: Stanza) -> Bool {
    message.element.child("subject", Namespace.client) != nil
      && message.element.child("body", Namespace.client) == nil
  }
}

/// The last messages of a room that have lines, so that its history after a later join repeats none of them. Bounded.
struct PrintedMessages {
  static let limit = 2048
  private let key = SipHash.Key.random()
  private var fingerprints: [UInt64] = []
  private var oldest = 0
  /// How often each was printed and has not come again since the join.
  private var unmatched: [UInt64: Int] = [:]

  /// Notes a message.
  mutating func add(_ message: Stanza) {
    let fingerprint = SeenMessages.fingerprint(message, key)
    if fingerprints.count < PrintedMessages.limit {
      fingerprints.append(fingerprint)
    } else {
      fingerprints[oldest] = fingerprint
      oldest = (oldest + 1) % PrintedMessages.limit
    }
  }

  /// Begins to match: a room was joined.
  mutating func beginMatching() {
    unmatched = fingerprints.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }

  /// Whether a message was printed; each is matched once.
  mutating func match(_ message: Stanza) -> Bool {
    guard !unmatched.isEmpty else { return false }
    let fingerprint = SeenMessages.fingerprint(message, key)
    guard let count = unmatched[fingerprint] else { return false }
    unmatched[fingerprint] = count > 1 ? count - 1 : nil
    return true
  }
}
