import Foundation
import TestSupport
import Testing
import XMPP

@testable import xmppctl

/// Hints about a connection: each is given in a first run, and typed for a second one.
@Suite struct HintStreamRowsTests {
  private let done = Dialogue.header() + Dialogue.features(Dialogue.plain)

  @Test("H6: a hint about TLS, a deadline or a stream error leads to a stream")
  func streams() throws {
    let server = try Certificates.server
    var old = server
    old.newest = .tls12
    let upgraded: [ScriptedPeer.Step] = .upgraded(server) + .opened(done) + [.silence]
    let direct: [ScriptedPeer.Step] = .direct(server, done) + [.silence]
    let missing: [ScriptedPeer.Step] = .opened(done) + [.silence]
    let mute: [ScriptedPeer.Step] = [.expectHeader, .silence]
    let shutdown: [ScriptedPeer.Step] =
      .opened(
        Dialogue.header() + Dialogue.error(Dialogue.condition("system-shutdown"))) + [.silence]
    let more = "allow more with --connect-timeout, or try --tls direct"
    // What the server does in both runs, the options of both, and the hint of the first.
    for (first, options, hint, second, typed) in [
      (
        mute, ["--tls", "starttls", "--max-time", "0.5"], "allow more with --max-time", upgraded,
        ["--max-time", "15"]
      ),
      (mute, ["--tls", "starttls", "--connect-timeout", "0.5"], more, upgraded, ["--tls", "starttls"]),
      (mute, ["--tls", "starttls", "--connect-timeout", "0.5"], more, direct, ["--tls", "direct"]),
      (
        missing, ["--tls", "starttls"], "use --tls direct, or --tls none to connect without encryption",
        direct,
        ["--tls", "direct"]
      ),
      (
        missing, ["--tls", "starttls"], "use --tls direct, or --tls none to connect without encryption",
        missing,
        ["--tls", "none"]
      ),
      (
        [.tlsFails(old)], ["--tls", "direct", "--tls-min", "1.3"], "allow TLS 1.2 with --tls-min 1.2",
        .direct(old, done) + [.silence], ["--tls", "direct", "--tls-min", "1.2"]
      ),
      (shutdown, ["--tls", "starttls"], "try again later", upgraded, ["--tls", "starttls"]),
    ] as [([ScriptedPeer.Step], [String], String, [ScriptedPeer.Step], [String])] {
      let peer = try ScriptedPeer(scripts: [first, second])
      let way = ["--connect-to", "127.0.0.1:\(peer.port)", "example.org"]
      let failed = try Row(way + options + Certificates.trusted)
      #expect((failed["error.hint"] as String?) == hint, "\(options): \(failed.outcome.error)")
      let outcome = try Row(way + typed + Certificates.trusted).outcome
      #expect(outcome.status == 0, "\(typed): \(outcome.error)")
      try peer.finish()
    }
  }

  @Test("H6: what a server names is quoted for the shell, or not named")
  func quoting() throws {
    let hints = Hints()
    let hint = try #require(hints.hint(for: .domain("a;reboot.example", place: "$(reboot):5222")))
    #expect(hint.hasSuffix("use that domain: 'a;reboot.example' --connect-to '$(reboot):5222'"))
    #expect(hints.hint(for: .domain("-k.example", place: nil)) == nil)
  }

  @Test("H6: a hint about SASL2, compression or a resource leads to a session")
  func sessions() throws {
    var tasks = try LoginScene("SCRAM-SHA-1")
    tasks.sasl.profile = .sasl2("")
    let classic =
      "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-1</mechanism></mechanisms>"
    tasks.otherFeatures = classic
    tasks.before = { talk in
      _ = try talk.element()
      try talk.send("<continue xmlns='urn:xmpp:sasl:2'><tasks><task>HOTP-EXAMPLE</task></tasks></continue>")
      return false
    }
    let refused = try tasks.play().row
    #expect((refused["error.hint"] as String?) == "use --no-sasl2", "\(refused.outcome.error)")
    var login = try LoginScene("SCRAM-SHA-1")
    login.sasl.bindsChannels = false
    login.otherFeatures =
      "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>SCRAM-SHA-1</mechanism></authentication>"
    login.options = ["--no-sasl2"]
    try login.play().binds()

    var scene = try LoginScene("SCRAM-SHA-1")
    scene.sasl.bindsChannels = false
    let zlib = "<compression xmlns='http://jabber.org/features/compress'><method>zlib</method></compression>"
    scene.options = ["--compress"]
    scene.after = { talk in
      try talk.header()
      try talk.send(Dialogue.header() + Dialogue.features(LoginScene.bindFeature + zlib))
      _ = try talk.element()
      try talk.send("<failure xmlns='http://jabber.org/protocol/compress'><setup-failed/></failure>")
    }
    let uncompressed = try scene.play().row
    #expect(
      (uncompressed["error.hint"] as String?) == "leave out --compress, or \"compress\" in the account",
      "\(uncompressed.outcome.error)")
    scene.options = []
    scene.after = LoginScene.binds(zlib)
    try scene.play().binds()

    for (condition, hint) in [
      ("conflict", "choose another resource with --resource, or none"),
      ("bad-request", "choose another resource with --resource, or none"),
      ("resource-constraint", "close another session of the account first"),
    ] {
      scene.options = ["--resource", "here"]
      scene.after = LoginScene.binds { id in
        "<iq type='error' id='\(id)'><error type='cancel'><\(condition) "
          + "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
      }
      let row = try scene.play().row
      #expect((row["error.hint"] as String?) == hint, "\(row.outcome.error)")
      scene.options = []
      scene.after = LoginScene.binds()
      try scene.play().binds()
    }
  }
}
