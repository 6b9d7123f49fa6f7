import Foundation
import TestSupport
import Testing

/// docs/PROMISES.md and the table of guards, held to the tests.
@Suite struct PromisesTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../..").standardizedFileURL
  private static let page = "docs/PROMISES.md"

  /// A test as the sources have it.
  private struct Found {
    let module: String
    let suite: String
    let function: String
    /// The rows its name begins with.
    let rows: [String]
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appendingPathComponent(path), encoding: .utf8)
  }

  private func tests() throws -> [Found] {
    var tests: [Found] = []
    for module in ["XMPPTests", "xmppctlTests"] {
      let folder = Self.root.appendingPathComponent("Tests/\(module)").path
      for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file.hasSuffix(".swift") {
        let source = try text("Tests/\(module)/\(file)")
        var suite = ""
        var name: Substring?
        for match in source.matches(
          of: #/(?m)^(?:@Suite[^\n]* )?struct (\w+)|@Test(?:\(\s*"((?:[^"\\]|\\.)*)")?|^ +func (\w+)\(/#)
        {
          if let struct_ = match.1 {
            suite = String(struct_)
          } else if let function = match.3 {
            guard let shown = name else { continue }
            let rows = shown.firstMatch(of: #/^((?:[A-Z]\d+, )*[A-Z]\d+): /#)?.1
            tests.append(
              Found(
                module: module, suite: suite, function: String(function),
                rows: rows?.components(separatedBy: ", ") ?? []))
            name = nil
          } else {
            name = match.2 ?? ""
          }
        }
      }
    }
    return tests
  }

  /// The rows of the page in their order, with what stands in their last column.
  private func rows(_ page: String) -> [(row: String, tests: String)] {
    page.matches(of: #/(?m)^\| ([A-Z]\d+) \| [^\n]* \| ([^|\n]*)\|$/#).map {
      (String($0.1), $0.2.trimmingCharacters(in: .whitespaces))
    }
  }

  /// Suites and how many tests in each, as the last column has them.
  private func cell(_ row: String, _ tests: [Found]) -> String {
    let counts = Dictionary(grouping: tests.filter { $0.rows.contains(row) }, by: \.suite).mapValues(\.count)
    return counts.sorted { $0.key < $1.key }.map { "`\($0.key)` \($0.value)" }.joined(separator: ", ")
  }

  @Test("each row of the page has tests, on the executable among others, and each test's row is there")
  func rowsHaveTests() throws {
    var page = try text(Self.page)
    let (tests, rows) = (try tests(), rows(page))
    #expect(tests.count > 500 && rows.count > 80)
    #expect(Set(rows.map(\.row)).count == rows.count)
    let named = Set(tests.flatMap(\.rows))
    #expect(named.subtracting(rows.map(\.row)) == [], "rows of tests that the page does not have")
    let executed = Set(tests.filter { $0.module == "xmppctlTests" }.flatMap(\.rows))
    #expect(Set(rows.map(\.row)).subtracting(executed) == [], "rows without a test of the executable")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
      page.replace(#/(?m)^(\| ([A-Z]\d+) \| [^\n]* \| )[^|\n]*\|$/#) {
        $0.1 + cell(String($0.2), tests) + " |"
      }
      try page.write(to: Self.root.appendingPathComponent(Self.page), atomically: true, encoding: .utf8)
    }
    for row in rows { #expect(row.tests == cell(row.row, tests), "\(row.row)") }
  }

  @Test("each row belongs to a promise, and each promise has rows that are there")
  func promisesHaveRows() throws {
    let page = try text(Self.page)
    let rows = Set(rows(page).map(\.row))
    let promises = page.matches(of: #/(?m)^(\d+)\. \*\*[^\n]*\*\* (?:Rows ([^\n]*)\.|This page[^\n]*)$/#)
    #expect(promises.map { String($0.1) } == (1...10).map(String.init))
    let held = promises.flatMap { $0.2?.components(separatedBy: ", ") ?? [] }
    #expect(Set(held) == rows)
  }

  @Test("each guard of the mutation table stands in its file exactly once, and its tests and rows are there")
  func guards() throws {
    let functions = try tests().map { "\($0.module).\($0.suite)/\($0.function)" }
    let rows = Set(rows(try text(Self.page)).map(\.row))
    let table = try text("Tests/Mutation/guards.txt")
    let blocks = table.components(separatedBy: "\n\n").dropFirst()
    #expect(blocks.count > 100)
    var names: Set<String> = []
    for block in blocks {
      var fields: [String: [String]] = [:]
      for line in block.split(separator: "\n") {
        let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(
          String.init)
        if parts.count == 2 { fields[parts[0], default: []].append(parts[1]) }
      }
      let name = try #require(fields["guard"]?.first)
      #expect(names.insert(name).inserted, "\(name) is there twice")
      let source = try text(try #require(fields["file"]?.first))
      let from = try #require(fields["from"]).joined(separator: "\n")
      #expect(source.components(separatedBy: from).count == 2, "\(name): \(from)")
      #expect(try #require(fields["to"]).joined().contains("OFF"), "\(name)")
      #expect(rows.contains(try #require(fields["row"]?.first)), "\(name)")
      let pattern = try Regex(try #require(fields["test"]?.first))
      #expect(functions.contains { $0.firstMatch(of: pattern) != nil }, "\(name) has no test")
    }
  }
}
