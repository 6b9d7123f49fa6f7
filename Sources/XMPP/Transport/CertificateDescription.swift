/// One certificate, as a report tells of it. Names may hold anything; who prints them escapes them.
public struct CertificateSummary: Sendable, Equatable {
  /// The subject on one line (RFC 2253).
  public let subject: String
  /// The issuer on one line (RFC 2253).
  public let issuer: String
  /// The start of validity; seconds since 1970.
  public let notBefore: Int64
  /// The end of validity; seconds since 1970.
  public let notAfter: Int64
  /// SHA-256 of the whole certificate; hexadecimal.
  public let sha256: String
}

/// A server's certificate and what was made of it.
public struct CertificateDescription: Sendable, Equatable {
  /// The certificate itself.
  public let leaf: CertificateSummary
  /// The identities of its subjectAltName.
  public let names: [CertificateName]
  /// SHA-256 of the public key (SubjectPublicKeyInfo), base64: what a pin holds.
  public let spkiSHA256: String
  /// Whole days until the first certificate of the verified chain expires; negative afterwards.
  public let daysLeft: Int64
  /// The subject of that certificate, unless it is the server's own.
  public let expiresFirst: String?
  /// What the server sent, the leaf first.
  public let chain: [CertificateSummary]
  /// The name it was held against.
  public let reference: String
  /// The name that matched, such as `dns:example.org`.
  public let matched: String?
  /// Whether it is trusted: the chain, the dates, the name and the pins.
  public let verified: Bool
  /// Why not, as a word: `expired`, `not-yet-valid`, `self-signed`, `unknown-issuer`, `issuer-not-a-ca`,
  /// `invalid-purpose`, `weak-key`, `invalid-certificate`, `name-constraint`, `wrong-name`, `wrong-pin`.
  public let reason: String?
  /// Why not, as a sentence.
  public let message: String?
}

/// What a TLS handshake agreed on.
public struct TLSDescription: Sendable, Equatable {
  /// `TLSv1.2` or `TLSv1.3`.
  public let version: String
  /// The cipher suite as OpenSSL names it.
  public let cipher: String
  /// The group of the key exchange.
  public let group: String?
  /// The protocol the server chose; `nil` where it chose none.
  public let alpn: String?
  /// The channel bindings this session can give.
  public let channelBindings: [ChannelBindingType]
}
