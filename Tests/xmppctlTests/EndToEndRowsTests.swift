import Foundation
import TestSupport
import Testing
import XMPP

/// The failures people meet, each with its exit status and the words that tell it from the others.
@Suite struct EndToEndRowsTests {
  @Test("An unknown host, a refused port and a web server are told apart")
  func elsewhere() throws {
    let dns = try FakeDNSServer()
    let unknown = try Row(["--dns-server", dns.address, "--max-time", "10", "example.org"])
    unknown.fails(.noHost, .dns, "nxdomain")
    #expect(unknown.message == "example.org does not exist")

    let closed = try LoopbackPort(.refusing)
    let refused = try Row(["--connect-to", "127.0.0.1:\(closed.port)", "--max-time", "10", "example.org"])
    refused.fails(.noConnection, .tcp, "connection-refused")
    #expect(refused.message.contains("127.0.0.1 port \(closed.port)"))

    let page = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html></html>"
    for mode in ["none", "starttls"] {
      let web = try ScriptedPeer([.expectHeader, .send(page), .end])
      let other = try Row(web.way(mode))
      other.fails(.protocolViolation, .stream, "not-xml")
      #expect(other.message.contains("HTTP/1.1 400 Bad Request"))
      try web.finish()
    }
    let web = try ScriptedPeer([.expectBytes(1), .send(page), .end])
    let direct = try Row(web.way("direct"))
    direct.fails(.tls, .tls, "not-tls")
    #expect((direct["error.hint"] ?? "").contains("--tls starttls"))
    try web.finish()
  }

  @Test("A text report on failure ends with the same message, and what was learnt stands on stdout")
  func text() throws {
    let peer = try ScriptedPeer(.opened(Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence])
    let outcome = try Program.xmppctl.run(["features"] + peer.way("starttls"))
    #expect(outcome.status == XMPP.ExitStatus.tls.rawValue)
    #expect(outcome.output.contains("before TLS (not authenticated)") && outcome.output.contains("PLAIN"))
    #expect(
      outcome.error == """
        xmppctl: features: starttls: the server does not offer STARTTLS, at 127.0.0.1:\(peer.port)
        xmppctl: hint: use --tls direct, or --tls none to connect without encryption

        """)
    try peer.finish()
  }

  @Test("--insecure goes on with a bad certificate, says so, and the report still calls it unverified")
  func insecure() throws {
    let certificate = try Certificates.shared.selfSigned(.init([.dns("other.test")]))
    let text = Dialogue.header() + Dialogue.features(Dialogue.plain)
    let peer = try ScriptedPeer(.direct(TestTLSServer(certificate), text) + [.silence])
    let row = try Row(peer.way("direct", ["-k"]))
    #expect(row.outcome.status == 0)
    #expect(row["tls.certificate.verified"] == false && row["tls.certificate.reason"] == "self-signed")
    let warning = "the certificate is not verified (--insecure)"
    #expect(row.outcome.error.contains(warning), "\(row.outcome.error)")
    try peer.finish()
  }

  @Test("What cannot be read or written is found before anything is sent")
  func files() throws {
    let folder = try TemporaryFolder()
    let empty = try folder.write("empty.pem", "")
    let port = try LoopbackPort(.silent)
    let place = ["--connect-to", "127.0.0.1:\(port.port)", "-m", "5", "example.org"]
    for (options, status) in [
      (["--cacert", folder.path("none.pem")], XMPP.ExitStatus.noInput), (["--cacert", empty], .data),
      (["--cert", folder.path("none.pem")], .noInput), (["--cert", empty], .data),
      (["--trace=\(folder.path("none/trace"))"], .output),
    ] {
      let outcome = try Program.xmppctl.run(["features"] + options + place)
      #expect(outcome.status == status.rawValue, "\(options) \(outcome.error)")
      #expect(outcome.outputBytes.isEmpty && outcome.error.contains(folder.path))
    }
    #expect(port.accepted == 0)
  }

  @Test("C11: a trace is written whole, with the words of both sides, and readable by its owner alone")
  func trace() throws {
    let folder = try TemporaryFolder()
    let peer = try ScriptedPeer(
      .upgraded(try Certificates.server)
        + .opened(Dialogue.header() + Dialogue.features(Dialogue.plain)) + [.silence])
    let file = folder.path("trace.txt")
    try Row(peer.way("starttls", try Certificates.trusted + ["--trace=\(file)"])).succeeds()
    let trace = try folder.read("trace.txt")
    for text in ["C: <starttls", "S: <proceed", "S: <stream:features><mechanisms", "C: </stream:stream>"] {
      #expect(trace.contains(text), "\(trace)")
    }
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    try peer.finish()
  }
}
