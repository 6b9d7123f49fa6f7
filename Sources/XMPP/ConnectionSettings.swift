/// Where a connection is to go and on what terms.
public struct ConnectionSettings: Sendable {
  /// The domain to open streams to: also what SNI says and the certificate must be for.
  public var domain: JID
  /// Which of the domain's services.
  public var service = XMPPService.client
  /// The kind of TLS to look for.
  public var tlsMode = TLSMode.auto
  /// Where to go instead of asking DNS.
  public var connectTo: HostAndPort?
  /// The addresses to use.
  public var families = AddressFamilies.both
  /// Whom to ask instead of the system's name servers.
  public var nameServer: NameServer?
  /// The proxy to go through.
  public var proxy: Proxy?
  /// The limit for one endpoint, TCP and TLS, in seconds.
  public var connectTimeout = 10.0
  /// The terms of TLS.
  public var tls = TLSOptions()

  /// The defaults for a domain.
  public init(domain: JID) { self.domain = domain.domain }
}
