/// A SOCKS5 CONNECT (RFC 1928, RFC 1929).
struct SOCKSDialogue: ProxyDialogue {
  private enum State {
    case method, authentication, reply, address, nameLength
    case rest(Int)
    case done
  }

  private let credentials: Proxy.Credentials?
  private let host: String
  private let request: [UInt8]
  private var state = State.method
  private var output: [UInt8]

  /// - Throws: `bad-name` where the host's name is too long for the protocol.
  init(credentials: Proxy.Credentials?, host: String, port: UInt16) throws(Failure) {
    self.credentials = credentials
    self.host = host
    var request: [UInt8] = [5, 1, 0]
    if let address = IPAddress(host) {
      request += [address.family == .v4 ? 1 : 4] + address.bytes
    } else {
      let name = Array(host.utf8)
      guard (1...255).contains(name.count) else {
        throw Failure.proxy("bad-name", "\(host) is no name that a proxy can be asked for")
      }
      request += [3, UInt8(name.count)] + name
    }
    self.request = request + [UInt8(port >> 8), UInt8(port & 0xFF)]
    output = credentials == nil ? [5, 1, 0] : [5, 2, 0, 2]
  }

  mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  var wanted: Int {
    switch state {
    case .method, .authentication, .reply, .address: 2
    case .nameLength: 1
    case .rest(let count): count
    case .done: 0
    }
  }

  mutating func take(_ bytes: [UInt8]) throws(Failure) {
    guard bytes.count == wanted, let first = bytes.first, let last = bytes.last else { throw malformed }
    switch state {
    case .method:
      guard first == 5 else { throw malformed }
      try choose(last)
    case .authentication:
      // RFC 1929 §2: version 1; many servers say 5 here, so the version is not looked at.
      guard last == 0 else {
        throw Failure.proxy("auth-failed", "the proxy does not accept this user and password")
      }
      output = request
      state = .reply
    case .reply:
      guard first == 5 else { throw malformed }
      guard last == 0 else { throw refusal(last) }
      state = .address
    case .address:
      switch last {
      case 1: state = .rest(4 + 2)
      case 4: state = .rest(16 + 2)
      case 3: state = .nameLength
      default: throw malformed
      }
    case .nameLength:
      state = .rest(Int(last) + 2)
    case .rest, .done:
      state = .done
    }
  }

  private mutating func choose(_ method: UInt8) throws(Failure) {
    switch (method, credentials) {
    case (0, _):
      output = request
      state = .reply
    case (2, .some(let credentials)):
      output =
        [1, UInt8(credentials.user.count)] + credentials.user
        + [UInt8(credentials.password.count)] + credentials.password
      state = .authentication
    case (0xFF, .none):
      throw Failure.proxy(
        "auth-required", "the proxy requires a login", hint: "give it as socks5h://USER:PASS@HOST")
    case (0xFF, .some):
      throw Failure.proxy("auth-refused", "the proxy accepts no login by user and password")
    default:
      throw malformed
    }
  }

  private var malformed: Failure {
    Failure.proxy("malformed-reply", "the proxy's answer is not SOCKS5")
  }

  /// The reply codes of RFC 1928 §6.
  private func refusal(_ code: UInt8) -> Failure {
    let (condition, text) =
      switch code {
      case 1: ("general-failure", "it failed")
      case 2: ("not-allowed", "its rules do not allow it")
      case 3: ("network-unreachable", "the network is unreachable")
      case 4: ("host-unreachable", "the host is unreachable")
      case 5: ("connection-refused", "the connection was refused")
      case 6: ("ttl-expired", "the time to live expired")
      case 7: ("command-not-supported", "it does not support CONNECT")
      case 8: ("address-type-not-supported", "it does not support this type of address")
      default: ("reply-\(code)", "it answered with the unknown code \(code)")
      }
    return Failure.proxy(condition, "the proxy cannot connect to \(host): \(text)")
  }
}
