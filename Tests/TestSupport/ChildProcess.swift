import CLinux
import Glibc
import Synchronization

/// How a process ended.
public enum Ending: Sendable, Equatable {
  /// By itself, with this exit status.
  case exited(Int32)
  /// By this signal.
  case killed(Int32)
}

/// A child process in a session of its own, with every signal as a shell would hand it on,
/// whatever the test process has blocked or ignored. It and its own children end with the last reference to it.
final class ChildProcess: Sendable {
  let pid: pid_t
  /// Readable once the process has ended.
  let descriptor: Int32
  private let result = Mutex<(ending: Ending, usage: rusage, delay: Duration)?>(nil)

  /// - Parameters:
  ///   - command: the executable's path and its arguments.
  ///   - folder: its working folder.
  ///   - descriptors: what are 0, 1, 2, … in the child; all others must be close-on-exec.
  ///   - terminal: the path of its controlling terminal, which it has none else.
  init(
    _ command: [String], environment: [String: String], folder: String, descriptors: [Int32],
    terminal: String? = nil
  ) throws {
    _ = ChildProcess.brokenPipesAreErrors
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // A session without a controlling terminal takes the first one that its leader opens.
    if let terminal { posix_spawn_file_actions_addopen(&actions, 0, terminal, O_RDWR, 0) }
    for (number, descriptor) in descriptors.enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
    }
    posix_spawn_file_actions_addchdir_np(&actions, folder)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    let flags = Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSID)
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for copy in arguments + variables { free(copy) } }
    var child = pid_t()
    let code = posix_spawn(&child, command[0], &actions, &attributes, &arguments, &variables)
    guard code == 0 else { throw SupportFailure(systemCall: "posix_spawn \(command[0])", code) }
    pid = child
    descriptor = pidfd_open(child, 0)
    guard descriptor >= 0 else { throw SupportFailure(systemCall: "pidfd_open") }
  }

  deinit {
    kill()
    close(descriptor)
  }

  /// Sends a signal to the process, as long as there is one.
  func signal(_ number: Int32) {
    result.withLock { if $0 == nil { _ = Glibc.kill(pid, number) } }
  }

  /// Ends the process and all in its group.
  func kill() {
    result.withLock {
      if $0 == nil { _ = Glibc.kill(-pid, SIGKILL) }
    }
    _ = wait(until: .now + .seconds(60))
  }

  /// Waits for the end of the process, then ends what is left of its group.
  ///
  /// - Returns: how it ended, what it used, and how long it waited for a processor; `nil` when the moment came first.
  func wait(until end: ContinuousClock.Instant) -> (ending: Ending, usage: rusage, delay: Duration)? {
    if let known = result.withLock({ $0 }) { return known }
    var waited = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
    guard Descriptor.wait(&waited, until: end) else { return nil }
    return result.withLock { result in
      if let result { return result }
      // Not reaped yet, so the number of the group cannot be anyone else's.
      _ = Glibc.kill(-pid, SIGKILL)
      // As long as it is not reaped, the system tells what it knows of it.
      let delay = ChildProcess.delay("/proc/\(pid)/schedstat")
      var status: Int32 = 0
      var usage = rusage()
      while wait4(pid, &status, 0, &usage) < 0 && errno == EINTR {}
      let signal = status & 0x7f
      result = (signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal), usage, delay)
      return result
    }
  }

  /// How long a process or thread was ready to run and had no processor.
  static func delay(_ path: String) -> Duration {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .zero }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = read(descriptor, &bytes, bytes.count)
    let fields = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    return fields.count > 1 ? .nanoseconds(Int64(fields[1]) ?? 0) : .zero
  }

  /// A child that closed its standard input must not end the tests.
  private static let brokenPipesAreErrors: Void = { _ = Glibc.signal(SIGPIPE, SIG_IGN) }()
}
