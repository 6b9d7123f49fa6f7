import Foundation

/// A server that ends with the test process, however that ends, and takes its folder with it.
///
/// A shell starts a second process that reads from a pipe, then becomes the server. When the test process is gone, the
/// system closes the other end of the pipe, and that second process kills the server and removes the folder.
final class ServerProcess: Sendable {
  private let process: ChildProcess
  private let input: Int32
  private let lifeline: Int32
  private let folder: TemporaryFolder

  /// - Parameters:
  ///   - command: the server, to run in the foreground; what it prints goes to `console.log` in its folder.
  ///   - environment: all of its environment besides `PATH` and `HOME`.
  init(_ command: [String], environment: [String: String], folder: TemporaryFolder) throws {
    self.folder = folder
    let input = try Descriptor.pipe()
    let lifeline = try Descriptor.pipe()
    let console = open(folder.path("console.log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    defer { for descriptor in [input.read, lifeline.read, console] { close(descriptor) } }
    (self.input, self.lifeline) = (input.write, lifeline.write)
    let script = #"""
      (read -r _; kill -KILL $$; rm -rf "$0" || { sleep 1; rm -rf "$0"; }) <&3 3<&- &
      exec "$@" 3<&-
      """#
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    process = try ChildProcess(
      ["/bin/sh", "-c", script, folder.path] + command,
      environment: environment.merging(["PATH": path, "HOME": folder.path]) { own, _ in own },
      folder: folder.path, descriptors: [input.read, console, console, lifeline.read])
  }

  /// Starts a server on free ports; where it does not come up, as when somebody else was quicker to take one of them, on
  /// others.
  ///
  /// - Parameter start: starts it on these ports, and throws when it does not answer in time.
  static func start(
    on count: Int, attempts: Int = 3, _ start: ([UInt16]) throws -> ServerProcess
  ) throws -> (process: ServerProcess, ports: [UInt16]) {
    let ports = try FreePort.take(count)
    do { return (try start(ports), ports) } catch  where attempts > 1 {
      return try self.start(on: count, attempts: attempts - 1, start)
    }
  }

  deinit {
    process.kill()
    close(input)
    close(lifeline)
  }

  var pid: pid_t { process.pid }

  /// Whether it has not ended by itself.
  var isRunning: Bool { process.wait(until: .now) == nil }

  /// Writes a line to its standard input.
  func write(_ line: String) throws {
    let bytes = Array((line + "\n").utf8)
    guard Glibc.write(input, bytes, bytes.count) == bytes.count else {
      throw SupportFailure(systemCall: "write")
    }
  }

  /// Asks it to end, and ends it when it does not.
  func stop() {
    process.signal(SIGTERM)
    if process.wait(until: .now + .seconds(10)) == nil { process.kill() }
  }

  /// Ends it at once, as a crash would.
  func kill() { process.kill() }

  /// The end of what it printed and of its log.
  func story(_ log: String) -> String {
    ["console.log", log].map { name in
      "--- \(name)\n" + String(((try? folder.read(name)) ?? "").suffix(4000))
    }.joined(separator: "\n")
  }

  /// Waits until something is so, looking again and again.
  func await(_ what: String, log: String, within limit: Duration = .seconds(40), _ isSo: () throws -> Bool)
    throws
  {
    let end = ContinuousClock.now + limit
    while try !isSo() {
      guard isRunning else { throw SupportFailure("the server ended before \(what)\n\(story(log))") }
      guard ContinuousClock.now < end else { throw SupportFailure("not in time: \(what)\n\(story(log))") }
      usleep(10_000)
    }
  }
}
