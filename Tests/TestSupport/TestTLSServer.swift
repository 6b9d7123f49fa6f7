import COpenSSL
import Foundation

/// How a scripted server speaks TLS.
public struct TestTLSServer: Sendable {
  /// What it answers to the client's protocols (ALPN).
  public enum Protocols: Sendable {
    /// Chooses none.
    case none
    /// Chooses this one, offered or not.
    case choose(String)
    /// Refuses with the alert no_application_protocol.
    case refuse
  }

  /// A version of TLS.
  public enum Version: Sendable { case tls10, tls11, tls12, tls13 }

  /// What it shows, with its key.
  public var certificate: TestCertificates.Issued
  /// The oldest version it takes.
  public var oldest = Version.tls12
  /// The newest version it takes.
  public var newest = Version.tls13
  /// What it makes of ALPN.
  public var protocols = Protocols.none
  /// Whether it sends session tickets.
  public var sendsTickets = true
  /// Whether it asks for a client certificate; any will do, also none.
  public var asksForCertificate = false
  /// Whether it ends the handshake with a client that shows none.
  public var requiresCertificate = false
  /// Whether it offers the extended master secret (RFC 7627).
  public var hasExtendedMasterSecret = true
  /// Bytes of the handshake to send at once, and seconds to wait between; `nil` sends all.
  public var dribble: (count: Int, seconds: Double)?

  /// A server with TLS 1.2 and 1.3.
  public init(_ certificate: TestCertificates.Issued) { self.certificate = certificate }

  /// OpenSSL's `SSL_CTX *`, owned by the caller.
  func makeContext() throws -> OpaquePointer {
    guard let context = SSL_CTX_new(TLS_server_method()) else { throw OpenSSLFailure(message: "SSL_CTX_new") }
    // Old versions and short keys are for tests to offer.
    SSL_CTX_set_security_level(context, 0)
    try check(SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0"))
    try check(ssl_ctx_set_min_proto_version(context, number(oldest)))
    try check(ssl_ctx_set_max_proto_version(context, number(newest)))
    try check(SSL_CTX_use_certificate_chain_file(context, certificate.certificate))
    try check(SSL_CTX_use_PrivateKey_file(context, certificate.key, SSL_FILETYPE_PEM))
    if !sendsTickets {
      SSL_CTX_set_options(context, ssl_op_no_ticket)
      SSL_CTX_set_num_tickets(context, 0)
    }
    if !hasExtendedMasterSecret { SSL_CTX_set_options(context, ssl_op_no_extended_master_secret) }
    if asksForCertificate || requiresCertificate {
      let mode = SSL_VERIFY_PEER | (requiresCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
      SSL_CTX_set_verify(context, mode, nil)
      SSL_CTX_set_cert_verify_callback(context, { _, _ in 1 }, nil)
    }
    return context
  }

  private func number(_ version: Version) -> Int32 {
    switch version {
    case .tls10: TLS1_VERSION
    case .tls11: TLS1_1_VERSION
    case .tls12: TLS1_2_VERSION
    case .tls13: TLS1_3_VERSION
    }
  }
}

/// The server's half of a TLS session, over memory: what comes from the socket is put in, what is to be sent
/// is taken out.
final class TestTLSEngine {
  enum Step { case done, needsInput }

  private let context: OpaquePointer
  private let ssl: OpaquePointer
  private let input: OpaquePointer
  private let output: OpaquePointer
  private let choice: ProtocolChoice

  init(_ server: TestTLSServer) throws {
    context = try server.makeContext()
    choice = ProtocolChoice(server.protocols)
    guard let ssl = SSL_new(context), let input = BIO_new(BIO_s_mem()), let output = BIO_new(BIO_s_mem())
    else {
      throw OpenSSLFailure(message: "SSL_new")
    }
    (self.ssl, self.input, self.output) = (ssl, input, output)
    SSL_set_bio(ssl, input, output)
    SSL_set_accept_state(ssl)
    SSL_CTX_set_alpn_select_cb(context, chooseProtocol, Unmanaged.passUnretained(choice).toOpaque())
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Ciphertext from the client.
  func put(_ bytes: [UInt8]) { BIO_write(input, bytes, Int32(bytes.count)) }

  /// Ciphertext for the client.
  func take() -> [UInt8] {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = BIO_read(output, &piece, Int32(piece.count))
      guard count > 0 else { return all }
      all += piece.prefix(Int(count))
    }
  }

  func handshake() throws -> Step {
    ERR_clear_error()
    return try step(SSL_do_handshake(ssl))
  }

  /// Plaintext from the client; `nil` when it said goodbye.
  func read() throws -> [UInt8]? {
    var all: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16384)
    while true {
      ERR_clear_error()
      let count = SSL_read(ssl, &piece, Int32(piece.count))
      if count <= 0 {
        if SSL_get_error(ssl, count) == SSL_ERROR_ZERO_RETURN { return all.isEmpty ? nil : all }
        _ = try step(count)
        return all
      }
      all += piece.prefix(Int(count))
    }
  }

  /// Whether the client's goodbye has come, by itself or behind what was read last.
  var saidGoodbye: Bool { SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0 }

  func write(_ bytes: [UInt8]) throws {
    guard !bytes.isEmpty else { return }
    ERR_clear_error()
    try check(SSL_write(ssl, bytes, Int32(bytes.count)))
  }

  func close() { SSL_shutdown(ssl) }

  /// New keys for this direction, and the request for new ones in the other (TLS 1.3).
  func updateKeys() throws {
    try check(SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED))
    try check(SSL_do_handshake(ssl))
  }

  /// Asks for a new handshake (TLS 1.2).
  func renegotiate() throws {
    try check(SSL_renegotiate(ssl))
    try check(SSL_do_handshake(ssl))
  }

  /// What the handshake agreed on.
  var agreed: ScriptedPeer.Session {
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &name, &count)
    return ScriptedPeer.Session(
      serverName: SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) },
      offeredProtocols: choice.offered,
      alpn: name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self) },
      version: String(cString: SSL_get_version(ssl)), clientCertificate: clientCertificate,
      tlsUnique: binding(SSL_get_peer_finished), tlsExporter: exporter)
  }

  private var clientCertificate: [UInt8]? {
    guard let x509 = SSL_get1_peer_certificate(ssl) else { return nil }
    defer { X509_free(x509) }
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(x509, &bytes)
    defer { CRYPTO_free(bytes, #file, #line) }
    return Array(UnsafeBufferPointer(start: bytes, count: Int(max(0, count))))
  }

  private var exporter: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 32)
    let label = "EXPORTER-Channel-Binding"
    let done = SSL_export_keying_material(ssl, &bytes, 32, label, label.utf8.count, [], 0, 1)
    return done == 1 ? bytes : []
  }

  private func binding(_ source: (OpaquePointer?, UnsafeMutableRawPointer?, Int) -> Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = source(ssl, &bytes, bytes.count)
    return Array(bytes.prefix(min(count, bytes.count)))
  }

  private func step(_ result: Int32) throws -> Step {
    if result == 1 { return .done }
    if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .needsInput }
    try check(result)
    return .done
  }
}

private final class ProtocolChoice {
  let wanted: TestTLSServer.Protocols
  var offered: [String] = []
  /// What OpenSSL looks at after the choice was made.
  let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: 255)

  init(_ wanted: TestTLSServer.Protocols) { self.wanted = wanted }

  deinit { memory.deallocate() }
}

private func chooseProtocol(
  _: OpaquePointer?, _ out: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
  _ outLength: UnsafeMutablePointer<UInt8>?, _ list: UnsafePointer<UInt8>?, _ length: UInt32,
  _ context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let context else { return SSL_TLSEXT_ERR_NOACK }
  let choice = Unmanaged<ProtocolChoice>.fromOpaque(context).takeUnretainedValue()
  var rest = Array(UnsafeBufferPointer(start: list, count: Int(length)))[...]
  while let count = rest.popFirst() {
    choice.offered.append(String(decoding: rest.prefix(Int(count)), as: UTF8.self))
    rest = rest.dropFirst(Int(count))
  }
  switch choice.wanted {
  case .none: return SSL_TLSEXT_ERR_NOACK
  case .refuse: return SSL_TLSEXT_ERR_ALERT_FATAL
  case .choose(let name):
    let bytes = Array(name.utf8.prefix(255))
    choice.memory.update(from: bytes, count: bytes.count)
    out?.pointee = UnsafePointer(choice.memory)
    outLength?.pointee = UInt8(bytes.count)
    return SSL_TLSEXT_ERR_OK
  }
}
