import Foundation

/// A server on a free port of the loopback interface that follows a script, one script a connection, and
/// remembers every byte the client sent.
///
///     let peer = try ScriptedPeer([.expectHeader, .send(header + features), .expect("<starttls"), .send(proceed),
///                                  .tls(server), .expectHeader, .silence])
///     … the client's part, towards peer.port …
///     let connection = try peer.finish()[0]
///     #expect(!connection.text.contains("<auth"))
public final class ScriptedPeer: @unchecked Sendable {
  /// One thing a server does.
  public enum Step: Sendable {
    /// Reads on until this text has come; what was read up to its end is used up.
    case expect(String)
    /// Reads on until this regular expression matches; used up as above.
    case expectMatch(String)
    /// Reads a stream header.
    case expectHeader
    /// Reads one whole element.
    case expectElement
    /// Reads so many bytes.
    case expectBytes(Int)
    case send(String)
    case sendBytes([UInt8])
    /// Sends what is made of the last thing that was expected.
    case reply(@Sendable (String) throws -> String)
    /// Does what code does with the line, where the dialogue takes more than a script.
    case talk(@Sendable (Talk) throws -> Void)
    /// Sends some bytes at once, with seconds in between.
    case dribble([UInt8], count: Int, seconds: Double)
    /// Shakes hands; everything after is encrypted.
    case tls(TestTLSServer)
    /// Tries to shake hands and must not succeed; the reason goes to `Connection.handshakeError`.
    case tlsFails(TestTLSServer)
    /// Sends a TLS 1.3 KeyUpdate that asks for one in return.
    case updateKeys
    /// Asks for a TLS 1.2 renegotiation; why it did not come to one goes to `Connection.renegotiationError`.
    case renegotiate
    /// Sends these bytes while it reads so many, with a KeyUpdate after each piece of so many bytes.
    case exchange([UInt8], receiving: Int, updatingKeysEach: Int)
    /// Says goodbye in TLS, ends its direction, and reads until the client leaves or the test finishes.
    case close
    /// The same without the goodbye in TLS (close_notify).
    case end
    /// Cuts the connection with RST.
    case reset
    /// Says nothing and reads until the client leaves or the test finishes.
    case silence
    /// Opens a gate for the test to wait at.
    case open(Gate)
    /// Waits until the test opens a gate.
    case wait(Gate)
  }

  /// The line in the hands of code: a part of a dialogue that depends on what the client says.
  public struct Talk {
    let line: PeerLine

    /// The TLS session, where there is one.
    public var session: Session? { line.record.session }

    /// Reads a stream header.
    @discardableResult
    public func header() throws -> String {
      try line.perform(.expectHeader)
      return line.last
    }

    /// Reads one whole element.
    public func element() throws -> String {
      try line.perform(.expectElement)
      return line.last
    }

    /// Reads so many bytes.
    public func bytes(_ count: Int) throws { try line.perform(.expectBytes(count)) }

    /// Sends some text.
    public func send(_ text: String) throws { try line.perform(.send(text)) }

    /// Sends some bytes.
    public func send(_ bytes: [UInt8]) throws { try line.perform(.sendBytes(bytes)) }
  }

  /// What came of one connection.
  public struct Connection: Sendable {
    /// Every byte as it was on the wire.
    public var wire: [UInt8] = []
    /// Every byte of the application, before TLS and, decrypted, in it.
    public var bytes: [UInt8] = []
    /// The TLS session, where there was one.
    public var session: Session?
    /// Why a handshake that had to fail did so.
    public var handshakeError: String?
    /// Why a renegotiation did not come about.
    public var renegotiationError: String?
    /// Whether the client said goodbye in TLS (close_notify).
    public var saidGoodbye = false

    /// `bytes` as text.
    public var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// What a TLS handshake agreed on, as the server sees it.
  public struct Session: Sendable {
    /// The name the client asked for (SNI).
    public let serverName: String?
    /// The protocols the client offered (ALPN).
    public let offeredProtocols: [String]
    /// The protocol chosen.
    public let alpn: String?
    /// Such as `TLSv1.3`.
    public let version: String
    /// DER.
    public let clientCertificate: [UInt8]?
    /// The client's Finished message.
    public let tlsUnique: [UInt8]
    /// The keying material of RFC 9266.
    public let tlsExporter: [UInt8]
  }

  /// The script was not followed.
  public struct ScriptFailure: Error, CustomStringConvertible {
    /// What went wrong at which step, and what had come by then.
    public let description: String
  }

  /// Where it listens, on 127.0.0.1.
  public let port: UInt16
  /// No step takes longer than this; seconds.
  public static let patience = 30.0

  private let listener: Int32
  private let leaving = Wake()
  private let done = Gate()
  private let lock = NSLock()
  private var connections: [Connection] = []
  private var failure: (any Error)?

  /// Listens, and follows one script for each connection in turn, on a thread of its own.
  ///
  /// - Parameter port: 0 for a free one.
  public init(scripts: [[Step]], port wanted: UInt16 = 0) throws {
    signal(SIGPIPE, SIG_IGN)
    (listener, port) = try listenOnLoopback(wanted)
    Thread { [self] in
      serve(scripts)
      done.open()
    }.start()
  }

  /// A peer for one connection.
  public convenience init(_ script: [Step], port: UInt16 = 0) throws {
    try self.init(scripts: [script], port: port)
  }

  /// Tells the peer that the client is done, waits for the end of its scripts and gives what came.
  ///
  /// - Throws: where a script was not followed.
  @discardableResult
  public func finish() throws -> [Connection] {
    leaving.wake()
    guard done.wait(seconds: ScriptedPeer.patience * 2) else {
      throw ScriptFailure(description: "the scripts did not end")
    }
    return try lock.withLock {
      if let failure { throw failure }
      return connections
    }
  }

  private func serve(_ scripts: [[Step]]) {
    defer { close(listener) }
    for (index, script) in scripts.enumerated() {
      guard let descriptor = accept() else {
        return lock.withLock { failure = ScriptFailure(description: "no connection for script \(index)") }
      }
      let line = PeerLine(descriptor, leaving)
      var problem: (any Error)?
      for (number, step) in script.enumerated() where problem == nil {
        do { try line.perform(step) } catch {
          problem = ScriptFailure(
            description:
              "connection \(index), step \(number) (\(String("\(step)".prefix(100)))): \(error); received: \(line.record.text.suffix(500))"
          )
        }
      }
      line.finish()
      lock.withLock {
        connections.append(line.record)
        failure = problem
      }
      if problem != nil { return }
    }
  }

  private func accept() -> Int32? {
    let deadline = Date() + ScriptedPeer.patience
    while Date() < deadline {
      var descriptors = [
        pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
        pollfd(fd: leaving.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      poll(&descriptors, 2, Int32(ScriptedPeer.patience * 1000))
      if descriptors[0].revents != 0 {
        let descriptor = Glibc.accept(listener, nil, nil)
        return descriptor < 0 ? nil : descriptor
      }
      if descriptors[1].revents != 0 { return nil }
    }
    return nil
  }
}

/// A place where one thread waits for another.
public final class Gate: @unchecked Sendable {
  private let condition = NSCondition()
  private var isOpen = false

  /// A gate that is shut.
  public init() {}

  /// Lets everybody pass, now and later.
  public func open() {
    condition.withLock {
      isOpen = true
      condition.broadcast()
    }
  }

  /// Waits until it is open; `false` where that took too long.
  @discardableResult
  public func wait(seconds: Double = ScriptedPeer.patience) -> Bool {
    let deadline = Date() + seconds
    return condition.withLock {
      while !isOpen { if !condition.wait(until: deadline) { return isOpen } }
      return true
    }
  }
}

/// A descriptor that becomes readable, once and for all, when it is woken.
final class Wake: @unchecked Sendable {
  let descriptor: Int32
  private let other: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    (descriptor, other) = (ends[0], ends[1])
  }

  deinit {
    close(descriptor)
    close(other)
  }

  func wake() { _ = write(other, "x", 1) }
}

private func listenOnLoopback(_ port: UInt16) throws -> (Int32, UInt16) {
  let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  address.sin_port = port.bigEndian
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = withUnsafeMutablePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
    }
  }
  guard result else {
    throw ScriptedPeer.ScriptFailure(description: "no port: \(String(cString: strerror(errno)))")
  }
  return (listener, UInt16(bigEndian: address.sin_port))
}

/// A connected, non-blocking socket to a port of the loopback interface, for tests that play the client's
/// part by hand.
public func connectToLoopback(_ port: UInt16) throws -> Int32 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  address.sin_port = port.bigEndian
  let length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let result = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
  }
  guard result == 0, fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0 else {
    throw ScriptedPeer.ScriptFailure(description: "connect: \(String(cString: strerror(errno)))")
  }
  return descriptor
}
