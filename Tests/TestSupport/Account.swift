import Foundation

/// An account on a test server.
public struct Account: Sendable, Equatable {
  /// The localpart.
  public let user: String
  /// The domainpart.
  public let domain: String
  /// The password.
  public let password: String

  /// An account as it is or may be; it is not made by this.
  public init(user: String, domain: String, password: String = "secret") {
    self.user = user
    self.domain = domain
    self.password = password
  }

  /// The bare JID.
  public var jid: String { "\(user)@\(domain)" }

  /// What SASL PLAIN says (RFC 4616), in base64.
  public var plain: String { Data("\0\(user)\0\(password)".utf8).base64EncodedString() }
}
