import Foundation
import TestSupport
import Testing

@testable import XMPP
@testable import xmppctl

/// The arguments, which are taken as they are.
@Suite struct ArgumentRowsTests {
  @Test("C40: a message that is spelled like an option reaches the recipient unchanged")
  func messages() throws {
    let scene = try SendScene()
    let messages = [
      "--trace", "--help-all", "--help", "-h", "--version", "--json", "--generate-completion-script",
      "--generate-completion-script=bash", "--experimental-dump-help", "---completion", "--", "-",
      "-m--trace",
    ]
    for message in messages {
      for options in [["-m", message], ["--message=\(message)"]] {
        let arguments = options + ["--subject", message, scene.to]
        let outcome = try Program.xmppctl.run(
          scene.arguments(arguments), environment: SendScene.environment, within: .seconds(80))
        #expect(
          outcome.status == 0 && outcome.output.isEmpty && outcome.error.isEmpty,
          "\(message): \(outcome.output.prefix(300))\(outcome.error)")
      }
    }
    let end = try scene.send("-m", "end", "--", scene.to)
    #expect(end.status == 0, "what follows -- is a recipient: \(end.error)")
    let received = try scene.receiver.messages(2 * messages.count + 1)
    #expect(received.map(\.body) == messages.flatMap { [$0, $0] } + ["end"])
  }

  @Test("C40: a message that is spelled like an option does not turn a usage error into success")
  func failure() throws {
    for message in ["--help", "--help-all", "--version", "--generate-completion-script"] {
      for wrong in [["--tls", "no"], ["--max-time", "0"], ["--no-such-option"]] {
        let outcome = try Program.xmppctl.run(["send", "-m", message] + wrong + ["bob@example.org"])
        #expect(outcome.status == 64 && outcome.output.isEmpty, "\(message) \(wrong): \(outcome.error)")
      }
    }
  }

  @Test("C41: --trace takes a file; - is standard error")
  func trace() throws {
    let folder = try TemporaryFolder()
    for (options, isFile) in [
      (["--trace", "-"], false), (["--trace=-"], false), (["--trace", folder.path("trace")], true),
      (["--trace=\(folder.path("trace"))"], true),
    ] {
      let peer = try ScriptedPeer(.opened(Dialogue.header()) + [.silence])
      let outcome = try Program.xmppctl.run(["connect"] + options + peer.way("none"))
      #expect(outcome.status == 0, "\(outcome.error)")
      #expect(outcome.error.contains(" C: <") == !isFile)
      if isFile {
        let trace = try String(contentsOfFile: folder.path("trace"), encoding: .utf8)
        #expect(trace.contains(" C: <") && trace.contains(" S: <"))
        try FileManager.default.removeItem(atPath: folder.path("trace"))
      }
      try peer.finish()
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(!names.contains("-"))
  }

  @Test(
    "C41: --trace without a file is a usage error with a hint that works",
    arguments: [[], ["--json"], ["-v"]])
  func bareTrace(next: [String]) throws {
    let outcome = try Program.xmppctl.run(["connect", "example.org", "--trace"] + next)
    #expect(outcome.status == 64 && outcome.output.isEmpty)
    #expect(outcome.error.hasSuffix("xmppctl: hint: use --trace - for standard error\n"), "\(outcome.error)")
    #expect(outcome.error.contains("Missing value for '--trace <file>'"), "\(outcome.error)")
  }

  @Test(
    "C42: --help-all shows every option, whatever else is given or missing",
    arguments: XMPPCtl.configuration.subcommands.map { $0.configuration.commandName ?? "" })
  func helpAll(command: String) throws {
    let all = try Program.xmppctl.run([command, "--help-all"])
    #expect(all.status == 0 && all.error.isEmpty)
    for option in ["--tls-min ", "--help-all ", "--trace-secrets "] {
      #expect(all.output.contains("  \(option)"), "\(option)")
    }
    let usual = try Program.xmppctl.run([command, "--help"])
    #expect(!usual.output.contains("  --tls-min ") && usual.output.utf8.count < all.output.utf8.count)
    for others in [
      ["-v", "--help-all"], ["--help-all", "-k"], ["--trace", "-", "--help-all"],
    ] {
      let outcome = try Program.xmppctl.run([command] + others)
      #expect(outcome.status == 0 && outcome.output == all.output, "\(others): \(outcome.error)")
    }
  }

  @Test("C42: a value spelled --help-all shows no more options than before")
  func helpAllAsValue() throws {
    let usual = try Program.xmppctl.run(["send", "--help"])
    let outcome = try Program.xmppctl.run(["send", "-m", "--help-all", "--subject", "--help-all", "--help"])
    #expect(outcome.status == 0 && outcome.output == usual.output)
  }
}
