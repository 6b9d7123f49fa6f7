import Foundation

/// The README of this repository, read for what tests hold it to.
public struct Readme {
  /// All of it.
  public let source: String

  /// Reads it.
  public init(beside test: String = #filePath) throws {
    let root = URL(fileURLWithPath: test).deletingLastPathComponent().appendingPathComponent("../..")
    source = try String(
      contentsOf: root.standardizedFileURL.appendingPathComponent("README.md"), encoding: .utf8)
  }

  /// The fenced blocks in a language below a heading; before the first heading where none is given.
  public func code(_ language: String, below heading: String? = nil) throws -> [String] {
    let sections = source.split(separator: #/\n##+ /#)
    let section = heading.map { heading in sections.first { $0.hasPrefix("\(heading)\n") } } ?? sections.first
    guard let section else { throw SupportFailure("the README has no heading \(heading ?? "")") }
    return section.components(separatedBy: "\n```\(language)\n").dropFirst().map {
      $0.components(separatedBy: "\n```")[0]
    }
  }

  /// The one block in a language below a heading.
  public func only(_ language: String, below heading: String) throws -> String {
    let blocks = try code(language, below: heading)
    guard blocks.count == 1 else { throw SupportFailure("\(blocks.count) blocks below \(heading)") }
    return blocks[0]
  }

  /// The sessions it shows: what is typed behind `$ `, and what comes of it.
  public func session(_ command: String) throws -> (line: String, output: String) {
    for block in try code("console") {
      let lines = block.components(separatedBy: "\n")
      if lines[0].hasPrefix("$ \(command)") {
        return (String(lines[0].dropFirst(2)), lines.dropFirst().joined(separator: "\n") + "\n")
      }
    }
    throw SupportFailure("the README shows no \(command)")
  }
}
