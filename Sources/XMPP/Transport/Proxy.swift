import Glibc

/// A proxy that connects on our behalf and resolves names itself, so that no question about the target leaves this machine.
public struct Proxy: Sendable, Equatable {
  /// The protocols that it may speak.
  enum Kind: String, Sendable, CaseIterable {
    /// SOCKS5 (RFC 1928); the proxy gets the name with both schemes.
    case socks5h, socks5
    /// CONNECT of HTTP (RFC 9110 §9.3.6).
    case http

    var isSOCKS: Bool { self != .http }
  }

  /// The protocol.
  let kind: Kind
  /// The proxy's own host name or address, without brackets.
  public let host: String
  /// Its port; 1080 if none was given, as with curl.
  public let port: UInt16
  /// User name and password, each of at most 255 bytes.
  let credentials: Credentials?
  /// What names the proxy, if that is a variable; messages repeat it.
  let origin: String?
  /// What to try if the proxy fails.
  public var hint: String?

  /// The password, if there is one.
  public var password: Secret? {
    guard var bytes = credentials?.password, !bytes.isEmpty else { return nil }
    return Secret(wiping: &bytes)
  }

  struct Credentials: Sendable, Equatable {
    var user: [UInt8]
    var password: [UInt8]
  }

  /// Reads `SCHEME://[USER[:PASS]@]HOST[:PORT]`. User and password may hold `%XX`. Without a scheme it is HTTP, as with curl.
  ///
  /// - Parameter origin: the variable that the text is from.
  /// - Throws: `bad-proxy`, status 64. The message quotes nothing of the text, which may hold a password.
  public init(parsing text: String, from origin: String? = nil) throws(Failure) {
    func bad(_ message: String) -> Failure {
      Failure(.usage, "bad-proxy", "\(origin ?? "--proxy"): \(message)", status: .usage)
    }
    self.origin = origin
    var authority = Array(text.utf8)[...]
    if let end = authority.firstIndex(of: UInt8(ascii: ":")), authority[end...].starts(with: "://".utf8) {
      let scheme = authority[..<end].map(asciiLowercased)
      guard let kind = Kind.allCases.first(where: { $0.rawValue.utf8.elementsEqual(scheme) }) else {
        throw bad("only http://, socks5:// and socks5h:// are supported")
      }
      self.kind = kind
      authority = authority[(end + 3)...]
    } else {
      kind = .http
    }
    if authority.last == UInt8(ascii: "/") { authority.removeLast() }
    if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
      let parts = authority[..<at].split(
        separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      guard let user = Proxy.decoded(parts[0]), let password = Proxy.decoded(parts.count > 1 ? parts[1] : [])
      else { throw bad("a percent sign in the user or password must be followed by two hexadecimal digits") }
      guard (1...255).contains(user.count), password.count <= 255 else {
        throw bad("the user must have 1 to 255 bytes, and the password at most 255")
      }
      // RFC 7617 §2.
      guard kind.isSOCKS || !user.contains(UInt8(ascii: ":")) else {
        throw bad("the user of an HTTP proxy cannot have a colon")
      }
      credentials = Credentials(user: user, password: password)
      authority = authority[(at + 1)...]
    } else {
      credentials = nil
    }
    guard
      let place = try? HostAndPort(parsing: String(decoding: authority, as: UTF8.self), for: "")
    else { throw bad("the form is [http://|socks5://|socks5h://][USER[:PASS]@]HOST[:PORT]") }
    host = place.host
    port = place.port ?? 1080
  }

  /// The proxy as messages call it.
  var label: String { origin.map { "the proxy of \($0)" } ?? "the proxy" }

  /// Has the proxy connect to `host`; afterwards the socket is a connection to there. Nothing is read beyond its reply.
  ///
  /// - Parameter socket: a connection to the proxy.
  /// - Throws: stage `proxy`, status 69: the reply's word (`host-unreachable`, …, RFC 1928 §6, or `http-403`), `auth-required`,
  ///   `auth-failed`, `malformed-reply`, `connection-closed`, `connect-timeout`; what `Waiter.wait` throws.
  func connect(
    _ socket: Socket, to host: String, port: UInt16, waiter: Waiter, until moment: Deadline
  ) throws(Failure) {
    var dialogue: any ProxyDialogue =
      kind.isSOCKS
      ? try SOCKSDialogue(credentials: credentials, host: host, port: port)
      : HTTPConnectDialogue(credentials: credentials, host: host, port: port)
    let doing = "waiting for \(label)"
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
        throw Failure.proxy(error.condition, "\(label): \(error.message)")
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
        throw Failure.proxy(error.condition, "\(label): \(error.message)")
      }
      if taken == 0 { throw Failure.proxy("connection-closed", "\(label) closed the connection") }
      bytes += buffer.prefix(taken ?? 0)
    }
    return bytes
  }

  private func pause(
    _ events: Int32, _ socket: Socket, _ waiter: Waiter, _ moment: Deadline, _ doing: String
  ) throws(Failure) {
    guard try socket.wait(for: events, waiter, until: moment, doing: doing), !moment.hasPassed else {
      throw Failure.proxy(
        "connect-timeout", "no answer in time from \(label), \(host)",
        hint: "allow more with --connect-timeout")
    }
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
    "\(kind.rawValue)://\(host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host):\(port)"
  }

  /// Nothing of the credentials shows in a dump.
  public var customMirror: Mirror { Mirror(self, children: ["host": host, "port": port]) }
}

/// The client's part of a dialogue with a proxy, without I/O: `takeOutput()` is to be sent, then exactly `wanted` bytes are to
/// be read and given to `take`; the connection stands when none are wanted.
protocol ProxyDialogue {
  /// What is to be sent now.
  mutating func takeOutput() -> [UInt8]
  /// How many bytes are to be read next.
  var wanted: Int { get }
  /// Takes the bytes that were wanted.
  mutating func take(_ bytes: [UInt8]) throws(Failure)
}

extension Failure {
  /// A failure at the proxy or behind it.
  static func proxy(_ condition: String, _ message: String, hint: String? = nil) -> Failure {
    Failure(.proxy, condition, message, hint: hint, status: .noConnection)
  }
}
