import Foundation
import TestSupport
import Testing
import XMPP

/// What comes in by the command line and by signals, and what goes out to the terminal.
@Suite struct CommandLineRowsTests {
  // MARK: - C1: output

  /// A server whose every word is hostile: header, features, certificate.
  private func hostilePeer() throws -> ScriptedPeer {
    let text = hostile + "&#x85;&#10;&#13;&#9;&#10;LINE"
    let header = Dialogue.header(
      "id='\(text)' from='example.org' to='\(text)' version='1.0' xml:lang='\(text)'")
    let content =
      "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>\(text)</mechanism></mechanisms>"
      + "<x xmlns='urn:\(text)' a='\(text)'>\(text)</x>"
    let certificate = try Certificates.shared.issue(
      .init(
        commonName: "\u{202E}RED\u{2028}LINE\n",
        [.dns("example.org"), .rawDNS(Array("\u{1B}[31m\r\n\u{9B}".utf8))]))
    return try ScriptedPeer(
      .asked + [
        .send(Dialogue.proceed), .tls(TestTLSServer(certificate)), .expectHeader,
        .send(header + Dialogue.features(content)), .silence,
      ])
  }

  @Test(
    "C1: nothing of a server comes to stdout or stderr raw, nor begins a line",
    arguments: [
      ["connect"], ["connect", "--json"], ["features"], ["features", "--json"], ["features", "--xml"],
      ["features", "-v"], ["features", "--trace", "-"], ["connect", "-v", "--trace", "-"],
    ])
  func hostileServer(command: [String]) throws {
    let peer = try hostilePeer()
    let outcome = try Program.xmppctl.run(command + peer.way("starttls", try Certificates.trusted))
    #expect(outcome.status == 0, "\(outcome.error)")
    expectHarmless(outcome)
    let lines = (outcome.output + outcome.error).split(separator: "\n")
    #expect(!lines.contains { $0.hasPrefix("LINE") || $0.hasPrefix("RED") })
    if command == ["features"] { #expect(outcome.output.contains("\\u007f\\u0080\\u009b31mRED\\u202e")) }
    try peer.finish()
  }

  @Test("C1: nor does what a server says as it fails, or a name server")
  func hostileFailures() throws {
    let text = hostile + "&#10;LINE"
    let texts = [
      Dialogue.header("id='s' from='\(text)' version='1.0'"), Dialogue.header("id='s' version='\(text)'"),
      Dialogue.header() + Dialogue.error(Dialogue.condition("see-other-host", text)),
      Dialogue.header() + Dialogue.error("<x xmlns='urn:\(text)'/>"),
      Dialogue.header() + "<x xmlns='urn:\(text)'/>",
      "HTTP/1.1 400 \(hostile)\r\n\r\n",
    ]
    for text in texts {
      let peer = try ScriptedPeer(.opened(text) + [.silence])
      let row = try Row(peer.way("none"))
      row.fails(.protocolViolation, .stream)
      #expect(!row.outcome.error.split(separator: "\n").contains { $0.hasPrefix("LINE") })
      try peer.finish()
    }
    let dns = try FakeDNSServer()
    let target = "\u{1B}[31m\n\u{9B}\u{2028}LINE.test"
    dns.answer("_xmpp-client._tcp.example.org", .srv, .records([.srv(0, 0, 5222, target)]))
    for command in [["connect"], ["features", "-v"], ["features", "--json"]] {
      let outcome = try Program.xmppctl.run(
        command + ["--dns-server", dns.address, "-m", "10", "example.org"])
      #expect(outcome.status != 0)
      expectHarmless(outcome)
    }
  }

  @Test("C1: what the user wrote is shown escaped too")
  func hostileArguments() throws {
    for arguments in [
      ["features", hostile], ["features", "--tls", hostile, "example.org"], ["features", "--\(hostile)"],
      ["features", "--connect-to", hostile, "example.org"],
      ["features", "--cacert", "/\(hostile)", "example.org"],
      [hostile], ["features", "example.org", hostile], ["features", "--pin", "x\n\(hostile)", "example.org"],
    ] {
      let outcome = try Program.xmppctl.run(arguments)
      #expect(outcome.status.map { (64...66).contains($0) } == true, "\(arguments) \(outcome.error)")
      expectHarmless(outcome)
    }
  }

  // MARK: - C6: signals

  /// Sends a signal once `isReached`, and expects a prompt end that says which it was.
  private func interrupt(
    _ signal: Int32, _ arguments: [String], at place: SourceLocation = #_sourceLocation,
    when isReached: (RunningProgram) throws -> Void
  ) throws {
    let program = try Program.xmppctl.start(["features", "--json", "-v"] + arguments)
    try isReached(program)
    let moment = ContinuousClock.now
    program.signal(signal)
    let row = try Row(try program.wait(), at: place)
    #expect(ContinuousClock.now - moment < .seconds(5), sourceLocation: place)
    row.fails(signal == SIGINT ? .interrupted : .terminated, .interrupted, "interrupted", at: place)
    #expect(
      row.message.hasPrefix(signal == SIGINT ? "SIGINT while " : "SIGTERM while "), sourceLocation: place)
  }

  @Test("C6: a signal while name servers or the network keep silent", arguments: [SIGINT, SIGTERM])
  func beforeTheStream(signal: Int32) throws {
    let dns = try FakeDNSServer(other: .silence)
    try interrupt(signal, ["--dns-server", dns.address, "example.org"]) { _ in
      try wait("a question") { !dns.queries.isEmpty }
    }
    let hole = try LoopbackPort(.blackHole)
    try interrupt(signal, ["--connect-to", "127.0.0.1:\(hole.port)", "example.org"]) {
      try $0.awaitError("connecting to")
    }
  }

  @Test("C6: a signal while a stream is open closes the stream first", arguments: [SIGINT, SIGTERM])
  func inTheStream(signal: Int32) throws {
    let server = try Certificates.server
    for (script, mode, closes) in [
      ([.expectHeader], "none", true), (.opened(Dialogue.header()), "starttls", true),
      (.asked, "starttls", true),
      (.asked + [.send(Dialogue.proceed), .expectBytes(1)], "starttls", false),
      ([.expectBytes(1)], "direct", false),
      ([.tls(server), .expectHeader], "direct", true), (.direct(server, Dialogue.header()), "direct", true),
      (.upgraded(server) + .opened(Dialogue.header()), "starttls", true),
    ] as [([ScriptedPeer.Step], String, Bool)] {
      let gate = Gate()
      let peer = try ScriptedPeer(script + [.open(gate), .silence])
      try interrupt(signal, peer.way(mode, try Certificates.trusted)) { _ in #expect(gate.wait()) }
      let connection = try #require(try peer.finish().first)
      #expect(connection.text.hasSuffix(Dialogue.end) == closes, "\(connection.text)")
      #expect(connection.saidGoodbye == (connection.session != nil))
    }
  }

  // MARK: - C9: arguments

  @Test(
    "C9: arguments that make no sense are refused before a packet is sent",
    arguments: [
      ["-x"], ["--"], [], [""], ["example.org", "other.org"], ["--password", "secret", "example.org"],
      ["--tls", "auto", "example.org"], ["--max-time", "9", "example.org"],
      ["--max-time", "0", "example.org"],
      ["--max-time", "-1", "example.org"], ["--max-time", "nan", "example.org"], ["-m", "x", "example.org"],
      ["--connect-timeout", "1", "--connect-timeout", "1", "example.org"], ["-4", "-6", "example.org"],
      ["--tls-min", "1.2", "--tls-min", "1.2", "example.org"], ["--tls-min", "1.1", "example.org"],
      ["--connect-to", "127.0.0.1:1", "example.org"], ["--connect-timeout", "inf", "example.org"],
      ["--proxy", "ftp://127.0.0.1:1", "example.org"], ["--key", "/dev/null", "example.org"],
      ["--pin", "sha256//AAAA", "example.org"], ["--json", "--xml", "example.org"],
      ["--no-such-option", "example.org"],
      ["--trace=/dev/null", "--trace=/dev/null", "example.org"], ["--tls", "starttls", "example.org"],
    ])
  func refused(arguments: [String]) throws {
    try refuses(arguments, .usage)
  }

  @Test(
    "C9: a target that is no address is refused before a packet is sent",
    arguments: [
      "-x", "--", "a b", "a@b@c/", "@example.org", "example.org/", "a..b", "xmpp:", "xmpp://", "xn--a",
      "\u{1}",
      String(repeating: "a", count: 70) + ".org", "<x>",
    ])
  func noAddress(target: String) throws {
    // After `--`, so that it cannot be taken for an option.
    try refuses(["--", target], .data)
  }

  /// Expects that status, a message and a silent network.
  private func refuses(
    _ arguments: [String], _ status: XMPP.ExitStatus, at place: SourceLocation = #_sourceLocation
  ) throws {
    let port = try LoopbackPort(.silent)
    let dns = try FakeDNSServer()
    let network = [
      "--dns-server", dns.address, "--connect-to", "127.0.0.1:\(port.port)", "--tls", "none", "--max-time",
      "5",
    ]
    let outcome = try Program.xmppctl.run(["features"] + network + arguments)
    #expect(outcome.status == status.rawValue, "\(outcome.output)\(outcome.error)", sourceLocation: place)
    #expect(outcome.outputBytes.isEmpty == !arguments.contains("--json"), sourceLocation: place)
    #expect(outcome.error.hasPrefix("xmppctl: features: "), sourceLocation: place)
    expectHarmless(outcome, at: place)
    #expect(port.accepted == 0 && dns.queries.isEmpty, sourceLocation: place)
  }

  @Test("C9: any option given twice is refused")
  func twice() throws {
    let options = [
      ("--connect-to", "127.0.0.1:1"), ("--tls", "none"), ("--cacert", try Certificates.shared.authorityFile),
      ("--tls-min", "1.2"), ("--dns-server", "127.0.0.1:1"), ("--proxy", "socks5h://127.0.0.1:1"),
      ("--connect-timeout", "1"), ("--max-time", "1"),
    ]
    for (option, value) in options {
      let outcome = try Program.xmppctl.run(["connect", option, value, option, value, "example.org"])
      #expect(outcome.status == XMPP.ExitStatus.usage.rawValue)
      #expect(outcome.error.contains("\(option) is given 2 times"), "\(outcome.error)")
    }
  }

  @Test("S10: a silent server ends by --max-time, wherever it falls silent")
  func maxTime() throws {
    let server = try Certificates.server
    for (script, mode) in [
      ([], "none"), (.opened(Dialogue.header()), "starttls"), (.asked, "starttls"),
      ([.expectBytes(1)], "direct"),
      (.direct(server, Dialogue.header()), "direct"),
    ] as [([ScriptedPeer.Step], String)] {
      let peer = try ScriptedPeer(script + [.silence])
      let way =
        ["--connect-to", "127.0.0.1:\(peer.port)", "--tls", mode, "-m", "1"] + (try Certificates.trusted)
      let row = try Row(way + ["example.org"])
      row.fails(.timeout, .timeout, "max-time")
      #expect(row.message.hasPrefix("no answer within 1 s while "))
      // Nine tenths of the limit at least; `Duties` holds it to the whole.
      #expect(row.outcome.duration >= .milliseconds(900))
      try peer.finish()
    }
  }

  @Test("S10: a server that dribbles a byte now and then does not outlive --max-time")
  func dribbling() throws {
    let bytes = Array((Dialogue.header() + String(repeating: " ", count: 1000)).utf8)
    let peer = try ScriptedPeer([.expectHeader, .dribble(bytes, count: 20, seconds: 0.2)])
    let way = ["--connect-to", "127.0.0.1:\(peer.port)", "--tls", "none", "-m", "3", "example.org"]
    let row = try Row(way)
    row.fails(.timeout, .timeout, "max-time")
    #expect(row.outcome.duration < .seconds(5))
    try peer.finish()
  }
}
