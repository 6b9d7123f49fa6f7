import COpenSSL
import TestSupport

@testable import XMPP
@testable import xmppctl

/// DNS: the input is read as a message, and once more as the records behind a good header. What is read can be written
/// plainly and is read again the same.
@Sendable func checkDNS(_ input: [UInt8]) throws {
  for type in [DNSType.srv, .a, .aaaa, .cname] {
    guard let name = DNSName("_xmpp-client._tcp.example.org") else { return }
    let question = DNSQuestion(name: name, type: type)
    let asked = question.message(id: 0x1234, edns: false)
    // The question back as an answer with as many records as the first byte says.
    let framed = asked[..<2] + [0x81, 0x80, 0, 1, 0, input.first ?? 0] + asked[8...] + input.dropFirst()
    for bytes in [input[...], framed] {
      guard case .answer(let code, let records) = DNSReply(bytes, to: question, id: 0x1234) else { continue }
      try hold(code < 16, "response code \(code)")
      // Each record has at least eleven bytes.
      try hold(records.count <= bytes.count / 11, "more records than there can be")
      var plain = Array(
        asked[..<2] + [0x81, 0x80, 0, 1, UInt8(records.count >> 8), UInt8(records.count & 0xFF)] + asked[8...]
      )
      for record in records { try append(record, to: &plain) }
      let again = DNSReply(plain[...], to: question, id: 0x1234)
      try hold(again == .answer(code: 0, records), "records that were written are others")
    }
  }
}

private func append(_ record: DNSRecord, to message: inout [UInt8]) throws {
  func check(_ name: DNSName) throws {
    try hold(1...255 ~= name.wire.count && name.wire.last == 0, "a name of \(name.wire.count) bytes")
    try hold(isHarmless(name.text.utf8), "a name is not harmless")
    if let again = DNSName(name.text), name.text != "." {
      try hold(again == name, "\(name.text) is another name")
    }
  }
  try check(record.owner)
  let type: DNSType
  var data: [UInt8]
  switch record.content {
  case .address(let address):
    type = address.family == .v4 ? .a : .aaaa
    data = address.bytes
    try hold(IPAddress(address.text) == address, "\(address.text) is another address")
  case .alias(let name):
    try check(name)
    type = .cname
    data = name.wire
  case .service(let service):
    type = .srv
    data = [service.priority, service.weight, service.port].flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    // A target with bytes that no host name has stands there escaped, and stays so.
    data += DNSName(service.target)?.wire ?? unescaped(service.target)
  }
  message += record.owner.wire + [0, UInt8(type.rawValue), 0, 1, 0, 0, 0, 0]
  message += [UInt8(data.count >> 8), UInt8(data.count & 0xFF)] + data
}

/// The wire form of a name that was written with `\DDD`.
private func unescaped(_ text: String) -> [UInt8] {
  var wire: [UInt8] = []
  for label in text.utf8.split(separator: UInt8(ascii: ".")) {
    var bytes: [UInt8] = []
    var rest = label[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      bytes.append(UInt8(Substring(rest.prefix(3))) ?? 0)
      rest = rest.dropFirst(3)
    }
    wire += [UInt8(truncatingIfNeeded: bytes.count)] + bytes
  }
  return wire + [0]
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
