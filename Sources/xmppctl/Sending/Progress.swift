import Glibc
import XMPP

/// One line on stderr about a long run, where somebody sits before it.
final class Progress {
  private let start = Deadline.now
  private var last = Deadline.after(seconds: 1)
  private var isShown = false

  /// `nil` where stderr is no terminal.
  init?(_ terminal: Terminal) {
    guard terminal.isErrorTerminal else { return nil }
  }

  /// When it wants to be shown again.
  var due: Deadline { last }

  /// Shows how far it is, at most five times a second and not before a second has passed.
  func show(confirmed: Int, waiting: Int) {
    guard last.hasPassed else { return }
    last = .after(seconds: 0.2)
    isShown = true
    // On a second line it could not be taken away again.
    let columns = Terminal.columns(of: STDERR_FILENO) ?? 80
    write("\r\u{1B}[K" + "xmppctl: send: \(confirmed) confirmed, \(waiting) under way".prefix(columns - 1))
  }

  /// Takes the line away.
  func clear() {
    guard isShown else { return }
    isShown = false
    write("\r\u{1B}[K")
  }

  private func write(_ text: String) {
    Printer.tell(Array(text.utf8), STDERR_FILENO)
  }
}
