import CLinux
import Foundation

/// A pseudo-terminal with somebody in front of it, who reads what it shows and types.
public final class PseudoTerminal: @unchecked Sendable {
  /// The end of whoever sits in front of it.
  private let master: Int32
  /// Kept open, so that its mode outlives whoever else opens it.
  private let slave: Int32
  /// The path of the end that programs have.
  public let path: String
  private var output = ""

  /// A terminal of that many columns.
  public init(columns: Int = 80) throws {
    var name = [CChar](repeating: 0, count: 128)
    var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
    var ends: (master: Int32, slave: Int32) = (-1, -1)
    guard openpty(&ends.master, &ends.slave, &name, nil, &size) == 0 else {
      throw SupportFailure(systemCall: "openpty")
    }
    (master, slave) = ends
    for end in [master, slave] { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    close(slave)
    close(master)
  }

  /// The local modes (termios).
  public var mode: tcflag_t {
    var mode = termios()
    tcgetattr(slave, &mode)
    return mode.c_lflag
  }

  /// Whether it shows what is typed.
  public var echoes: Bool { mode & tcflag_t(ECHO) != 0 }

  /// Types.
  public func type(_ text: String) { _ = write(master, text, text.utf8.count) }

  /// All that it has shown by now, once a text is in it.
  @discardableResult
  public func shown(until text: String, within limit: Duration = .seconds(30)) throws -> String {
    let end = ContinuousClock.now + limit
    while !output.contains(text) {
      var ready = [pollfd(fd: master, events: Int16(POLLIN), revents: 0)]
      guard Descriptor.wait(&ready, until: end) else {
        throw SupportFailure("the terminal did not show \(text) within \(limit) but\n\(output)")
      }
      take()
    }
    return output
  }

  /// All that it has shown by now.
  public func shown() -> String {
    var ready = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    while poll(&ready, 1, 0) > 0, ready.revents & Int16(POLLIN) != 0, take() {}
    return output
  }

  @discardableResult
  private func take() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(master, &buffer, buffer.count)
    if count > 0 { output += String(decoding: buffer.prefix(count), as: UTF8.self) }
    return count > 0
  }

  /// Starts a program in it.
  ///
  /// - Parameters:
  ///   - input: what its standard input is; the terminal where nothing is said.
  ///   - output: what its standard output is; the terminal where nothing is said.
  public func start(
    _ command: [String], environment: [String: String], folder: TemporaryFolder, input: Int32? = nil,
    output: Int32? = nil
  ) throws -> InTerminal {
    InTerminal(
      terminal: self,
      process: try ChildProcess(
        command, environment: environment, folder: folder.path,
        descriptors: [input ?? slave, output ?? slave, slave], terminal: path))
  }
}

/// A program that runs in a pseudo-terminal; it ends with the last reference.
public final class InTerminal {
  /// The terminal.
  public let terminal: PseudoTerminal
  private let process: ChildProcess

  init(terminal: PseudoTerminal, process: ChildProcess) {
    self.terminal = terminal
    self.process = process
  }

  /// Waits for its end; its exit status, and all that the terminal has shown.
  public func finish(within limit: Duration = .seconds(60)) throws -> (status: Int32?, shown: String) {
    let end = ContinuousClock.now + limit
    // Somebody must read, or the program may wait for that.
    var ending = process.wait(until: .now)
    while ending == nil {
      _ = terminal.shown()
      guard ContinuousClock.now < end else {
        throw SupportFailure("it did not end within \(limit)\n\(terminal.shown())")
      }
      ending = process.wait(until: .now + .milliseconds(20))
    }
    if case .exited(let status) = ending?.ending { return (status, terminal.shown()) }
    return (nil, terminal.shown())
  }
}
