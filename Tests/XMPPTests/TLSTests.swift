import Foundation
import Testing
import TestSupport

@testable import XMPP

@Suite struct TLSTests {
  let certificates: TestCertificates
  let server: TestTLSServer
  let options: TLSOptions

  init() throws {
    certificates = try TestCertificates()
    server = TestTLSServer(try certificates.leaf("example.org"))
    options = try TLSOptions.trusting(certificates)
  }

  /// The usual server, changed a little.
  private func server(_ change: (inout TestTLSServer) -> Void) -> TestTLSServer {
    var server = server
    change(&server)
    return server
  }

  @Test("T25: every alert has its name, also those that OpenSSL does not know")
  func alerts() {
    for (number, name) in [
      (40, "handshake-failure"), (48, "unknown-ca"), (70, "protocol-version"), (109, "missing-extension"),
      (115, "unknown-psk-identity"), (116, "certificate-required"), (120, "no-application-protocol"),
      (200, "unknown-alert"),
    ] as [(Int32, String)] {
      let error = TLSError(reason: 1000 + number, text: "unknown")
      #expect(error.alert == name && error.sessionFailure.condition == name)
      #expect(error.sessionFailure.message.contains(number == 200 ? "200" : name))
    }
    #expect(TLSError(reason: 1000, text: "").alert == nil)
    #expect(TLSError(reason: 1, text: "").alert == nil)
  }

  @Test func bytesGoBothWaysAndAGoodbyeIsAGoodbye() throws {
    let peer = try ScriptedPeer([.tls(server), .expect("ping"), .send("pong"), .close])
    let client = try TLSTestClient(peer, options: options)
    try client.handshake()
    try client.send("ping")
    #expect(try client.read(until: "pong") == "pong")
    #expect(try client.readEnd() == .end(clean: true))
    client.session.close()
    let connection = try #require(try peer.finish().first)
    #expect(connection.text == "ping")
    #expect(client.session.description?.version == "TLSv1.3")
    #expect(client.session.description?.group != nil)
    #expect(client.session.description?.cipher.isEmpty == false)
  }

  @Test func aSessionIsNotUsableBeforeItsCertificateWasJudged() throws {
    let strange = TestTLSServer(try TestCertificates(authority: "Stranger").leaf("example.org"))
    let peer = try ScriptedPeer([.tls(strange), .silence])
    let client = try TLSTestClient(peer, options: options)
    #expect(throws: Failure.self) { try client.send("early") }
    #expect(client.handshakeFailure()?.condition == "unknown-issuer")
    #expect(throws: Failure.self) { try client.send("secret") }
    #expect(throws: Failure.self) { try client.read(until: "x") }
    #expect(client.session.channelBinding(.tlsExporter) == nil)
    client.session.close()
    #expect(try peer.finish().first?.bytes.isEmpty == true)
  }

  @Test("T11: a server with TLS 1.1 or older only is refused, and told so")
  func oldVersions() throws {
    for newest in [TestTLSServer.Version.tls10, .tls11] {
      let peer = try ScriptedPeer([
        .tlsFails(
          server {
            $0.oldest = .tls10
            $0.newest = newest
          })
      ])
      let client = try TLSTestClient(peer, options: options)
      let failure = client.handshakeFailure()
      #expect(failure?.condition == "protocol-version")
      #expect(failure?.stage == .tls && failure?.status == .tls)
      #expect(failure?.message == "the server offers only TLS 1.1 or older")
      try peer.finish()
    }
    let peer = try ScriptedPeer([.tlsFails(server { $0.newest = .tls12 })])
    var strict = options
    strict.minimumVersion = .tls13
    let failure = try TLSTestClient(peer, options: strict).handshakeFailure()
    #expect(failure?.condition == "protocol-version")
    #expect(failure?.remedy == .olderTLS)
    try peer.finish()
  }

  @Test(
    "T12: ALPN xmpp-client is offered in direct TLS alone; none chosen is fine, a wrong one is not; SNI is the domain"
  )
  func applicationProtocols() throws {
    for (protocols, alpn) in [(TestTLSServer.Protocols.none, nil), (.choose("xmpp-client"), "xmpp-client")] {
      let peer = try ScriptedPeer([.tls(server { $0.protocols = protocols }), .silence])
      let client = try TLSTestClient(peer, options: options)
      try client.handshake()
      client.session.close()
      let session = try peer.finish().first?.session
      #expect(session?.serverName == "example.org")
      #expect(session?.offeredProtocols == ["xmpp-client"])
      #expect(session?.alpn == alpn && client.session.description?.alpn == alpn)
    }
    for (protocols, condition) in [
      (TestTLSServer.Protocols.choose("h2"), nil), (.refuse, "no-application-protocol"),
    ] {
      let peer = try ScriptedPeer([.tls(server { $0.protocols = protocols }), .silence])
      let client = try TLSTestClient(peer, options: options)
      let failure = try #require(client.handshakeFailure())
      #expect(failure.status == .tls && failure.condition == condition ?? failure.condition)
      #expect(throws: Failure.self) { try client.send("secret") }
      client.hangUp()
      #expect((try? peer.finish())?.first?.bytes.isEmpty != false)
    }
    let peer = try ScriptedPeer([.tls(server), .silence])
    let client = try TLSTestClient(peer, direct: false, options: options)
    try client.handshake()
    client.session.close()
    #expect(try peer.finish().first?.session?.offeredProtocols == [])
  }

  @Test("T13: session tickets and KeyUpdate in mid-stream lose nothing and hang nothing")
  func ticketsAndKeyUpdates() throws {
    let peer = try ScriptedPeer([
      .tls(server), .expect("a"), .send("1"), .updateKeys, .send("2"), .expect("b"), .updateKeys,
      .expect("c"),
      .send("3"), .close,
    ])
    let client = try TLSTestClient(peer, options: options)
    try client.handshake()
    try client.send("a")
    #expect(try client.read(until: "12") == "12")
    try client.send("b")
    try client.send("c")
    #expect(try client.read(until: "3") == "3")
    #expect(try peer.finish().first?.text == "abc")
  }

  @Test("T14: renegotiation is refused")
  func renegotiation() throws {
    let peer = try ScriptedPeer([.tls(server { $0.newest = .tls12 }), .expect("a"), .renegotiate])
    let client = try TLSTestClient(peer, options: options)
    try client.handshake()
    try client.send("a")
    #expect(throws: Failure.self) { try client.readEnd() }
    #expect(try peer.finish().first?.renegotiationError?.contains("no renegotiation") == true)
  }

  @Test("T15: an end without close_notify is told apart from a goodbye, and from a reset")
  func ends() throws {
    for version in [TestTLSServer.Version.tls12, .tls13] {
      let server = server { $0.newest = version }
      for (step, clean) in [(ScriptedPeer.Step.close, true), (.end, false)] {
        let peer = try ScriptedPeer([.tls(server), .expect("a"), .send("b"), step])
        let client = try TLSTestClient(peer, options: options)
        try client.handshake()
        try client.send("a")
        #expect(try client.readEnd() == .end(clean: clean))
        client.session.close()
        try peer.finish()
      }
      let peer = try ScriptedPeer([.tls(server), .expect("a"), .reset])
      let client = try TLSTestClient(peer, options: options)
      try client.handshake()
      try client.send("a")
      let failure = #expect(throws: Failure.self) { try client.readEnd() }
      #expect(failure?.condition == "connection-reset" && failure?.status == .noConnection)
      try peer.finish()
    }
  }

  @Test("T17: both directions at once, through full buffers and changing keys: nothing lost, nothing twice")
  func bothDirections() throws {
    let size = 3_000_000
    let toServer = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 11) }
    let toClient = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 17 &+ $0 >> 9) }
    let gate = Gate()
    let peer = try ScriptedPeer([
      .tls(server), .wait(gate), .exchange(toClient, receiving: size, updatingKeysEach: 100_000), .close,
    ])
    let client = try TLSTestClient(peer, options: options)
    client.shrinkSendBuffer()
    try client.handshake()
    var sent = 0
    var received: [UInt8] = []
    var offered: [UInt8] = []
    // A read that has to wait, whatever the machine is busy with.
    var waits: Set = ["read \(try client.readOnce(&received))"]
    gate.open()
    var random = SplitMix(seed: 17)
    while sent < size || received.count < size {
      var progress: [TLSSession.Progress] = []
      if sent < size {
        // From another place in memory each time, as a growing queue would: the one before is still there.
        let before = offered
        offered = Array(toServer[sent..<min(size, sent + 50_000)])
        let one = try withExtendedLifetime(before) {
          try offered.withUnsafeBytes { try client.session.write($0) }
        }
        if case .bytes(let count) = one { sent += count } else { waits.insert("write \(one)") }
        progress.append(one)
      }
      if received.count < size && Bool.random(using: &random) {
        let one = try client.readOnce(&received)
        if case .bytes = one {} else { waits.insert("read \(one)") }
        progress.append(one)
      }
      if !progress.isEmpty { try client.waitForAny(progress) }
    }
    #expect(received == toClient)
    #expect(waits.contains("write wantsWrite"))
    #expect(waits.contains { $0.hasPrefix("read wants") })
    client.session.close()
    #expect(try peer.finish().first?.bytes == toServer)
  }

  @Test("T18: the client hello offers no compression, and no version below TLS 1.2")
  func compression() throws {
    let peer = try ScriptedPeer([.tls(server), .silence])
    let client = try TLSTestClient(peer, options: options)
    try client.handshake()
    client.session.close()
    let hello = try #require(try peer.finish().first).wire
    // Record (5), handshake header (4), version (2), random (32), then three lists that carry their length.
    try #require(hello.count > 44 && hello[5] == 1)
    let suites = 43 + 1 + Int(hello[43])
    let compression = suites + 2 + Int(hello[suites]) << 8 + Int(hello[suites + 1])
    #expect(Array(hello[compression...(compression + 1)]) == [1, 0])
  }

  @Test("T19: a handshake that dribbles ends by its deadline")
  func dribbledHandshake() throws {
    let peer = try ScriptedPeer([.tlsFails(server { $0.dribble = (1, 0.01) })])
    let client = try TLSTestClient(peer, options: options)
    let started = Deadline.now
    let failure = client.handshakeFailure(until: .after(seconds: 0.3))
    #expect(failure?.status == .timeout)
    #expect(failure?.condition == "connect-timeout")
    #expect(Deadline.now.milliseconds(since: started) < 10_000)
    client.hangUp()
    try peer.finish()
  }

  @Test func aHandshakeInSmallPiecesSucceeds() throws {
    let peer = try ScriptedPeer([.tls(server { $0.dribble = (7, 0.0001) }), .send("hello"), .close])
    let client = try TLSTestClient(peer, options: options)
    try client.handshake()
    #expect(try client.read(until: "hello") == "hello")
    try peer.finish()
  }

  @Test func aServerThatDoesNotSpeakTLSIsToldApart() throws {
    let header = "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>"
    let plain = try ScriptedPeer([.send(header), .silence])
    let failure = try TLSTestClient(plain, options: options).handshakeFailure()
    #expect(failure?.condition == "not-tls" && failure?.status == .tls)
    #expect(failure?.remedy == .method(.starttls, place: nil))
    try plain.finish()

    let closed = try ScriptedPeer([.expectBytes(100), .end])
    #expect(try TLSTestClient(closed, options: options).handshakeFailure()?.condition == "connection-closed")
    try closed.finish()

    let reset = try ScriptedPeer([.expectBytes(100), .reset])
    #expect(try TLSTestClient(reset, options: options).handshakeFailure()?.condition == "connection-lost")
    try reset.finish()
  }

  @Test("A10: an Ed25519 or RSA-PSS certificate never gives an empty tls-server-end-point")
  func endPoint() throws {
    for (key, hash, expected) in [
      (TestCertificates.Key.ed25519, "SHA256", nil), (.rsaPSS, "SHA256", 32), (.rsaPSS, "SHA384", 48),
      (.p256, "SHA512", 64), (.rsa, "SHA1", 32),
    ] as [(TestCertificates.Key, String, Int?)] {
      let own = try certificates.selfSigned(.init([.dns("example.org")], key: key, hash: hash))
      let peer = try ScriptedPeer([.tls(TestTLSServer(own)), .silence])
      var options = options
      options.insecure = true
      let client = try TLSTestClient(peer, options: options)
      try client.handshake()
      #expect(client.session.channelBinding(.tlsServerEndPoint)?.count == expected, "\(key) \(hash)")
      let listed = client.session.description?.channelBindings.contains(.tlsServerEndPoint)
      #expect(listed == (expected != nil))
      client.session.close()
      try peer.finish()
    }
  }

  @Test("A11: tls-exporter under TLS 1.2 needs the extended master secret; both ends agree on every binding")
  func exporter() throws {
    for (version, extended, offered) in [
      (TestTLSServer.Version.tls13, true, [ChannelBindingType.tlsExporter, .tlsServerEndPoint]),
      (.tls12, true, [.tlsExporter, .tlsUnique, .tlsServerEndPoint]),
      (.tls12, false, [.tlsUnique, .tlsServerEndPoint]),
    ] {
      let server = server {
        $0.newest = version
        $0.hasExtendedMasterSecret = extended
      }
      let peer = try ScriptedPeer([.tls(server), .silence])
      let client = try TLSTestClient(peer, options: options)
      try client.handshake()
      #expect(client.session.description?.channelBindings == offered)
      let exporter = client.session.channelBinding(.tlsExporter)
      let unique = client.session.channelBinding(.tlsUnique)
      client.session.close()
      let session = try #require(try peer.finish().first?.session)
      #expect(exporter == (offered.contains(.tlsExporter) ? session.tlsExporter : nil))
      #expect(unique == (offered.contains(.tlsUnique) ? session.tlsUnique : nil))
    }
  }
}
