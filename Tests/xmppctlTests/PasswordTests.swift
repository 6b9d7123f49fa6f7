import CLinux
import Foundation
import TestSupport
import Testing
import XMPP

@testable import xmppctl

@Suite struct PasswordTests {
  private let waiter = Waiter(seconds: 20)
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [
    ("secret", "secret"), ("secret\n", "secret"), ("secret\r\nsecond\n", "secret"), (" a b \n\n", " a b "),
    ("é€\n", "é€"), (String(repeating: "x", count: 4096), String(repeating: "x", count: 4096)),
  ])
  func aFileGivesItsFirstLine(content: String, password: String) throws {
    let file = try folder.write("password", content)
    #expect(try PasswordFile.read(file, waiter).text == password)
  }

  @Test(arguments: [
    ("", "empty-password", XMPP.ExitStatus.data), ("\nsecond\n", "empty-password", .data),
    (String(repeating: "x", count: 4097), "long-password", .data),
  ])
  func aFirstLineThatIsNoPasswordIsRefused(content: String, condition: String, status: XMPP.ExitStatus) throws
  {
    let file = try folder.write("password", content)
    let failure = #expect(throws: Failure.self) { try PasswordFile.read(file, waiter) }
    #expect(failure?.condition == condition)
    #expect(failure?.status == status)
  }

  @Test func aFileThatCannotBeReadIsNamed() throws {
    for path in [folder.path("missing"), folder.path] {
      let failure = #expect(throws: Failure.self) { try PasswordFile.read(path, waiter) }
      #expect(failure?.status == .noInput)
      #expect(failure?.message.contains(path) == true)
    }
  }

  @Test func aShellsProcessSubstitutionIsRead() throws {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data("from a pipe\n".utf8))
    try pipe.fileHandleForWriting.close()
    let path = "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"
    #expect(try PasswordFile.read(path, waiter).text == "from a pipe")
  }

  @Test func aFIFOIsReadAlsoWhenItsWriterComesLater() throws {
    let path = folder.path("fifo")
    try #require(mkfifo(path, 0o600) == 0)
    Thread.detachNewThread {
      // Opening waits for the reader, so the reader was there first.
      let descriptor = open(path, O_WRONLY)
      _ = write(descriptor, "late\n", 5)
      close(descriptor)
    }
    #expect(try PasswordFile.read(path, waiter).text == "late")
  }

  @Test func aFIFOThatNobodyWritesEndsByTheDeadline() throws {
    let path = folder.path("fifo")
    try #require(mkfifo(path, 0o600) == 0)
    let failure = #expect(throws: Failure.self) { try PasswordFile.read(path, Waiter(seconds: 0.1)) }
    #expect(failure?.status == .timeout)
  }

  @Test func whatFollowsThePasswordOnAnInputStaysThere() throws {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data("secret\nthe message\nin two lines\n".utf8))
    try pipe.fileHandleForWriting.close()
    let input = pipe.fileHandleForReading
    #expect(try PasswordFile.read(input.fileDescriptor, "input", waiter).text == "secret")
    #expect(try input.readToEnd() == Data("the message\nin two lines\n".utf8))
  }

  @Test func standardInputIsClaimedOnceAndRememberedForReconnections() async {
    await #expect(processExitsWith: .success) {
      let pipe = Pipe()
      try pipe.fileHandleForWriting.write(contentsOf: Data("secret\nbody".utf8))
      try pipe.fileHandleForWriting.close()
      dup2(pipe.fileHandleForReading.fileDescriptor, STDIN_FILENO)
      let password = Password(.standardInput, of: try JID(parsing: "a@example.org"))
      try password.claimInput(Waiter(seconds: 10))
      try #require(FileHandle.standardInput.readDataToEndOfFile() == Data("body".utf8))
      try #require(try password.secret(Waiter(seconds: 10)).text == "secret")
      try #require(try password.secret(Waiter(seconds: 10)).text == "secret")
    }
  }

  @Test func aSourceIsNotTouchedBeforeItIsNeeded() throws {
    let marker = folder.path("ran")
    let password = Password(.command("echo x; echo run >> \(marker)"), of: try JID(parsing: "a@example.org"))
    try password.claimInput(waiter)
    #expect(!FileManager.default.fileExists(atPath: marker))
    _ = try password.secret(waiter)
    _ = try password.secret(waiter)
    #expect(try folder.read("ran") == "run\n")
  }

  @Test("C7: once a secret is held, a crash leaves no core file and none goes to a crash reporter")
  func noCore() async {
    await #expect(processExitsWith: .success) {
      var limits = rlimit(rlim_cur: 1 << 20, rlim_max: 1 << 20)
      setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limits)
      let password = Password(.command("echo x"), of: try JID(parsing: "a@example.org"))
      _ = try password.secret(Waiter(seconds: 10))
      getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limits)
      exit(limits.rlim_cur == 1 && limits.rlim_max == 1 ? EXIT_SUCCESS : EXIT_FAILURE)
    }
  }

  @Test("C10: a password in the environment is gone from it once taken, also from /proc")
  func environment() async {
    await #expect(processExitsWith: .success) {
      // A variable the process was started with, since /proc shows no others.
      let path = try #require(Environment.value("PATH"))
      let before = try Data(contentsOf: URL(fileURLWithPath: "/proc/self/environ"))
      try #require(before.range(of: Data("PATH=\(path)".utf8)) != nil)
      try #require(Environment.take("PATH")?.text == path)
      try #require(getenv("PATH") == nil)
      let after = try Data(contentsOf: URL(fileURLWithPath: "/proc/self/environ"))
      try #require(after.range(of: Data("PATH=\(path)".utf8)) == nil)
      try #require(Environment.take("PATH") == nil)
    }
  }
}

@Suite struct PasswordCommandTests {
  private let waiter = Waiter(seconds: 20)

  @Test(arguments: [
    ("echo secret", "secret"), ("printf 'a b\\r\\nsecond\\n'", "a b"), ("printf x", "x"),
    ("sleep 0.1; echo late", "late"), ("echo first; seq 100000", "first"), ("exec 2>&-; cat; echo y", "y"),
    ("sleep 60 & echo background; exit 0", "background"),
  ])
  func theFirstLineIsThePassword(command: String, password: String) throws {
    #expect(try PasswordCommand(command).run(waiter).text == password)
  }

  @Test(arguments: [
    ("echo secret; exit 3", "ended with status 3"), ("no-such-program 2>/dev/null", "ended with status 127"),
    ("kill -9 $$", "was ended by signal 9"),
  ])
  func aCommandThatFailsGivesNoPassword(command: String, words: String) throws {
    let failure = #expect(throws: Failure.self) { try PasswordCommand(command).run(waiter) }
    #expect(failure?.status == .authentication)
    #expect(failure?.condition == "password-command")
    #expect(failure?.message == "the password command \(words)")
  }

  @Test(arguments: ["true", "echo"])
  func nothingPrintedIsNoPassword(command: String) throws {
    let failure = #expect(throws: Failure.self) { try PasswordCommand(command).run(waiter) }
    #expect(failure?.condition == "empty-password")
  }

  @Test(arguments: ["", "trap '' TERM; "])
  func aCommandThatDoesNotEndIsEndedAtTheDeadline(prefix: String) throws {
    let folder = try TemporaryFolder()
    let file = folder.path("pid")
    let command = "\(prefix)echo $$ > \(file); while :; do sleep 0.1; done"
    let failure = #expect(throws: Failure.self) { try PasswordCommand(command).run(Waiter(seconds: 0.5)) }
    #expect(failure?.status == .timeout)
    let pid = try #require(pid_t(try folder.read("pid").trimmingCharacters(in: .newlines)))
    #expect(kill(pid, 0) == -1 && errno == ESRCH)
  }

  @Test("C10: the command's environment holds no password")
  func environment() async {
    await #expect(processExitsWith: .success) {
      setenv("XMPPCTL_PASSWORD", "hidden", 1)
      setenv("XMPPCTL_JID", "a@example.org", 1)
      let environment = LoginEnvironment.take()
      try #require(environment.password?.text == "hidden")
      let seen = try PasswordCommand("echo $XMPPCTL_JID-$XMPPCTL_PASSWORD-").run(Waiter(seconds: 10))
      try #require(seen.text == "a@example.org--")
    }
  }

  @Test func theCommandHasTheSignalsOfAnOrdinaryProgram() async {
    await #expect(processExitsWith: .success) {
      signal(SIGPIPE, SIG_IGN)
      let interrupts = try #require(Interrupts())
      let command = "printf '%s ' $(grep -E '^Sig(Blk|Ign)' /proc/self/status)"
      let text = try PasswordCommand(command).run(Waiter(seconds: 10, interrupts: interrupts)).text
      let masks = text.split(separator: " ").compactMap { UInt64($0, radix: 16) }
      try #require(masks.count == 2)
      try #require(masks[0] == 0)
      try #require(masks[1] & 1 << UInt64(SIGPIPE - 1) == 0)
    }
  }

  @Test func theCommandDoesNotReadOurInput() async {
    await #expect(processExitsWith: .success) {
      let pipe = Pipe()
      try pipe.fileHandleForWriting.write(contentsOf: Data("the message".utf8))
      try pipe.fileHandleForWriting.close()
      dup2(pipe.fileHandleForReading.fileDescriptor, STDIN_FILENO)
      dup2(pipe.fileHandleForReading.fileDescriptor, STDERR_FILENO)
      try #require(try PasswordCommand("cat; echo x").run(Waiter(seconds: 10)).text == "x")
      try #require(FileHandle.standardInput.readDataToEndOfFile() == Data("the message".utf8))
    }
  }
}

@Suite struct PasswordPromptTests {
  @Test func aPasswordIsAskedForAndNotShown() throws {
    let terminal = try PseudoTerminal()
    let mode = terminal.mode
    let answer = Mailbox()
    Thread.detachNewThread {
      answer.put(
        Result { try PasswordPrompt(terminal: terminal.path).ask("Password: ", Waiter(seconds: 20)).text })
    }
    let before = try terminal.shown(until: "Password: ")
    #expect(!terminal.echoes)
    terminal.type("sesäme\n")
    let after = try terminal.shown(until: "\n")
    #expect(try answer.take().get() == "sesäme")
    #expect(terminal.echoes)
    #expect(terminal.mode == mode)
    #expect(!(before + after).contains("ses"))
  }

  @Test func theTerminalShowsAgainAfterADeadline() throws {
    let terminal = try PseudoTerminal()
    let failure = #expect(throws: Failure.self) {
      try PasswordPrompt(terminal: terminal.path).ask("Password: ", Waiter(seconds: 0.1))
    }
    #expect(failure?.status == .timeout)
    #expect(terminal.echoes)
  }

  @Test func theTerminalShowsAgainAfterASignal() async {
    await #expect(processExitsWith: .success) {
      let terminal = try PseudoTerminal()
      let interrupts = try #require(Interrupts())
      raise(SIGINT)
      let failure = #expect(throws: Failure.self) {
        try PasswordPrompt(terminal: terminal.path)
          .ask("Password: ", Waiter(seconds: 20, interrupts: interrupts))
      }
      try #require(failure?.status == .interrupted)
      try #require(terminal.echoes)
    }
  }

  @Test(arguments: ["/dev/null", "/nowhere/tty"])
  func withoutATerminalTheWaysToGiveAPasswordAreNamed(path: String) throws {
    let failure = #expect(throws: Failure.self) {
      try PasswordPrompt(terminal: path).ask("Password: ", Waiter(seconds: 5))
    }
    #expect(failure?.condition == "no-password")
    #expect(failure?.status == .authentication)
    #expect(failure?.hint?.contains("XMPPCTL_PASSWORD") == true)
  }
}

/// Takes a result from one thread to another.
private final class Mailbox: @unchecked Sendable {
  private let condition = NSCondition()
  private var result: Result<String, any Error>?

  func put(_ value: Result<String, any Error>) {
    condition.withLock {
      result = value
      condition.signal()
    }
  }

  func take() throws -> Result<String, any Error> {
    try condition.withLock {
      let end = Date(timeIntervalSinceNow: 20)
      while result == nil { try #require(condition.wait(until: end)) }
      return try #require(result)
    }
  }
}
