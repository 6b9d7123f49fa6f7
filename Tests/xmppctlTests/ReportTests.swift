import Foundation
import TestSupport
import Testing

@testable import XMPP
@testable import xmppctl

/// Reports with fixed values, as text and as JSON.
@Suite struct ReportTests {
  private func plain(colours: Bool = false) -> Terminal {
    Terminal(isOutputTerminal: false, isErrorTerminal: false, colours: colours)
  }

  private func features(_ xml: String) throws -> StreamFeatures {
    let text = "S: <stream:features>\(xml)</stream:features>"
    return StreamFeatures(try #require(try Transcript(text: text).elements(ofServer: true).first))
  }

  private func stage(_ kind: StreamStage.Kind, _ id: String, _ xml: String?) throws -> StreamStage {
    let root = Element(
      "stream", Namespace.stream,
      ["id": id, "from": "example.org", "to": nil, "version": "1.0", "xml:lang": kind == .plain ? nil : "en"])
    return StreamStage(kind: kind, header: try StreamHeader(root: root), features: try xml.map(features))
  }

  private func certificate(verified: Bool) -> CertificateDescription {
    let leaf = CertificateSummary(
      subject: "CN=xmpp.example.org", issuer: "CN=An Authority\u{1B}[31m", notBefore: 1_790_000_000,
      notAfter: 1_797_776_000, sha256: String(repeating: "ab", count: 32))
    return CertificateDescription(
      leaf: leaf,
      names: [
        CertificateName(.dns, "example.org"), CertificateName(.srv, "_xmpp-client.example.org"),
      ],
      spkiSHA256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", daysLeft: verified ? 51 : -1,
      expiresFirst: verified ? "CN=An Authority\u{1B}[31m" : nil, chain: [leaf],
      reference: "example.org", matched: verified ? "dns:example.org" : nil, verified: verified,
      reason: verified ? nil : "expired", message: verified ? nil : "the certificate expired")
  }

  private func arrived() throws -> Report {
    var report = Report(domain: "example.org")
    let first = Endpoint(
      host: "a.example.org", port: 5223, method: .directTLS, source: .srv, priority: 5, weight: 0)
    let second = Endpoint(
      host: "b.example.org", port: 5222, method: .starttls, source: .srv, priority: 10, weight: 20)
    var failed = Attempt(endpoint: first)
    failed.failure = Failure(.tcp, "connection-refused", "connection refused", status: .noConnection)
    failed.timings[.tcp] = 1
    var expired = Attempt(endpoint: second, address: "2001:db8::6")
    expired.failure = Failure(.certificate, "expired", "the certificate expired", status: .certificate)
    expired.tls = TLSDescription(
      version: "TLSv1.2", cipher: "ECDHE-RSA-AES128-GCM-SHA256", group: nil, alpn: nil, channelBindings: [])
    expired.certificate = certificate(verified: false)
    var reached = Attempt(endpoint: second, address: "2001:db8::7")
    reached.timings[.tcp] = 24
    reached.timings[.tls] = 31.25
    report.attempts = [failed, expired, reached]
    report.redirections = [
      Redirection(source: first, target: "b.example.org:5222"),
      Redirection(source: second, target: "127.0.0.1\u{1B}", refusal: "it names no host and port"),
    ]
    report.endpoint = second
    report.address = "2001:db8::7"
    report.tls = TLSDescription(
      version: "TLSv1.3", cipher: "TLS_AES_256_GCM_SHA384", group: "x25519", alpn: nil,
      channelBindings: [.tlsExporter])
    report.certificate = certificate(verified: true)
    report.stages = [
      try stage(.plain, "s1", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"),
      try stage(
        .tls, "s2",
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>X-OAUTH2</mechanism>"
          + "<mechanism>PLAIN</mechanism></mechanisms>"
          + "<authentication xmlns='urn:xmpp:sasl:2'><mechanism>PLAIN</mechanism><inline>"
          + "<bind xmlns='urn:xmpp:bind:0'/></inline></authentication>"
          + "<new xmlns='urn:example:\u{202E}new'>a\n b</new>"),
    ]
    for (part, time) in [(.dns, 12.12), (.tcp, 24), (.starttls, 0), (.tls, 31.25), (.stream, 25)]
      as [(Timings.Part, Double)]
    {
      report.timings[part] = time
    }
    report.timings[.total] = 92.4
    return report
  }

  private func bound() throws -> Report {
    var report = try arrived()
    let offer = SASLOffer(
      mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "X-OAUTH2"], channelBindings: nil)
    let choice = MechanismChoice(
      from: offer,
      MechanismChoice.Facts(
        security: .verified, channelBindings: [.tlsExporter], hasLocalpart: true, hasClientCertificate: false)
    )
    report.authentication = AuthenticationReport(choice, offer, sasl2: false)
    report.authentication?.isServerAuthenticated = true
    report.stages.append(
      try stage(.authenticated, "s3", "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"))
    report.stages.append(try stage(.compressed, "s4", ""))
    report.jid = try JID(parsing: "bob@example.org/r\u{301}1")
    report.compressionRatio = 2.75
    var management = StreamManagement<Never>()
    _ = management.enable(resumable: true)
    _ = try management.receive(
      Element(
        "enabled", Namespace.streamManagement,
        ["id": "s", "resume": "true", "max": "600", "location": "b.example.org:5222"]))
    report.session = SessionReport(management)
    return report
  }

  private func failed() throws -> Report {
    var report = try arrived()
    report.certificate = certificate(verified: false)
    report.stages.removeLast()
    let failure = Failure(
      .certificate, "expired", "the certificate expired", hint: "renew it\u{7}", status: .certificate)
    report.attempts[2].failure = failure
    report.failure = failure
    return report
  }

  /// What is written in pieces, as one text.
  private func written(_ pieces: (([UInt8]) -> Void) -> Void) -> String {
    var bytes: [UInt8] = []
    pieces { bytes += $0 }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func hold(_ text: String, to name: String) {
    let difference = Golden.difference(text, from: name)
    #expect(difference == nil, "\(difference ?? "")")
    #expect(!text.utf8.contains { $0 < 0x20 && $0 != 0x0A || $0 == 0x7F }, "no controls in \(name)")
  }

  @Test func text() throws {
    hold(ReportText(report: try arrived(), terminal: plain()).connect, to: "connect.txt")
    hold(written(ReportText(report: try arrived(), terminal: plain()).features), to: "features.txt")
    hold(written(ReportText(report: try bound(), terminal: plain()).features), to: "features-bound.txt")
    hold(written(ReportText(report: try arrived(), terminal: plain()).xml), to: "features-xml.txt")
  }

  @Test func textOfAFailure() throws {
    hold(ReportText(report: try failed(), terminal: plain()).connect, to: "connect-failed.txt")
    hold(written(ReportText(report: try failed(), terminal: plain()).features), to: "features-failed.txt")
    var nothing = Report(domain: "nowhere.example")
    nothing.failure = Failure(.dns, "no-such-name", "no such name", status: .noHost)
    #expect(written(ReportText(report: nothing, terminal: plain()).features) == "")
    #expect(ReportText(report: nothing, terminal: plain()).connect.hasPrefix("nowhere.example\n"))
  }

  @Test func json() throws {
    hold(String(decoding: try arrived().json(indented: true), as: UTF8.self), to: "report.json")
    hold(String(decoding: try bound().json(indented: true), as: UTF8.self), to: "report-bound.json")
    hold(String(decoding: try failed().json(indented: true), as: UTF8.self), to: "report-failed.json")
    let line = try arrived().json(indented: false)
    #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1 && line.last == UInt8(ascii: "\n"))
    #expect(try JSON(Data(line)) == JSON(Data(arrived().json(indented: true))))
  }

  @Test func colour() throws {
    let coloured = ReportText(report: try arrived(), terminal: plain(colours: true)).connect
    #expect(coloured.contains("\u{1B}[32mok\u{1B}[0m") && coloured.contains("\u{1B}[31mfailed\u{1B}[0m"))
    let bare = coloured.replacing(/\x{1B}\[[0-9]+m/, with: "")
    #expect(bare == ReportText(report: try arrived(), terminal: plain()).connect)
    #expect(!Terminal.colours(isTerminal: false, noColor: nil, force: nil))
    #expect(Terminal.colours(isTerminal: true, noColor: nil, force: nil))
    #expect(Terminal.colours(isTerminal: false, noColor: nil, force: "1"))
    #expect(!Terminal.colours(isTerminal: false, noColor: nil, force: "0"))
    #expect(!Terminal.colours(isTerminal: true, noColor: "1", force: "1"))
    #expect(Terminal.colours(isTerminal: true, noColor: "", force: nil))
  }
}
