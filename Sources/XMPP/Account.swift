/// Who logs in, and how.
public struct Account {
  /// The account; without a localpart for ANONYMOUS. Its resourcepart is the wish for binding.
  public var jid: JID
  /// The only SASL mechanisms wanted, in any case; empty for all that are safe.
  public var mechanisms: [String] = []
  /// Gives the password when a mechanism needs it, and not before.
  public var password: () throws(Failure) -> Secret
  /// Whether the stream is compressed where the server can.
  public var compresses = false
  /// Whether SASL2 and Bind 2 are used where they are offered.
  public var usesSASL2 = true
  /// Whether a bound session is asked what it can do, for the report.
  public var describesSession = false
  /// The mechanism of an earlier login in this run: nothing much weaker is used after it.
  var previousMechanism: String?
  /// Whether the account is made first (XEP-0077).
  public var registers = false

  /// An account with its password.
  public init(jid: JID, password: @escaping () throws(Failure) -> Secret) {
    self.jid = jid
    self.password = password
  }
}
