import Testing

@testable import XMPP

/// What becomes of stanzas, told without a stream.
@Suite struct DeliveryTests {
  private static let bob = "bob@example.org"

  /// Stanzas under way, by the numbers they got, and what came of them in one word each.
  private struct Run {
    var delivery: Delivery

    init() throws { delivery = Delivery(account: try JID(parsing: "alice@example.org/r")) }

    @discardableResult
    mutating func send(
      _ id: String, to: String? = bob, _ awaited: Delivery.Awaited = .server, _ name: String = "message"
    ) throws -> Int {
      let element = Element(name, Namespace.client, ["id": id, "to": to])
      return delivery.add(element, to: try to.map { try JID(parsing: $0) }, awaiting: awaited, bytes: 10)
    }

    /// Whether it was about one of ours.
    mutating func receive(_ xml: String) throws -> Bool {
      delivery.take(try #require(Parsed(inside: Array(xml.utf8)).elements.first.flatMap(Stanza.init)))
    }

    mutating func ends() -> [String] {
      delivery.finished().map { "\($0.id ?? "") \($0.status)\($0.error.map { " " + $0.condition } ?? "")" }
    }
  }

  private func bounce(_ id: String, from: String?, _ name: String = "message") -> String {
    let from = from.map { " from='\($0)'" } ?? ""
    return "<\(name) type='error' id='\(id)'\(from)><error type='cancel'>"
      + "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></\(name)>"
  }

  @Test("S9: neither the acknowledgement nor the round trip alone confirms")
  func both() throws {
    for acknowledgedFirst in [true, false] {
      var run = try Run()
      try run.send("a")
      try run.send("b")
      if acknowledgedFirst { run.delivery.acknowledged([0]) } else { run.delivery.roundTrip(behind: 1) }
      #expect(run.ends() == [])
      if acknowledgedFirst { run.delivery.roundTrip(behind: 1) } else { run.delivery.acknowledged([0]) }
      #expect(run.ends() == ["a acknowledged"])
      #expect(run.delivery.count == 1 && run.delivery.bytes == 10)
    }
  }

  @Test func anErrorBehindTheAcknowledgementIsAFailureStill() throws {
    var run = try Run()
    try run.send("a")
    run.delivery.acknowledged([0])
    #expect(try run.receive(bounce("a", from: DeliveryTests.bob)))
    run.delivery.roundTrip(behind: 1)
    #expect(run.ends() == ["a failed gone"])
  }

  @Test func anErrorBehindTheConfirmationIsAFailureAsLongAsThatWasNotTold() throws {
    var run = try Run()
    try run.send("slow")
    try run.send("a")
    run.delivery.acknowledged([1])
    run.delivery.roundTrip(behind: 2)
    #expect(run.ends() == [])
    #expect(try run.receive(bounce("a", from: DeliveryTests.bob)))
    run.delivery.acknowledged([0])
    #expect(run.ends() == ["slow acknowledged", "a failed gone"])
    #expect(try !run.receive(bounce("a", from: DeliveryTests.bob)))
  }

  @Test func endsComeInTheOrderOfSending() throws {
    var run = try Run()
    for id in ["a", "b", "c"] { try run.send(id) }
    run.delivery.acknowledged([1, 2])
    run.delivery.roundTrip(behind: 3)
    #expect(run.ends() == [])
    run.delivery.acknowledged([0])
    #expect(run.ends() == ["a acknowledged", "b acknowledged", "c acknowledged"])
    #expect(try run.send("d") == 3)
    #expect(run.delivery.stanza(3)?.attribute("id") == "d" && run.delivery.stanza(0) == nil)
  }

  @Test(
    "I3: a bounce counts from whom it went to, and from the own server",
    arguments: [
      ("bob@example.org", "bob@example.org", true), ("bob@example.org", "bob@example.org/phone", true),
      ("bob@example.org", "eve@example.org", false), ("bob@example.org", "example.org", true),
      ("bob@example.org", "alice@example.org", true), ("bob@example.org", "evil.org", false),
      ("bob@example.org", "alice@example.org/other", false),
      ("room@muc.org/bob", "room@muc.org/bob", true), ("room@muc.org/bob", "room@muc.org", true),
      ("room@muc.org/bob", "room@muc.org/eve", false),
    ])
  func bounces(to: String, from: String, counts: Bool) throws {
    var run = try Run()
    try run.send("a", to: to)
    #expect(try run.receive(bounce("a", from: from)) == counts)
    #expect(run.ends() == (counts ? ["a failed gone"] : []))
  }

  @Test("I3: an iq's answer counts with its id, its kind, and from whom was asked")
  func answers() throws {
    var run = try Run()
    try run.send("q", to: "pubsub.example.org", .answer, "iq")
    for (id, from) in [("q", "evil.org"), ("p", "pubsub.example.org"), ("q", "example.org")] {
      #expect(try !run.receive("<iq type='result' id='\(id)' from='\(from)'/>"))
    }
    #expect(try !run.receive("<iq type='result' id='q'/>"))
    #expect(try !run.receive(bounce("q", from: "pubsub.example.org")))
    #expect(try run.receive("<iq type='result' id='q' from='pubsub.example.org'><x xmlns='u:x'/></iq>"))
    let end = try #require(run.delivery.finished().first)
    #expect(end.status == .received && end.reply?.element.child("x", "u:x") != nil)
    try run.send("own", to: nil, .answer, "iq")
    #expect(try run.receive(bounce("own", from: nil, "iq")))
    #expect(run.ends() == ["own failed gone"])
  }

  @Test("I4: ids that are only canonically equal are different")
  func canonical() throws {
    var run = try Run()
    try run.send("\u{E9}")
    #expect(try !run.receive(bounce("e\u{301}", from: DeliveryTests.bob)))
    #expect(try run.receive(bounce("\u{E9}", from: DeliveryTests.bob)))
  }

  @Test func twoOfOneIdEndOneAfterTheOther() throws {
    var run = try Run()
    try run.send("same", .receipt)
    try run.send("same", .receipt)
    let receipt =
      "<message from='bob@example.org/p'><received xmlns='urn:xmpp:receipts' id='same'/></message>"
    #expect(try run.receive(receipt))
    #expect(run.ends() == ["same received"])
    #expect(try run.receive(receipt))
    #expect(run.ends() == ["same received"])
    #expect(try !run.receive(receipt))
  }

  @Test("S60: of two ids that white space makes the same, the very one that came back counts, else the first")
  func whiteSpace() throws {
    for (received, ends) in [
      ("a b", ["a\tb acknowledged", "a b failed gone"]),
      ("a&#9;b", ["a\tb failed gone", "a b acknowledged"]),
      ("a&#10;b", ["a\tb failed gone", "a b acknowledged"]),
    ] {
      var run = try Run()
      try run.send("a\tb")
      try run.send("a b")
      run.delivery.acknowledged([0, 1])
      #expect(try run.receive(bounce(received, from: DeliveryTests.bob)))
      run.delivery.roundTrip(behind: 2)
      #expect(run.ends() == ends)
    }
  }

  @Test func aReceiptCountsFromTheRecipientAlone() throws {
    var run = try Run()
    try run.send("a", .receipt)
    run.delivery.acknowledged([0])
    run.delivery.roundTrip(behind: 1)
    #expect(run.ends() == [])
    for from in ["eve@example.org", "example.org", "alice@example.org"] {
      #expect(
        try !run.receive("<message from='\(from)'><received xmlns='urn:xmpp:receipts' id='a'/></message>"))
    }
    run.delivery.abandon()
    let end = try #require(run.delivery.finished().first)
    #expect(end.status == .acknowledged && !end.isReached, "the server has it, the receipt is missing")
  }

  @Test func theRoomsCopyComesFromOneself() throws {
    var run = try Run()
    run.delivery.occupants = [try JID(parsing: "room@muc.org/me")]
    try run.send("a", to: "room@muc.org", .copy)
    for from in ["room@muc.org/eve", "room@muc.org", "other@muc.org/me"] {
      #expect(try !run.receive("<message type='groupchat' id='a' from='\(from)'/>"))
    }
    #expect(try !run.receive(bounce("a", from: "room@muc.org/eve")))
    #expect(try run.receive("<message type='groupchat' id='a' from='room@muc.org/me'/>"))
    #expect(run.ends() == ["a received"])
  }

  @Test("S9: what a lost session leaves is unconfirmed, but for what the server took")
  func lost() throws {
    var run = try Run()
    for id in ["a", "b", "c"] { try run.send(id) }
    try run.send("q", to: nil, .answer, "iq")
    run.delivery.acknowledged([0, 1])
    run.delivery.roundTrip(behind: 1)
    run.delivery.lost([2, 3])
    run.delivery.abandon()
    #expect(run.ends() == ["a acknowledged", "b unconfirmed", "c unconfirmed", "q unconfirmed"])
    #expect(run.delivery.count == 0 && run.delivery.bytes == 0)
  }

  @Test func whatNobodyWaitsForEndsAtOnce() throws {
    var run = try Run()
    try run.send("a", .nothing)
    let end = try #require(run.delivery.finished().first)
    #expect(end.status == .unconfirmed && end.isReached)
  }

  @Test func whatWasNotSentFailsInItsPlace() throws {
    var run = try Run()
    try run.send("a")
    run.delivery.fail(try run.send("b"), Failure(.input, "too-large", "too large", status: .data))
    #expect(run.ends() == [])
    run.delivery.acknowledged([0])
    run.delivery.roundTrip(behind: 1)
    #expect(run.ends() == ["a acknowledged", "b failed too-large"])
  }

  @Test func manyLeaveNothingBehind() throws {
    var run = try Run()
    for number in 0..<5000 {
      #expect(try run.send("id\(number)") == number)
      run.delivery.acknowledged([number])
      run.delivery.roundTrip(behind: number + 1)
      #expect(run.ends() == ["id\(number) acknowledged"])
    }
    #expect(run.delivery.count == 0 && run.delivery.nextNumber == 5000)
  }
}
