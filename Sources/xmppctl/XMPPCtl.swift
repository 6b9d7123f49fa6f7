import ArgumentParser
import Glibc
import XMPP

/// The executable: words in, words out. Here alone failures are caught and become a message and an exit status.
@main
struct XMPPCtl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "xmppctl",
    abstract: "curl for XMPP: probe a server, log in, send and listen.",
    usage: "xmppctl COMMAND [options]",
    discussion: """
        xmppctl features example.org      what it offers, before and after TLS
        echo hello | xmppctl send -j bob@example.org alice@example.org
      """,
    version: Version.report,
    subcommands: [Connect.self, Features.self, Bind.self, Send.self, Listen.self])

  static func main() {
    occupyStandardStreams()
    // A reader that goes away is an error to be told, not a signal to die by.
    signal(SIGPIPE, SIG_IGN)
    // So is a file that has reached its limit.
    signal(SIGXFSZ, SIG_IGN)
    let arguments = Array(CommandLine.arguments.dropFirst())
    if CommandLine.arguments.isEmpty {
      let failure = Failure(
        .usage, "no-proc", "the arguments cannot be read, as they are in /proc", hint: "mount /proc",
        status: .internalError)
      Printer.failure(failure, command: nil)
      Glibc.exit(failure.status.rawValue)
    }
    if arguments.isEmpty {
      Printer.diagnostic(helpMessage())
      Glibc.exit(ExitStatus.usage.rawValue)
    }
    Environment.hideProxyPasswords()
    do {
      var command = try parse(arguments)
      if let command = command as? any OffersAllOptions, command.help.helpAll {
        throw CleanExit.message(helpMessage(for: type(of: command), includeHidden: true))
      }
      try command.run()
    } catch let failure as Failure {
      Printer.failure(failure, command: UsageHint(arguments: arguments, commands: commands).command)
      Glibc.exit(failure.status.rawValue)
    } catch {
      guard exitCode(for: error).rawValue == EX_USAGE else { exit(withError: error) }
      let hint = UsageHint(arguments: arguments, commands: commands)
      let failure = hint.failure(message(for: error))
      Printer.failure(failure, command: hint.command)
      Glibc.exit(failure.status.rawValue)
    }
  }

  /// Parses the arguments of a command as its own, or those that name none.
  ///
  /// ArgumentParser looks for `--generate-completion-script` in everything that a root command is given, a message
  /// included. It does not if the root has another command above it, as each of ours says of itself.
  private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
    guard
      let command = configuration.subcommands.first(where: {
        $0.configuration.commandName == arguments.first
      })
    else {
      return try parseAsRoot(arguments)
    }
    let words = Array(arguments.dropFirst())
    return try command.parseAsRoot(command == Send.self ? SendOptions.attached(words) : words)
  }

  /// Opens those of the standard streams that were closed, the wrong way round, so that using them fails still:
  /// a socket that got the number of stdout would be sent the output.
  private static func occupyStandardStreams() {
    for (stream, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
    where fcntl(stream, F_GETFD) < 0 {
      _ = open("/dev/null", mode)
    }
  }

  private static var commands: [String] {
    configuration.subcommands.map { $0.configuration.commandName ?? "" }
  }
}
