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

  /// The alert the server sent, as RFC 8446 §6 spells it (`handshake_failure`), with hyphens.
  var alert: String? {
    guard reason > SSL_AD_REASON_OFFSET, reason <= SSL_AD_REASON_OFFSET + 255,
      let name = SSL_alert_desc_string_long(reason - SSL_AD_REASON_OFFSET)
    else { return nil }
    let words = String(cString: name).utf8.map { byte in
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: "_"): UInt8(ascii: "-")
      case 0x41...0x5A: byte | 0x20
      default: byte
      }
    }
    return String(decoding: words, as: UTF8.self)
  }

  /// Whether the connection ended without the goodbye TLS has for it.
  var isEndWithoutNotice: Bool { reason == SSL_R_UNEXPECTED_EOF_WHILE_READING }

  /// A handshake that did not succeed.
  ///
  /// - Parameter direct: whether TLS was spoken from the first byte, or followed STARTTLS.
  func handshakeFailure(minimum: TLSOptions.Version, direct: Bool) -> Failure {
    switch reason {
    case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST:
      return direct
        ? .tls(
          "not-tls", "the server does not speak TLS on this port",
          hint: "it may want STARTTLS: --tls starttls")
        : .tls("not-tls", "the server agreed to TLS and then did not speak it")
    case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW:
      return tooOld(minimum)
    case SSL_AD_REASON_OFFSET + SSL_AD_PROTOCOL_VERSION:
      return tooOld(minimum)
    default:
      return alert.map { .tls($0, "the server refused the handshake with the alert \($0)") }
        ?? .tls("handshake-failed", "the handshake failed: \(text)")
    }
  }

  /// An error in a session that was already established.
  var sessionFailure: Failure {
    alert.map { .tls($0, "the server ended the session with the TLS alert \($0)") }
      ?? .tls("session-failed", "the TLS session failed: \(text)")
  }

  private func tooOld(_ minimum: TLSOptions.Version) -> Failure {
    switch minimum {
    case .tls12:
      .tls("protocol-version", "the server offers only TLS 1.1 or older")
    case .tls13:
      .tls(
        "protocol-version", "the server does not offer TLS 1.3", hint: "allow older ones with --tls-min 1.2")
    }
  }
}

extension Failure {
  /// A failure of TLS itself.
  static func tls(_ condition: String, _ message: String, hint: String? = nil) -> Failure {
    Failure(.tls, condition, message, hint: hint, status: .tls)
  }
}
