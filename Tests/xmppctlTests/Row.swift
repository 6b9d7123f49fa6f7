import Foundation
import TestSupport
import Testing
import XMPP

/// One run of `xmppctl COMMAND --json`, with what must hold for every run already checked: one whole JSON line that agrees
/// with exit status and stderr, nothing raw from a stranger, an end in time.
struct Row {
  let outcome: Outcome
  private let report: Any

  /// Runs it to its end.
  init(
    _ arguments: [String], command: String = "features", within limit: Duration = .seconds(20),
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let outcome = try Program.xmppctl.run([command, "--json"] + arguments, within: limit)
    try self.init(outcome, command: command, at: place)
  }

  /// Takes a run that has ended.
  init(_ outcome: Outcome, command: String = "features", at place: SourceLocation = #_sourceLocation) throws {
    self.outcome = outcome
    expectHarmless(outcome, at: place)
    #expect(outcome.outputBytes.filter { $0 == UInt8(ascii: "\n") }.count == 1, sourceLocation: place)
    #expect(outcome.outputBytes.last == UInt8(ascii: "\n"), sourceLocation: place)
    report = try JSONSerialization.jsonObject(with: Data(outcome.outputBytes))
    #expect(self["ok"] as Bool? == (outcome.status == 0), sourceLocation: place)
    guard outcome.status != 0 else {
      #expect(!has("error"), "\(outcome.output)", sourceLocation: place)
      return
    }
    #expect(self["error.code"] == outcome.status.map(Int.init), sourceLocation: place)
    let stage: String = try #require(self["error.stage"], sourceLocation: place)
    let message: String = try #require(self["error.message"], sourceLocation: place)
    let lines = outcome.error.split(separator: "\n")
    // As it is where nothing in it had to be escaped.
    let shown = isHarmless(message) ? message : ""
    #expect(
      lines.contains { $0.utf8.starts(with: "xmppctl: \(command): \(stage): \(shown)".utf8) },
      "\(outcome.error)", sourceLocation: place)
    if let hint: String = self["error.hint"], isHarmless(hint) {
      #expect(lines.contains { $0.utf8.elementsEqual("xmppctl: hint: \(hint)".utf8) }, sourceLocation: place)
    }
  }

  /// What stands at a path such as `attempts.0.error.code`; `nil` where there is nothing, or something of another type.
  subscript<Value>(_ path: String) -> Value? { value(path) as? Value }

  /// Whether anything stands at a path.
  func has(_ path: String) -> Bool { value(path) != nil }

  /// How many values the array at a path has.
  func count(_ path: String) -> Int { (value(path) as? [Any])?.count ?? 0 }

  /// The values of one key in all objects of an array.
  func each<Value>(_ path: String, _ key: String) -> [Value] {
    (value(path) as? [[String: Any]] ?? []).compactMap { $0[key] as? Value }
  }

  private func value(_ path: String) -> Any? {
    var value: Any? = report
    for key in path.split(separator: ".") {
      if let list = value as? [Any] {
        value = Int(key).flatMap { list.indices.contains($0) ? list[$0] : nil }
      } else {
        value = (value as? [String: Any])?[String(key)]
      }
    }
    return value
  }

  /// Expects that it reached its goal.
  func succeeds(at place: SourceLocation = #_sourceLocation) {
    #expect(outcome.status == 0, "\(outcome.error)", sourceLocation: place)
    #expect(complaints.isEmpty, "\(outcome.error)", sourceLocation: place)
  }

  /// Expects that it failed in just this way; no condition given, any will do.
  func fails(
    _ status: XMPP.ExitStatus, _ stage: Failure.Stage, _ condition: String? = nil,
    at place: SourceLocation = #_sourceLocation
  ) {
    let found = "\(outcome.output)\(outcome.error)"
    #expect(outcome.status == status.rawValue, "\(found)", sourceLocation: place)
    #expect(self["error.stage"] == stage.rawValue, "\(found)", sourceLocation: place)
    if let condition { #expect(self["error.condition"] == condition, "\(found)", sourceLocation: place) }
  }

  /// The lines on stderr, but for the warning that goes with `--tls none`.
  var complaints: [Substring] {
    outcome.error.split(separator: "\n").filter {
      $0 != "xmppctl: warning: the connection is not encrypted (--tls none)"
    }
  }

  /// The failure's message.
  var message: String { self["error.message"] ?? "" }
}

/// Expects valid UTF-8 without anything that could move a terminal's cursor, turn text around or end a line too early.
///
/// - Parameter separated: whether TAB separates four fields of each line on standard output.
func expectHarmless(_ outcome: Outcome, separated: Bool = false, at place: SourceLocation = #_sourceLocation)
{
  for (number, bytes) in [outcome.outputBytes, outcome.errorBytes].enumerated() {
    var text = String(validating: bytes, as: UTF8.self)
    if separated, number == 0 {
      let lines = (text ?? "").split(separator: "\n")
      let fields = lines.map { $0.utf8.split(separator: 0x09, omittingEmptySubsequences: false).count }
      #expect(fields.allSatisfy { $0 == 4 }, "\(fields)", sourceLocation: place)
      text = text?.replacing("\t", with: " ")
    }
    #expect(text != nil, "not UTF-8", sourceLocation: place)
    let lines = (text ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy(isHarmless), "\(text?.debugDescription ?? "")", sourceLocation: place)
    #expect(lines.last?.isEmpty == true, "an unfinished line", sourceLocation: place)
  }
}

/// Something of each kind that must not come through raw, each with a word behind it that would begin a line.
let hostile = "\u{7F}\u{80}\u{9B}31mRED\u{202E}\u{2066}\u{200F}\u{61C}\u{2028}LINE\u{2029}LINE\u{85}LINE"

/// Waits until something is so.
func wait(
  _ what: String, within limit: Duration = .seconds(10), until done: () throws -> Bool
) throws {
  let end = ContinuousClock.now + limit
  while try !done() {
    guard ContinuousClock.now < end else {
      throw SupportFailure("waited in vain: \(what)")
    }
    usleep(2000)
  }
}
