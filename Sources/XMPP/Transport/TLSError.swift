import COpenSSL

/// The last entry of OpenSSL's error queue of this thread.
struct TLSError {
  /// OpenSSL's reason code; 0 where the queue was empty.
  let reason: Int32
  /// OpenSSL's words for it.
  let text: String

  /// Takes what the queue has, and empties it.
  static func take() -> TLSError {
    let code = ERR_peek_last_error()
    ERR_clear_error()
    let text = ERR_reason_error_string(code).map { String(cString: $0) } ?? "unknown error"
    return TLSError(reason: ERR_GET_REASON(code), text: text)
  }

  /// The number of the alert the server sent.
  private var alertNumber: Int32? {
    let number = reason - SSL_AD_REASON_OFFSET
    return (1...255).contains(number) ? number : nil
  }

  /// The alert the server sent, as RFC 8446 §6 spells it (`handshake_failure`), with hyphens; `unknown-alert` if no RFC
  /// names it.
  var alert: String? { alertNumber.map { TLSError.alerts[$0] ?? "unknown-alert" } }

  /// RFC 8446 §6, with what older versions had. OpenSSL 3.0 itself does not know some of them.
  private static let alerts: [Int32: String] = [
    10: "unexpected-message", 20: "bad-record-mac", 21: "decryption-failed", 22: "record-overflow",
    30: "decompression-failure", 40: "handshake-failure", 41: "no-certificate", 42: "bad-certificate",
    43: "unsupported-certificate", 44: "certificate-revoked", 45: "certificate-expired",
    46: "certificate-unknown", 47: "illegal-parameter", 48: "unknown-ca", 49: "access-denied",
    50: "decode-error", 51: "decrypt-error", 60: "export-restriction", 70: "protocol-version",
    71: "insufficient-security", 80: "internal-error", 86: "inappropriate-fallback", 90: "user-canceled",
    100: "no-renegotiation", 109: "missing-extension", 110: "unsupported-extension",
    111: "certificate-unobtainable", 112: "unrecognized-name", 113: "bad-certificate-status-response",
    114: "bad-certificate-hash-value", 115: "unknown-psk-identity", 116: "certificate-required",
    120: "no-application-protocol", 121: "ech-required",
  ]

  /// Whether the connection ended without the goodbye TLS has for it.
  var isEndWithoutNotice: Bool { reason == SSL_R_UNEXPECTED_EOF_WHILE_READING }

  /// Whether what came was no TLS.
  var isOtherProtocol: Bool { reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST }

  /// A handshake that did not succeed.
  ///
  /// - Parameter direct: whether TLS was spoken from the first byte, or followed STARTTLS.
  func handshakeFailure(minimum: TLSOptions.Version, direct: Bool) -> Failure {
    switch reason {
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST:
      return direct
        ? .tls(
          "not-tls", "the server does not speak TLS on this port", remedy: .method(.starttls, place: nil))
        : .tls("not-tls", "the server agreed to TLS and then did not speak it")
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW:
      return tooOld(minimum)
    case SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION:
      return tooOld(minimum)
    default:
      return alertFailure("the server refused the handshake with the alert")
        ?? .tls("handshake-failed", "the handshake failed: \(text)")
    }
  }

  /// An error in a session that was already established.
  var sessionFailure: Failure {
    alertFailure("the server ended the session with the TLS alert")
      ?? .tls("session-failed", "the TLS session failed: \(text)")
  }

  private func alertFailure(_ what: String) -> Failure? {
    guard let alert, let number = alertNumber else { return nil }
    // Under TLS 1.3 it comes in the session, as the client's handshake is over when its certificate is missed.
    let remedy: Remedy? = alert == "certificate-required" ? .clientCertificate : nil
    return .tls(alert, "\(what) \(TLSError.alerts[number] ?? String(number))", remedy: remedy)
  }

  private func tooOld(_ minimum: TLSOptions.Version) -> Failure {
    switch minimum {
    case .tls12:
      .tls("protocol-version", "the server offers only TLS 1.1 or older")
    case .tls13:
      .tls("protocol-version", "the server does not offer TLS 1.3", remedy: .olderTLS)
    }
  }
}

extension Failure {
  /// A failure of TLS itself.
  static func tls(
    _ condition: String, _ message: String, hint: String? = nil, remedy: Remedy? = nil
  ) -> Failure {
    Failure(.tls, condition, message, hint: hint, remedy: remedy, status: .tls)
  }
}
