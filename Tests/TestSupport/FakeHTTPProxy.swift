import Foundation

/// An HTTP proxy on a free port of the loopback that connects for CONNECT, and notes what it was asked.
public final class FakeHTTPProxy: @unchecked Sendable {
  /// How it behaves.
  public struct Behaviour: Sendable {
    /// The login it wants, `user:password`; `nil` is none.
    public var login: String?
    /// Says this in place of everything it would say itself, and closes.
    public var raw: String?
    /// The answer when it is connected.
    public var established = "HTTP/1.1 200 Connection established\r\n\r\n"
    /// Says it a byte at a time.
    public var dribbles = false
    /// Where requests go in truth: the loopback's port for `HOST:PORT`; those not named go to their own port.
    public var routes: [String: UInt16] = [:]

    /// A proxy without login that connects to the loopback.
    public init() {}
  }

  /// Its port.
  public let port: UInt16
  private let behaviour: Behaviour
  private let listener: Int32
  private let lock = NSLock()
  private var heads: [String] = []

  /// Starts it.
  public init(_ behaviour: Behaviour = Behaviour()) throws {
    self.behaviour = behaviour
    listener = try Loopback.bound(SOCK_STREAM, "127.0.0.1", 0)
    port = Loopback.port(of: listener)
    Loopback.accept(on: listener) { [weak self] connection in
      guard let self else { return false }
      Thread.detachNewThread { self.serve(connection) }
      return true
    }
  }

  // The thread that accepts ends by this, and closes what it accepted on.
  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  /// The heads of the requests so far.
  public var requests: [String] { lock.withLock { heads } }

  private func serve(_ connection: Int32) {
    defer { close(connection) }
    var head: [UInt8] = []
    while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
      let byte = Loopback.read(1, from: connection)
      guard byte.count == 1 else { return }
      head += byte
    }
    let text = String(decoding: head, as: UTF8.self)
    lock.withLock { heads.append(text) }
    if let raw = behaviour.raw { return end(raw, connection) }
    if let login = behaviour.login {
      let basic = Data(login.utf8).base64EncodedString()
      guard text.contains("\r\nProxy-Authorization: Basic \(basic)\r\n") else {
        return end("HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", connection)
      }
    }
    let target = String(text.dropFirst("CONNECT ".count).prefix { $0 != " " })
    let port = behaviour.routes[target] ?? target.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    guard let far = Loopback.connected("127.0.0.1", port) else {
      return end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", connection)
    }
    say(behaviour.established, connection)
    let back = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      FakeSOCKSServer.relay(far, connection)
      back.signal()
    }
    FakeSOCKSServer.relay(connection, far)
    back.wait()
    close(far)
  }

  /// Says it and ends the stream; nothing written is lost to a reset.
  private func end(_ text: String, _ connection: Int32) {
    say(text, connection)
    shutdown(connection, Int32(SHUT_WR))
    _ = Loopback.read(1 << 16, from: connection)
  }

  private func say(_ text: String, _ connection: Int32) {
    guard behaviour.dribbles else { return Loopback.write(Array(text.utf8), to: connection) }
    for byte in text.utf8 { Loopback.write([byte], to: connection) }
  }
}
