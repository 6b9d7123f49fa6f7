import XMPP

/// What to do about arguments that were not understood.
struct UsageHint {
  /// The arguments, without the program's name.
  let arguments: [String]
  /// The names of the commands.
  let commands: [String]

  /// The command among the arguments; what is in its place if there is none, if anything is.
  var command: String? {
    let first = arguments.first { !$0.utf8.starts(with: "-".utf8) && !$0.isEmpty }
    return arguments.first(where: commands.contains) ?? first
  }

  /// The failure.
  ///
  /// - Parameter message: what ArgumentParser says.
  func failure(_ message: String) -> Failure {
    if let command, !commands.contains(command) {
      let closest = closest(to: command, among: commands)
      return .usage(
        "there is no such command",
        hint: closest.map { "use xmppctl \($0)" } ?? "the commands are \(commands.joined(separator: ", "))")
    }
    return .usage(message, hint: hint(message))
  }

  private func hint(_ message: String) -> String {
    if message.utf8.starts(with: "Missing value for '--trace ".utf8) {
      return "use --trace - for standard error"
    }
    if has("--room-password") {
      return
        "others can see the arguments: use --room-password-file, --room-password-command or XMPPCTL_ROOM_PASSWORD"
    }
    if has("--password") {
      return "others can see the arguments: use --password-file, --password-command or XMPPCTL_PASSWORD"
    }
    guard let command, commands.contains(command) else { return "xmppctl --help says what there is" }
    if arguments.first.map(commands.contains) == false { return "put the command first: xmppctl \(command)" }
    return "xmppctl \(command) --help-all says what there is"
  }

  private func has(_ option: String) -> Bool {
    arguments.contains { $0.isSame(as: option) || $0.utf8.starts(with: "\(option)=".utf8) }
  }
}
