import Foundation
import TestSupport
import Testing

/// What servers do to the session of `listen`: counts that do not fit, other places, no resumption, conflicts.
@Suite struct SessionRowsTests {
  private static let sm = "urn:xmpp:sm:3"

  @Test(
    "S47: a session that is resumed with a count that cannot be is given up for a new one",
    arguments: ["h='99'", "h='x'", ""])
  func miscounted(h: String) throws {
    let folder = try TemporaryFolder()
    let options = ["--json", "--no-reconnect", "--state", folder.path("session")]
    let first = try ListenScene(
      options,
      .new { talk in
        try talk.send(ArchiveScript.message(1))
        try talk.awaitHandled(1)
      })
    try first.program.awaitOutput("text 1", within: .seconds(30))
    try wait("the session is kept", within: .seconds(30)) {
      try folder.read("session").contains("\"handled\":1")
    }
    first.program.signal(SIGTERM)
    #expect(try first.program.wait().status == 143)
    try first.peer.finish()

    let second = try ListenScene(
      options + ["--count", "1"],
      .raw { talk in
        try talk.await("<resume ")
        try talk.send("<resumed xmlns='\(SessionRowsTests.sm)' previd='s1' \(h)/>")
      },
      .raw { talk in
        let request = try talk.element()
        guard request.contains("xmpp-bind") else { throw SupportFailure("no new session: \(request)") }
        try talk.send(LoginScene.bound(ListenScene.jid)(LoginScene.id(of: request)))
        try ListenScene.Part.enable(talk)
        try ArchiveScript(talk).end()
        try talk.await("<presence")
        try ArchiveScript(talk).end()
        try talk.send(ArchiveScript.message(2))
      })
    let outcome = try second.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 2"])
    try second.peer.finish()
  }

  /// How a run comes to a server, which decides whether it may be sent elsewhere.
  enum Way: String, CaseIterable, Sendable {
    case found, named

    var refusal: String? {
      switch self {
      case .found: nil
      case .named: "the user named another place to connect to"
      }
    }
  }

  @Test(
    "S48: a running stream that is sent elsewhere goes on there, unless the user named a place",
    arguments: Way.allCases)
  func sentElsewhere(way: Way) throws {
    let resumed = ListenScene.Part.resumed(handled: 1) { try $0.send(ArchiveScript.message(2)) }
    let other = try ScriptedPeer(resumed.script)
    let error = Dialogue.error(Dialogue.condition("see-other-host", "127.0.0.1:\(other.port)")) + Dialogue.end
    let part = ListenScene.Part.new(then: [.send(error), .close]) { talk in
      try talk.send(ArchiveScript.message(1))
      try talk.awaitHandled(1)
    }
    let peer = try ScriptedPeer(scripts: [part.script] + (way == .found ? [] : [resumed.script]))
    let dns = try FakeDNSServer()
    dns.answer(
      "_xmpps-client._tcp.example.org", .srv, .records([.srv(0, 0, Int(peer.port), "xmpp.hosting.test")]))
    dns.answer("xmpp.hosting.test", .a, .records([.address("127.0.0.1")]))
    var options = ["listen", "--json", "--count", "2", "--jid", ListenScene.jid, "--tls", "direct"]
    options +=
      way == .named ? ["--connect-to", "127.0.0.1:\(peer.port)"] : ["--dns-server", dns.address]
    options += try Certificates.trusted
    let outcome = try Program.xmppctl.run(options, environment: ListenScene.environment, within: .seconds(60))
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...2))
    let place = "\(way == .named ? "127.0.0.1" : "xmpp.hosting.test"):\(peer.port)"
    let warning = "xmppctl: warning: \(place) redirected to 127.0.0.1:\(other.port)"
    let ending = way.refusal.map { "; not followed: \($0)" } ?? ""
    #expect(outcome.error.contains(warning + ending + "\n"), "\(outcome.error)")
    #expect(try peer.finish().count == (way == .found ? 1 : 2))
    if way == .found { #expect(try other.finish().count == 1) } else { _ = try? other.finish() }
  }

  @Test(
    "S49: --state says once that no session is kept, if that is so",
    arguments: [
      nil, "<enabled xmlns='\(sm)'/>", "<enabled xmlns='\(sm)' id='s1'/>",
      "<failed xmlns='\(sm)'><unexpected-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>",
      "<enabled xmlns='\(sm)' id='s1' resume='true'/>",
    ])
  func notKept(answer: String?) throws {
    let isKept = answer?.contains("resume='true'") == true
    let scene = try ListenScene(
      ["--json", "--count", "1", "--state", "session"], folder: TemporaryFolder(),
      .raw(managed: answer != nil) { talk in
        try ListenScene.Part.bind(talk)
        if let answer {
          try talk.await("<enable ")
          try talk.send(answer)
        }
        try talk.await("<presence")
        try talk.send(ArchiveScript.message(1))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    let count = outcome.error.components(separatedBy: "the server offers no resumable session").count - 1
    #expect(count == (isKept ? 0 : 1), "\(outcome.error)")
    try scene.peer.finish()
  }

  @Test(
    "S50: a conflict is told in the server's own words, and as one of resources only if it is",
    arguments: [
      ("", true), ("Replaced by new connection", true), ("Resource conflict", true), ("User removed", false),
      ("Too many active sessions", false),
    ])
  func conflict(text: String, isOfResource: Bool) throws {
    let words =
      text.isEmpty ? "" : "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>\(text)</text>"
    let scene = try ListenScene(
      ["--json"],
      .new { try $0.send(Dialogue.error(Dialogue.condition("conflict") + words) + Dialogue.end) })
    let outcome = try scene.program.wait()
    #expect(
      outcome.status == 76 && outcome.error.contains(text.isEmpty ? "conflict" : "conflict (“\(text)”)"),
      "\(outcome.error)")
    #expect(
      outcome.error.contains("with --resource") == isOfResource, "\(outcome.error)")
    try scene.peer.finish()
  }
}
