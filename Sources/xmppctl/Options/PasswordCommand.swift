import CLinux
import Glibc
import XMPP

/// A shell command that prints a password.
struct PasswordCommand {
  private let command: String
  /// How long a command that is asked to end may take for that before it is killed; seconds.
  private static let patience = 0.25

  /// - Parameter command: for `/bin/sh -c`.
  init(_ command: String) { self.command = command }

  /// Runs it to its end and takes the first line it printed; its messages go to our stderr.
  ///
  /// - Throws: `password-command` where it fails or prints nothing; what the waiter throws, once the command is ended.
  func run(_ waiter: Waiter) throws(Failure) -> Secret {
    let shell = try PasswordShell(command)
    defer { shell.end(waiter.closing(within: PasswordCommand.patience)) }
    let line = FirstLine(keepsRest: false)
    var isOpen = true
    while true {
      var ready = [
        pollfd(fd: shell.ending, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isOpen ? shell.output : -1, events: Int16(POLLIN), revents: 0),
      ]
      _ = try waiter.wait(for: &ready, doing: "waiting for the password command")
      // What it left running may keep the output open, so its own end counts, once all it printed is read.
      if isOpen, try line.read(shell.output, "the password command") == false { isOpen = false }
      if ready[0].revents != 0, ready[1].revents & Int16(POLLIN) == 0 { break }
    }
    if let how = shell.wait() { throw .passwordCommand(how) }
    return try line.secret("the password command")
  }
}

/// The running command. It has the signals as a shell expects them, not our mask; its environment is ours, from which
/// the password was taken.
///
/// Its standard input is the terminal where there is one, for a PIN that unlocks the password, and never our own
/// input else, which may be a message.
private final class PasswordShell {
  /// Readable when something was printed.
  let output: Int32
  /// Readable when it has ended.
  let ending: Int32
  private let pid: pid_t
  private let ownsGroup: Bool
  private var isReaped = false

  init(_ command: String) throws(Failure) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, Int32(O_CLOEXEC)) == 0 else {
      throw .passwordCommand("cannot run: \(PasswordShell.reason(errno))")
    }
    defer { close(ends[1]) }
    let terminal = [STDIN_FILENO, STDERR_FILENO].first { isatty($0) == 1 }
    var child = pid_t()
    var code = PasswordShell.spawn(&child, command, input: terminal, output: ends[1])
    let ending = code == 0 ? pidfd_open(child, 0) : -1
    if code == 0, ending < 0 {
      code = errno
      kill(child, SIGKILL)
      waitpid(child, nil, 0)
    }
    guard code == 0 else {
      close(ends[0])
      throw .passwordCommand("cannot run: \(PasswordShell.reason(code))")
    }
    pid = child
    output = ends[0]
    self.ending = ending
    ownsGroup = terminal == nil
    _ = fcntl(output, F_SETFL, O_NONBLOCK)
  }

  deinit {
    close(output)
    close(ending)
  }

  /// Waits for the end that `ending` has told of; `nil` is success, else what happened.
  func wait() -> String? {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    isReaped = true
    let signal = status & 0x7F
    if signal != 0 { return "was ended by signal \(signal)" }
    let code = status >> 8 & 0xFF
    return code == 0 ? nil : "ended with status \(code)"
  }

  /// Ends it if it still runs: with SIGTERM first, as it may have changed the terminal's mode.
  ///
  /// - Parameter waiter: how long it has for that.
  func end(_ waiter: Waiter) {
    if isReaped { return }
    let target = ownsGroup ? -pid : pid
    kill(target, SIGTERM)
    var ready = [pollfd(fd: ending, events: Int16(POLLIN), revents: 0)]
    let count = try? waiter.wait(for: &ready, until: waiter.deadline, doing: "ending the password command")
    if count ?? 0 == 0 { kill(target, SIGKILL) }
    _ = wait()
  }

  private static func spawn(
    _ child: inout pid_t, _ command: String, input: Int32?, output: Int32
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    } else {
      posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGPIPE, SIGXFSZ] { sigaddset(&signals, signal) }
    posix_spawnattr_setsigdefault(&attributes, &signals)
    // A group of its own can be ended as a whole, but could not read the terminal.
    let group = input == nil ? Int32(POSIX_SPAWN_SETPGROUP) : 0
    posix_spawnattr_setflags(
      &attributes, Int16(Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | group))

    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(command), nil]
    defer { for argument in arguments { free(argument) } }
    return posix_spawn(&child, "/bin/sh", &actions, &attributes, &arguments, process_environment())
  }

  private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}

extension Failure {
  /// The password command failed; `how` completes the sentence.
  fileprivate static func passwordCommand(_ how: String) -> Failure {
    Failure(
      .auth, "password-command", "the password command \(how)", status: .authentication)
  }
}
