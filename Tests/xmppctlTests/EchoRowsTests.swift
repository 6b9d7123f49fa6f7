import Foundation
import FoundationXML
import TestSupport
import Testing

/// A server that says the password back, in whatever form and place: it is shown nowhere.
@Suite struct EchoRowsTests {
  private static let password = LoginScene.password
  private static let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"

  /// The password as text in XML.
  private static let text = password.replacingOccurrences(of: "&", with: "&amp;")
  /// As what else a peer may make of it.
  private static let forms = TestSupport.forms(of: password).dropFirst().map {
    $0.replacingOccurrences(of: "&", with: "&amp;")
  }

  /// What a server answers to PLAIN, given the base64 it was sent.
  static let answers: [@Sendable (String) -> String] = [
    { "<failure xmlns='\(sasl)'><not-authorized/><text>bad \($0)</text></failure>" },
    { _ in "<failure xmlns='\(sasl)'><not-authorized/><text>wrong password \(text)</text></failure>" },
    { _ in "<failure xmlns='\(sasl)'><not-authorized/><text>\(forms.joined(separator: " "))</text></failure>"
    },
    { _ in "<failure xmlns='\(sasl)'><x\(hexadecimal)/></failure>" },
    {
      "<stream:error>\(Dialogue.condition("not-authorized"))\(Dialogue.condition("text", "cannot parse \($0) \(text)"))"
        + "</stream:error></stream:stream>"
    },
    { _ in "<stream:error>\(Dialogue.condition("see-other-host", text))</stream:error></stream:stream>" },
    { "<x\($0.filter { !"=+/".contains($0) })\(hexadecimal) xmlns='\(text)'/>" },
    { "<auth xmlns='\(sasl)' mechanism='PLAIN'>\($0)</auth>" },
    { "HTTP/1.1 400 bad request: \($0) \(text)" },
    { "\($0) \(text)" },
    { "<log xmlns='u' \(hexadecimal)='\(text)' n='\($0)'>\($0) <b>\(text)</b></log>" },
    { _ in "<log xmlns='u'>&#x54;r0ub4dor&#38;3,=x</log>" },
  ]

  private static let hexadecimal = "h" + password.utf8.map { String($0, radix: 16) }.joined()

  @Test("Z1: not in a message, a report or a trace of a login", arguments: answers.indices)
  func login(number: Int) throws {
    let answer = EchoRowsTests.answers[number]
    let server = try Certificates.server
    let peer = try ScriptedPeer([
      .tls(server), .expectHeader, .send(Dialogue.header() + Dialogue.features(Dialogue.plain)),
      .talk { talk in
        let sent = try talk.element()
        let base64 = sent.firstMatch(of: #/>([A-Za-z0-9+\/=]+)</#).map { String($0.1) } ?? ""
        try talk.send(answer(base64))
      }, .close,
    ])
    let folder = try TemporaryFolder()
    let outcome = try Program.xmppctl.run(
      ["bind", "--json", "-v", "--trace=\(folder.path("trace"))"]
        + peer.way("direct", try Certificates.trusted).dropLast() + ["alice@example.org"],
      environment: ["XMPPCTL_PASSWORD": EchoRowsTests.password])
    let trace = try folder.read("trace")
    #expect([69, 76, 77].contains(outcome.status), "\(outcome.error)")
    expectSecret(EchoRowsTests.password, nowhereIn: [outcome.output, outcome.error, trace])
    // What the server was sent is of the user's name and the password, and neither is of use.
    let plain = Data("\0alice\0\(EchoRowsTests.password)".utf8).base64EncodedString()
    #expect(!(outcome.output + outcome.error + trace).contains(plain.prefix(16)))
    #expect(trace.contains("***"))
    try peer.finish()
  }

  @Test("Z1: not in the report of a session: features, stream header, bound address")
  func session() throws {
    var scene = try LoginScene("PLAIN")
    let text = EchoRowsTests.text
    scene.after = { talk in
      try talk.header()
      try talk.send(
        Dialogue.header("id='\(text)' from='example.org' version='1.0' xml:lang='\(text)'")
          + Dialogue.features(
            LoginScene.bindFeature + "<hint xmlns='u:\(text)'><a b='\(text)'>\(text)</a></hint>"))
      try talk.send(LoginScene.bound("alice@example.org/\(text)")(LoginScene.id(of: talk.element())))
    }
    // `play` looks for the password everywhere.
    let played = try scene.play()
    #expect(played.row["jid"] == "alice@example.org/***")
    #expect(played.row["stages.1.stream.id"] == "***")
    scene.command = "features"
    #expect(try scene.play().row["stages.1.features.1.namespace"] == "u:***")
  }

  /// What a stranger who knows the password, as a server does, can make of it in a stanza.
  private static let stanzas = [
    "<message from='\(text)@example.org/x' type='chat' id='\(text)'><body>\(text)</body></message>",
    "<message from='a@example.org' type='\(text)'><subject>\(forms.joined(separator: " "))</subject></message>",
    "<presence from='a@example.org/\(text)'><status>\(forms[0])</status></presence>",
    "<message from='a@example.org'><\(hexadecimal) xmlns='\(text)' \(hexadecimal)='1'>x</\(hexadecimal)></message>",
    "<message from='a@example.org'><body>x</body><delay xmlns='urn:xmpp:delay' stamp='\(text)' from='\(text)'/></message>",
    "<message from='a@example.org' type='error'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>\(text)</gone><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>\(text)</text></error></message>",
  ]

  @Test("Z2: not in a line of listen, and the lines stay whole", arguments: ["--json", "--xml", "-v"])
  func lines(style: String) throws {
    let stanzas = EchoRowsTests.stanzas
    let peer = try ScriptedPeer(
      ListenScene.Part.new { try $0.send(stanzas.joined() + ListenScene.messages(1...1)) }.script)
    let folder = try TemporaryFolder()
    let outcome = try Program.xmppctl.run(
      try ["listen", style, "--trace=\(folder.path("trace"))", "--count", "\(stanzas.count + 1)"]
        + ListenScene.way(peer.port), environment: ["XMPPCTL_PASSWORD": EchoRowsTests.password])
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = outcome.output.split(separator: "\n")
    #expect(
      lines.count == stanzas.count + 1
        && (style == "-v" || lines.dropLast().allSatisfy { $0.contains("***") || $0.contains("redacted") }))
    #expect(lines.last?.contains("text 1") == true)
    expectSecret(
      EchoRowsTests.password, nowhereIn: [outcome.output, outcome.error, try folder.read("trace")])
    if style == "--xml" {
      for line in lines { #expect(XMLParser(data: Data(line.utf8)).parse(), "\(line)") }
    }
    try peer.finish()
  }

  @Test("Z3: not in what send prints of errors and answers")
  func results() throws {
    let text = EchoRowsTests.text
    let peer = try ScriptedPeer(
      ListenScene.Part.raw(managed: false) { talk in
        try ListenScene.Part.bind(talk)
        try talk.await("id='q1'")
        try talk.send(
          "<iq type='result' from='example.org' id='q1' to='\(text)'><query xmlns='u' a='\(text)'>\(text)</query></iq>"
        )
        try talk.send(
          "<message type='error' from='eve@example.org' id='m1'><error type='cancel' by='\(text)'>"
            + "<\(EchoRowsTests.hexadecimal) xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            + "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>\(text)</text></error></message>")
        try talk.answerPings()
      }.script)
    let outcome = try Program.xmppctl.run(
      try ["send", "--xml", "--json", "-v", "--trace=/dev/stderr", "--max-time", "15"]
        + ListenScene.way(peer.port),
      input: "<message id='m1' to='eve@example.org'><body>x</body></message>"
        + "<iq type='get' id='q1' to='example.org'><query xmlns='u'/></iq>",
      environment: ["XMPPCTL_PASSWORD": EchoRowsTests.password])
    #expect(outcome.status == 1, "\(outcome.error)")
    expectSecret(EchoRowsTests.password, nowhereIn: [outcome.output, outcome.error])
    #expect(outcome.output.contains("***") && outcome.error.contains("***"))
    #expect(try outcome.results.count == 2)
    try peer.finish()
  }

  @Test(
    "Z4: a password that is a word of the protocol changes no key, kind, type or condition",
    arguments: ["chat", "body", "message", "stanza", "cancel", "lang"])
  func words(word: String) throws {
    let peer = try ScriptedPeer(
      ListenScene.Part.new { talk in
        try talk.send(
          "<message from='a@example.org/x' type='chat' id='m1'><body>the word is \(word)!</body></message>"
            + "<message from='a@example.org' type='error' id='m2'><body>b</body><error type='cancel'>"
            + "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
      }.script)
    let outcome = try Program.xmppctl.run(
      try ["listen", "--json", "--count", "2"] + ListenScene.way(peer.port),
      environment: ["XMPPCTL_PASSWORD": word])
    #expect(outcome.status == 0, "\(outcome.error)")
    let lines = try outcome.results
    #expect(lines.count == 2)
    #expect(lines[0]["stanza"] == "message" && lines[0]["type"] == "chat" && lines[0]["id"] == "m1")
    #expect(lines[0]["body"] == "the word is ***!", "\(outcome.output)")
    #expect(lines[1]["type"] == "error" && lines[1]["error"]["type"] == "cancel")
    #expect(lines[1]["error"]["condition"] == "service-unavailable")
    try peer.finish()
  }

  @Test(
    "Z4: a password that is part of the account's own address, or of three bytes, leaves the lines as they are",
    arguments: ["example", "bob", "xyz"])
  func common(word: String) throws {
    let peer = try ScriptedPeer(
      ListenScene.Part.new {
        try $0.send("<message from='bob@example.org/x'><body>example bob xyz</body></message>")
      }
      .script)
    let outcome = try Program.xmppctl.run(
      try ["listen", "--json", "--count", "1"] + ListenScene.way(peer.port),
      environment: ["XMPPCTL_PASSWORD": word])
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.results[0]["body"] == "example bob xyz")
    try peer.finish()
  }

  @Test(
    "Z5: a proxy's password is in no argument, variable or environment of a child while it runs",
    arguments: [["--proxy", "URL"], ["--proxy=URL"], ["ALL_PROXY"], ["all_proxy"]],
    ["socks5h://", "http://", ""])
  func proxy(options: [String], scheme: String) throws {
    let word = "proxy-Pa55/word"
    let proxy = try LoopbackPort(.silent)
    let url = "\(scheme)user:\(word.replacingOccurrences(of: "/", with: "%2F"))@127.0.0.1:\(proxy.port)"
    let isVariable = options.count == 1 && !options[0].hasPrefix("--")
    let program = try Program.xmppctl.start(
      ["bind", "bob@example.org", "-v"] + (isVariable ? [] : options.map { $0.replacing("URL", with: url) }),
      environment: ["XMPPCTL_PASSWORD": "unused-word"].merging(isVariable ? [options[0]: url] : [:]) { $1 })
    try wait("it reaches the proxy") { proxy.accepted > 0 }
    for name in ["environ", "cmdline"] {
      let shown = try Data(contentsOf: URL(fileURLWithPath: "/proc/\(program.pid)/\(name)"))
      let text = String(decoding: shown, as: UTF8.self)
      #expect(!text.contains("Pa55"), "\(text)")
      if name == "cmdline", !isVariable { #expect(text.contains("\(scheme)user:***")) }
    }
    program.signal(SIGTERM)
    #expect(try program.finish().status == 143)
  }

  @Test("Z5: nor does a password command see it")
  func proxyInChild() throws {
    let folder = try TemporaryFolder()
    let scene = try LoginScene("PLAIN")
    let peer = try ScriptedPeer([
      .tls(scene.tls), .expectHeader, .send(Dialogue.header() + Dialogue.features(Dialogue.plain)), .silence,
    ])
    let outcome = try Program.xmppctl.run(
      ["bind", "--password-command", "env > '\(folder.path("seen"))'; exit 3"]
        + peer.way("direct", try Certificates.trusted).dropLast() + ["alice@example.org"],
      environment: [
        "Ftp_Proxy": "http://u:Pa55@127.0.0.1:1", "https_proxy": "http://u:Pa55@127.0.0.1:1", "KEPT": "yes",
      ])
    #expect(outcome.status == 77, "\(outcome.error)")
    let seen = try folder.read("seen")
    #expect(seen.contains("KEPT=yes") && !seen.contains("Pa55"), "\(seen)")
    try peer.finish()
  }

  @Test("Z6: no option takes a room's password; what does is named", arguments: ["send", "listen"])
  func oldOption(command: String) throws {
    let room =
      command == "send"
      ? ["--room", "-m", "x", "den@rooms.example.org"] : ["--room", "den@rooms.example.org"]
    for option in [["--room-password", "open-sesame"], ["--room-password=open-sesame"]] {
      let outcome = try Program.xmppctl.run([command, "--jid", "bob@example.org"] + room + option)
      #expect(outcome.status == 64 && outcome.output.isEmpty)
      for way in ["--room-password-file", "--room-password-command", "XMPPCTL_ROOM_PASSWORD"] {
        #expect(outcome.error.contains(way), "\(outcome.error)")
      }
      expectSecret("open-sesame", nowhereIn: [outcome.error])
    }
  }
}

extension ScriptedPeer.Talk {
  /// Answers pings until the client closes the stream.
  fileprivate func answerPings() throws {
    while true {
      let request = try element()
      guard request.contains("urn:xmpp:ping") else { return }
      try send("<iq type='result' from='example.org' id='\(LoginScene.id(of: request))'/>")
    }
  }
}
