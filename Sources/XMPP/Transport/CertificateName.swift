import Glibc

/// One identity out of a certificate's subjectAltName. The common name is none of them (RFC 9525 §2).
public struct CertificateName: Sendable, Equatable {
  /// The kind of identity; the raw value is the word of the reports.
  public enum Kind: String, Sendable {
    /// A dNSName: DNS-ID.
    case dns
    /// An SRVName (RFC 4985): SRV-ID, such as `_xmpp-client.example.org`.
    case srv
    /// An id-on-xmppAddr (RFC 6120 §13.7.1.4): a JID.
    case xmppAddress = "xmpp-addr"
    /// An iPAddress in its usual spelling.
    case ip
  }

  /// What kind of identity it is.
  public let kind: Kind
  /// The identity as the certificate has it. It may hold anything; who prints it escapes it.
  public let value: String

  /// A name of a certificate.
  public init(_ kind: Kind, _ value: String) {
    self.kind = kind
    self.value = value
  }

  /// `dns:example.org`, as `matched` in a report.
  public var description: String { "\(kind.rawValue):\(value)" }

  /// Whether it is a certificate's word for `reference` (RFC 6120 §13.7, RFC 9525 §6).
  ///
  /// - Parameter reference: the domain of the address as A-labels, or an IP address literal.
  public func matches(_ reference: String, for service: XMPPService) -> Bool {
    if let address = IPAddress(reference) {
      return kind == .ip && IPAddress(value) == address
    }
    guard let reference = HostLabels(reference), let own = ownLabels(for: service) else { return false }
    if own == reference { return true }
    return kind == .dns && own.isWildcard(for: reference)
  }

  /// The labels to compare; `nil` where the name is for another service or cannot name a host.
  private func ownLabels(for service: XMPPService) -> HostLabels? {
    switch kind {
    case .dns, .xmppAddress: return HostLabels(value)
    case .srv:
      let label = Array(service.certificateLabel.utf8)
      guard let all = HostLabels(value), all.labels.first == label else { return nil }
      return HostLabels(labels: all.labels.dropFirst())
    case .ip: return nil
    }
  }
}

/// A subtree of DNS names in a name constraint (RFC 5280 §4.2.1.10): a name and every name below it.
struct DomainSubtree {
  private let labels: [[UInt8]]
  private let includesApex: Bool

  /// Reads a constraint: empty for all names; `.example.org`, which the RFC does not define for DNS names, for those
  /// below it only, as OpenSSL reads it. `nil` for what is not a name.
  init?(_ constraint: String) {
    includesApex = constraint.utf8.first != UInt8(ascii: ".")
    let name = includesApex ? constraint[...] : constraint.dropFirst()
    guard !name.isEmpty else {
      labels = []
      return
    }
    guard let name = HostLabels(String(name)) else { return nil }
    labels = name.labels
  }

  /// Whether a domain is in it. What is not a DNS name is in none.
  func contains(_ domain: String) -> Bool {
    guard let all = HostLabels(domain)?.labels else { return false }
    return all.count >= labels.count + (includesApex ? 0 : 1)
      && all.suffix(labels.count).elementsEqual(labels)
  }
}

/// A DNS name as its labels in lower case, to compare byte by byte.
///
/// Only printable ASCII is a name here: NUL, spaces, and anything that a C string or Unicode would read in
/// another way, match nothing.
private struct HostLabels: Equatable {
  let labels: [[UInt8]]

  init?(_ name: String) {
    guard
      name.utf8.allSatisfy({
        (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "@") && $0 != UInt8(ascii: "/")
      })
    else { return nil }
    let lowered = name.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
    self.init(
      labels: lowered.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)[
        ...])
  }

  init?(labels: ArraySlice<[UInt8]>) {
    guard !labels.isEmpty, labels.allSatisfy({ !$0.isEmpty }) else { return nil }
    self.labels = Array(labels)
  }

  /// `*.example.org` stands for exactly one label, and never for everything below a top-level domain (RFC
  /// 9525 §6.3).
  func isWildcard(for reference: HostLabels) -> Bool {
    labels.count >= 3 && labels.first == [UInt8(ascii: "*")]
      && reference.labels.count == labels.count
      && reference.labels.dropFirst().elementsEqual(labels.dropFirst())
  }
}
