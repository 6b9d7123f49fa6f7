import Foundation
import Testing
import TestSupport

@testable import XMPP

@Suite struct CertificateTests {
  typealias Request = TestCertificates.Request
  let certificates: TestCertificates

  init() throws { certificates = try TestCertificates() }

  /// What a client makes of a server with this certificate.
  private func outcome(
    _ issued: TestCertificates.Issued, domain: String = "example.org", service: XMPPService = .client,
    _ change: (inout TLSOptions) throws -> Void = { _ in }
  ) throws -> (failure: Failure?, certificate: CertificateDescription) {
    let peer = try ScriptedPeer([.tls(TestTLSServer(issued)), .silence])
    var options = try TLSOptions.trusting(certificates)
    try change(&options)
    let client = try TLSTestClient(peer, domain: domain, service: service, options: options)
    let failure = client.handshakeFailure()
    client.session.close()
    let connection = try #require(try peer.finish().first)
    #expect(connection.bytes.isEmpty)
    return (failure, try #require(client.session.certificate))
  }

  private func issue(_ names: [TestCertificates.Name], commonName: String = "leaf") throws
    -> TestCertificates.Issued
  {
    try certificates.issue(Request(commonName: commonName, names))
  }

  @Test("T6: a certificate that names only the SRV target is not one for the domain")
  func srvTarget() throws {
    let (failure, certificate) = try outcome(try issue([.dns("xmpp.hoster.example")]))
    #expect(failure?.condition == "wrong-name")
    #expect(failure?.stage == .certificate)
    #expect(failure?.status == .certificate)
    #expect(failure?.message.contains("dns:xmpp.hoster.example") == true)
    #expect(failure?.message.contains("example.org") == true)
    #expect(certificate.reason == "wrong-name" && !certificate.verified && certificate.matched == nil)
  }

  @Test("T7: a DNS-ID, an SRV-ID or an XMPP address alone is enough")
  func oneName() throws {
    for (name, matched) in [
      (TestCertificates.Name.dns("example.org"), "dns:example.org"),
      (.srv("_xmpp-client.example.org"), "srv:_xmpp-client.example.org"),
      (.xmppAddress("example.org"), "xmpp-addr:example.org"),
    ] {
      let (failure, certificate) = try outcome(try issue([name]))
      #expect(failure == nil)
      #expect(certificate.verified && certificate.matched == matched && certificate.reason == nil)
    }
    let server = try issue([.srv("_xmpp-server.example.org")])
    #expect(try outcome(server).failure?.condition == "wrong-name")
    #expect(try outcome(server, service: .server).failure == nil)
  }

  @Test("T8: a common name, a partial wildcard and a name with NUL are no names")
  func unusableNames() throws {
    let nameless = try outcome(try issue([], commonName: "example.org")).failure
    #expect(nameless?.condition == "wrong-name")
    #expect(nameless?.message.contains("common name") == true)
    for name: TestCertificates.Name in [
      .dns("*.org"), .dns("e*.org"), .rawDNS(Array("example.org\0.evil.example".utf8)),
    ] {
      #expect(try outcome(try issue([name], commonName: "example.org")).failure?.condition == "wrong-name")
    }
    #expect(try outcome(try issue([.dns("*.example.org")]), domain: "im.example.org").failure == nil)
  }

  @Test(
    "T9: expired, not yet valid, self-signed, issued by no authority and by an unknown one are told apart")
  func chains() throws {
    let names: [TestCertificates.Name] = [.dns("example.org")]
    let expired = try outcome(
      try certificates.issue(Request(names, validFrom: -86400 * 9, validTo: -86400 - 60)))
    #expect(expired.failure?.condition == "expired")
    #expect(expired.failure?.message.contains("expired on 20") == true)
    #expect(expired.certificate.daysLeft == -2)

    let early = try outcome(try certificates.issue(Request(names, validFrom: 86400)))
    #expect(early.failure?.condition == "not-yet-valid")

    let own = try outcome(try certificates.selfSigned(Request(names)))
    #expect(own.failure?.condition == "self-signed")
    #expect(own.failure?.remedy == .trustCertificate(key: "sha256//\(own.certificate.spkiSHA256)"))

    let plain = try certificates.issue(Request(commonName: "no CA"))
    let child = try outcome(try certificates.issue(Request(names), by: plain))
    #expect(child.failure?.condition == "issuer-not-a-ca")
    #expect(child.failure?.message.contains("CN=no CA") == true)

    let strangers = try TestCertificates(authority: "Stranger")
    let unknown = try outcome(try strangers.issue(Request(names)))
    #expect(unknown.failure?.condition == "unknown-issuer")
    #expect(unknown.failure?.message.contains("CN=Stranger") == true)
    #expect(unknown.failure?.remedy == .trustIssuer)
    let impostor = try outcome(try TestCertificates().issue(Request(names)))
    #expect(impostor.failure?.condition == "unknown-issuer")
  }

  @Test func twoReasonsAreBothTold() throws {
    let request = Request([.dns("example.com")], validFrom: -86400 * 9, validTo: -86400)
    let (failure, certificate) = try outcome(try certificates.issue(request))
    #expect(failure?.condition == "expired")
    #expect(failure?.message.contains("not for example.org") == true)
    #expect(certificate.message == failure?.message)
  }

  @Test func aCertificateForOtherPurposesAndAWeakKeyAreRefused() throws {
    let names: [TestCertificates.Name] = [.dns("example.org")]
    let client = try certificates.issue(Request(names, extendedKeyUsage: "clientAuth"))
    #expect(try outcome(client).failure?.condition == "invalid-purpose")
    let server = try certificates.issue(Request(names, extendedKeyUsage: "serverAuth"))
    #expect(try outcome(server).failure == nil)
    let short = try certificates.issue(Request(names, key: .rsa1024))
    #expect(try outcome(short).failure?.condition == "weak-key")
  }

  @Test func anIntermediateAuthorityAndATrustedLeafVerify() throws {
    let middle = try certificates.issue(Request(commonName: "Middle", isAuthority: true))
    let leaf = try certificates.issue(Request([.dns("example.org")]), by: middle)
    let (failure, certificate) = try outcome(leaf)
    #expect(failure == nil)
    #expect(certificate.chain.map(\.subject) == ["CN=leaf", "CN=Middle"])
    let own = try certificates.selfSigned(Request([.dns("example.org")]))
    for file in [own.certificate] {
      let pinned = try outcome(own) { $0.trust = .authorities(try Trust.Authorities(file: file)) }
      #expect(pinned.failure == nil)
    }
  }

  @Test func theSystemsAuthoritiesAreAskedWithoutACacert() throws {
    let (failure, _) = try outcome(try certificates.leaf("example.org")) { $0.trust = .system }
    #expect(failure?.condition == "unknown-issuer")
  }

  @Test func pinsHoldWithAndWithoutVerification() throws {
    let leaf = try certificates.leaf("example.org")
    let key = try outcome(leaf).certificate.spkiSHA256
    let right = try PublicKeyPin("sha256//\(key)")
    let wrong = try PublicKeyPin("sha256//\(String(repeating: "A", count: 43))=")
    #expect(try outcome(leaf) { $0.pins = [wrong, right] }.failure == nil)
    #expect(try outcome(leaf) { $0.pins = [wrong] }.failure?.condition == "wrong-pin")

    let stranger = try TestCertificates(authority: "Stranger").leaf("example.org")
    let strangeKey = try PublicKeyPin("sha256//\(try outcome(stranger).certificate.spkiSHA256)")
    #expect(try outcome(stranger) { $0.pins = [strangeKey] }.failure?.condition == "unknown-issuer")
    let insecure = try outcome(stranger) {
      $0.pins = [strangeKey]
      $0.insecure = true
    }
    #expect(insecure.failure == nil && !insecure.certificate.verified)
    #expect(insecure.certificate.reason == "unknown-issuer")
    let both = try outcome(stranger) {
      $0.pins = [wrong]
      $0.insecure = true
    }
    #expect(both.failure?.condition == "wrong-pin")
  }

  @Test(arguments: [
    "", "sha256//", "sha1//AAAA", "sha256//AAAA", "sha256//" + String(repeating: "A", count: 44),
  ])
  func aMalformedPinIsAUsageError(_ text: String) {
    #expect(throws: Failure.self) { try PublicKeyPin(text) }
  }

  @Test func theDescriptionAgreesWithOpenSSL() throws {
    let leaf = try certificates.issue(
      Request(
        commonName: "Zoë, the server", [.dns("example.org"), .ip([127, 0, 0, 1])], validTo: 10 * 86400 + 60))
    let certificate = try outcome(leaf).certificate
    #expect(certificate.leaf.subject == "CN=Zoë\\, the server")
    #expect(certificate.leaf.issuer == "CN=Test CA")
    #expect(certificate.names == [CertificateName(.dns, "example.org"), CertificateName(.ip, "127.0.0.1")])
    #expect(certificate.daysLeft == 10 || certificate.daysLeft == 9)
    #expect(abs(certificate.leaf.notAfter - Int64(Date().timeIntervalSince1970) - 10 * 86400) < 3600)
    #expect(certificate.leaf.sha256.utf8.count == 64)
    #expect(certificate.reference == "example.org")
  }

  @Test func filesThatCannotServeAreToldApart() throws {
    func failure(_ body: () throws -> Void) -> Failure? {
      do { try body() } catch { return error as? Failure }
      return nil
    }
    let empty = try certificates.file("empty.pem", "")
    let leaf = try certificates.leaf("example.org")
    let other = try certificates.leaf("example.org")
    let damaged = try certificates.file(
      "damaged.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    #expect(failure { _ = try Trust.Authorities(file: "/nonexistent") }?.status == .noInput)
    #expect(failure { _ = try Trust.Authorities(file: certificates.folder.path) }?.status == .noInput)
    #expect(failure { _ = try Trust.Authorities(file: empty) }?.status == .data)
    #expect(failure { _ = try Trust.Authorities(file: damaged) }?.status == .data)
    #expect(failure { _ = try ClientCertificate(file: leaf.certificate) }?.condition == "invalid-key")
    #expect(
      failure { _ = try ClientCertificate(file: leaf.certificate, keyFile: other.key) }?.condition
        == "key-mismatch")
    let encrypted = try certificates.encrypted(leaf, passphrase: "open sesame")
    func load(_ passphrase: String?) -> Failure? {
      failure {
        _ = try ClientCertificate(
          file: leaf.certificate, keyFile: encrypted, passphrase: passphrase.map { Array($0.utf8) })
      }
    }
    #expect(load(nil)?.condition == "encrypted-key")
    #expect(load("close sesame")?.condition == "wrong-passphrase")
    #expect(load("open sesame") == nil)
  }

  @Test func aClientCertificateIsShownToAServerThatAsks() throws {
    let own = try certificates.issue(Request(commonName: "bob", [.xmppAddress("bob@example.org")]))
    var server = TestTLSServer(try certificates.leaf("example.org"))
    server.asksForCertificate = true
    let peer = try ScriptedPeer([.tls(server), .silence])
    var options = try TLSOptions.trusting(certificates)
    let identity = try ClientCertificate(file: own.certificate, keyFile: own.key)
    options.clientCertificate = identity
    let client = try TLSTestClient(peer, options: options)
    try client.handshake()
    client.session.close()
    #expect(try peer.finish().first?.session?.clientCertificate == own.der)
    #expect(identity.names == [CertificateName(.xmppAddress, "bob@example.org")])
  }
}
