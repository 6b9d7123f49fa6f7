import Foundation
import TestSupport
import Testing

@testable import xmppctl

/// What is different for somebody who sits at a terminal, and that nothing of it is there without one.
@Suite(.serialized) struct TerminalTests {
  private let escape = "\u{1B}["

  /// The lines as they stand on the terminal, without what colours them.
  private func lines(_ shown: String) -> [String] {
    shown.replacing(#/\u{1B}\[[0-9;]*[mK]/#, with: "").replacingOccurrences(of: "\r\n", with: "\n")
      .split(separator: "\n").map(String.init)
  }

  @Test("a report is coloured at a terminal, and elsewhere where that is forced; NO_COLOR has the last word")
  func colours() throws {
    let scene = try ExampleScene()
    for command in ["connect", "features"] {
      let line = "xmppctl \(command) example.org"
      let shown = try scene.start(inTerminal: 80, line).finish()
      #expect(
        shown.status == 0 && shown.shown.contains("\(escape)1mexample.org\(escape)0m"), "\(shown.shown)")
      let plain = try scene.start(inTerminal: 80, line, environment: ["NO_COLOR": "1"]).finish()
      #expect(plain.status == 0 && plain.shown.contains("example.org") && !plain.shown.contains("\u{1B}"))

      let piped = try scene.run(line)
      #expect(piped.status == 0 && !piped.output.contains("\u{1B}"))
      #expect(try scene.run(line, environment: ["CLICOLOR_FORCE": "1"]).output.contains("\(escape)1m"))
      #expect(
        try !scene.run(line, environment: ["CLICOLOR_FORCE": "1", "NO_COLOR": "1"]).output.contains("\u{1B}"))
    }
  }

  @Test("JSON is laid out at a terminal, and one line elsewhere")
  func json() throws {
    let scene = try ExampleScene()
    let shown = try scene.start(inTerminal: 80, "xmppctl connect --json example.org").finish()
    #expect(shown.status == 0 && shown.shown.hasPrefix("{\r\n  \"ok\": true,\r\n"), "\(shown.shown)")
    #expect(!shown.shown.contains("\u{1B}"))
    let piped = try scene.run("xmppctl connect --json example.org")
    #expect(piped.output.hasPrefix("{\"ok\":true,") && piped.output.split(separator: "\n").count == 1)
  }

  @Test("no line of a report is wider than the terminal, unless a word is", arguments: [120, 80, 60, 40])
  func widths(columns: Int) throws {
    let scene = try ExampleScene()
    for command in ["connect example.org", "features -j bob@example.org"] {
      let shown = try scene.start(inTerminal: columns, "xmppctl \(command)").finish()
      #expect(shown.status == 0, "\(shown.shown)")
      let all = lines(shown.shown)
      #expect(all.count > 8)
      for line in all {
        let words = line.split(separator: " ")
        #expect(
          line.unicodeScalars.count <= columns || words.contains { $0.count > columns - 4 },
          "\(line.unicodeScalars.count) columns: \(line)")
      }
      let piped = try scene.run("xmppctl \(command)")
      // The same words: nothing is cut off. Times, and the days that are left, may be others by now.
      let words = { (text: String) in
        text.split { $0 == " " || $0 == "\n" }.filter { !$0.contains(#/^\(?[=.0-9]+$/#) }.sorted()
      }
      #expect(words(all.joined(separator: "\n")) == words(piped.output))
    }
  }

  @Test("the waterfall of connect: a bar a part, one behind the other")
  func waterfall() throws {
    let scene = try ExampleScene()
    let shown = lines(try scene.start(inTerminal: 80, "xmppctl connect example.org").finish().shown)
    let bars = shown.compactMap { line in
      line.wholeMatch(of: #/([a-z]+) +[0-9]+\.[0-9] ms  ( *)(=+)/#).map {
        (part: $0.output.1, start: $0.output.2.count, end: $0.output.2.count + $0.output.3.count)
      }
    }
    #expect(bars.map(\.part) == ["dns", "proxy", "starttls", "tls", "stream"])
    for (bar, next) in zip(bars, bars.dropFirst()) { #expect(bar.start <= next.start && bar.end <= next.end) }
    #expect(shown.last?.hasPrefix("total ") == true)
  }

  @Test("a password is asked for by name, and not shown; what is printed goes where it should")
  func prompt() throws {
    let scene = try ExampleScene()
    try scene.home.write("config.json5", "{}")
    let login = ["XMPPCTL_CONFIG": scene.home.path("config.json5")]
    let bind = "xmppctl bind bob@example.org/desk > jid"
    let asking = try scene.start(inTerminal: 80, bind, environment: login)
    try asking.terminal.shown(until: "Password for bob@example.org: ")
    #expect(!asking.terminal.echoes)
    asking.terminal.type("secret\n")
    let end = try asking.finish()
    #expect(end.status == 0 && end.shown == "Password for bob@example.org: \r\n", "\(end.shown)")
    #expect(asking.terminal.echoes)
    #expect(try scene.home.read("jid") == "bob@example.org/desk\n")

    let interrupted = try scene.start(inTerminal: 80, bind, environment: login)
    try interrupted.terminal.shown(until: "Password for bob@example.org: ")
    interrupted.terminal.type("\u{3}")
    #expect(try interrupted.finish().status == 130)
    #expect(interrupted.terminal.echoes)

    // The message comes by a pipe, and the terminal is asked still.
    let sending = try scene.start(
      inTerminal: 80, "echo 'from a pipe' | xmppctl send -j bob@example.org alice@example.org 2> errors",
      environment: login)
    try sending.terminal.shown(until: "Password for bob@example.org: ")
    sending.terminal.type("secret\n")
    #expect(try sending.finish().status == 0)
    let message = try scene.message(scene.listener("alice@example.org"))
    #expect(message["body"] == .string("from a pipe"))

    // Without a terminal nobody is asked.
    let nobody = try scene.run(bind, environment: login)
    #expect(nobody.status == 77 && nobody.error.contains("there is no terminal"), "\(nobody.error)")
  }

  @Test("a long run says at a terminal how far it is, on one line that goes away", arguments: [80, 30])
  func progress(columns: Int) throws {
    let scene = try ExampleScene()
    let pipe = Pipe()
    for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
      _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
    }
    let sending = try scene.start(
      inTerminal: columns, "xmppctl send --lines alice@example.org > results",
      input: pipe.fileHandleForReading.fileDescriptor)
    try pipe.fileHandleForWriting.write(contentsOf: Data("one\ntwo\nthree\n".utf8))
    let line = "xmppctl: send: 3 confirmed, 0 under way"
    try sending.terminal.shown(until: "\r\(escape)K" + line.prefix(columns - 1))
    try pipe.fileHandleForWriting.close()
    let end = try sending.finish()
    #expect(end.status == 0 && end.shown.hasSuffix("\r\(escape)K"), "\(end.shown)")
    let shown = end.shown.components(separatedBy: "\r\(escape)K")
    #expect(shown.allSatisfy { $0.count < columns && !$0.contains("\n") }, "\(end.shown)")
    #expect(try scene.home.read("results").isEmpty)
    // Where stderr is no terminal there is nobody to tell.
    #expect(Progress(Terminal(isOutputTerminal: true, isErrorTerminal: false, colours: true)) == nil)
  }
}
