import Foundation
import TestSupport
import Testing

/// Input that is made to cost much more than its size. What it may cost here is many times what it does; `make growth` measures
/// how it grows.
@Suite struct GrowthRowsTests {
  /// Seconds of the processor, for the executable as the tests build it.
  private static let limit = Duration.seconds(15)

  private static func many(_ count: Int, _ piece: (Int) -> String) -> String {
    (0..<count).map(piece).joined()
  }

  private static func mechanisms(_ names: String) -> String {
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(names)</mechanisms>"
  }

  @Test("G1: a stanza of secrets, nested and in number, is redacted in a trace in time that grows with it")
  func redaction() throws {
    let levels = 200
    let nested = String(repeating: "<x xmlns='u'>", count: levels) + "<password>hidden-1</password>"
    let stanza =
      "<message from='a@example.org'>" + nested + GrowthRowsTests.many(2000) { "<a\($0) b\($0)='1'/>" }
      + String(repeating: "</x>", count: levels)
      + GrowthRowsTests.many(5000) { _ in "<secret xmlns='u'>hidden-2</secret>" } + "</message>"
    let folder = try TemporaryFolder()
    let scene = try ListenScene(
      ["--json", "--count", "1", "--max-time", "60", "--trace=\(folder.path("trace"))"],
      .new { try $0.send(stanza) })
    let outcome = try scene.program.wait(within: .seconds(90))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.processorTime < GrowthRowsTests.limit, "\(outcome.processorTime)")
    let trace = try folder.read("trace")
    #expect(!trace.contains("hidden") && trace.contains("<a1999 b1999='1'/>"))
    try scene.peer.finish()
  }

  /// A login to a server that offers this, with the errors in JSON.
  private func login(
    _ features: String, _ options: [String] = ["bind", "--json"], mostMemory: Int? = nil,
    then: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = { _ in }
  ) throws -> Outcome {
    let peer = try ScriptedPeer([
      .tls(try Certificates.server), .expectHeader, .send(Dialogue.header() + Dialogue.features(features)),
      .talk { try then($0) }, .silence,
    ])
    let arguments =
      options + peer.way("direct", try Certificates.trusted).dropLast()
      + [options[0] == "features" ? "example.org" : "alice@example.org"]
    let environment = ["XMPPCTL_PASSWORD": LoginScene.password]
    let path = Program.xmppctl.path
    let outcome =
      try mostMemory.map {
        try Program("/usr/bin/prlimit").run(["--data=\($0)", path] + arguments, environment: environment)
      } ?? Program.xmppctl.run(arguments, environment: environment)
    try peer.finish()
    return outcome
  }

  @Test("G2: a registration form of 12,000 names, each once, is filled in as fast as it is read")
  func registration() throws {
    let form =
      "<query xmlns='jabber:iq:register'>\(GrowthRowsTests.many(12_000) { "<key><a\($0)/></key>" })</query>"
    let outcome = try login(
      Dialogue.plain + "<register xmlns='http://jabber.org/features/iq-register'/>",
      ["bind", "--json", "--register"]
    ) { talk in
      try talk.send("<iq type='result' id='\(LoginScene.id(of: talk.element()))'>\(form)</iq>")
      let request = try talk.element()
      guard request.contains("<a11999") else { throw SupportFailure("the form is not filled in") }
      try talk.send(
        "<iq type='error' id='\(LoginScene.id(of: request))'><error type='cancel'>"
          + "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
    }
    #expect(outcome.status == 1 && outcome.output.contains(#""condition":"conflict""#), "\(outcome.error)")
    #expect(outcome.processorTime < GrowthRowsTests.limit, "\(outcome.processorTime)")
  }

  @Test("G3: what is said of 2,000 mechanisms and 2,000 types of binding is no longer than a person reads")
  func mechanisms() throws {
    let offer =
      GrowthRowsTests.mechanisms(String(repeating: "<mechanism>SCRAM-SHA-1-PLUS</mechanism>", count: 2000))
      + "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
      + GrowthRowsTests.many(2000) { "<channel-binding type='t\($0)'/>" } + "</sasl-channel-binding>"
    let row = try Row(login(offer), command: "bind")
    #expect(row.outcome.status == 77 && row["error.condition"] == "no-mechanism", "\(row.outcome.error)")
    let message: String = try #require(row["error.message"])
    #expect(message.utf8.count < 2000 && message.contains("and 1992 more"), "\(message)")
    #expect(row.outcome.outputBytes.count < 2 << 20)
  }

  @Test(
    "G4: a challenge that is longer than any mechanism needs is refused before it is read",
    arguments: ["SCRAM-SHA-1", "DIGEST-MD5"])
  func challenge(mechanism: String) throws {
    let outcome = try login(GrowthRowsTests.mechanisms("<mechanism>\(mechanism)</mechanism>")) { talk in
      _ = try talk.element()
      let data = String(repeating: "QUFB", count: 300_000)
      try talk.send("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(data)</challenge>")
    }
    let row = try Row(outcome, command: "bind")
    #expect(outcome.status == 77 && row["error.condition"] == "challenge-too-long", "\(outcome.error)")
  }

  @Test(
    "G5: a value of 900,000 controls, each of which is escaped, is reported in little memory",
    arguments: [[], ["--json"], ["--xml"]])
  func controls(options: [String]) throws {
    let offer = GrowthRowsTests.mechanisms(
      "<mechanism>\(String(repeating: "\u{85}", count: 900_000))</mechanism>")
    let outcome = try login(offer, ["features"] + options, mostMemory: 26 << 20)
    #expect(outcome.status == 0, "\(outcome.error.suffix(300))")
    #expect(options.isEmpty == (outcome.outputBytes.count < 10_000))
  }

  @Test("G6: a long feature that nobody knows does not widen the lines of the others")
  func wideFeature() throws {
    let name = String(repeating: "x", count: 100_000)
    let offer = "<a xmlns='u:\(name)'/>" + GrowthRowsTests.many(2000) { "<a\($0) xmlns='u'/>" }
    let outcome = try login(offer, ["features"])
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(outcome.output.contains("{u}a1999") && outcome.outputBytes.count < 1 << 20)
  }

  @Test("G7: marks that Unicode would put in order cost no more than other characters, wherever they stand")
  func marks() throws {
    func marks(_ count: Int) -> String {
      String(repeating: "\u{301}", count: count) + String(repeating: "\u{323}", count: count)
    }
    // libxml2 takes names of up to 50,000 bytes.
    let (longest, long, name) = (marks(160_000), marks(60_000), marks(12_000))
    let folder = try TemporaryFolder()
    let scene = try ListenScene(
      ["--xml", "--carbons", "--count", "2", "--trace", folder.path("trace")],
      .new { talk in
        try talk.send(
          "<iq type='result' id='c\(longest)' from='eve@evil.test/x'/>"
            + "<message from='eve@evil.test/x' id='m\(long)'><t\(name) xmlns='u\(long)' type='t\(long)'/>"
            + "<body>text</body></message>")
      })
    let listened = try scene.program.wait(within: .seconds(90))
    #expect(listened.status == 0 && listened.outputBytes.count > 900_000, "\(listened.outputBytes.count)")
    #expect(listened.processorTime < GrowthRowsTests.limit, "\(listened.processorTime)")
    try scene.peer.finish()
    let offer =
      GrowthRowsTests.mechanisms("<mechanism>S\(long)</mechanism><mechanism>PLAIN</mechanism>")
      + "<s\(name) xmlns='u\(long)'><r\(name)/></s\(name)>"
    let refused = try login(offer) { talk in
      _ = try talk.element()
      try talk.send(
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><n\(name)/><t\(name)/></failure>")
    }
    #expect(refused.status == 77 && refused.processorTime < GrowthRowsTests.limit, "\(refused.processorTime)")
  }
}
