import Foundation
import TestSupport
import Testing

@testable import XMPP

/// RFC 3920's dialogues, as RFC 6120 corrects them, against the built executable.
@Suite struct TranscriptTests {
  private let certificates: TestCertificates

  init() throws { certificates = try TestCertificates() }

  /// Runs `bind` as somenode, whose password is "secret", behind the TLS of the transcript `tls-account`.
  private func bind(_ parts: [String], jid: String = "somenode@example.com") throws -> Outcome {
    let transcript = try parts.map { try Transcript($0) }.reduce(Transcript("tls-account"), +)
    let server = TestTLSServer(try certificates.leaf("example.com"))
    let peer = try ScriptedPeer(transcript.script(tls: server, compute: Self.serverProof))
    let outcome = try Program.xmppctl.run(
      [
        "bind", "--json", "--connect-to", "127.0.0.1:\(peer.port)", "--cacert", certificates.authorityFile,
        jid,
      ],
      environment: ["XMPPCTL_PASSWORD": "secret"])
    let connections = try peer.finish()
    #expect(try connections.first.flatMap { try transcript.departure(of: $0) } == nil, "\(outcome.error)")
    #expect(!outcome.output.contains("secret") && !outcome.error.contains("secret"))
    return outcome
  }

  /// RFC 2831 §2.1.3: what the server answers to the client's response, whose own proof is checked first.
  private static func serverProof(_ name: String, _ known: [String: String]) throws -> String? {
    guard name == "rspauth", let response = known["response"].flatMap({ Data(base64Encoded: $0) }) else {
      return nil
    }
    let directives = String(decoding: response, as: UTF8.self)
    let cnonce = try #require(directives.firstMatch(of: #/cnonce="([^"]*)"/#)).output.1
    #expect(directives.contains(#"username="somenode",realm="somerealm",nonce="OA6MG9tEQGm2hh","#))
    #expect(directives.contains(#"nc=00000001,qop=auth,digest-uri="xmpp/example.com",response="#))
    let secret = try Hash.md5.digest(Array("somenode:somerealm:secret".utf8))
    let first = hexadecimal(try Hash.md5.digest(secret + Array(":OA6MG9tEQGm2hh:\(cnonce)".utf8)))
    let digest = { (method: String) throws -> String in
      let second = hexadecimal(try Hash.md5.digest(Array("\(method):xmpp/example.com".utf8)))
      return hexadecimal(
        try Hash.md5.digest(Array("\(first):OA6MG9tEQGm2hh:00000001:\(cnonce):auth:\(second)".utf8)))
    }
    #expect(directives.contains(",response=\(try digest("AUTHENTICATE")),charset=utf-8"))
    return Data("rspauth=\(try digest(""))\n".utf8).base64EncodedString()
  }

  /// Runs a command against a server that follows a transcript, and holds both sides to it.
  private func play(
    _ transcript: Transcript, _ arguments: [String], domain: String = "example.com",
    environment: [String: String] = [:]
  ) throws -> Outcome {
    let server = TestTLSServer(try certificates.leaf(domain))
    let peer = try ScriptedPeer(transcript.script(tls: server))
    let outcome = try Program.xmppctl.run(
      arguments + ["--connect-to", "127.0.0.1:\(peer.port)", "--cacert", certificates.authorityFile, domain],
      environment: environment)
    let connections = try peer.finish()
    #expect(connections.count == 1)
    #expect(try connections.first.flatMap { try transcript.departure(of: $0) } == nil, "\(outcome.error)")
    return outcome
  }

  @Test("RFC 3920 §5.3: a client's STARTTLS, as connect shows it")
  func connect() throws {
    let transcript = try Transcript("tls") + Transcript("closing")
    let outcome = try play(transcript, ["connect", "--json"])
    #expect(outcome.status == 0 && outcome.error == "")
    let report = try JSON(outcome)
    #expect(report["ok"] == true && report["endpoint"]["method"] == "starttls")
    #expect(report["stages"].map { $0["stage"] } == ["plain", "tls"])
    #expect(report["stages"].map { $0["stream"]["id"] } == ["c2s_123", "c2s_234"])
    #expect(report["stages"][0]["features"].map { $0["name"] } == ["starttls", "mechanisms"])
    #expect(report["stages"][0]["features"][0]["required"] == true)
    #expect(report["tls"]["certificate"]["matched"] == "dns:example.com")
  }

  @Test("colour only where it is wanted")
  func colour() throws {
    let transcript = try Transcript("tls") + Transcript("closing")
    let bare = try play(transcript, ["features"])
    let coloured = try play(transcript, ["features"], environment: ["CLICOLOR_FORCE": "1"])
    let refused = try play(transcript, ["features"], environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"])
    #expect(!bare.output.contains("\u{1B}") && !refused.output.contains("\u{1B}"))
    #expect(coloured.output.contains("\u{1B}[1mbefore TLS (not authenticated)\u{1B}[0m\n"))
    let json = try play(transcript, ["features", "--json"], environment: ["CLICOLOR_FORCE": "1"])
    #expect(!json.output.contains("\u{1B}"))
  }

  @Test("RFC 3920 §5.3: features before and after TLS")
  func features() throws {
    let transcript = try Transcript("tls") + Transcript("closing")
    let report = try JSON(play(transcript, ["features", "--json"]))
    #expect(report["stages"][0]["features"][1]["values"] == ["DIGEST-MD5", "PLAIN"])
    #expect(report["stages"][1]["features"][0]["values"] == ["DIGEST-MD5", "PLAIN", "EXTERNAL"])
    #expect(report["stages"][1]["stream"]["from"] == "example.com")
  }

  @Test("RFC 3920 §5.3, step 5 (alt): TLS refused", arguments: ["connect", "features"])
  func refused(command: String) throws {
    let outcome = try play(Transcript("tls-refused"), [command, "--json"])
    #expect(outcome.status == 79)
    let said = "xmppctl: \(command): starttls: the server refused STARTTLS, at 127.0.0.1:"
    #expect(outcome.error.hasPrefix(said))
    let report = try JSON(outcome)
    #expect(report["ok"] == false && report["tls"] == .null)
    #expect(report["error"]["stage"] == "starttls" && report["error"]["condition"] == "starttls-failure")
    #expect(report["error"]["code"] == 79)
    #expect(report["stages"].map { $0["stage"] } == ["plain"])
    #expect(report["stages"][0]["features"].map { $0["name"] } == ["starttls", "mechanisms"])
  }

  @Test("RFC 3920 §5.3, step 7 (alt): the handshake fails", arguments: ["connect", "features"])
  func handshakeFails(command: String) throws {
    let transcript = try Transcript("tls-handshake-fails")
    let peer = try ScriptedPeer(transcript.script(tls: TestTLSServer(try certificates.leaf("example.com"))))
    let outcome = try Program.xmppctl.run([
      command, "--json", "--connect-to", "127.0.0.1:\(peer.port)", "--cacert", certificates.authorityFile,
      "example.com",
    ])
    let connection = try #require(peer.finish().first)
    #expect(try transcript.departure(of: connection) == nil)
    #expect(!connection.text.contains("</stream"), "nothing goes out in the clear once TLS has begun")
    #expect(outcome.status == 79)
    let report = try JSON(outcome)
    #expect(report["error"]["stage"] == "tls" && report["error"]["code"] == 79)
    #expect(report["stages"].map { $0["stage"] } == ["plain"] && report["tls"] == .null)
  }

  @Test("jabber.org: compression and registration before TLS")
  func jabberOrg() throws {
    let transcript = try Transcript("jabber.org") + Transcript("closing")
    let text = try play(transcript, ["features"], domain: "jabber.org")
    #expect(text.status == 0 && text.error == "")
    #expect(
      text.output.components(separatedBy: "\n").dropFirst() == [
        "",
        "before TLS (not authenticated)",
        "  STARTTLS              RFC 6120",
        "  Stream compression    XEP-0138  zlib",
        "  SASL mechanisms       RFC 6120  DIGEST-MD5 PLAIN",
        "  In-band registration  XEP-0077",
        "",
        "after TLS (TLSv1.3)",
        "  SASL mechanisms       RFC 6120  DIGEST-MD5 PLAIN",
        "  Stream compression    XEP-0138  zlib",
        "  In-band registration  XEP-0077",
        "",
      ])
    let report = try JSON(play(transcript, ["features", "--json"], domain: "jabber.org"))
    let features = report["stages"][0]["features"]
    #expect(features.map { $0["name"] } == ["starttls", "compression", "mechanisms", "register"])
    #expect(features.map { $0["spec"] } == ["RFC 6120", "XEP-0138", "RFC 6120", "XEP-0077"])
    #expect(features[1]["values"] == ["zlib"] && features[2]["values"] == ["DIGEST-MD5", "PLAIN"])
    #expect(features[0]["required"] == .null, "the server says neither required nor optional")
    #expect(
      report["stages"][0]["stream"]["id"] == "94769953" && report["stages"][0]["stream"]["lang"] == "en")
  }

  @Test("talk.google.com: a mechanism of Google's own")
  func google() throws {
    let transcript = try Transcript("talk.google.com") + Transcript("closing")
    let text = try play(transcript, ["features"], domain: "google.com")
    #expect(text.status == 0 && text.error == "")
    #expect(
      text.output.components(separatedBy: "\n").dropFirst() == [
        "",
        "before TLS (not authenticated)",
        "  STARTTLS         RFC 6120",
        "  SASL mechanisms  RFC 6120  X-GOOGLE-TOKEN (proprietary: Google)",
        "",
        "after TLS (TLSv1.3)",
        "  SASL mechanisms  RFC 6120  PLAIN X-GOOGLE-TOKEN (proprietary: Google)",
        "",
      ])
    let report = try JSON(play(transcript, ["features", "--json"], domain: "google.com"))
    let mechanisms = report["stages"][0]["features"][1]
    #expect(mechanisms["values"] == ["X-GOOGLE-TOKEN"])
    #expect(mechanisms["proprietary"] == [["mechanism": "X-GOOGLE-TOKEN", "owner": "Google"]])
    #expect(report["stages"][0]["stream"]["id"] == "8F2DEA3E08EDD09C")
  }

  // MARK: Login and binding

  @Test("RFC 3920 §6.5 and §7: DIGEST-MD5 and a resource of the client's choice")
  func bind() throws {
    let outcome = try bind(
      ["digest-md5", "bind-offered", "bind", "closing"], jid: "somenode@example.com/someresource")
    #expect(outcome.status == 0 && outcome.error == "")
    let report = try JSON(outcome)
    #expect(report["jid"] == "somenode@example.com/someresource")
    #expect(report["auth"]["mechanism"] == "DIGEST-MD5")
    #expect(report["auth"]["offered"] == ["DIGEST-MD5", "PLAIN", "EXTERNAL"])
    #expect(report["stages"].map { $0["stage"] } == ["plain", "tls", "authenticated"])
  }

  @Test("RFC 3920 §7: a resource of the server's choice, and RFC 3921 §3: a session where it is wanted")
  func bindWithoutAWish() throws {
    let chosen = try bind(["digest-md5", "bind-offered", "bind-server-chosen", "closing"])
    #expect(chosen.status == 0)
    #expect(try JSON(chosen)["jid"] == "somenode@example.com/someresource")
    let session = try bind(["digest-md5", "after-login", "bind-server-chosen", "session", "closing"])
    #expect(session.status == 0)
    #expect(try JSON(session)["stages"][2]["features"].map { $0["name"] } == ["bind", "session"])
  }

  @Test(
    "RFC 3920 §6.5, steps 5, 7 and 9 (alt): the login is refused",
    arguments: [
      ("digest-md5-incorrect-encoding", "incorrect-encoding"),
      ("digest-md5-temporary-failure", "temporary-auth-failure"),
      ("digest-md5-late-failure", "temporary-auth-failure"),
    ])
  func loginRefused(name: String, condition: String) throws {
    let outcome = try bind([name])
    #expect(outcome.status == 77)
    let report = try JSON(outcome)
    #expect(report["error"]["stage"] == "auth" && report["error"]["condition"] == .string(condition))
    #expect(report["ok"] == false && report["jid"] == .null)
  }

  @Test("RFC 3920 §7: binding is refused", arguments: ["bad-request", "not-allowed", "conflict"])
  func bindRefused(condition: String) throws {
    let outcome = try bind(
      ["digest-md5", "bind-offered", "bind-\(condition)"], jid: "somenode@example.com/someresource")
    #expect(outcome.status == 81)
    #expect(outcome.error.hasPrefix("xmppctl: bind: bind: ") && outcome.error.contains(condition))
    let report = try JSON(outcome)
    #expect(report["error"]["stage"] == "bind" && report["error"]["condition"] == .string(condition))
    #expect(report["jid"] == .null)
  }
}

private func hexadecimal(_ bytes: [UInt8]) -> String {
  bytes.map { byte in
    let text = String(byte, radix: 16)
    return text.count == 1 ? "0" + text : text
  }.joined()
}
