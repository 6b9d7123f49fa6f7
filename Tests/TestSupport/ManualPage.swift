import Foundation

/// A manual page of this repository, read for what tests hold it to.
public struct ManualPage {
  /// The page's source.
  public let source: String

  /// The page of that file name, such as `xmppctl.1`.
  public init(_ name: String, beside test: String = #filePath) throws {
    let root = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent("../..")
    source = try String(
      contentsOf: root.standardizedFileURL.appendingPathComponent("man/\(name)"), encoding: .utf8)
  }

  /// The keys a section of the page has a paragraph for, each with its type and the paragraph.
  public struct Key {
    /// Its name.
    public let name: String
    /// What stands behind it in parentheses.
    public let type: String
    /// The paragraph.
    public let text: String
  }

  /// The keys by section.
  public var keys: [String: [Key]] {
    var keys: [String: [Key]] = [:]
    for section in sections {
      for item in section.text.components(separatedBy: "\n.It Cm ").dropFirst() {
        let lines = item.components(separatedBy: "\n")
        let words = lines[0].components(separatedBy: " Pq ")
        guard words.count == 2 else { continue }
        let text = lines.dropFirst().prefix { $0 != ".El" }.joined(separator: "\n")
        keys[section.name, default: []].append(Key(name: words[0], type: words[1], text: text))
      }
    }
    return keys
  }

  /// The text of the section or subsection of that name.
  public func section(_ name: String) -> String { sections.first { $0.name == name }?.text ?? "" }

  private var sections: [(name: String, text: String)] {
    source.split(separator: #/\n\.S[hs] /#).dropFirst().map { part in
      let name = part.prefix { $0 != "\n" }
      return (String(name), String(part.dropFirst(name.count)))
    }
  }

  /// The command lines of the examples: what stands behind `$ `, with the lines that go on with it.
  public var commands: [String] {
    var commands: [String] = []
    for line in section("EXAMPLES").components(separatedBy: "\n") {
      let text = line.hasPrefix(".Dl ") ? String(line.dropFirst(4)) : line
      if text.hasPrefix("$ ") {
        commands.append(String(text.dropFirst(2)))
      } else if line.hasPrefix("    "), let last = commands.popLast() {
        commands.append(last + "\n" + line)
      }
    }
    return commands.map {
      $0.replacingOccurrences(of: #"\(dq"#, with: "\"").replacingOccurrences(of: #"\e"#, with: #"\"#)
    }
  }
}
