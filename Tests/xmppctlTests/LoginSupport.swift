import ArgumentParser
import TestSupport
import XMPP

@testable import xmppctl

/// The options of a command that logs in.
struct LoginOptions: ParsableArguments {
  @OptionGroup var connection: ConnectionOptions
  @OptionGroup var account: AccountOptions
}

/// A folder with a configuration, and what a command line and an environment make of it.
struct ConfiguredLogin {
  let folder: TemporaryFolder
  let file: String

  /// Writes the configuration.
  init(_ json5: String, mode: Int = 0o600) throws {
    folder = try TemporaryFolder()
    file = try folder.write(".config/xmppctl/config.json5", json5, mode: mode)
  }

  /// What options, environment and the configuration in its usual place say together.
  func login(
    _ arguments: String..., target: String? = nil, environment: LoginEnvironment = LoginEnvironment()
  ) throws -> Login {
    var environment = environment
    if environment.home == nil { environment.home = folder.path }
    let options = try LoginOptions.parse(arguments)
    return try options.account.login(target, reaching: options.connection, environment) {
      Waiter(seconds: $0)
    }
  }
}

extension Secret {
  /// The password as text.
  convenience init(_ text: String) {
    var bytes = Array(text.utf8)
    self.init(wiping: &bytes)
  }

  /// The bytes as text, for comparison.
  var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}

extension Login {
  /// The password's text, without waiting long.
  func passwordText() throws -> String { try password.secret(Waiter(seconds: 10)).text }
}
