import Glibc

/// What the standard streams are, and how to colour them.
struct Terminal {
  /// Whether stdout is a terminal.
  let isOutputTerminal: Bool
  /// Whether stderr is a terminal.
  let isErrorTerminal: Bool
  /// Whether what goes to stdout is coloured: on a terminal unless `NO_COLOR` is set, anywhere where `CLICOLOR_FORCE` is.
  let colours: Bool

  /// The rule for colour: `NO_COLOR` set to anything wins, then `CLICOLOR_FORCE` other than 0, then the terminal.
  static func colours(isTerminal: Bool, noColor: String?, force: String?) -> Bool {
    if let noColor, !noColor.isEmpty { return false }
    if let force, !force.isEmpty, force != "0" { return true }
    return isTerminal
  }

  /// A way to set text apart.
  enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  /// The text in that style, or as it is where there is no colour.
  func styled(_ text: String, _ style: Style) -> String {
    colours && !text.isEmpty ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
  }
}

extension Terminal {
  /// Reads the process's own streams and environment.
  init() {
    isOutputTerminal = isatty(STDOUT_FILENO) == 1
    isErrorTerminal = isatty(STDERR_FILENO) == 1
    colours = Terminal.colours(
      isTerminal: isOutputTerminal, noColor: getenv("NO_COLOR").map { String(cString: $0) },
      force: getenv("CLICOLOR_FORCE").map { String(cString: $0) })
  }
}

extension String {
  /// The text filled up with spaces to `width` columns, counting scalars.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - unicodeScalars.count))
  }

  /// The text with spaces before it up to `width` columns.
  func padded(left width: Int) -> String {
    String(repeating: " ", count: max(0, width - unicodeScalars.count)) + self
  }
}
