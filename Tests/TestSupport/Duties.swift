import Foundation

/// What every run of the executable owes, whatever a test is about: an end by its deadline, an exit status of the table,
/// whole lines, nothing raw from a stranger, and its password nowhere. `RunningProgram.wait` holds each run to it.
struct Duties {
  /// The exit statuses there are.
  private static let statuses: Set<Int32> = [
    0, 1, 64, 65, 66, 68, 69, 70, 74, 75, 76, 77, 78, 79, 80, 81, 129, 130, 131, 143,
  ]
  private static let commands = ["connect", "features", "bind", "send", "listen"]
  /// A run may take so much longer than it says, without the time in which the machine was busy with others; seconds. Under a
  /// sanitizer everything takes longer.
  private static let slack =
    ProcessInfo.processInfo.environment.keys.contains { $0.hasSuffix("SAN_OPTIONS") } ? 20.0 : 1.0
  /// A shorter password might be a word of a message.
  private static let shortestSecret = 8

  private let arguments: [String]
  private let secrets: [String]
  private let home: String
  private let before: Set<String>
  private let isColoured: Bool
  /// Arguments as others on the machine see them.
  private var seen: Set<Data> = []

  /// The duties of a command line; `nil` where it is none of the executable's commands.
  init?(_ command: [String], environment: [String: String], home: String) {
    guard let path = command.first, path.split(separator: "/").last == "xmppctl",
      command.dropFirst().first.map(Duties.commands.contains) == true
    else { return nil }
    arguments = Array(command.dropFirst())
    self.home = home
    isColoured = environment["CLICOLOR_FORCE"] != nil
    before = Set(Duties.files(in: home))
    let file = Duties.value("--password-file", arguments).flatMap { path in
      path == "-" ? nil : (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").first
    }
    secrets = [environment["XMPPCTL_PASSWORD"], file.map(String.init)].compactMap { secret in
      secret.flatMap { $0.utf8.count < Duties.shortestSecret || command.contains($0) ? nil : $0 }
    }
  }

  /// Looks at what others on the machine can see of it.
  mutating func look(at pid: pid_t) {
    guard !secrets.isEmpty, let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") else {
      return
    }
    seen.insert(line)
  }

  /// What a run owed and did not do.
  ///
  /// - Parameters:
  ///   - signals: those that the test sent.
  ///   - readsOutput: whether the whole of its standard output was collected.
  func neglected(by outcome: Outcome, signals: Set<Int32>, readsOutput: Bool) -> [String] {
    endings(outcome, signals)
      + (readsOutput && signals.isDisjoint(with: [SIGKILL, SIGABRT]) ? lines(outcome) : [])
      + exposures(outcome)
  }

  private func endings(_ outcome: Outcome, _ signals: Set<Int32>) -> [String] {
    var neglected: [String] = []
    switch outcome.ending {
    case .exited(let status) where !Duties.statuses.contains(status):
      neglected.append("its status is \(status)")
    case .killed(let signal) where signal != SIGKILL && !signals.contains(signal):
      neglected.append("signal \(signal) ended it")
    case .exited, .killed: break
    }
    let usual = arguments.first == "listen" ? nil : 30.0
    let limit = Duties.value("--max-time", arguments).flatMap(Double.init) ?? usual
    if let limit, outcome.duration - outcome.delay > .seconds(limit + Duties.slack) {
      neglected.append(
        "it took \(outcome.duration), of which it waited \(outcome.delay) for a processor, and had \(limit) s"
      )
    }
    return neglected
  }

  private func lines(_ outcome: Outcome) -> [String] {
    var neglected: [String] = []
    for (name, bytes) in [("stdout", outcome.outputBytes), ("stderr", outcome.errorBytes)] {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        neglected.append("\(name) is not UTF-8")
        continue
      }
      // TAB separates the fields of listen's lines of text, and stands nowhere else.
      let separates = name == "stdout" && arguments.first == "listen"
      let ends = [UInt8(ascii: "\n"), separates ? UInt8(ascii: "\t") : UInt8(ascii: "\n")]
      if !isColoured,
        !text.utf8.split(whereSeparator: ends.contains).allSatisfy({ isHarmless(Substring($0)) })
      {
        neglected.append("something raw is on \(name)")
      }
      if !bytes.isEmpty, bytes.last != UInt8(ascii: "\n") { neglected.append("\(name) ends within a line") }
    }
    if arguments.contains("--json") {
      let lines = outcome.outputBytes.split(separator: UInt8(ascii: "\n"))
      for line in lines where !((try? JSONSerialization.jsonObject(with: Data(line))) is [String: Any]) {
        neglected.append("a line is no JSON object: \(String(decoding: line.prefix(200), as: UTF8.self))")
      }
    }
    return neglected
  }

  private func exposures(_ outcome: Outcome) -> [String] {
    guard !secrets.isEmpty else { return [] }
    var places = [
      ("stdout", Data(outcome.outputBytes)), ("stderr", Data(outcome.errorBytes)),
    ]
    places += seen.map { ("its arguments", $0) }
    var paths = Duties.files(in: home).filter { !before.contains($0) }
    paths += ["--trace", "--state"].compactMap { Duties.value($0, arguments) }
    for path in Set(paths) where path.hasPrefix("/") && !path.hasPrefix("/dev/") {
      if let content = FileManager.default.contents(atPath: path) { places.append((path, content)) }
    }
    if arguments.contains("--trace-secrets") { places.removeLast(places.count - 1) }
    return secrets.flatMap { secret in
      places.filter { place in forms(of: secret).contains { place.1.range(of: Data($0.utf8)) != nil } }
        .map { "the password is in \($0.0)" }
    }
  }

  /// What an option is given, as `--option value` or `--option=value`.
  private static func value(_ option: String, _ arguments: [String]) -> String? {
    if let index = arguments.firstIndex(of: option), arguments.indices.contains(index + 1) {
      return arguments[index + 1]
    }
    return arguments.first { $0.hasPrefix(option + "=") }.map { String($0.dropFirst(option.count + 1)) }
  }

  private static func files(in folder: String) -> [String] {
    (FileManager.default.subpaths(atPath: folder) ?? []).map { folder + "/" + $0 }
  }
}

/// Whether there are neither controls nor bidirectional controls nor line separators.
public func isHarmless(_ text: some StringProtocol) -> Bool {
  text.unicodeScalars.allSatisfy { scalar in
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x180E, 0x200B, 0x200C, 0x200E, 0x200F:
      false
    case 0x2028...0x202E, 0x2060...0x206F, 0x3164, 0xFEFF, 0xFFA0, 0xFFF9...0xFFFB, 0xE0000...0xE0FFF: false
    default: true
    }
  }
}

/// A secret as it is, as XML escapes it, in hexadecimal, and those of its base64 digits that do not depend on what stands
/// around it.
public func forms(of secret: String) -> [String] {
  let bytes = Array(secret.utf8)
  let digits = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  let encoded = (0..<3).map { shift in
    let text = Data([UInt8](repeating: 0, count: shift) + bytes).base64EncodedString()
    return String(text.dropFirst((shift * 8 + 5) / 6).prefix(bytes.count * 8 / 6 - 1))
  }
  return [secret, secret.replacingOccurrences(of: "&", with: "&amp;"), digits, digits.uppercased()] + encoded
}
