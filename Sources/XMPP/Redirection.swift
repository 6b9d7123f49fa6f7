/// Where a server sent a run by `see-other-host` (RFC 6120 §4.9.3.19), and whether it went there.
public struct Redirection: Sendable {
  /// The endpoint that sent it.
  public var source: Endpoint
  /// Where to, as the server wrote it.
  public var target: String
  /// Why it did not go there; `nil` if it did.
  public var refusal: String?
}

/// A server's demand to go elsewhere, and what speaks for it: the stream on which it came.
struct Handover {
  /// Where to, as the server wrote it.
  let target: String
  /// The endpoint that wrote it.
  let source: Endpoint
  /// Whether TLS has shown that it was the domain's own server. If not, anybody may have written it.
  let isVerified: Bool
  /// The address of that server; `nil` through a proxy.
  let address: IPAddress?
}

/// The rule for addresses, which keeps a server from having this machine connect to what only this machine can reach: a
/// redirection leads to addresses that reach as far as the server's own or further, never to nearer ones.
struct RedirectionRule {
  /// How far the address of the server reaches.
  private let origin: AddressScope

  /// - Parameter address: the server's address; `nil` through a proxy. The server then counts as public.
  init(from address: IPAddress?) { origin = address?.reach ?? .everywhere }

  /// Whether an address may be connected to.
  func permits(_ address: IPAddress) -> Bool { address.reach.map { $0 >= origin } ?? false }
}
