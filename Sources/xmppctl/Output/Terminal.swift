import Glibc

/// What the standard streams are, and how to colour them.
struct Terminal {
  /// Whether stdout is a terminal.
  let isOutputTerminal: Bool
  /// Whether stderr is a terminal.
  let isErrorTerminal: Bool
  /// Whether what goes to stdout is coloured: on a terminal unless `NO_COLOR` is set, anywhere where `CLICOLOR_FORCE` is.
  let colours: Bool
  /// How wide stdout's terminal is; `nil` where it is none, and lines stay as they are.
  var columns: Int?

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
    columns = isOutputTerminal ? Terminal.columns(of: STDOUT_FILENO) : nil
  }

  /// The width of a terminal; `nil` where it does not say.
  static func columns(of descriptor: Int32) -> Int? {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}

// MARK: - Widths

extension Terminal {
  /// A line of columns, folded where it is longer than the terminal is wide: what does not fit goes on below the last
  /// column, or, where that is too far right, behind a small indentation. No word is divided.
  func folded(_ line: String) -> String {
    guard let columns, Terminal.width(line[...]) > columns else { return line }
    let column = Terminal.lastColumn(line)
    let few = min(4, columns / 4)
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    var lines: [String] = []
    var text = ""
    var width = 0
    var isFresh = true
    for word in words {
      let length = Terminal.width(word)
      let indentation = column <= columns / 2 && column + length <= columns ? column : few
      if !isFresh, !word.isEmpty, width + 1 + length > columns, width > indentation {
        lines.append(text.withoutTrailingSpaces)
        text = String(repeating: " ", count: indentation) + word
        width = indentation + length
      } else {
        text += (isFresh ? "" : " ") + word
        width += (isFresh ? 0 : 1) + length
      }
      isFresh = false
    }
    return (lines + [text]).joined(separator: "\n")
  }

  /// Where what stands behind the last gap of two spaces or more begins.
  private static func lastColumn(_ line: String) -> Int {
    var spaces = 0
    var found = 0
    for (column, scalar) in shown(line[...]).enumerated() {
      if scalar == " " {
        spaces += 1
      } else {
        if spaces >= 2 { found = column }
        spaces = 0
      }
    }
    return found
  }

  /// How many columns a text takes.
  private static func width(_ text: Substring) -> Int { shown(text).count }

  /// What of a text takes a column: all but what colours it.
  private static func shown(_ text: Substring) -> [Unicode.Scalar] {
    var inEscape = false
    return text.unicodeScalars.filter { scalar in
      if inEscape {
        inEscape = scalar != "m"
        return false
      }
      inEscape = scalar == "\u{1B}"
      return !inEscape
    }
  }
}

extension String {
  /// The text up to its last byte that is no space.
  var withoutTrailingSpaces: String {
    let end = utf8.lastIndex { $0 != UInt8(ascii: " ") }
    return end.map { String(self[...$0]) } ?? ""
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
