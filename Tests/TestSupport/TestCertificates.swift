import COpenSSL
import Foundation

/// Keys and certificates made on the spot, in a folder that goes away with this object.
public final class TestCertificates: @unchecked Sendable {
  /// The folder of all files; it stays as long as this object or one of its certificates does.
  public var folder: URL { home.url }
  /// The authority that tests trust.
  public let authority: Issued
  private let home: TemporaryFolder
  private let lock = NSLock()
  private var serial = 1

  /// Makes the folder and an authority.
  public init(authority name: String = "Test CA") throws {
    home = try TemporaryFolder()
    authority = try TestCertificates.make(Request(commonName: name, isAuthority: true), nil, 1, home)
  }

  /// A name for a subjectAltName.
  public enum Name: Sendable {
    case dns(String)
    case srv(String)
    case xmppAddress(String)
    case ip([UInt8])
    /// A dNSName of any bytes.
    case rawDNS([UInt8])
  }

  /// The kind of key, and with it of signature.
  public enum Key: Sendable { case p256, ed25519, rsa, rsaPSS, rsa1024 }

  /// What a certificate shall be like.
  public struct Request: Sendable {
    /// The subject is this common name alone.
    public var commonName: String
    /// The subjectAltName; none makes no such extension.
    public var names: [Name]
    /// The subject's key.
    public var key = Key.p256
    /// Seconds from now.
    public var validFrom = -3600
    /// Seconds from now.
    public var validTo = 90 * 86400
    /// Whether it may issue others.
    public var isAuthority = false
    /// The extendedKeyUsage, such as `serverAuth`.
    public var extendedKeyUsage: String?
    /// The hash of the issuer's signature.
    public var hash = "SHA256"
    /// The nameConstraints of an authority, such as `permitted;DNS:example.org`.
    public var nameConstraints: String?

    /// A certificate for 90 days from an hour ago, if nothing else is said.
    public init(
      commonName: String = "leaf", _ names: [Name] = [], key: Key = .p256, validFrom: Int = -3600,
      validTo: Int = 90 * 86400, isAuthority: Bool = false, extendedKeyUsage: String? = nil,
      hash: String = "SHA256", nameConstraints: String? = nil
    ) {
      self.commonName = commonName
      self.names = names
      self.key = key
      self.validFrom = validFrom
      self.validTo = validTo
      self.isAuthority = isAuthority
      self.extendedKeyUsage = extendedKeyUsage
      self.hash = hash
      self.nameConstraints = nameConstraints
    }
  }

  /// A certificate with its key, as PEM files.
  public final class Issued: @unchecked Sendable {
    /// PEM: the certificate, then its issuers without the root.
    public let certificate: String
    /// PEM: the key.
    public let key: String
    fileprivate let x509: OpaquePointer
    fileprivate let pkey: OpaquePointer
    fileprivate let chain: [OpaquePointer]
    private let home: TemporaryFolder

    fileprivate init(
      _ x509: OpaquePointer, _ pkey: OpaquePointer, _ chain: [OpaquePointer], _ certificate: String,
      _ key: String, _ home: TemporaryFolder
    ) {
      self.home = home
      (self.x509, self.pkey, self.chain) = (x509, pkey, chain)
      (self.certificate, self.key) = (certificate, key)
      for issuer in chain { X509_up_ref(issuer) }
    }

    deinit {
      for issuer in chain { X509_free(issuer) }
      X509_free(x509)
      EVP_PKEY_free(pkey)
    }

    /// The DER bytes of the certificate.
    public var der: [UInt8] {
      var bytes: UnsafeMutablePointer<UInt8>?
      let count = i2d_X509(x509, &bytes)
      defer { CRYPTO_free(bytes, #file, #line) }
      return Array(UnsafeBufferPointer(start: bytes, count: Int(max(0, count))))
    }
  }

  /// The PEM file of the authority, for `--cacert`.
  public var authorityFile: String { authority.certificate }

  /// A certificate of `issuer`, by default the authority.
  public func issue(_ request: Request, by issuer: Issued? = nil) throws -> Issued {
    try TestCertificates.make(request, issuer ?? authority, nextSerial(), home)
  }

  /// A usual server certificate for a domain.
  public func leaf(_ domain: String, key: Key = .p256) throws -> Issued {
    try issue(Request(commonName: domain, [.dns(domain)], key: key))
  }

  /// A certificate that signs itself.
  public func selfSigned(_ request: Request) throws -> Issued {
    try TestCertificates.make(request, nil, nextSerial(), home)
  }

  /// A file of this folder with some text.
  public func file(_ name: String, _ text: String) throws -> String {
    let path = folder.appendingPathComponent(name).path
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// A copy of a key under a passphrase.
  public func encrypted(_ issued: Issued, passphrase: String) throws -> String {
    let path = folder.appendingPathComponent("encrypted-\(nextSerial()).key").path
    let bio = BIO_new_file(path, "w")
    defer { BIO_free(bio) }
    let bytes = Array(passphrase.utf8)
    try check(
      PEM_write_bio_PKCS8PrivateKey(
        bio, issued.pkey, EVP_aes_256_cbc(), passphrase, Int32(bytes.count), nil, nil))
    return path
  }

  private func nextSerial() -> Int {
    lock.withLock {
      serial += 1
      return serial
    }
  }
}

/// OpenSSL refused to make something.
public struct OpenSSLFailure: Error {
  /// OpenSSL's reason.
  public let message: String
}

extension TestCertificates {
  private static func make(_ request: Request, _ issuer: Issued?, _ serial: Int, _ home: TemporaryFolder)
    throws
    -> Issued
  {
    guard let x509 = X509_new() else { throw OpenSSLFailure(message: "X509_new") }
    let pkey = try makeKey(request.key)
    try check(X509_set_version(x509, 2))
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial)
    X509_gmtime_adj(X509_getm_notBefore(x509), request.validFrom)
    X509_gmtime_adj(X509_getm_notAfter(x509), request.validTo)
    try check(
      X509_NAME_add_entry_by_txt(
        X509_get_subject_name(x509), "CN", 0x1000 /* MBSTRING_UTF8 */, request.commonName, -1, -1, 0))
    try check(X509_set_issuer_name(x509, X509_get_subject_name(issuer?.x509 ?? x509)))
    try check(X509_set_pubkey(x509, pkey))
    try addExtensions(to: x509, request)
    try sign(x509, with: issuer?.pkey ?? pkey, request.hash, pss: request.key == .rsaPSS && issuer == nil)

    let base = home.url.appendingPathComponent("\(serial)").path
    let chain = issuer.map { $0.chain.isEmpty && isSelfIssued($0.x509) ? [] : [$0.x509] + $0.chain } ?? []
    try writeCertificates([x509] + chain, to: base + ".crt")
    try writeKey(pkey, to: base + ".key")
    return Issued(x509, pkey, chain, base + ".crt", base + ".key", home)
  }

  private static func isSelfIssued(_ x509: OpaquePointer) -> Bool {
    X509_NAME_cmp(X509_get_subject_name(x509), X509_get_issuer_name(x509)) == 0
  }

  private static func makeKey(_ kind: Key) throws -> OpaquePointer {
    let type =
      switch kind {
      case .p256: EVP_PKEY_EC
      case .ed25519: EVP_PKEY_ED25519
      case .rsa, .rsa1024: EVP_PKEY_RSA
      case .rsaPSS: EVP_PKEY_RSA_PSS
      }
    let context = EVP_PKEY_CTX_new_id(type, nil)
    defer { EVP_PKEY_CTX_free(context) }
    try check(EVP_PKEY_keygen_init(context))
    switch kind {
    case .p256: try check(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1))
    case .rsa, .rsaPSS: try check(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048))
    case .rsa1024: try check(EVP_PKEY_CTX_set_rsa_keygen_bits(context, 1024))
    case .ed25519: break
    }
    var key: OpaquePointer?
    try check(EVP_PKEY_keygen(context, &key))
    guard let key else { throw OpenSSLFailure(message: "EVP_PKEY_keygen") }
    return key
  }

  private static func sign(_ x509: OpaquePointer, with key: OpaquePointer, _ hash: String, pss: Bool) throws {
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    var keyContext: OpaquePointer?
    let isEdwards = EVP_PKEY_get_id(key) == EVP_PKEY_ED25519
    let digest = isEdwards ? nil : EVP_get_digestbyname(hash)
    try check(EVP_DigestSignInit(context, &keyContext, digest, nil, key))
    if pss { try check(EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING)) }
    try check(X509_sign_ctx(x509, context))
  }

  private static func addExtensions(to x509: OpaquePointer, _ request: Request) throws {
    if request.isAuthority {
      try add("CA:TRUE", NID_basic_constraints, to: x509, critical: true)
      try add("keyCertSign,cRLSign", NID_key_usage, to: x509, critical: true)
    } else {
      try add("CA:FALSE", NID_basic_constraints, to: x509, critical: false)
    }
    if let usage = request.extendedKeyUsage { try add(usage, NID_ext_key_usage, to: x509, critical: false) }
    if let constraints = request.nameConstraints {
      try add(constraints, NID_name_constraints, to: x509, critical: true)
    }
    guard !request.names.isEmpty else { return }
    guard let names = OPENSSL_sk_new_null() else { throw OpenSSLFailure(message: "OPENSSL_sk_new_null") }
    defer { GENERAL_NAMES_free(names) }
    for name in request.names { OPENSSL_sk_push(names, try generalName(name)) }
    try check(X509_add1_ext_i2d(x509, NID_subject_alt_name, UnsafeMutableRawPointer(names), 0, 0))
  }

  private static func add(_ value: String, _ nid: Int32, to x509: OpaquePointer, critical: Bool) throws {
    let text = (critical ? "critical," : "") + value
    guard let ext = X509V3_EXT_conf_nid(nil, nil, nid, text) else {
      throw OpenSSLFailure(message: "extension \(value)")
    }
    defer { X509_EXTENSION_free(ext) }
    try check(X509_add_ext(x509, ext, -1))
  }

  private static func generalName(_ name: Name) throws -> UnsafeMutablePointer<GENERAL_NAME> {
    guard let result = GENERAL_NAME_new() else { throw OpenSSLFailure(message: "GENERAL_NAME_new") }
    func string(_ type: Int32, _ bytes: [UInt8]) -> UnsafeMutablePointer<ASN1_STRING>? {
      let string = ASN1_STRING_type_new(type)
      ASN1_STRING_set(string, bytes, Int32(bytes.count))
      return string
    }
    func other(_ nid: Int32, _ type: Int32, _ text: String) throws {
      let value = ASN1_TYPE_new()
      ASN1_TYPE_set(value, type, string(type, Array(text.utf8)))
      try check(GENERAL_NAME_set0_othername(result, OBJ_nid2obj(nid), value))
    }
    switch name {
    case .dns(let text): GENERAL_NAME_set0_value(result, GEN_DNS, string(V_ASN1_IA5STRING, Array(text.utf8)))
    case .rawDNS(let bytes): GENERAL_NAME_set0_value(result, GEN_DNS, string(V_ASN1_IA5STRING, bytes))
    case .ip(let bytes): GENERAL_NAME_set0_value(result, GEN_IPADD, string(V_ASN1_OCTET_STRING, bytes))
    case .srv(let text): try other(NID_SRVName, V_ASN1_IA5STRING, text)
    case .xmppAddress(let text): try other(NID_XmppAddr, V_ASN1_UTF8STRING, text)
    }
    return result
  }

  private static func writeCertificates(_ certificates: [OpaquePointer], to path: String) throws {
    let bio = BIO_new_file(path, "w")
    defer { BIO_free(bio) }
    for certificate in certificates { try check(PEM_write_bio_X509(bio, certificate)) }
  }

  private static func writeKey(_ key: OpaquePointer, to path: String) throws {
    let bio = BIO_new_file(path, "w")
    defer { BIO_free(bio) }
    chmod(path, 0o600)
    try check(PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil))
  }
}

/// Throws OpenSSL's reason where a call did not give at least 1.
func check(_ result: Int32, line: Int = #line) throws {
  guard result < 1 else { return }
  let code = ERR_peek_last_error()
  ERR_clear_error()
  let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "unknown"
  throw OpenSSLFailure(message: "\(text) (line \(line))")
}
