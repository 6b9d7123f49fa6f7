import COpenSSL

extension TLSDescription {
  /// Asks OpenSSL after a handshake.
  init(of ssl: OpaquePointer) {
    version = String(cString: SSL_get_version(ssl))
    cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } ?? ""
    group = SSL_group_to_name(ssl, ssl_get_negotiated_group(ssl)).map { String(cString: $0) }
    var name: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &name, &count)
    alpn = name.map { String(decoding: UnsafeBufferPointer(start: $0, count: Int(count)), as: UTF8.self) }
    channelBindings = ChannelBindingType.allCases.filter { TLSChannelBinding.bytes($0, of: ssl) != nil }
  }
}

/// The bytes of channel bindings, each only where its RFC defines it for the session at hand, and never
/// empty.
enum TLSChannelBinding {
  static func bytes(_ type: ChannelBindingType, of ssl: OpaquePointer) -> [UInt8]? {
    switch type {
    case .tlsExporter: exporter(ssl)
    case .tlsUnique: unique(ssl)
    case .tlsServerEndPoint: endPoint(ssl)
    }
  }

  /// RFC 9266 §4: TLS 1.3, or 1.2 with the extended master secret (and without renegotiation, which is
  /// switched off).
  private static func exporter(_ ssl: OpaquePointer) -> [UInt8]? {
    let version = SSL_version(ssl)
    guard version == TLS1_3_VERSION || (version == TLS1_2_VERSION && ssl_get_extms_support(ssl) == 1) else {
      return nil
    }
    let label = "EXPORTER-Channel-Binding"
    var bytes = [UInt8](repeating: 0, count: 32)
    // An empty context, which under TLS 1.2 is not the same as none.
    guard SSL_export_keying_material(ssl, &bytes, bytes.count, label, label.utf8.count, [], 0, 1) == 1 else {
      return nil
    }
    return bytes
  }

  /// RFC 5929 §3: the first Finished message, which in a full handshake is ours. TLS 1.3 does not define it.
  private static func unique(_ ssl: OpaquePointer) -> [UInt8]? {
    guard SSL_version(ssl) == TLS1_2_VERSION, SSL_session_reused(ssl) == 0 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 64)
    let count = SSL_get_finished(ssl, &bytes, bytes.count)
    return count > 0 && count <= bytes.count ? Array(bytes.prefix(count)) : nil
  }

  private static func endPoint(_ ssl: OpaquePointer) -> [UInt8]? {
    guard let certificate = SSL_get1_peer_certificate(ssl) else { return nil }
    return Certificate(owning: certificate).endPointHash
  }
}
