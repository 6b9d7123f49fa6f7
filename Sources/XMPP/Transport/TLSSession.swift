import COpenSSL
import Glibc

/// One TLS connection of a client, over a connected socket that belongs to somebody else.
///
/// `handshake` comes first and lets no byte of the application pass before the server's certificate is
/// judged. After it, `read` and `write` never wait: they say what to poll for, so one loop can serve both
/// directions. The process must ignore SIGPIPE.
public final class TLSSession {
  /// What one call of `read` or `write` came to.
  public enum Progress: Sendable, Equatable {
    /// So many bytes went through, at least one.
    case bytes(Int)
    /// Nothing yet: call again, with the same bytes when writing, once the socket is readable.
    case wantsRead
    /// Nothing yet: call again, with the same bytes when writing, once the socket is writable.
    case wantsWrite
    /// The server sends no more. `clean`: it said so (close_notify), rather than just ending the TCP
    /// connection.
    case end(clean: Bool)
  }

  /// What the handshake agreed on; `nil` before it.
  public private(set) var description: TLSDescription?
  /// The server's certificate and what was made of it, known also where the handshake then failed because of
  /// it.
  public private(set) var certificate: CertificateDescription?

  /// Whether nothing that came shows that the server speaks TLS here.
  public private(set) var mayBeOtherProtocol = true

  private let context: OpaquePointer
  private let ssl: OpaquePointer
  private let descriptor: Int32
  private let domain: String
  private let service: XMPPService
  private let direct: Bool
  private let options: TLSOptions
  private var isTrusted = false
  /// After a fatal error OpenSSL must not be asked to say goodbye.
  private var isBroken = false

  /// Prepares a session; nothing is sent.
  ///
  /// - Parameters:
  ///   - descriptor: a connected, non-blocking socket, which must outlive the session.
  ///   - domain: the domain of the address as A-labels: both the server name asked for and what the certificate must name.
  ///   - direct: whether TLS begins with the first byte (XEP-0368): then ALPN is sent.
  /// - Throws: where the client certificate cannot be used, or OpenSSL fails.
  public init(
    descriptor: Int32, domain: String, service: XMPPService, direct: Bool, options: TLSOptions
  ) throws(Failure) {
    guard let context = SSL_CTX_new(TLS_client_method()) else { throw outOfMemory }
    do {
      try TLSSession.configure(context, options)
      ssl = try TLSSession.makeSSL(context, descriptor, domain, direct ? service.alpn : nil)
    } catch {
      SSL_CTX_free(context)
      throw error
    }
    self.context = context
    self.descriptor = descriptor
    self.domain = domain
    self.service = service
    self.direct = direct
    self.options = options
  }

  deinit {
    SSL_free(ssl)
    SSL_CTX_free(context)
  }

  /// Shakes hands and judges the server's certificate.
  ///
  /// - Parameter moment: when to give up this endpoint; the waiter's own deadline holds besides.
  /// - Throws: `.tls` where there is no handshake, `.certificate` where there is one with a server not to be trusted (then
  ///   `description` and `certificate` tell what was found, and the session can only be closed), `.timeout`.
  public func handshake(waiter: Waiter, until moment: Deadline = .never) throws(Failure) {
    while true {
      ERR_clear_error()
      switch classify(SSL_connect(ssl)) {
      case .done(_):
        mayBeOtherProtocol = false
        return try judge()
      case .wantsRead: try wait(for: POLLIN, waiter, until: moment)
      case .wantsWrite: try wait(for: POLLOUT, waiter, until: moment)
      case .end(_):
        throw .tls(
          "connection-closed", "the server closed the connection during the TLS handshake",
          remedy: otherMethod)
      case .system(let code):
        throw .tls(
          "connection-lost", "the connection broke during the TLS handshake: \(reason(code))",
          remedy: otherMethod)
      case .failed(let error):
        mayBeOtherProtocol = error.isOtherProtocol
        var failure = error.handshakeFailure(minimum: options.minimumVersion, direct: direct)
        // TLS 1.2 has no alert of its own for a client certificate that is missing.
        if error.alert == "handshake-failure", ssl_wants_client_certificate(ssl) == 1,
          options.clientCertificate == nil
        {
          failure.remedy = .clientCertificate
        }
        throw failure
      }
    }
  }

  /// Reads what has come, without waiting.
  ///
  /// - Throws: `.noConnection` where the connection broke, `.tls` where the server broke the rules of TLS or sent an alert.
  public func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Progress {
    try requireTrust()
    guard !buffer.isEmpty else { return .wantsRead }
    ERR_clear_error()
    return try progress(SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count)))
  }

  /// Sends some of the bytes, without waiting; `.bytes` says how many. After `wantsRead` and `wantsWrite` the
  /// same bytes, or more behind them, must be offered again; they may have moved in memory.
  ///
  /// - Throws: as `read`.
  public func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) -> Progress {
    try requireTrust()
    guard !bytes.isEmpty else { return .bytes(0) }
    ERR_clear_error()
    return try progress(SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count)))
  }

  /// Whether bytes may wait inside the session, of which the socket no longer tells. `read` until it says
  /// `wantsRead`.
  public var hasPending: Bool { SSL_has_pending(ssl) == 1 }

  /// Says goodbye (close_notify) as far as that goes without waiting; the answer is not awaited.
  public func close() {
    guard !isBroken, SSL_is_init_finished(ssl) == 1 else { return }
    isBroken = true
    ERR_clear_error()
    SSL_shutdown(ssl)
    ERR_clear_error()
  }

  /// The bytes that tie a login to this session; `nil` where the session cannot give them.
  public func channelBinding(_ type: ChannelBindingType) -> [UInt8]? {
    guard isTrusted else { return nil }
    return TLSChannelBinding.bytes(type, of: ssl)
  }
}

// MARK: - Handshake

extension TLSSession {
  private static func configure(_ context: OpaquePointer, _ options: TLSOptions) throws(Failure) {
    let oldest = options.minimumVersion == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
    guard ssl_ctx_set_min_proto_version(context, oldest) == 1 else { throw outOfMemory }
    SSL_CTX_set_options(context, ssl_op_no_renegotiation | ssl_op_no_compression)
    // Parts of what is offered may be taken, and a retry may come from another place in memory.
    _ = ssl_ctx_set_mode(context, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
    _ = ssl_ctx_session_cache_off(context)
    ssl_ctx_set_read_ahead(context)
    // The certificate is judged after the handshake and before anything else, so that a report can describe
    // it either way.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    SSL_CTX_set_cert_verify_callback(context, { _, _ in 1 }, nil)
    try options.clientCertificate?.install(in: context)
  }

  private static func makeSSL(
    _ context: OpaquePointer, _ descriptor: Int32, _ domain: String, _ alpn: String?
  ) throws(Failure) -> OpaquePointer {
    guard let ssl = SSL_new(context) else { throw outOfMemory }
    let isAddress = IPAddress(domain) != nil
    let list = alpn.map { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) } ?? []
    guard SSL_set_fd(ssl, descriptor) == 1,
      // A server name is never an address (RFC 6066 §3).
      isAddress || ssl_set_server_name(ssl, domain) == 1,
      list.isEmpty || SSL_set_alpn_protos(ssl, list, UInt32(list.count)) == 0
    else {
      SSL_free(ssl)
      throw .tls("handshake-failed", "TLS cannot ask for a server named \(domain): \(TLSError.take().text)")
    }
    return ssl
  }

  private func wait(for events: Int32, _ waiter: Waiter, until moment: Deadline) throws(Failure) {
    var descriptors = [pollfd(fd: descriptor, events: Int16(events), revents: 0)]
    let doing = "shaking hands over TLS"
    _ = try waiter.wait(for: &descriptors, until: moment, doing: doing)
    // Also when a byte has come: a server that sends one now and then must not keep this going.
    if moment.hasPassed {
      throw Failure(
        .tls, "connect-timeout", "no end of the TLS handshake in time",
        remedy: .longerAttempt(mayBeFiltered: false),
        status: .timeout)
    }
  }

  private func judge() throws(Failure) {
    let agreed = TLSDescription(of: ssl)
    description = agreed
    let verification = CertificateVerification(
      reference: domain, service: service, options: options, securityLevel: SSL_get_security_level(ssl))
    let verdict = try verification.judge(
      certificates(in: SSL_get_peer_cert_chain(ssl)), now: Int64(time(nil)))
    certificate = verdict.description
    if let alpn = agreed.alpn, !direct || alpn != service.alpn {
      throw .tls("no-application-protocol", "the server chose the protocol \(alpn), which was not offered")
    }
    if let failure = verdict.failure { throw failure }
    isTrusted = true
  }

  private var otherMethod: Remedy? { direct ? .method(.starttls, place: nil) : nil }
}

// MARK: - What OpenSSL's results mean

extension TLSSession {
  private enum Outcome {
    case done(Int)
    case wantsRead
    case wantsWrite
    case end(clean: Bool)
    case system(Int32)
    case failed(TLSError)
  }

  /// The one place that looks at `SSL_get_error`; it must directly follow the call.
  private func classify(_ result: Int32) -> Outcome {
    let code = errno
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_NONE: return .done(Int(result))
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return .wantsWrite
    case SSL_ERROR_ZERO_RETURN: return .end(clean: true)
    case SSL_ERROR_SYSCALL:
      isBroken = true
      return code == 0 ? .end(clean: false) : .system(code)
    default:
      isBroken = true
      let error = TLSError.take()
      return error.isEndWithoutNotice ? .end(clean: false) : .failed(error)
    }
  }

  private func progress(_ result: Int32) throws(Failure) -> Progress {
    switch classify(result) {
    case .done(let count): return .bytes(count)
    case .wantsRead: return .wantsRead
    case .wantsWrite: return .wantsWrite
    case .end(let clean): return .end(clean: clean)
    case .system(let code):
      let condition = code == ECONNRESET || code == EPIPE ? "connection-reset" : "connection-lost"
      throw Failure(.tcp, condition, "the connection broke: \(reason(code))", status: .noConnection)
    case .failed(let error): throw error.sessionFailure
    }
  }

  private func requireTrust() throws(Failure) {
    guard isTrusted else {
      throw Failure(.tls, "not-trusted", "the TLS session may not be used", status: .internalError)
    }
  }

  private func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}

extension TLSSession {
  /// The version of OpenSSL in use.
  static var libraryVersion: String { String(cString: OpenSSL_version(OPENSSL_VERSION_STRING)) }
}
