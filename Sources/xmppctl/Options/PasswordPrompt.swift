import Glibc
import XMPP

/// Asks for a password at the terminal, which does not show it.
struct PasswordPrompt {
  /// The terminal's path; the process's own where nothing else is said.
  var terminal = "/dev/tty"

  /// Asks and waits for a line.
  ///
  /// The terminal shows again what is typed when this returns or throws, also by SIGINT and SIGTERM, which the waiter turns
  /// into failures. The keys for SIGQUIT and SIGTSTP are off meanwhile, as nothing could be restored after them.
  ///
  /// - Throws: `no-password` where there is nobody to ask; what the waiter throws.
  func ask(_ prompt: String, _ waiter: Waiter) throws(Failure) -> Secret {
    let descriptor = open(terminal, O_RDWR | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw .noPassword }
    defer { close(descriptor) }
    var usual = termios()
    guard isInForeground(descriptor), tcgetattr(descriptor, &usual) == 0 else { throw .noPassword }

    var silent = usual
    silent.c_lflag &= ~tcflag_t(ECHO | ECHONL)
    silent.c_lflag |= tcflag_t(ICANON | ISIG)
    withUnsafeMutableBytes(of: &silent.c_cc) {
      // 0 is _POSIX_VDISABLE here.
      for key in [VQUIT, VSUSP] { $0[Int(key)] = 0 }
    }
    guard tcsetattr(descriptor, TCSAFLUSH, &silent) == 0 else { throw .noPassword }
    defer { tcsetattr(descriptor, TCSAFLUSH, &usual) }
    say(prompt.shown, descriptor)
    defer { say("\n", descriptor) }

    let line = FirstLine(keepsRest: false)
    while !line.isWhole {
      var ready = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
      _ = try waiter.wait(for: &ready, doing: "waiting for the password")
      _ = try line.read(descriptor, "the terminal")
    }
    return try line.secret("the terminal")
  }

  /// A job in the background that touched the terminal's mode would be stopped, past every deadline.
  private func isInForeground(_ descriptor: Int32) -> Bool {
    let group = tcgetpgrp(descriptor)
    return group < 0 || group == getpgrp()
  }

  private func say(_ text: String, _ descriptor: Int32) {
    _ = try? Printer.write(ArraySlice(text.utf8), to: descriptor, name: "the terminal")
  }
}

extension Failure {
  /// Nowhere a password, and nobody to ask.
  fileprivate static let noPassword = Failure(
    .auth, "no-password", "a password is needed, and there is no terminal to ask for it",
    hint: "use --password-file, --password-command or XMPPCTL_PASSWORD",
    status: .authentication)
}
