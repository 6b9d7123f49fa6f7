import CResolver
import Glibc

/// A name server to ask.
public struct NameServer: Sendable, Hashable {
  let address: IPAddress
  let port: UInt16

  /// Reads the value of `--dns-server`: `ADDR`, `ADDR:PORT` or `[ADDR]:PORT`. A name would need a name server first.
  ///
  /// - Throws: `bad-address`, status 64.
  public init(parsing text: String) throws(Failure) {
    let place = try HostAndPort(parsing: text, for: "--dns-server")
    guard let address = IPAddress(place.host) else {
      throw Failure(
        .usage, "bad-address", "--dns-server wants an IP address, not a name", status: .usage)
    }
    self.init(address: address, port: place.port ?? 53)
  }

  init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// As `--dns-server` takes it.
  var text: String { address.family == .v4 ? "\(address.text):\(port)" : "[\(address.text)]:\(port)" }
}

/// Which name servers the system uses, and where it looks for names of one label.
struct NameServers: Sendable {
  var servers: [NameServer]
  var search: [String]

  /// What `/etc/resolv.conf` says, read by the C library; without a word there it is the machine itself.
  static func system() -> NameServers {
    var state = xmpp_resolver()
    guard xmpp_resolver_open(&state) == 0 else { return NameServers(servers: [], search: []) }
    defer { xmpp_resolver_close(&state) }
    var servers: [NameServer] = []
    for n in 0..<MAXNS {
      var storage = sockaddr_storage()
      guard xmpp_resolver_server(&state, n, &storage) > 0 else { continue }
      if let server = NameServer(storage) { servers.append(server) }
    }
    let search = (0..<MAXDNSRCH).map { xmpp_resolver_search(&state, $0) }.prefix { $0 != nil }
    return NameServers(servers: servers, search: search.compactMap { $0.map(String.init(cString:)) })
  }
}

extension NameServer {
  fileprivate init?(_ storage: sockaddr_storage) {
    let (address, port) = withUnsafeBytes(of: storage) { raw -> (IPAddress?, UInt16) in
      if Int32(storage.ss_family) == AF_INET {
        let v4 = raw.load(as: sockaddr_in.self)
        return (IPAddress(v4: withUnsafeBytes(of: v4.sin_addr) { Array($0) }), v4.sin_port)
      }
      let v6 = raw.load(as: sockaddr_in6.self)
      let bytes = withUnsafeBytes(of: v6.sin6_addr) { Array($0) }
      return (IPAddress(v6: bytes, scope: v6.sin6_scope_id), v6.sin6_port)
    }
    guard let address else { return nil }
    self.init(address: address, port: UInt16(bigEndian: port))
  }
}
