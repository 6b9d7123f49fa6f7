import Foundation

/// A TCP line to a port of the loopback that can be cut and mended.
public final class CuttingProxy: @unchecked Sendable {
  /// Where it listens, on 127.0.0.1.
  public let port: UInt16

  private let target: UInt16
  private let listener: Int32
  private let lock = NSLock()
  private var isCut = false
  /// Both ends of each line. They are closed only with the object, so that no number means something else meanwhile.
  private var ends: [Int32] = []

  /// A line to a port.
  public init(to target: UInt16) throws {
    self.target = target
    listener = try Loopback.bound(SOCK_STREAM, "127.0.0.1", 0)
    port = Loopback.port(of: listener)
    listen(listener, 16)
    let listener = listener
    Thread.detachNewThread { [weak self] in
      while true {
        let connection = accept(listener, nil, nil)
        guard connection >= 0, let self else { break }
        self.serve(connection)
      }
      close(listener)
    }
  }

  deinit {
    // The thread that accepts ends by this, and closes what it accepted on.
    shutdown(listener, Int32(SHUT_RDWR))
    ends.forEach { close($0) }
  }

  /// Ends all connections, and every one that comes until it is mended.
  public func cut() {
    lock.withLock {
      isCut = true
      ends.forEach { shutdown($0, Int32(SHUT_RDWR)) }
    }
  }

  /// Lets connections pass again.
  public func mend() { lock.withLock { isCut = false } }

  private func serve(_ connection: Int32) {
    guard !lock.withLock({ isCut }), let other = Loopback.connected("127.0.0.1", target) else {
      return Loopback.reset(connection)
    }
    let isLate = lock.withLock {
      ends += [connection, other]
      return isCut
    }
    if isLate { cut() }
    for (from, to) in [(connection, other), (other, connection)] {
      Thread.detachNewThread { [self] in carry(from, to) }
    }
  }

  private func carry(_ from: Int32, _ to: Int32) {
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      let count = recv(from, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      Loopback.write(Array(buffer[..<count]), to: to)
    }
    shutdown(to, Int32(SHUT_WR))
  }
}
