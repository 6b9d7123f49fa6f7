import Foundation

/// An executable to run as a user's script would: with arguments, standard input and an environment of its own.
public struct Program: Sendable {
  /// The executable's path.
  public let path: String

  /// The executable at a path.
  public init(_ path: String) { self.path = path }

  /// The `xmppctl` that was built beside these tests, or the one the variable `XMPPCTL` names.
  public static let xmppctl = Program(
    ProcessInfo.processInfo.environment["XMPPCTL"]
      ?? URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appendingPathComponent("xmppctl").path)

  /// Runs it to its end.
  ///
  /// - Parameters:
  ///   - arguments: without the program's own name.
  ///   - input: all of standard input.
  ///   - environment: besides `PATH` and an empty `HOME`, which is all it has else.
  ///   - folder: its working folder; an empty one of its own when nil, which is its `HOME` in any case.
  ///   - output: a file in place of the pipe that collects standard output, such as `/dev/full`.
  ///   - limit: when it is killed.
  /// - Throws: when it could not be started or did not end in time.
  public func run(
    _ arguments: [String], input: String = "", environment: [String: String] = [:],
    folder: TemporaryFolder? = nil, output: String? = nil, within limit: Duration = .seconds(30)
  ) throws -> Outcome {
    let running = try start(arguments, environment: environment, folder: folder, output: output)
    return try running.finish(input, within: limit)
  }

  /// Starts it, to talk with it while it runs; parameters as for `run`.
  public func start(
    _ arguments: [String], environment: [String: String] = [:], folder: TemporaryFolder? = nil,
    output: String? = nil
  ) throws -> RunningProgram {
    let folder = try folder ?? TemporaryFolder()
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin"
    // What a sanitizer is told, it is told everywhere.
    let sanitizers = ProcessInfo.processInfo.environment.filter { $0.key.hasSuffix("SAN_OPTIONS") }
    let minimal = ["PATH": path, "HOME": folder.path, "SWIFT_BACKTRACE": "enable=no"]
      .merging(sanitizers) { $1 }
    return try RunningProgram(
      [self.path] + arguments, environment: minimal.merging(environment) { $1 }, folder: folder,
      output: output)
  }
}

/// What a program did, seen from outside.
public struct Outcome: Sendable {
  /// How it ended.
  public let ending: Ending
  /// Standard output, byte for byte.
  public let outputBytes: [UInt8]
  /// Standard error, byte for byte.
  public let errorBytes: [UInt8]
  /// From its start until it ended and its output was closed.
  public let duration: Duration
  /// How long it, and the test that watched it, were ready to run and had no processor meanwhile.
  public let delay: Duration
  /// The most memory it ever had resident; bytes.
  public let peakMemory: Int
  /// What it used of the processor, in its own code and in the system's.
  public let processorTime: Duration

  /// The exit status; `nil` when a signal ended it.
  public var status: Int32? { if case .exited(let status) = ending { status } else { nil } }
  /// Standard output as text; what is not UTF-8 is replaced.
  public var output: String { String(decoding: outputBytes, as: UTF8.self) }
  /// Standard error as text; what is not UTF-8 is replaced.
  public var error: String { String(decoding: errorBytes, as: UTF8.self) }
}
