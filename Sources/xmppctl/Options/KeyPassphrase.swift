import XMPP

/// The passphrase of an encrypted client key: from a file, else asked for on the terminal. It is only needed if the key is
/// encrypted, and it is sent nowhere.
struct KeyPassphrase {
  /// The file whose first line it is, if one was named.
  let file: String?
  let waiter: Waiter

  /// Reads a client certificate and its key.
  ///
  /// - Throws: as `ClientCertificate` does; status 78 or 66 for the passphrase file, and `encrypted-key` (65) if there is
  ///   neither a file nor a terminal.
  func certificate(_ file: String, key: String?) throws(Failure) -> ClientCertificate {
    do throws(Failure) {
      return try ClientCertificate(file: file, keyFile: key)
    } catch {
      guard error.condition.isSame(as: "encrypted-key") else { throw error }
      let secret = try passphrase(of: key ?? file, error)
      return try secret.withBytes { bytes throws(Failure) in
        var passphrase = Array(bytes)
        defer { _ = Secret(wiping: &passphrase) }
        return try ClientCertificate(file: file, keyFile: key, passphrase: passphrase)
      }
    }
  }

  private func passphrase(of key: String, _ encrypted: Failure) throws(Failure) -> Secret {
    leaveNoCore()
    if let file { return try PasswordFile.read(file, waiter) }
    do throws(Failure) {
      return try PasswordPrompt().ask("Passphrase for the key \(key): ", waiter)
    } catch {
      guard error.condition.isSame(as: "no-password") else { throw error }
      var failure = encrypted
      failure.hint = "use --key-password-file FILE"
      throw failure
    }
  }
}
