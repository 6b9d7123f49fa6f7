import Foundation
import TestSupport

/// A run of the executable against a scripted server, in which a system call can be made to fail.
struct SystemCallScene: Sendable {
  enum Command: String, CaseIterable, Sendable { case features, bind, send, listen, state }

  /// A system call that fails, without being made.
  struct Fault: Sendable, CustomStringConvertible {
    let call: String
    let error: String
    /// Which of the calls: a number, or a first one and a step (`2+3`).
    var when = ""
    var description: String { "\(call) \(error) \(when)" }
  }

  /// What each call can fail with.
  static let failures: KeyValuePairs<String, [String]> = [
    "recvfrom": ["EINTR", "EAGAIN", "ECONNRESET"],
    "sendto": ["EINTR", "EAGAIN", "ECONNRESET", "EPIPE"],
    "connect": ["EINTR", "ECONNREFUSED", "ENETUNREACH"],
    "poll": ["EINTR", "ENOMEM"],
    "read": ["EINTR", "EAGAIN", "EIO", "ECONNRESET"],
    "write": ["EINTR", "EAGAIN", "ENOSPC", "EIO", "ECONNRESET"],
    "openat": ["EMFILE", "EACCES", "ENOSPC"],
    "close": ["EINTR", "EIO"],
    "socket": ["EMFILE", "EACCES"],
    "setsockopt": ["ENOPROTOOPT"],
    "getsockopt": ["ENOBUFS"],
    "signalfd4": ["EMFILE"],
    "flock": ["ENOLCK"],
    "rename": ["ENOSPC", "EIO"],
    "newfstatat": ["EIO"],
  ]

  let command: Command

  /// What came of a run.
  struct Result {
    let outcome: Outcome
    /// The calls that strace(1) saw, a line each.
    let calls: [Substring]
    /// What was printed, save for what differs from one run to the next.
    let essence: String

    /// How often each call came before the program's own first one, which is about SIGPIPE, and behind it.
    var counts: (before: [String: Int], behind: [String: Int]) {
      let names = calls.map { String($0.drop { $0 == " " || $0.isNumber }.prefix { $0 != "(" }) }
      let start = calls.firstIndex { $0.contains("rt_sigaction(SIGPIPE") } ?? 0
      func count(_ names: ArraySlice<String>) -> [String: Int] {
        names.reduce(into: [:]) { $0[$1, default: 0] += 1 }
      }
      return (count(names[..<start]), count(names[start...]))
    }

    /// The first call that was made to fail.
    var injected: Substring? { calls.first { $0.contains("(INJECTED)") } }

    /// Whether the run must go on as if nothing had been.
    ///
    /// A connect(2) that is interrupted goes on by itself, which cannot be had here: the call that fails is not made. A
    /// file never would block.
    func mustPass(_ fault: Fault) -> Bool {
      guard let injected else { return true }
      return switch fault.error {
      case "EINTR": fault.call != "connect"
      case "EAGAIN": injected.contains("<socket:") || injected.contains("<pipe:")
      default: fault.call == "close" || fault.call == "setsockopt"
      }
    }
  }

  /// Runs it.
  ///
  /// - Parameter fault: which call fails; without one all calls are listed.
  func run(_ fault: Fault? = nil) throws -> Result {
    let peer = try ScriptedPeer(script)
    let folder = try TemporaryFolder()
    let log = folder.path("calls")
    var strace = ["-f", "-qq", "-y", "-o", log]
    if let fault {
      strace += [
        "-e", "trace=\(fault.call)", "-e", "inject=\(fault.call):error=\(fault.error):when=\(fault.when)",
      ]
    }
    let outcome = try Program("/usr/bin/strace").run(
      strace + [Program.xmppctl.path] + arguments(peer.port, folder), input: input,
      environment: ["XMPPCTL_PASSWORD": "secret"], within: .seconds(60))
    // Where the program was made to leave early, the script was not followed.
    _ = try? peer.finish()
    return Result(
      outcome: outcome, calls: try folder.read("calls").split(separator: "\n"), essence: try essence(outcome))
  }

  private var input: String {
    command == .send
      ? (1...5).map { "{\"to\":\"eve@example.org\",\"id\":\"i\($0)\",\"body\":\"\($0)\"}\n" }.joined() : ""
  }

  private func arguments(_ port: UInt16, _ folder: TemporaryFolder) throws -> [String] {
    let name = command == .state ? "listen" : command.rawValue
    let options: [String] =
      switch command {
      case .features: ["--json"]
      case .bind: []
      case .send: ["--ndjson", "--json"]
      case .listen: ["--json", "--count", "20", "--no-reconnect"]
      case .state: ["--json", "--count", "20", "--no-reconnect", "--state", folder.path("state")]
      }
    return try [name, "--max-time", "30"] + options + ListenScene.way(port)
  }

  /// What must be the same in each run.
  private func essence(_ outcome: Outcome) throws -> String {
    switch command {
    // The rest is of keys, certificates and times.
    case .features:
      outcome.output.components(separatedBy: "\"stages\":").last?.components(separatedBy: ",\"timings\"")
        .first ?? ""
    case .bind, .send: outcome.output
    case .listen, .state: "\(try ListenScene.bodies(outcome.output))"
    }
  }

  /// A server that does what it is asked, acknowledges, and sends twenty messages to whoever is available.
  private var script: [ScriptedPeer.Step] {
    get throws {
      try ListenScene.Part.raw { talk in
        var handled = 0
        while let element = try? talk.element(), !element.hasPrefix("</") {
          if element.hasPrefix("<r ") {
            try talk.send("<a xmlns='urn:xmpp:sm:3' h='\(handled)'/>")
          } else if element.hasPrefix("<enable ") {
            handled = 0
            try talk.send("<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true'/>")
          } else if element.hasPrefix("<a ") {
          } else {
            handled += 1
            if element.hasPrefix("<iq") {
              try talk.send(LoginScene.bound(ListenScene.jid)(LoginScene.id(of: element)))
            } else if element.hasPrefix("<presence") {
              try talk.send(ListenScene.messages(1...20))
            }
          }
        }
        try talk.send(Dialogue.end)
      }.script
    }
  }

  /// What is wrong with what a run with a fault came to.
  func problems(_ result: Result, _ fault: Fault, reference: String) -> [String] {
    let outcome = result.outcome
    var problems: [String] = []
    if outcome.status == 0 {
      if result.essence != reference { problems.append("the output is another one: \(result.essence)") }
    } else {
      // What can be the matter where a call fails: a file, the line, the output, the configuration, a handshake.
      // `send` tries again to come back to its session, as long as it has time.
      let possible: [Int32] = [66, 69, 74, 78, 79] + (command == .send ? [75] : [])
      if !possible.contains(outcome.status ?? -1) {
        problems.append("it ended by \(outcome.ending)")
      }
      if result.mustPass(fault) { problems.append("it did not go on") }
      let name = command == .state ? "listen" : command.rawValue
      let isTold = outcome.error.split(separator: "\n").contains {
        $0.wholeMatch(of: #/xmppctl: ([a-z]+): [a-z]+: .+/#)?.1 == name[...]
      }
      if !isTold { problems.append("nobody is told why") }
    }
    // A file that is full may have half a line; a program that can still write has not.
    if outcome.status != 74, !outcome.output.isEmpty, !outcome.output.hasSuffix("\n") {
      problems.append("half a line")
    }
    if outcome.output.contains("secret") || outcome.error.contains("secret") {
      problems.append("the password")
    }
    if problems.isEmpty { return [] }
    return [
      "\(command), \(fault): \(problems.joined(separator: "; ")); status \(outcome.ending)\n\(outcome.output.suffix(1000))\n\(outcome.error.suffix(1000))\n\(result.injected ?? "")"
    ]
  }
}
