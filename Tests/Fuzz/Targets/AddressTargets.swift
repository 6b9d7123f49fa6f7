import TestSupport

@testable import XMPP

/// Addresses: what is prepared is prepared, its parts are within the limits, and it is the same address however it is
/// written: as itself, by its A-labels, in a URI.
@Sendable func checkJID(_ input: [UInt8]) throws {
  let text = String(decoding: input, as: UTF8.self)
  if case .success(let jid) = try attempt({ try JID(parsing: text) }) { try check(jid) }
  if case .success(let uri) = try attempt({ try XMPPURI(parsing: text) }) {
    for jid in [uri.account, uri.address].compactMap(\.self) { try check(jid) }
  }
  for preparation in [Preparation.nodeprep, .resourceprep, .saslprep] {
    guard case .prepared(let once) = preparation.prepare(input, limit: 1023) else { continue }
    try hold(once.count <= 1023, "\(preparation) lets \(once.count) bytes pass")
    try hold(String(validating: once, as: UTF8.self) != nil, "\(preparation) gives no UTF-8")
  }
}

private func check(_ jid: JID) throws {
  let full = jid.full
  guard case .success(let again) = try attempt({ try JID(parsing: full) }) else {
    throw BrokenProperty(description: "not an address any more: \(full.debugDescription)")
  }
  try hold(
    again == jid && again.full.isSame(as: full),
    "\(full.debugDescription) becomes \(again.full.debugDescription)")
  try hold(again.hashValue == jid.hashValue, "equal addresses have different hashes")
  try hold(again.asciiDomain.isSame(as: jid.asciiDomain), "\(jid.asciiDomain) becomes \(again.asciiDomain)")
  for part in [jid.localpart, jid.domainpart, jid.resourcepart].compactMap(\.self) {
    try hold(1...1023 ~= part.utf8.count, "a part of \(part.utf8.count) bytes")
    try hold(!part.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }, "a control in a part")
  }
  try hold(
    jid.asciiDomain.utf8.allSatisfy { 0x21...0x7E ~= $0 && !(0x41...0x5A ~= $0) },
    "\(jid.asciiDomain) is not ASCII")
  guard case .success(let encoded) = try attempt({ try JID(parsing: jid.asciiDomain) }) else {
    throw BrokenProperty(description: "\(jid.asciiDomain) is no domain")
  }
  try hold(encoded == jid.domain, "\(jid.asciiDomain) is \(encoded), not \(jid.domain)")

  try hold(
    jid.bare.isBare && jid.bare.domain == jid.domain && jid.domain.localpart == nil,
    "a bare address is not bare")
  if let resource = jid.resourcepart {
    try hold(try jid.bare.with(resourcepart: resource) == jid, "another address by its own resource")
  }
  let uri =
    "xmpp:"
    + [
      jid.localpart.map { escaped($0) + "@" } ?? "", escaped(jid.domainpart),
      jid.resourcepart.map { "/" + escaped($0) } ?? "",
    ].joined()
  guard case .success(let target) = try attempt({ try JID(target: uri) }) else {
    throw BrokenProperty(description: "no URI: \(uri)")
  }
  try hold(target == jid, "\(uri) is \(target)")
}

/// Percent-encoded, every byte of it.
private func escaped(_ text: String) -> String {
  text.utf8.map { "%" + (String($0, radix: 16).utf8.count < 2 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// A certificate's name against a reference: input is a kind (`d`, `s`, `x`, `i`), the name, a line end, the reference. It
/// matches only where every label but a wildcard is the same ASCII, whatever the case.
@Sendable func checkCertificateName(_ input: [UInt8]) throws {
  let (first, second) = cut(input)
  let kinds: [UInt8: CertificateName.Kind] = [0x64: .dns, 0x73: .srv, 0x78: .xmppAddress, 0x69: .ip]
  guard let letter = first.first, let kind = kinds[letter] else { return }
  let name = CertificateName(kind, String(decoding: first.dropFirst(), as: UTF8.self))
  let reference = String(decoding: second, as: UTF8.self)
  for service in XMPPService.allCases where name.matches(reference, for: service) {
    let loud = String(decoding: second.map { 0x61...0x7A ~= $0 ? $0 & 0xDF : $0 }, as: UTF8.self)
    try hold(name.matches(loud, for: service), "the case of \(reference) counts")
    for byte in [0, 0x2E, 0x61, 0xC3] as [UInt8] {
      try hold(
        !name.matches(String(decoding: second + [byte, 0x62], as: UTF8.self), for: service),
        "\(name.description) matches more than \(reference)")
    }
    if kind == .ip || IPAddress(reference) != nil {
      try hold(
        kind == .ip && IPAddress(name.value) == IPAddress(reference),
        "an address is not matched by an address")
      continue
    }
    var own = name.value.utf8.map(asciiLowercased).split(separator: 0x2E, omittingEmptySubsequences: false)
      .map(Array.init)
    if kind == .srv {
      try hold(own.removeFirst() == Array(service.certificateLabel.utf8), "another service's name matches")
    }
    let wanted = second.map(asciiLowercased).split(separator: 0x2E, omittingEmptySubsequences: false).map(
      Array.init)
    try hold(
      own.count == wanted.count && own.dropFirst() == wanted.dropFirst(),
      "\(name.description) matches \(reference)")
    let isWildcard = own[0] == [0x2A] && own.count > 2 && kind == .dns
    try hold(own[0] == wanted[0] || isWildcard, "\(name.description) matches \(reference)")
    try hold(wanted.joined().allSatisfy { 0x21...0x7E ~= $0 }, "a strange byte matches")
  }
}
