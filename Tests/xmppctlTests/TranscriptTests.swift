import Foundation
import TestSupport
import Testing

/// RFC 3920's dialogues, as RFC 6120 corrects them, against the built executable.
@Suite struct TranscriptTests {
  private let certificates: TestCertificates

  init() throws { certificates = try TestCertificates() }

  /// Runs a command against a server that follows a transcript, and holds both sides to it.
  private func play(_ transcript: Transcript, _ arguments: [String], domain: String = "example.com") throws
    -> Outcome
  {
    let server = TestTLSServer(try certificates.leaf(domain))
    let peer = try ScriptedPeer(transcript.script(tls: server))
    let outcome = try Program.xmppctl.run(
      arguments + ["--connect-to", "127.0.0.1:\(peer.port)", "--cacert", certificates.authorityFile, domain])
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
    #expect(outcome.error.hasPrefix("xmppctl: \(command): starttls: the server refused STARTTLS\n"))
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
}
