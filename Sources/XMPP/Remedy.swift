/// What can be done about a failure, as values. Which option or command does it is for the tool to say.
public enum Remedy: Sendable, Equatable {
  /// Allow the whole run more time.
  case longerRun
  /// Allow each endpoint more time. A middlebox may have cut what precedes TLS if `mayBeFiltered`; direct TLS avoids that.
  case longerAttempt(mayBeFiltered: Bool)
  /// Try again after a while.
  case laterAttempt
  /// Name another domain and connect to the same place: the requested one may be a host of it.
  case domain(String, place: String?)
  /// Connect to this place.
  case place(String)

  /// Check the spelling of a name that was typed.
  case spelling(String)
  /// Connect to another host than the one that does not exist, whose name may be mistyped.
  case otherHost(mayBeMistyped: Bool)
  /// Connect without DNS: to an address if the host is named by the user, to a named host otherwise. Another name server may
  /// answer if none is named.
  case withoutDNS(named: Bool, canAskOthers: Bool)

  /// Trust the issuer of the certificate.
  case trustIssuer
  /// Trust the self-signed certificate, or accept nothing but its key: `sha256//` and base64.
  case trustCertificate(key: String)
  /// Accept nothing but this key, without a verified name: `sha256//` and base64.
  case acceptKey(String)
  /// Verify the certificate, so that the password may be sent.
  case verifyCertificate
  /// Use a client certificate.
  case clientCertificate
  /// Accept older versions of TLS.
  case olderTLS
  /// Secure the stream by this method, at this place if a record or a redirection named it.
  case method(Endpoint.Method, place: String?)
  /// Use direct TLS, or no TLS, as STARTTLS is not offered.
  case withoutSTARTTLS

  /// Use this mechanism, which the user's own choice excludes.
  case mechanism(String)
  /// The certificate was refused; log in with the password by this mechanism.
  case passwordMechanism(String)
  /// The password or the demanded channel binding was refused; use this mechanism without one.
  case unboundMechanism(String)
  /// Check the address and the password.
  case credentials
  /// Log in as RFC 6120 says, without SASL2.
  case withoutSASL2
  /// Do without compression.
  case withoutCompression

  /// Request another resource, or none.
  case resource
  /// Close another session of the account.
  case fewerSessions
  /// Send less at once: the size in bytes of the largest stanza that was not acknowledged.
  case smallerStanza(Int)
  /// Write the address as XEP-0106 escapes it.
  case address(String)
}

extension Remedy {
  /// The same, for a failure at an endpoint.
  func at(_ endpoint: Endpoint) -> Remedy {
    if case .domain(let domain, nil) = self { return .domain(domain, place: endpoint.place) }
    return self
  }
}
