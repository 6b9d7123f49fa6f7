/// The server's `<failure/>` to a login (RFC 6120 §6.5; XEP-0388 §2.6 has the same conditions).
public struct SASLFailure: Sendable, Equatable {
  /// The defined condition, or what the server sent in its place.
  public let condition: String
  /// The server's own words.
  public let text: String?

  /// A failure as it was read from the stream.
  public init(condition: String, text: String? = nil) {
    self.condition = condition
    self.text = text
  }

  /// Whether trying again later, as it is, may help: true of `temporary-auth-failure` alone.
  public var isTemporary: Bool { condition.utf8.elementsEqual("temporary-auth-failure".utf8) }

  /// As what ends the run.
  ///
  /// - Parameter choice: how the login was tried; `nil` if that is not known.
  public func failure(of choice: MechanismChoice? = nil) -> Failure {
    let words = text.map { ": \($0)" } ?? ""
    return .authentication(
      condition, "\(meaning) (\(condition))\(words)", remedy: remedy(choice))
  }

  private var meaning: String {
    switch condition {
    case "aborted": "the server says that the login was aborted"
    case "account-disabled": "the account is disabled"
    case "credentials-expired": "the credentials have expired"
    case "encryption-required": "the server requires TLS before a login"
    case "incorrect-encoding": "the server could not decode the login"
    case "invalid-authzid": "the server does not let this account act as that address"
    case "invalid-mechanism": "the server does not know the mechanism it was asked for"
    case "malformed-request": "the server rejected the login as malformed"
    case "mechanism-too-weak": "the server rejected the mechanism as too weak"
    case "not-authorized": "the server does not accept these credentials"
    case "temporary-auth-failure": "the server cannot check logins at present"
    default: "the login failed"
    }
  }

  /// What may help. A certificate may be refused in other words too: Prosody says `account-disabled` of one whose extended
  /// key usage is for clients only.
  private func remedy(_ choice: MechanismChoice?) -> Remedy? {
    if isTemporary { return .laterAttempt }
    if choice?.candidate == .external { return choice?.alternative.map { .passwordMechanism($0) } }
    guard condition.isSame(as: "not-authorized") else { return nil }
    if choice?.candidate?.needsPassword == false { return nil }
    return choice?.alternative.map { .unboundMechanism($0) } ?? .credentials
  }
}
