import Glibc

/// A SOCKS5 proxy that resolves names itself, so that no question about the target leaves this machine.
public struct Proxy: Sendable, Equatable {
  /// The proxy's own host name or address, without brackets.
  public let host: String
  /// Its port; 1080 where none was given.
  public let port: UInt16
  /// User name and password, each of at most 255 bytes.
  let credentials: Credentials?

  /// The password, if there is one.
  public var password: Secret? {
    guard var bytes = credentials?.password, !bytes.isEmpty else { return nil }
    return Secret(wiping: &bytes)
  }

  struct Credentials: Sendable, Equatable {
    var user: [UInt8]
    var password: [UInt8]
  }

  /// Reads `socks5h://[USER[:PASS]@]HOST[:PORT]`. User and password may hold `%XX`.
  ///
  /// - Throws: `bad-proxy`, status 64. The message quotes nothing of the text, which may hold a password.
  public init(parsing text: String) throws(Failure) {
    let bytes = Array(text.utf8)
    let scheme = Array("socks5h://".utf8)
    guard bytes.count > scheme.count, bytes.starts(with: scheme) else {
      throw Proxy.bad("only socks5h:// is supported, where the proxy resolves names")
    }
    var authority = bytes.dropFirst(scheme.count)
    if authority.last == UInt8(ascii: "/") { authority.removeLast() }
    if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
      let parts = authority[..<at].split(
        separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      guard let user = Proxy.decoded(parts[0]), let password = Proxy.decoded(parts.count > 1 ? parts[1] : [])
      else { throw Proxy.bad("a percent sign in user or password wants two hexadecimal digits") }
      guard (1...255).contains(user.count), password.count <= 255 else {
        throw Proxy.bad("user and password have at most 255 bytes, and the user at least one")
      }
      credentials = Credentials(user: user, password: password)
      authority = authority[(at + 1)...]
    } else {
      credentials = nil
    }
    guard
      let place = try? HostAndPort(parsing: String(decoding: authority, as: UTF8.self), for: "--proxy")
    else { throw Proxy.bad("it wants socks5h://[USER[:PASS]@]HOST[:PORT]") }
    host = place.host
    port = place.port ?? 1080
  }

  /// Has the proxy connect to `host`; afterwards the socket is a connection to there. Nothing is read beyond its reply.
  ///
  /// - Parameter socket: a connection to the proxy.
  /// - Throws: stage `proxy`, status 69: the reply's word (`host-unreachable`, …, RFC 1928 §6), `auth-required`, `auth-failed`,
  ///   `malformed-reply`, `connection-closed`, `connect-timeout`; what `Waiter.wait` throws.
  func connect(
    _ socket: Socket, to host: String, port: UInt16, waiter: Waiter, until moment: Deadline
  ) throws(Failure) {
    var dialogue = try SOCKSDialogue(credentials: credentials, host: host, port: port)
    let doing = "waiting for the proxy \(self.host)"
    while true {
      try send(dialogue.takeOutput(), socket, waiter, moment, doing)
      guard dialogue.wanted > 0 else { return }
      try dialogue.take(try receive(dialogue.wanted, socket, waiter, moment, doing))
    }
  }

  private func send(
    _ bytes: [UInt8], _ socket: Socket, _ waiter: Waiter, _ moment: Deadline, _ doing: String
  ) throws(Failure) {
    var rest = bytes[...]
    while !rest.isEmpty {
      do throws(Failure) {
        rest = rest.dropFirst(try socket.write(rest) ?? 0)
      } catch {
        throw Failure.proxy(error.condition, "the proxy: \(error.message)")
      }
      if !rest.isEmpty { try pause(POLLOUT, socket, waiter, moment, doing) }
    }
  }

  private func receive(
    _ count: Int, _ socket: Socket, _ waiter: Waiter, _ moment: Deadline, _ doing: String
  ) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      try pause(POLLIN, socket, waiter, moment, doing)
      var buffer = [UInt8](repeating: 0, count: count - bytes.count)
      let taken: Int?
      do throws(Failure) {
        taken = try socket.read(into: &buffer)
      } catch {
        throw Failure.proxy(error.condition, "the proxy: \(error.message)")
      }
      if taken == 0 { throw Failure.proxy("connection-closed", "the proxy closed the connection") }
      bytes += buffer.prefix(taken ?? 0)
    }
    return bytes
  }

  private func pause(
    _ events: Int32, _ socket: Socket, _ waiter: Waiter, _ moment: Deadline, _ doing: String
  ) throws(Failure) {
    guard try socket.wait(for: events, waiter, until: moment, doing: doing), !moment.hasPassed else {
      throw Failure.proxy(
        "connect-timeout", "no answer in time from the proxy \(host)",
        hint: "allow more with --connect-timeout")
    }
  }

  private static func bad(_ message: String) -> Failure {
    Failure(.usage, "bad-proxy", "--proxy: \(message)", status: .usage)
  }

  /// `nil` when a percent sign is not followed by two hexadecimal digits.
  private static func decoded(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        result.append(byte)
        continue
      }
      guard let high = hexadecimal(rest.popFirst()), let low = hexadecimal(rest.popFirst()) else {
        return nil
      }
      result.append(high << 4 | low)
    }
    return result
  }

  private static func hexadecimal(_ digit: UInt8?) -> UInt8? {
    switch digit {
    case .some(UInt8(ascii: "0")...UInt8(ascii: "9")): digit.map { $0 - UInt8(ascii: "0") }
    case .some(UInt8(ascii: "a")...UInt8(ascii: "f")): digit.map { $0 - UInt8(ascii: "a") + 10 }
    case .some(UInt8(ascii: "A")...UInt8(ascii: "F")): digit.map { $0 - UInt8(ascii: "A") + 10 }
    default: nil
    }
  }
}

extension Proxy: CustomStringConvertible, CustomReflectable {
  /// The address alone, never the password.
  public var description: String {
    "socks5h://\(host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host):\(port)"
  }

  /// Nothing of the credentials shows in a dump.
  public var customMirror: Mirror { Mirror(self, children: ["host": host, "port": port]) }
}

extension Failure {
  /// A failure at the proxy or behind it.
  static func proxy(_ condition: String, _ message: String, hint: String? = nil) -> Failure {
    Failure(.proxy, condition, message, hint: hint, status: .noConnection)
  }
}
