import CLinux
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

extension Environment {
  /// Takes the passwords of proxies out of the environment and out of what others on the machine see as the arguments.
  /// Call once all of them have been read.
  static func forgetProxyPasswords() {
    var names: [String] = []
    var entry = process_environment()
    while let pointer = entry?.pointee {
      let text = String(cString: pointer)
      let name = text.prefix { $0 != "=" }
      if name.lowercased().hasSuffix("_proxy"), text.utf8.contains(UInt8(ascii: "@")) {
        names.append(String(name))
      }
      entry = entry?.successor()
    }
    for name in names { _ = take(name) }
  }

  /// Overwrites the passwords of proxies among the arguments as `ps` shows them. `CommandLine` has read its copy before.
  static func hideProxyPasswords(in arguments: [String] = CommandLine.arguments) {
    guard var argument = process_arguments() else { return }
    var isProxy = false
    for _ in arguments {
      let text = UnsafeMutableRawBufferPointer(start: argument, count: strlen(argument))
      let option = Array("--proxy".utf8)
      if isProxy || text.starts(with: option + [UInt8(ascii: "=")]) { hidePassword(in: text) }
      isProxy = text.elementsEqual(option)
      argument += text.count + 1
    }
  }

  /// Overwrites what stands between the first `:` of the user and the last `@`. Without `://` the whole text is searched, but
  /// for the option's name.
  private static func hidePassword(in url: UnsafeMutableRawBufferPointer) {
    let mark = Array("://".utf8)
    guard let end = url.lastIndex(of: UInt8(ascii: "@")) else { return }
    let scheme = url.indices.first { url[$0...].starts(with: mark) }.map { $0 + mark.count }
    let start = scheme ?? (url.starts(with: "--proxy=".utf8) ? "--proxy=".utf8.count : 0)
    guard start < end, let colon = url[start..<end].firstIndex(of: UInt8(ascii: ":")) else { return }
    for index in (colon + 1)..<end { url[index] = UInt8(ascii: "*") }
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
  /// `XMPPCTL_ROOM_PASSWORD`
  var roomPassword: Secret?
  /// `XMPPCTL_CONFIG`
  var config: String?
  /// `XDG_CONFIG_HOME`
  var configurationHome: String?
  /// `HOME`
  var home: String?

  /// Reads the process's environment, and takes the passwords out of it.
  static func take() -> LoginEnvironment {
    LoginEnvironment(
      jid: Environment.value("XMPPCTL_JID"), account: Environment.value("XMPPCTL_ACCOUNT"),
      password: Environment.take("XMPPCTL_PASSWORD"),
      roomPassword: Environment.take("XMPPCTL_ROOM_PASSWORD"), config: Environment.value("XMPPCTL_CONFIG"),
      configurationHome: Environment.value("XDG_CONFIG_HOME"), home: Environment.value("HOME"))
  }

  /// Where the configuration is looked for when no file is named; a relative `XDG_CONFIG_HOME` counts as not set (XDG
  /// Base Directory Specification).
  var usualConfiguration: String? {
    let absolute = configurationHome.flatMap { $0.utf8.first == UInt8(ascii: "/") ? $0 : nil }
    return (absolute ?? home.map { $0 + "/.config" }).map { $0 + "/xmppctl/config.json5" }
  }
}
