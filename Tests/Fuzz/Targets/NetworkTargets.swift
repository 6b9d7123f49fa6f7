import COpenSSL
import TestSupport

@testable import XMPP
@testable import xmppctl

/// DNS: the input is read as the records after a valid header, and as the options of a `resolv.conf`. The result is
/// never larger than the input allows.
@Sendable func checkDNS(_ input: [UInt8]) throws {
  let head: [UInt8] = [0, 0, 0x81, 0x80, 0, 1, 0, input.first ?? 0, 0, 0, 0, 0]
  guard let name = HostName("host.test") else { return }
  for kind in [DNSQuestion.Kind.srv, .a, .aaaa] {
    let asked: [UInt8] =
      [4] + Array("host".utf8) + [4] + Array("test".utf8) + [0, 0, UInt8(kind.rawValue), 0, 1]
    for message in [input, head + asked + input.dropFirst()] {
      let question = DNSQuestion(name: name, kind: kind)
      let answer = message.withUnsafeBufferPointer { DNSAnswer(parsing: $0, to: question) }
      // A record has at least eleven bytes, an address four more, and an SRV record seven.
      switch answer {
      case .addresses(let found):
        try hold((1...message.count / 15).contains(found.count), "\(found.count) addresses")
        for address in found {
          try hold(IPAddress(address.text) == address, "\(address.text) is another address")
          try hold((address.family == .v4) == (kind == .a), "an address of the other family")
        }
      case .services(let found):
        try hold(kind == .srv && (1...message.count / 18).contains(found.count), "\(found.count) records")
        try hold(found.allSatisfy { !$0.target.isEmpty }, "an empty target")
      case .noData, .failed(.malformed): break
      case .noSuchName, .failed: try hold(false, "\(answer)")
      }
    }
  }
  let options = ResolverOptions(resolvConf: input)
  try hold((1...30).contains(options.timeout) && (1...5).contains(options.attempts), "\(options)")
}

/// A certificate in DER: what is told of it is one harmless line of JSON, and it is never trusted for its own word.
@Sendable func checkCertificate(_ input: [UInt8]) throws {
  let handle = input.withUnsafeBufferPointer { bytes in
    var next = bytes.baseAddress
    return d2i_X509(nil, &next, bytes.count)
  }
  ERR_clear_error()
  guard let handle else { return }
  let certificate = Certificate(owning: handle)
  if let hash = certificate.endPointHash {
    try hold([28, 32, 48, 64].contains(hash.count), "a hash of \(hash.count) bytes")
  }
  for name in certificate.names where name.kind == .ip {
    try hold(IPAddress(name.value) != nil, "\(name.value) is no address")
  }

  var options = TLSOptions()
  options.trust = .authorities(Trust.Authorities(certificates: []))
  let verification = CertificateVerification(reference: "example.org", service: .client, options: options)
  let verdict = try verification.judge([certificate, certificate], now: 1_795_341_600)
  let description = verdict.description
  try hold(
    !description.verified && verdict.failure != nil, "a certificate is trusted that nobody vouches for")
  try hold(description.reason == verdict.failure?.condition, "another reason than the failure's")
  if let matched = description.matched {
    try hold(
      description.names.contains { $0.description.isSame(as: matched) }, "a name matches that it has not")
  } else {
    try hold(verdict.failure?.message.contains("not for example.org") == true, "a missing name is not told")
  }

  var report = Report(domain: "example.org")
  report.tls = TLSDescription(version: "TLSv1.3", cipher: "", group: nil, alpn: nil, channelBindings: [])
  report.certificate = description
  let line = report.json(indented: false)
  try hold(isHarmlessLine(line) && StrictJSON(line) != nil, "the report is no harmless line of JSON")
  let text = ReportText(
    report: report, terminal: Terminal(isOutputTerminal: false, isErrorTerminal: false, colours: false))
  for line in text.connect.utf8.split(separator: 0x0A) {
    try hold(isHarmless(line), "a line of the report is not harmless")
  }
}
