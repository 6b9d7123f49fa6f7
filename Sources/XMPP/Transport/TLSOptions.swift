import COpenSSL

/// What the user wants of TLS, beyond the domain.
public struct TLSOptions: Sendable {
  /// The oldest version of TLS to accept.
  public enum Version: String, Sendable, CaseIterable {
    case tls12 = "1.2"
    case tls13 = "1.3"
  }

  /// The oldest version of TLS to accept.
  public var minimumVersion = Version.tls12
  /// Whom to believe about names.
  public var trust = Trust.system
  /// What to show a server that asks who we are.
  public var clientCertificate: ClientCertificate?
  /// Public keys of which the server must have one; none given, any key will do. They hold with `insecure`
  /// too.
  public var pins: [PublicKeyPin] = []
  /// Whether to go on with a certificate that does not verify.
  public var insecure = false

  /// The defaults: TLS 1.2 or newer, the system's trust store, everything verified.
  public init() {}
}

/// A public key to insist on, as curl's `--pinnedpubkey` has it.
public struct PublicKeyPin: Sendable, Equatable {
  /// SHA-256 of the SubjectPublicKeyInfo.
  let sha256: [UInt8]

  /// - Parameter text: `sha256//` and 32 bytes in base64.
  /// - Throws: `.usage` for anything else.
  public init(_ text: String) throws(Failure) {
    let prefix = "sha256//"
    let encoded = Array(text.utf8.dropFirst(prefix.utf8.count))
    var decoded = [UInt8](repeating: 0, count: 33)
    guard text.utf8.starts(with: prefix.utf8), encoded.count == 44,
      EVP_DecodeBlock(&decoded, encoded, 44) == 33,
      base64(Array(decoded.prefix(32))).utf8.elementsEqual(encoded)
    else {
      throw Failure(
        .usage, "invalid-pin", "a pin is sha256// and the base64 of 32 bytes, not \(text)", status: .usage)
    }
    sha256 = Array(decoded.prefix(32))
  }
}

/// The certificate, and its key, with which a client shows who it is (SASL EXTERNAL, XEP-0178).
///
/// It never changes, and OpenSSL counts references atomically, so it may be shared.
public final class ClientCertificate: @unchecked Sendable {
  private let chain: [Certificate]
  private let key: OpaquePointer

  /// Reads both from PEM files.
  ///
  /// - Parameters:
  ///   - file: the certificate, followed by those of its issuers that a server may lack.
  ///   - keyFile: the key; `nil` where it is in `file` too.
  ///   - passphrase: the UTF-8 bytes that open an encrypted key.
  /// - Throws: `.noInput` where a file cannot be read, `.data` where it does not hold what it should.
  public init(file: String, keyFile: String? = nil, passphrase: [UInt8]? = nil) throws(Failure) {
    let own = try PEMFile(path: file)
    chain = try own.certificates()
    let keys = if let keyFile { try PEMFile(path: keyFile) } else { own }
    key = try keys.privateKey(passphrase: passphrase)
    guard let leaf = chain.first, X509_check_private_key(leaf.handle, key) == 1 else {
      ERR_clear_error()
      throw Failure(
        .input, "key-mismatch", "the key in \(keys.path) does not belong to the certificate in \(file)",
        status: .data)
    }
  }

  deinit { EVP_PKEY_free(key) }

  /// The identities it names; the JIDs are those of kind `xmppAddress`.
  public var names: [CertificateName] { chain.first?.names ?? [] }

  /// Makes it the one a connection shows.
  func install(in context: OpaquePointer) throws(Failure) {
    guard let leaf = chain.first, SSL_CTX_use_certificate(context, leaf.handle) == 1,
      SSL_CTX_use_PrivateKey(context, key) == 1,
      chain.dropFirst().allSatisfy({ ssl_ctx_add1_chain_cert(context, $0.handle) == 1 })
    else {
      let reason = TLSError.take().text
      throw Failure(
        .input, "invalid-certificate", "the client certificate cannot be used: \(reason)", status: .data)
    }
  }
}
