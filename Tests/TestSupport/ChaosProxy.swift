import Foundation

/// A TCP line to a port of the loopback that can be cut and mended, and to which other things happen as a `Chaos` says.
public final class ChaosProxy: @unchecked Sendable {
  /// Where it listens, on 127.0.0.1.
  public let port: UInt16

  private let target: UInt16
  private let chaos: Chaos
  private let listener: Int32
  private let lock = NSLock()
  private var isCut = false
  /// Both ends of each line that stands.
  private var lines: [Int: [Int32]] = [:]
  private var lineCount = 0
  private var happened: [String: Int] = [:]

  /// A line to a port.
  public init(to target: UInt16, _ chaos: Chaos = Chaos()) throws {
    self.target = target
    self.chaos = chaos
    listener = try Loopback.bound(SOCK_STREAM, "127.0.0.1", 0)
    port = Loopback.port(of: listener)
    Loopback.accept(on: listener) { [weak self] connection in self?.serve(connection) != nil }
  }

  deinit {
    // The thread that accepts ends by this, and closes what it accepted on.
    shutdown(listener, Int32(SHUT_RDWR))
  }

  /// Ends all connections, and every one that comes until it is mended.
  public func cut() {
    lock.withLock {
      isCut = true
      for end in lines.values.joined() { shutdown(end, Int32(SHUT_RDWR)) }
    }
  }

  /// Lets connections pass again.
  public func mend() { lock.withLock { isCut = false } }

  /// Whether no line stands: what was going to pass has passed.
  public var isQuiet: Bool { lock.withLock { lines.isEmpty } }

  /// How often what has happened so far: the faults by their names, `pieces` and `pauses`.
  public var counts: [String: Int] { lock.withLock { happened } }

  private func serve(_ connection: Int32) {
    guard !lock.withLock({ isCut }), let other = Loopback.connected("127.0.0.1", target) else {
      return Loopback.reset(connection)
    }
    let number = lock.withLock {
      defer { lineCount += 1 }
      lines[lineCount] = [connection, other]
      return lineCount
    }
    if lock.withLock({ isCut }) { cut() }
    Thread.detachNewThread { [self] in
      let line = ChaosLine(client: connection, server: other, number: number, chaos: chaos)
      let ending = line.run { name in lock.withLock { happened[name, default: 0] += 1 } }
      // Nobody may cut what these numbers mean by then.
      lock.withLock {
        lines[number] = nil
        for end in [connection, other] { ending == .reset ? Loopback.reset(end) : { _ = close(end) }() }
      }
    }
  }
}
