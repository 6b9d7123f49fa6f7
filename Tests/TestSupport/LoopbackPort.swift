import Foundation

/// A TCP port on the loopback that behaves in one way for as long as the object lives.
public final class LoopbackPort: @unchecked Sendable {
  /// How it answers.
  public enum Behaviour: Sendable {
    /// Nothing listens: connections are refused.
    case refusing
    /// Connections stand, and nothing is ever said.
    case silent
    /// Connections neither stand nor fail: the queue of the listener is full.
    case blackHole
    /// Connections stand, the bytes are written at once, and the connection ends in the way given.
    case greeting([UInt8], then: Ending)
  }

  /// What follows a greeting.
  public enum Ending: Sendable { case silence, fin, reset }

  /// The address it is on.
  public let host: String
  /// The port.
  public let port: UInt16

  private let behaviour: Behaviour
  private let descriptor: Int32
  private let lock = NSLock()
  private var held: [Int32] = []
  private var count = 0

  /// - Parameters:
  ///   - host: an address of the loopback, IPv4 or IPv6.
  ///   - port: 0 for a free one.
  public init(_ behaviour: Behaviour, host: String = "127.0.0.1", port: UInt16 = 0) throws {
    self.host = host
    self.behaviour = behaviour
    descriptor = try Loopback.bound(SOCK_STREAM, host, port)
    self.port = Loopback.port(of: descriptor)
    switch behaviour {
    case .refusing: break
    case .blackHole:
      listen(descriptor, 0)
      for _ in 0..<8 { held.append(try Loopback.connecting(host, self.port)) }
    case .silent, .greeting:
      Loopback.accept(on: descriptor) { [weak self] connection in self?.take(connection) != nil }
    }
  }

  deinit {
    held.forEach { close($0) }
    switch behaviour {
    case .refusing, .blackHole: close(descriptor)
    // The thread that accepts ends by this, and closes the descriptor.
    case .silent, .greeting: shutdown(descriptor, Int32(SHUT_RDWR))
    }
  }

  /// How many connections were accepted so far.
  public var accepted: Int { lock.withLock { count } }

  private func take(_ connection: Int32) {
    lock.withLock { count += 1 }
    guard case .greeting(let bytes, let ending) = behaviour else {
      lock.withLock { held.append(connection) }
      return
    }
    Loopback.write(bytes, to: connection)
    switch ending {
    case .silence: lock.withLock { held.append(connection) }
    case .fin: close(connection)
    case .reset: Loopback.reset(connection)
    }
  }
}

/// Socket calls for the tests' servers.
public enum Loopback {
  /// What went wrong, with `errno`.
  public struct Problem: Error { let code: Int32 }

  /// Has a socket listen and hands each connection on, on a thread of its own, until one is not taken or the socket is shut
  /// down; then closes the socket.
  static func accept(on listener: Int32, _ takes: @escaping @Sendable (Int32) -> Bool) {
    listen(listener, 64)
    Thread.detachNewThread {
      while true {
        let connection = Glibc.accept(listener, nil, nil)
        guard connection >= 0 else { break }
        guard takes(connection) else {
          close(connection)
          break
        }
      }
      close(listener)
    }
  }

  /// A socket bound to an address of the loopback; port 0 is a free one.
  static func bound(_ type: __socket_type, _ host: String, _ port: UInt16) throws -> Int32 {
    let v6 = host.contains(":")
    let descriptor = socket(v6 ? AF_INET6 : AF_INET, Int32(type.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Problem(code: errno) }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    let result = withAddress(host, port) { bind(descriptor, $0, $1) }
    guard result == 0 else {
      let code = errno
      close(descriptor)
      throw Problem(code: code)
    }
    return descriptor
  }

  /// A TCP connection that was begun and is not waited for.
  static func connecting(_ host: String, _ port: UInt16) throws -> Int32 {
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(host.contains(":") ? AF_INET6 : AF_INET, flags, 0)
    guard descriptor >= 0 else { throw Problem(code: errno) }
    _ = withAddress(host, port) { connect(descriptor, $0, $1) }
    return descriptor
  }

  /// A TCP connection, waited for; `nil` when it failed.
  static func connected(_ host: String, _ port: UInt16) -> Int32? {
    let descriptor = socket(
      host.contains(":") ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    guard withAddress(host, port, { connect(descriptor, $0, $1) }) == 0 else {
      close(descriptor)
      return nil
    }
    return descriptor
  }

  /// The local port of a socket.
  static func port(of descriptor: Int32) -> UInt16 {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
    }
    return UInt16(bigEndian: address.sin6_port)
  }

  /// A pair of connected sockets, for code that wants a descriptor and no server.
  public static func pair() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw Problem(code: errno)
    }
    return (ends[0], ends[1])
  }

  /// Writes all of it, or as much as the far side lets it.
  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Reads exactly so many bytes; fewer at the end of the stream.
  static func read(_ count: Int, from descriptor: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      var buffer = [UInt8](repeating: 0, count: count - bytes.count)
      let taken = recv(descriptor, &buffer, buffer.count, 0)
      guard taken > 0 else { break }
      bytes += buffer.prefix(taken)
    }
    return bytes
  }

  /// Closes a connection with RST.
  static func reset(_ descriptor: Int32) {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close(descriptor)
  }

  private static func withAddress<Value>(
    _ host: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
  ) -> Value {
    if host.contains(":") {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      inet_pton(AF_INET6, host, &address.sin6_addr)
      return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    return withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
