import TestSupport

@testable import XMPP

/// Stream management: whatever a server says, each stanza sent is acknowledged once, in order, or stays unacknowledged,
/// and the counts agree.
@Sendable func checkManagement(_ input: [UInt8]) throws {
  var random = SeededGenerator(seed: seed(input))
  var management = StreamManagement<Int>(window: 3, capacity: 6)
  var book = Bookkeeping()
  if Bool.random(using: &random) {
    management = StreamManagement(
      resuming: .init(id: "s"), handledCount: .max, acknowledgedCount: .max, unacknowledged: [0, 1],
      window: 3, capacity: 6)
    book.sent = 2
  }
  for element in elements(input).prefix(64) {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: _ = management.enable(resumable: true, seconds: 60)
    case 1: _ = management.resume()
    case 2: book.take(management.confirm(Int.random(in: -1...3, using: &random)))
    case 3 where Int.random(in: 0..<8, using: &random) == 0: book.take(management.abandon())
    default: break
    }
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      let hasRoom = management.hasRoom
      try hold(management.enqueue(book.sent) == hasRoom, "room is promised and not given")
      if hasRoom { book.sent += 1 }
    }
    if management.isRequestDue { _ = management.request() }
    if Bool.random(using: &random) { management.arrived() }
    management.handled(Int.random(in: 0...2, using: &random))
    let before = management.acknowledgedCount
    guard case .success(let event) = try attempt({ try management.receive(element) }) else {
      try hold(
        book.settled + management.unacknowledged == Array(0..<book.sent), "a stanza is lost by a failure")
      return
    }
    switch event {
    case .enabled(let tokens): book.take(tokens)
    case .acknowledged(let tokens):
      book.take(tokens)
      try hold(management.acknowledgedCount &- before == tokens.count, "more is counted than was sent")
    case .resumed(let tokens, let again):
      book.take(tokens)
      try hold(management.acknowledgedCount &- before == tokens.count, "more is counted than was sent")
      try hold(again == management.unacknowledged, "something else is sent again than what is unacknowledged")
    case .notResumed(_, let tokens, let unconfirmed):
      book.take(tokens)
      book.take(unconfirmed)
    case .notEnabled, .answer: break
    }
    try hold(
      book.settled + management.unacknowledged == Array(0..<book.sent), "a stanza is lost, or there twice")
    try hold(management.unacknowledged.count <= 6, "more is unacknowledged than there is room for")
  }
}

/// What was sent, and what became of it.
private struct Bookkeeping {
  var sent = 0
  var settled: [Int] = []

  mutating func take(_ tokens: [Int]) { settled += tokens }
}
