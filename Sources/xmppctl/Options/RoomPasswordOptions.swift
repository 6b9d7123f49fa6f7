import ArgumentParser
import XMPP

/// Where the password of rooms comes from: shared by the commands that join rooms. No option takes it itself, as others on the
/// machine can see the arguments.
struct RoomPasswordOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Read the room's password from the first line of FILE; - is stdin.", valueName: "file",
      visibility: .uncommon),
    completion: .file())
  var roomPasswordFile: [String] = []

  @Option(
    help: ArgumentHelp(
      "Take the room's password from the first line that CMD prints.", valueName: "cmd",
      visibility: .uncommon))
  var roomPasswordCommand: [String] = []

  /// One of the options, if any is given.
  var givenOption: String? {
    roomPasswordFile.isEmpty
      ? roomPasswordCommand.isEmpty ? nil : "--room-password-command" : "--room-password-file"
  }

  /// Reads the password for rooms.
  ///
  /// - Returns: `nil` if no option and no variable gives one.
  /// - Throws: as for the password of an account; a data failure if XML cannot carry it.
  func fetch(_ login: Login, _ waiter: Waiter, for rooms: [JID]) throws -> String? {
    guard !rooms.isEmpty, let source = try source(login) else { return nil }
    let secret = try source.secret(waiter)
    login.echoes.protect(secret, of: rooms.map(\.bare.full).joined(separator: " "))
    return try secret.withBytes { bytes throws(Failure) in
      try InputText(canReplace: false).text(bytes, in: "the room's password")
    }
  }

  private func source(_ login: Login) throws -> Password? {
    let file = try once("--room-password-file", roomPasswordFile)
    let command = try once("--room-password-command", roomPasswordCommand)
    if file != nil, command != nil {
      throw Failure.usage("--room-password-file and --room-password-command exclude each other")
    }
    if file == "-", login.password.isOnInput {
      throw Failure.usage("--password-file and --room-password-file cannot both read standard input")
    }
    let source: PasswordSource? =
      file.map { $0 == "-" ? .standardInput : .file($0) } ?? command.map { .command($0) }
      ?? login.roomPassword.map { .given($0) }
    return source.map { Password($0, of: login.jid) }
  }
}
