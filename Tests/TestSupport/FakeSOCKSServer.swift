import Foundation

/// A SOCKS5 proxy on a free port of the loopback that behaves as it was told and notes what it was asked.
public final class FakeSOCKSServer: @unchecked Sendable {
  /// How it behaves.
  public struct Behaviour: Sendable {
    /// The login it wants, `user:password`; `nil` is none.
    public var login: String?
    /// The reply code of RFC 1928 §6; 0 connects.
    public var reply: UInt8 = 0
    /// Everything it says, a byte at a time.
    public var dribbles = false
    /// Says nothing from this message on: 0 is the choice of method, 1 the login's answer, 2 the reply.
    public var silentFrom: Int?
    /// Says this in place of everything it would say itself, and closes.
    public var raw: [UInt8]?
    /// The bound address in the reply: address type and address.
    public var bound: [UInt8] = [1, 0, 0, 0, 0]
    /// Bytes right behind the reply, in the same segment, in place of a connection.
    public var tail: [UInt8]?
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
  private var targets: [String] = []
  private var kinds: [UInt8] = []

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

  /// What it was asked to connect to so far, as `HOST:PORT`.
  public var requests: [String] { lock.withLock { targets } }
  /// The address types of those requests: 1 IPv4, 3 a name, 4 IPv6.
  public var addressTypes: [UInt8] { lock.withLock { kinds } }

  private func serve(_ connection: Int32) {
    let greeting = Loopback.read(2, from: connection)
    guard greeting.count == 2 else { return _ = close(connection) }
    let methods = Loopback.read(Int(greeting[1]), from: connection)
    if let raw = behaviour.raw {
      Loopback.write(raw, to: connection)
      // The end of the stream comes before the connection's, so that nothing written is lost to a reset.
      shutdown(connection, Int32(SHUT_WR))
      _ = Loopback.read(1 << 16, from: connection)
      return _ = close(connection)
    }
    guard choose(methods, connection), let target = readRequest(connection) else {
      return _ = close(connection)
    }
    answer(target, connection)
  }

  /// Agrees on a method and has the login; `false` where that fails.
  private func choose(_ methods: [UInt8], _ connection: Int32) -> Bool {
    let method: UInt8 = behaviour.login == nil ? 0 : 2
    guard methods.contains(method) else {
      say([5, 0xFF], 0, connection)
      return false
    }
    say([5, method], 0, connection)
    guard let login = behaviour.login else { return true }
    let head = Loopback.read(2, from: connection)
    guard head.count == 2 else { return false }
    let user = Loopback.read(Int(head[1]), from: connection)
    let length = Loopback.read(1, from: connection)
    guard length.count == 1 else { return false }
    let password = Loopback.read(Int(length[0]), from: connection)
    let right = user + [UInt8(ascii: ":")] + password == Array(login.utf8)
    say([1, right ? 0 : 1], 1, connection)
    return right
  }

  private func readRequest(_ connection: Int32) -> String? {
    let head = Loopback.read(4, from: connection)
    guard head.count == 4 else { return nil }
    let host: String
    switch head[3] {
    case 1:
      host = Loopback.read(4, from: connection).map { String($0) }.joined(separator: ".")
    case 3:
      let length = Loopback.read(1, from: connection)
      guard length.count == 1 else { return nil }
      host = String(decoding: Loopback.read(Int(length[0]), from: connection), as: UTF8.self)
    default:
      host = Loopback.read(16, from: connection).map { String($0, radix: 16) }.joined(separator: ":")
    }
    let port = Loopback.read(2, from: connection)
    guard port.count == 2 else { return nil }
    let target = "\(host):\(Int(port[0]) << 8 | Int(port[1]))"
    lock.withLock {
      targets.append(target)
      kinds.append(head[3])
    }
    return target
  }

  private func answer(_ target: String, _ connection: Int32) {
    let reply = [5, behaviour.reply, 0] + behaviour.bound + [0, 0]
    if let tail = behaviour.tail {
      say(reply + tail, 2, connection)
      _ = Loopback.read(1 << 16, from: connection)
      return _ = close(connection)
    }
    let port = behaviour.routes[target] ?? target.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    guard behaviour.reply == 0 else {
      say(reply, 2, connection)
      return _ = close(connection)
    }
    guard let far = Loopback.connected("127.0.0.1", port) else {
      say([5, 5, 0] + behaviour.bound + [0, 0], 2, connection)
      return _ = close(connection)
    }
    say(reply, 2, connection)
    let back = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      FakeSOCKSServer.relay(far, connection)
      back.signal()
    }
    FakeSOCKSServer.relay(connection, far)
    back.wait()
    close(connection)
    close(far)
  }

  private func say(_ bytes: [UInt8], _ turn: Int, _ connection: Int32) {
    if let silent = behaviour.silentFrom, turn >= silent {
      // Until the far side gives up.
      return _ = Loopback.read(1 << 16, from: connection)
    }
    guard behaviour.dribbles else { return Loopback.write(bytes, to: connection) }
    for byte in bytes {
      Loopback.write([byte], to: connection)
      Thread.sleep(forTimeInterval: 0.002)
    }
  }

  /// Passes on what comes until it ends; the descriptors stay open for the other direction.
  static func relay(_ from: Int32, _ to: Int32) {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = recv(from, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      Loopback.write(Array(buffer.prefix(count)), to: to)
    }
    shutdown(to, Int32(SHUT_WR))
  }
}
