/// A place where a domain's XMPP service may be reached, and how to speak to it there.
public struct Endpoint: Sendable, Hashable {
  /// How the stream becomes secure; the raw values are those of the report.
  public enum Method: String, Sendable, CaseIterable {
    /// TLS from the first byte on (XEP-0368).
    case directTLS = "direct-tls"
    /// A stream in the clear that is upgraded (RFC 6120 §5).
    case starttls
    /// Never secured; only where the user asked for it.
    case plain
  }

  /// Where it is known from.
  public enum Source: String, Sendable, CaseIterable {
    /// An SRV record.
    case srv
    /// The domain itself and the default port, where it has no SRV record (RFC 6120 §3.2.2).
    case fallback
    /// The user named it.
    case option
    /// A stream error of another endpoint pointed there (RFC 6120 §4.9.3.19).
    case redirect
  }

  /// Host and port as one writes them.
  public var place: String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// A host name in ASCII, or an IP address without brackets.
  public var host: String
  /// The TCP port.
  public var port: UInt16
  /// How the stream becomes secure.
  public var method: Method
  /// Where it is known from.
  public var source: Source
  /// The SRV record's priority: lower ones come first.
  public var priority: UInt16?
  /// The SRV record's weight among those of the same priority.
  public var weight: UInt16?

  /// An endpoint with every part given.
  public init(
    host: String, port: UInt16, method: Method, source: Source, priority: UInt16? = nil, weight: UInt16? = nil
  ) {
    self.host = host
    self.port = port
    self.method = method
    self.source = source
    self.priority = priority
    self.weight = weight
  }

  /// Where the user said to go, in place of what DNS says: one place, with each method that may be tried there.
  ///
  /// Without a port it is the default one of the method. `--tls auto` is STARTTLS and then direct TLS; the other way round on
  /// the ports that are known for direct TLS: 5223, 5270 and 443.
  static func named(_ place: HostAndPort, service: XMPPService, tls: TLSMode) -> [Endpoint] {
    let methods: [Method] =
      switch tls {
      case .direct: [.directTLS]
      case .starttls: [.starttls]
      case .none: [.plain]
      case .auto:
        switch place.port {
        case 5223, 5270, 443: [.directTLS, .starttls]
        default: [.starttls, .directTLS]
        }
      }
    let port = place.port ?? service.defaultPort(methods[0])
    return methods.map { Endpoint(host: place.host, port: port, method: $0, source: .option) }
  }

  /// Whether it is the same place, named by the user, to be tried with another method.
  func isAlternative(to other: Endpoint) -> Bool {
    source == .option && other.source == .option && host.isSame(as: other.host) && port == other.port
      && method != other.method
  }
}

/// `--tls`: how a run may secure its stream.
public enum TLSMode: String, Sendable, CaseIterable {
  /// What DNS says.
  case auto
  /// Direct TLS alone.
  case direct
  /// STARTTLS alone.
  case starttls
  /// Plaintext.
  case none
}

/// Which of a domain's two services is meant.
public enum XMPPService: Sendable, CaseIterable {
  /// Client to server.
  case client
  /// Server to server.
  case server

  /// The protocol name of ALPN (XEP-0368 §3).
  var alpn: String { self == .client ? "xmpp-client" : "xmpp-server" }

  /// What an SRV-ID for this service begins with (RFC 4985 §2).
  var certificateLabel: String { "_" + alpn }

  /// The service label of SRV names, without its underscore (RFC 6120 §3.2.1, XEP-0368 §2).
  func label(_ method: Endpoint.Method) -> String {
    (method == .directTLS ? "xmpps" : "xmpp") + (self == .client ? "-client" : "-server")
  }

  /// The port where there is no SRV record.
  func defaultPort(_ method: Endpoint.Method) -> UInt16 {
    switch (self, method) {
    case (.client, .directTLS): 5223
    case (.client, _): 5222
    case (.server, .directTLS): 5270
    case (.server, _): 5269
    }
  }
}

/// `HOST[:PORT]` as users write it. An IPv6 address stands in brackets; without a port it may do without them.
public struct HostAndPort: Sendable, Hashable {
  /// A host name or an IP address without brackets; not empty.
  public let host: String
  /// The port, where one was given; never 0.
  public let port: UInt16?

  /// Reads it.
  ///
  /// - Parameter option: what the text is the value of, for the message.
  /// - Throws: `bad-address`, status 64.
  public init(parsing text: String, for option: String) throws(Failure) {
    guard let (host, port) = HostAndPort.split(Array(text.utf8)) else {
      throw Failure(
        .usage, "bad-address", "\(option) requires HOST[:PORT], an IPv6 address with a port in brackets",
        status: .usage)
    }
    self.host = String(decoding: host, as: UTF8.self)
    self.port = port
  }

  private static func split(_ text: [UInt8]) -> (host: ArraySlice<UInt8>, port: UInt16?)? {
    let host: ArraySlice<UInt8>
    let rest: ArraySlice<UInt8>
    if text.first == UInt8(ascii: "[") {
      guard let end = text.firstIndex(of: UInt8(ascii: "]")) else { return nil }
      (host, rest) = (text[1..<end], text[(end + 1)...])
      guard IPAddress(String(decoding: host, as: UTF8.self))?.family == .v6 else { return nil }
    } else if let colon = text.firstIndex(of: UInt8(ascii: ":")),
      IPAddress(String(decoding: text, as: UTF8.self)) == nil
    {
      (host, rest) = (text[..<colon], text[colon...])
    } else {
      (host, rest) = (text[...], [])
    }
    guard !host.isEmpty, host.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") }) else {
      return nil
    }
    if rest.isEmpty { return (host, nil) }
    guard rest.first == UInt8(ascii: ":"), let port = portNumber(rest.dropFirst()) else { return nil }
    return (host, port)
  }

  /// A port from its digits; 0 is none.
  private static func portNumber(_ digits: ArraySlice<UInt8>) -> UInt16? {
    guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
    return UInt16(String(decoding: digits, as: UTF8.self)).flatMap { $0 == 0 ? nil : $0 }
  }
}
