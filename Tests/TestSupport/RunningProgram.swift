import Foundation

/// A program that runs. What it writes is taken in whenever one of these methods waits, so that it does not block on a
/// full pipe then; it is killed with the last reference, and where a wait is in vain.
public final class RunningProgram {
  private let process: ChildProcess
  private let started = ContinuousClock.now
  private let delayBefore = ChildProcess.delay("/proc/thread-self/schedstat")
  private let name: String
  private let folder: TemporaryFolder
  private var input: Int32
  private var output: Int32
  private var error: Int32
  private var pending = ArraySlice<UInt8>()
  private var outputBytes: [UInt8] = []
  private var errorBytes: [UInt8] = []
  /// How much of the output `line` has handed out.
  private var taken = 0
  /// What it owes besides what the test asks of it.
  private var duties: Duties?
  private var signals: Set<Int32> = []
  private let readsOutput: Bool

  init(
    _ command: [String], environment: [String: String], folder: TemporaryFolder, output path: String?
  ) throws {
    let input = try Descriptor.pipe()
    let output = try Descriptor.pipe()
    let error = try Descriptor.pipe()
    let file = path.map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
    let children = [input.read, file ?? output.write, error.write]
    defer { for descriptor in [input.read, output.write, error.write, file ?? -1] { close(descriptor) } }
    name = command.joined(separator: " ")
    self.folder = folder
    readsOutput = path == nil
    duties = Duties(command, environment: environment, home: folder.path)
    (self.input, self.output, self.error) = (input.write, output.read, error.read)
    process = try ChildProcess(
      command, environment: environment, folder: folder.path, descriptors: children)
  }

  deinit {
    process.kill()
    for descriptor in [input, output, error] where descriptor >= 0 { close(descriptor) }
  }

  /// Its process id.
  public var pid: pid_t { process.pid }

  /// The most memory it has had resident by now, while it runs; bytes.
  ///
  /// Unlike what `Outcome` says, this is without what the tests' own process had before it became this one.
  public var peakMemory: Int {
    get throws {
      let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
      guard let kibibytes = status.firstMatch(of: #/VmHWM:\s*(\d+)/#).flatMap({ Int($0.1) }) else {
        throw SupportFailure("\(name) has no VmHWM")
      }
      return kibibytes << 10
    }
  }

  /// How many file descriptors it has open, while it runs.
  public var descriptorCount: Int {
    get throws { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count }
  }

  /// What it has written to standard output so far.
  public var outputSoFar: String { String(decoding: outputBytes, as: UTF8.self) }

  /// What it has written to standard error so far.
  public var errorSoFar: String { String(decoding: errorBytes, as: UTF8.self) }

  /// Writes to its standard input.
  ///
  /// - Throws: when it has not taken all of it in time.
  public func write(_ text: String, within limit: Duration = .seconds(10)) throws {
    guard input >= 0 || text.isEmpty else { throw SupportFailure("the input of \(name) is closed") }
    pending += Array(text.utf8)
    try pump("takes its input", within: limit) { self.pending.isEmpty }
  }

  /// Closes its standard input.
  public func closeInput() { shut(&input) }

  /// The next whole line of its standard output, without the line feed; `nil` when no more will come.
  ///
  /// - Throws: when none has come in time.
  public func line(within limit: Duration = .seconds(10)) throws -> String? {
    var end: Int?
    try pump("writes a line", within: limit) {
      end = self.outputBytes[self.taken...].firstIndex(of: UInt8(ascii: "\n"))
      return end != nil || self.output < 0
    }
    guard let end else { return nil }
    defer { taken = end + 1 }
    return String(decoding: outputBytes[taken..<end], as: UTF8.self)
  }

  /// Waits until its standard output contains a text, somewhere after another where one is given.
  public func awaitOutput(
    _ text: String, after earlier: String = "", within limit: Duration = .seconds(10)
  ) throws {
    try pump("writes \(text)", within: limit) {
      let output = self.outputSoFar
      let start = earlier.isEmpty ? output.startIndex : output.range(of: earlier)?.upperBound
      return start.map { output[$0...].contains(text) } ?? false
    }
  }

  /// Waits until its standard error contains a text.
  public func awaitError(_ text: String, within limit: Duration = .seconds(10)) throws {
    try pump("writes \(text) to standard error", within: limit) { self.errorSoFar.contains(text) }
  }

  /// Sends it a signal.
  public func signal(_ number: Int32) {
    signals.insert(number)
    process.signal(number)
  }

  /// Writes the rest of its standard input, closes that, and waits for its end.
  public func finish(_ text: String = "", within limit: Duration = .seconds(30)) throws -> Outcome {
    try write(text, within: limit)
    closeInput()
    return try wait(within: limit)
  }

  /// Waits for its end, and leaves its standard input as it is.
  ///
  /// - Throws: when it does not end in time, or has not done what every run owes.
  public func wait(within limit: Duration = .seconds(30)) throws -> Outcome {
    let end = ContinuousClock.now + limit
    try pump("ends", within: limit) { self.output < 0 && self.error < 0 }
    guard let (ending, usage, delay) = process.wait(until: end) else { throw inVain("ends", limit) }
    // If another thread has waited for it, its delays are not those of this one.
    let own = max(.zero, ChildProcess.delay("/proc/thread-self/schedstat") - delayBefore)
    let outcome = Outcome(
      ending: ending, outputBytes: outputBytes, errorBytes: errorBytes,
      duration: .now - started, delay: delay + own, peakMemory: usage.ru_maxrss * 1024,
      processorTime: duration(usage.ru_utime) + duration(usage.ru_stime))
    let neglected = duties?.neglected(by: outcome, signals: signals, readsOutput: readsOutput) ?? []
    guard neglected.isEmpty else {
      throw SupportFailure(
        "\(name): \(neglected.joined(separator: "; "))\n--- output\n\(outcome.output)\n--- error\n\(outcome.error)"
      )
    }
    return outcome
  }

  /// Moves bytes both ways until something is true.
  private func pump(_ doing: String, within limit: Duration, until done: () -> Bool) throws {
    let end = ContinuousClock.now + limit
    duties?.look(at: pid)
    while !done() {
      var waited = [
        pollfd(fd: pending.isEmpty ? -1 : input, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: output, events: Int16(POLLIN), revents: 0),
        pollfd(fd: error, events: Int16(POLLIN), revents: 0),
      ]
      guard output >= 0 || error >= 0 || waited[0].fd >= 0, Descriptor.wait(&waited, until: end) else {
        throw inVain(doing, limit)
      }
      if waited[0].revents != 0 { push() }
      if waited[1].revents != 0 { try pull(&output, &outputBytes) }
      if waited[2].revents != 0 { try pull(&error, &errorBytes) }
    }
  }

  /// Writes no more than a pipe takes without blocking.
  private func push() {
    let count = pending.prefix(4096).withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
    if count > 0 {
      pending.removeFirst(count)
    } else {
      // The program closed its end: as with a pipe in a shell, what is left has nowhere to go.
      pending.removeAll()
      shut(&input)
    }
  }

  private func pull(_ descriptor: inout Int32, _ bytes: inout [UInt8]) throws {
    let more = try Descriptor.readNow(descriptor)
    if more.isEmpty { shut(&descriptor) }
    bytes += more
  }

  private func shut(_ descriptor: inout Int32) {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  private func inVain(_ doing: String, _ limit: Duration) -> SupportFailure {
    process.kill()
    return SupportFailure(
      "waited \(limit) in vain until \(name) \(doing)\n--- output\n\(outputSoFar)\n--- error\n\(errorSoFar)")
  }

  private func duration(_ time: timeval) -> Duration {
    .seconds(time.tv_sec) + .microseconds(time.tv_usec)
  }
}
