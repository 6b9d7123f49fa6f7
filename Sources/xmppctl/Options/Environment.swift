import Glibc
import XMPP

/// The process's environment.
enum Environment {
  /// The value of a variable; `nil` where it is not set or empty.
  static func value(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// Takes a secret out of the environment, so that no child inherits it and `/proc/self/environ` no longer shows it.
  static func take(_ name: String) -> Secret? {
    guard let value = getenv(name) else { return nil }
    let count = strlen(value)
    var bytes = value.withMemoryRebound(to: UInt8.self, capacity: count) {
      Array(UnsafeBufferPointer(start: $0, count: count))
    }
    explicit_bzero(value, count)
    unsetenv(name)
    let secret = Secret(wiping: &bytes)
    return secret.isEmpty ? nil : secret
  }
}

/// What the environment says about who logs in.
struct LoginEnvironment {
  /// `XMPPCTL_JID`
  var jid: String?
  /// `XMPPCTL_ACCOUNT`
  var account: String?
  /// `XMPPCTL_PASSWORD`
  var password: Secret?
  /// `XMPPCTL_CONFIG`
  var config: String?
  /// `XDG_CONFIG_HOME`
  var configurationHome: String?
  /// `HOME`
  var home: String?

  /// Reads the process's environment, and takes the password out of it.
  static func take() -> LoginEnvironment {
    LoginEnvironment(
      jid: Environment.value("XMPPCTL_JID"), account: Environment.value("XMPPCTL_ACCOUNT"),
      password: Environment.take("XMPPCTL_PASSWORD"), config: Environment.value("XMPPCTL_CONFIG"),
      configurationHome: Environment.value("XDG_CONFIG_HOME"), home: Environment.value("HOME"))
  }

  /// Where the configuration is looked for when no file is named; a relative `XDG_CONFIG_HOME` counts as not set (XDG
  /// Base Directory Specification).
  var usualConfiguration: String? {
    let absolute = configurationHome.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
    return (absolute ?? home.map { $0 + "/.config" }).map { $0 + "/xmppctl/config.json5" }
  }
}
