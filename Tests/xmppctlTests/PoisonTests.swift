import Foundation
import TestSupport
import Testing
import XMPP

/// Stanzas of a stranger that a server forwards and that exceed a limit or break a rule of namespaces.
@Suite struct PoisonTests {
  /// What the lines of a run say of each id.
  private func lines(_ output: String) throws -> [(id: String, skipped: String?)] {
    try output.split(separator: "\n").map { line in
      let json = try JSON(Data(line.utf8))
      func text(_ key: String) -> String? { if case .string(let text) = json[key] { text } else { nil } }
      return (text("id") ?? "-", text("skipped"))
    }
  }

  /// Sends odd payloads in stanzas of a kind, each followed by an honest message.
  ///
  /// - Returns: the ids of those that the server took.
  private func send(
    _ payloads: [String], _ kind: String, _ attributes: String, from sender: TestSupport.Account,
    over port: UInt16,
    to jid: String
  ) throws -> [String] {
    var taken: [String] = []
    var client = try RawClient(port, as: sender)
    for (number, payload) in payloads.enumerated() {
      let odd = "<\(kind) to='\(jid)' id='odd-\(number)'\(attributes)>\(payload)</\(kind)>"
      let honest = "<message to='\(jid)' id='honest-\(number)'>\(OddStanza.honest)</message>"
      if let answer = client.send(odd) {
        if !answer.contains("id='odd-\(number)'"), !answer.contains("id=\"odd-\(number)\"") {
          taken.append("odd-\(number)")
        }
      } else {
        // The server does not take it at all; a stranger's stream ends, and the next begins.
        client = try RawClient(port, as: sender)
      }
      guard client.send(honest) != nil else { throw SupportFailure("the server takes no honest message") }
      taken.append("honest-\(number)")
    }
    _ = client.send("<message to='\(jid)' id='end'><body>end</body></message>")
    client.close()
    return taken + ["end"]
  }

  private func check(_ output: String, against taken: [String], at place: SourceLocation = #_sourceLocation)
    throws
  {
    let found = try lines(output).map(\.id)
    let missing = taken.filter { !found.contains($0) }
    #expect(missing.isEmpty, "\(missing)", sourceLocation: place)
    #expect(
      found.filter { $0.hasPrefix("honest") } == taken.filter { $0.hasPrefix("honest") },
      sourceLocation: place)
  }

  @Test(
    "P1: what a server forwards of a stranger, live, has a line each, and what follows too",
    arguments: OddServer.Kind.allCases)
  func live(kind: OddServer.Kind) throws {
    let server = try OddServer(kind)
    let (bob, eve) = (try server.account("bob"), try server.account("eve"))
    let listener = try server.listen(
      bob, ["--json", "--count", "\(server.payloads.count * 3)", "--from", eve.jid])
    try server.awaitPresence(of: bob, from: eve)
    let taken = try send(
      server.payloads, "message", " type='chat'", from: eve, over: server.plainPort, to: bob.jid)
    try listener.awaitOutput("\"id\":\"end\"", within: .seconds(60))
    listener.signal(SIGTERM)
    let outcome = try listener.wait(within: .seconds(60))
    #expect(outcome.status == 143, "\(outcome.error)")
    try check(outcome.output, against: taken)
    #expect(taken.filter { $0.hasPrefix("odd") }.count >= 60, "\(taken.count)")
    #expect(try lines(outcome.output).contains { $0.skipped?.contains("levels") == true })
  }

  @Test("P2: the same in presences and iqs", arguments: OddServer.Kind.allCases)
  func otherKinds(kind: OddServer.Kind) throws {
    let server = try OddServer(kind)
    let (bob, eve) = (try server.account("bob"), try server.account("eve"))
    for (kind, attributes) in [("presence", ""), ("iq", " type='get'")] {
      let listener = try server.listen(bob, ["--json", "--from", eve.jid])
      try server.awaitPresence(of: bob, from: eve)
      let taken = try send(
        server.payloads, kind, attributes, from: eve, over: server.plainPort, to: "\(bob.jid)/ear")
      try listener.awaitOutput("\"id\":\"end\"", within: .seconds(60))
      listener.signal(SIGTERM)
      let outcome = try listener.wait(within: .seconds(60))
      #expect(outcome.status == 143, "\(outcome.error)")
      // An iq is answered, with an error as a rule, and so counts as refused above; the others have lines.
      try check(outcome.output, against: taken)
    }
  }

  @Test(
    "P3: the same while nobody listens: the next run prints each once, and the one after it none",
    arguments: OddServer.Kind.allCases)
  func offline(kind: OddServer.Kind) throws {
    let server = try OddServer(kind)
    let (bob, eve) = (try server.account("bob"), try server.account("eve"))
    // A server keeps only so many.
    let payloads = server.payloads.filter { $0.utf8.count < 100_000 }.prefix(40)
    let taken = try send(
      Array(payloads), "message", " type='chat'", from: eve, over: server.plainPort, to: bob.jid)
    let first = try server.listen(bob, ["--json", "--idle", "5", "--max-time", "60"]).wait(
      within: .seconds(90))
    #expect(first.status == 0, "\(first.error)")
    let found = try lines(first.output).map(\.id)
    #expect(taken.filter { $0.hasPrefix("honest") || $0 == "end" }.allSatisfy(found.contains), "\(found)")
    let second = try server.listen(bob, ["--json", "--idle", "3", "--max-time", "60"]).wait(
      within: .seconds(90))
    #expect(second.status == 0 && second.output.isEmpty, "\(second.output.prefix(500)) \(second.error)")
  }

  @Test(
    "P4: an occupant's poison neither ends listen --room nor send --room", arguments: OddServer.Kind.allCases)
  func room(kind: OddServer.Kind) throws {
    let server = try OddServer(kind)
    let (bob, eve) = (try server.account("bob"), try server.account("eve"))
    let room = "den-\(bob.user)@\(server.roomsDomain)"
    let client = try RawClient(server.plainPort, as: eve)
    let poison = server.payloads.filter { $0.utf8.count < 20_000 }.prefix(30)
    func presence(_ payload: String) -> String {
      "<presence to='\(room)/eve'><x xmlns='http://jabber.org/protocol/muc'/>\(payload)</presence>"
    }
    _ = client.send(presence(""))
    _ = client.send(
      "<iq type='set' id='own' to='\(room)'><query xmlns='http://jabber.org/protocol/muc#owner'>"
        + "<x xmlns='jabber:x:data' type='submit'/></query></iq>")
    let listener = try server.listen(bob, ["--json", "--room", room, "--nick", "bob"])
    try wait("the listener is in the room", within: .seconds(60)) {
      client.send(" ")?.contains("\(room)/bob") == true
    }
    var dead = false
    for payload in poison where !dead {
      dead =
        client.send(presence(payload)) == nil
        || client.send("<message to='\(room)' type='groupchat'>\(payload)</message>") == nil
    }
    let again = dead ? try RawClient(server.plainPort, as: eve) : client
    if dead { _ = again.send(presence("")) }
    let sent = try Program.xmppctl.run(
      server.arguments(
        "send", bob, ["--room", "--nick", "bot", "-m", "still here", "--max-time", "30", room]),
      environment: ["XMPPCTL_PASSWORD": bob.password], within: .seconds(60))
    #expect(sent.status == 0, "\(sent.error)")
    try listener.awaitOutput("still here", within: .seconds(60))
    listener.signal(SIGTERM)
    #expect(try listener.wait(within: .seconds(60)).status == 143)
    again.close()
  }

  @Test(
    "P5: what exceeds a limit is skipped, counted, acknowledged and named, also as a server writes it that has no limits"
  )
  func skipped() throws {
    let odd =
      OddStanza.fixed + [
        "<foo xmlns='http://www.w3.org/XML/1998/namespace'/>", "<y:a/>", "<a y:b='c'/>",
        "<a:b:c xmlns:a='u'/>",
        "<a xmlns:x='u' xmlns:y='u' x:b='' y:b=''/>", "<a xmlns:x=''/>",
        "<body>" + String(repeating: "x", count: 3 << 20) + "</body>",
        "<a b='" + String(repeating: "x", count: 5 << 18) + "'/>",
        String(repeating: "<x>", count: 100_000) + String(repeating: "</x>", count: 100_000),
      ]
    let scene = try ListenScene(
      ["--json", "--count", "\(2 * odd.count)"],
      .new { talk in
        for (number, payload) in odd.enumerated() {
          try talk.send(
            "<message from='eve@evil.test/x' id='odd-\(number)' type='chat'>\(payload)</message>"
              + "<message from='alice@example.org/x' id='honest-\(number)'>\(OddStanza.honest)</message>")
        }
        try talk.awaitHandled(2 * odd.count)
      })
    let outcome = try scene.program.wait(within: .seconds(60))
    #expect(outcome.status == 0, "\(outcome.error)")
    let found = try lines(outcome.output)
    #expect(found.map(\.id) == odd.indices.flatMap { ["odd-\($0)", "honest-\($0)"] })
    // The namespace of xml: as a default is understood; five of the others are skipped for their namespaces.
    #expect(found.filter { $0.skipped?.contains("namespace that XML does not allow") == true }.count == 5)
    #expect(found.filter { $0.skipped != nil }.count >= 12)
    #expect(
      outcome.error.contains("skipped a message from \"eve@evil.test/x\": more than 1024 levels"),
      "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test("P5: a skipped stanza has its attributes in each form of the line; a request is answered")
  func forms() throws {
    let deep = String(repeating: "<a>", count: 2000) + String(repeating: "</a>", count: 2000)
    for (option, expected) in [
      ("--json", "\"skipped\":\"more than 1024 levels\""),
      ("--xml", "<skipped xmlns='urn:xmppctl:0'>more than 1024 levels</skipped>"),
      ("--no-presence", "\tiq get\t(skipped: more than 1024 levels)"),
    ] {
      let scene = try ListenScene(
        [option, "--count", "1"],
        .raw { talk in
          try ListenScene.Part.bind(talk)
          try ListenScene.Part.enable(talk)
          if option != "--no-presence" { try talk.await("<presence") }
          try talk.send(
            "<iq type='get' from='eve@evil.test/x' id='q1' to='bob@example.org/desk'>\(deep)</iq>")
          let answer = try talk.await("<iq ")
          guard answer.contains("id='q1'"), answer.contains("type='error'"),
            answer.contains("to='eve@evil.test/x'")
          else {
            throw SupportFailure("a skipped request was answered with \(answer)")
          }
        })
      let outcome = try scene.program.wait()
      #expect(outcome.status == 0 && outcome.output.contains(expected), "\(outcome.output) \(outcome.error)")
      #expect(outcome.output.contains("eve@evil.test/x"))
      try scene.peer.finish()
    }
  }

  @Test(
    "P6: XML without an end that can be found is no reason to stop: a new session, not the old one, which would bring it again"
  )
  func unreadable() throws {
    let broken = "<message from='eve@evil.test/x' id='m9'><body></message>"
    let scene = try ListenScene(
      ["--json", "--count", "2"],
      .new { talk in
        try talk.send(ListenScene.messages(1...1) + broken)
        // What has its line is no longer the server's.
        let answer = try talk.await("<a ")
        guard answer.contains("h='1'") else {
          throw SupportFailure("the line is not acknowledged: \(answer)")
        }
      },
      .raw { talk in
        // A resumption would be refused here.
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        let question = try talk.await("urn:xmpp:mam:2")
        try talk.send(
          "<iq type='error' id='\(LoginScene.id(of: question))'><error type='cancel'>"
            + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
        try talk.await("<presence")
        try talk.send(ListenScene.messages(2...2))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1", "text 2"])
    try scene.peer.finish()
  }

  @Test(
    "P8: what breaks the rules of XML before the login is nobody's word about the session, which is resumed")
  func unreadableGreeting() throws {
    let folder = try TemporaryFolder()
    let scene = try ListenScene(
      ["--json", "--state", folder.path("session"), "--count", "2"],
      .new(then: [.close]) { talk in
        try talk.send(ListenScene.messages(1...1) + ListenScene.request)
        try talk.await("<a ")
      },
      .garbled,
      .resumed(handled: 1) { talk in try talk.send(ListenScene.messages(2...2)) })
    let outcome = try scene.program.wait(within: .seconds(60))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1", "text 2"])
    try scene.peer.finish()
  }

  @Test("P7: what --xml prints can be read again, however many attributes and namespaces it has")
  func readable() throws {
    let payloads = OddStanza.fixed
    let scene = try ListenScene(
      ["--xml", "--count", "\(payloads.count)"],
      .new { talk in
        for payload in payloads {
          try talk.send("<message from='eve@evil.test/x' to='bob@example.org'>\(payload)</message>")
        }
      })
    let printed = try scene.program.wait(within: .seconds(60))
    #expect(printed.status == 0, "\(printed.error)")
    try scene.peer.finish()
    var parser = StreamParser(insideStreamOf: "jabber:client")
    var used = 0
    var count = 0
    try printed.outputBytes.withUnsafeBytes { bytes in
      while let event = try parser.next(bytes, &used) {
        if case .element = event { count += 1 }
      }
    }
    #expect(count == payloads.count && parser.isBetweenElements)
  }
}

/// A real server that odd stanzas go through.
struct OddServer {
  enum Kind: String, CaseIterable, Sendable { case prosody, ejabberd }

  let kind: Kind
  let plainPort: UInt16
  let roomsDomain: String
  private let port: UInt16
  private let caFile: String
  private let domain: String
  private let suffix = UInt32.random(in: 0 ... .max)

  init(_ kind: Kind) throws {
    self.kind = kind
    switch kind {
    case .prosody:
      let server = try Prosody.shared
      (plainPort, port, caFile) = (server.port, server.port, server.caFile)
      (domain, roomsDomain) = (server.plainDomain, server.roomsDomain)
    case .ejabberd:
      let server = try Ejabberd.shared
      (plainPort, port, caFile) = (server.port(.plain), server.port, server.caFile)
      (domain, roomsDomain) = (server.domain, server.roomsDomain)
    }
  }

  /// What goes through it.
  var payloads: [String] { kind == .ejabberd ? OddStanza.shallow : OddStanza.fixed }

  /// A new account.
  func account(_ user: String) throws -> TestSupport.Account {
    let user = "\(user)-\(suffix)"
    return switch kind {
    case .prosody: try Prosody.shared.account(user, on: domain)
    case .ejabberd: try Ejabberd.shared.account(user)
    }
  }

  func arguments(_ command: String, _ account: TestSupport.Account, _ options: [String]) -> [String] {
    [command, "--jid", account.jid, "--connect-to", "127.0.0.1:\(port)", "--cacert", caFile] + options
  }

  func listen(_ account: TestSupport.Account, _ options: [String]) throws -> RunningProgram {
    try Program.xmppctl.start(
      arguments("listen", account, ["--resource", "ear"] + options),
      environment: ["XMPPCTL_PASSWORD": account.password])
  }

  /// Waits until a listener answers, which it does behind its presence.
  func awaitPresence(of account: TestSupport.Account, from other: TestSupport.Account) throws {
    try wait("\(account.jid) is there", within: .seconds(60)) {
      try Program.xmppctl.run(
        arguments("send", other, ["--xml", "--max-time", "30", "\(account.jid)/ear"]),
        input: "<iq type='get' id='there'><ping xmlns='urn:xmpp:ping'/></iq>",
        environment: ["XMPPCTL_PASSWORD": other.password], within: .seconds(60)
      ).status == 0
    }
  }
}
