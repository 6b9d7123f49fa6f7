import Foundation
import TestSupport
import Testing

/// The completions, asked for in the shells they are for.
@Suite struct CompletionTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../completions").standardizedFileURL

  /// A shell and its file.
  enum Shell: String, CaseIterable {
    case bash = "xmppctl.bash"
    case zsh = "_xmppctl"
    case fish = "xmppctl.fish"

    var file: URL { CompletionTests.folder.appendingPathComponent(rawValue) }

    /// What the shell runs to say, a line each, how the line in `$LINE` may go on.
    var script: String {
      switch self {
      case .bash:
        #"""
        source "$FILE"
        read -ra COMP_WORDS <<<"$LINE"
        [[ $LINE != *' ' ]] || COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$LINE COMP_POINT=${#LINE}
        _xmppctl xmppctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
        """#
      case .zsh:
        // Only a zsh at a terminal completes; what it would offer is caught on its way to the list.
        #"""
        zmodload zsh/zpty
        zpty asked zsh -f -i
        zpty -w asked "fpath=(${FILE:h} \$fpath); autoload -Uz compinit; compinit -u -D"
        zpty -w asked 'compadd() {
          [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]] || { local -a found; builtin compadd -O found "$@"; print -l FOUND:$^found }
          builtin compadd "$@"
        }'
        zpty -w asked 'finish() { print; print THE-END }; zle -N finish; bindkey "^X" finish; bindkey "^I" complete-word'
        zpty -w asked 'LISTMAX=0; print READY-$((1 + 1))'
        while zpty -r asked line && [[ $line != *READY-2* ]]; do :; done
        zpty -w -n asked "$LINE"$'\t\x18'
        while zpty -r asked line && [[ $line != *THE-END* ]]; do
          [[ $line != *FOUND:* ]] || print -r -- ${${line##*FOUND:}%%[[:space:]]#}
        done
        """#
      case .fish: "source $FILE; complete -C $LINE"
      }
    }
  }

  /// What a shell offers at the end of a line.
  private func offers(_ shell: Shell, _ line: String, in folder: TemporaryFolder? = nil) throws -> Set<String>
  {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let program = URL(fileURLWithPath: Program.xmppctl.path).deletingLastPathComponent().path
    let options =
      shell == .zsh ? ["-f", "-o", "extendedglob"] : shell == .bash ? ["--norc"] : ["--no-config"]
    let outcome = try Program("/usr/bin/env").run(
      ["\(shell)"] + options + ["-c", shell.script],
      environment: [
        "FILE": shell.file.path, "LINE": line, "PATH": "\(program):\(path)", "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
      ], folder: folder)
    // Behind a tab fish explains.
    let lines = outcome.output.split(whereSeparator: \.isNewline).map { $0.prefix { $0 != "\t" } }
    return Set(lines.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty })
  }

  @Test(
    "the completions are what the executable says now: else run scripts/completions.sh",
    arguments: Shell.allCases)
  func areCurrent(shell: Shell) throws {
    let folder = try TemporaryFolder()
    let script = Self.folder.appendingPathComponent("../scripts/completions.sh").standardizedFileURL.path
    let outcome = try Program("/bin/bash").run([script, Program.xmppctl.path, folder.path])
    #expect(outcome.status == 0, "\(outcome.error)")
    let made = try String(contentsOfFile: folder.path(shell.rawValue), encoding: .utf8)
    #expect(try made == String(contentsOf: shell.file, encoding: .utf8))
  }

  @Test("a shell completes commands, options and their values", arguments: Shell.allCases)
  func complete(shell: Shell) throws {
    #expect(try offers(shell, "xmppctl fea") == ["features"])
    #expect(try offers(shell, "xmppctl send --conf") == ["--confirm", "--config"])
    #expect(try offers(shell, "xmppctl send --confirm ") == ["server", "receipt", "none"])
    #expect(try offers(shell, "xmppctl connect --tls s") == ["starttls"])
    #expect(try offers(shell, "xmppctl bind --mechanism SCRAM-SHA-512").contains("SCRAM-SHA-512-PLUS"))
    for (line, values) in [
      ("send --type ", ["chat", "normal", "headline", "groupchat"]),
      ("listen --type ", ["message", "presence", "iq", "chat", "normal", "headline", "groupchat", "error"]),
      ("listen --type head", ["headline"]), ("send --confirm re", ["receipt"]),
      ("send --tls ", ["auto", "direct", "starttls", "none"]), ("listen --tls d", ["direct"]),
      ("features --tls-min ", ["1.2", "1.3"]),
      ("send --mechanism SCRAM-SHA-256", ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"]),
      ("listen --mechanism E", ["EXTERNAL"]),
    ] {
      #expect(try offers(shell, "xmppctl \(line)") == Set(values), "\(line)")
    }
    // What --help leaves out is offered too.
    #expect(try offers(shell, "xmppctl send --replace") == ["--replace-invalid"])
    #expect(try offers(shell, "xmppctl listen --ping") == ["--ping-interval"])
  }

  @Test(
    "a shell completes the names of accounts, and is told nothing else of them", arguments: Shell.allCases)
  func accounts(shell: Shell) throws {
    let folder = try TemporaryFolder()
    try folder.write(
      ".config/xmppctl/config.json5",
      """
      {accounts: {work: {jid: "bob@example.org", password: "hidden"}, wine: {}, home: {},
        "w; touch $HOME/owned": {}, "w:x": {}}}
      """)
    #expect(try offers(shell, "xmppctl bind --account w", in: folder) == ["work", "wine"])
    #expect(try offers(shell, "xmppctl bind -a h", in: folder) == ["home"])
    for command in ["features", "send", "listen"] {
      #expect(try offers(shell, "xmppctl \(command) --account h", in: folder) == ["home"])
    }
    try folder.write(".config/xmppctl/config.json5", "not what it should be")
    #expect(try offers(shell, "xmppctl bind --account w", in: folder) == [])
  }
}
