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
  public var failure: Failure {
    let (meaning, hint) = explanation
    let words = text.map { ": \($0)" } ?? ""
    return .authentication(condition, "\(meaning) (\(condition))\(words)", hint: hint)
  }

  private var explanation: (String, String?) {
    switch condition {
    case "aborted": ("the server says that the login was aborted", nil)
    case "account-disabled":
      (
        "the account is disabled",
        "with a client certificate, this may be a certificate whose key usage the server does not take"
      )
    case "credentials-expired": ("the credentials have expired", "change the password by other means")
    case "encryption-required": ("the server wants TLS before a login", nil)
    case "incorrect-encoding": ("the server could not decode the login", nil)
    case "invalid-authzid": ("the server does not let this account act as that address", nil)
    case "invalid-mechanism": ("the server does not know the mechanism it was asked for", nil)
    case "malformed-request": ("the server calls the login malformed", nil)
    case "mechanism-too-weak": ("the server calls the mechanism too weak", nil)
    case "not-authorized":
      (
        "the server does not accept these credentials",
        "check the address and the password; there is no second try"
      )
    case "temporary-auth-failure": ("the server cannot check logins at present", "try again later")
    default: ("the login failed", nil)
    }
  }
}
