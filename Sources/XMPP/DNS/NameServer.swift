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
        .usage, "bad-address", "--dns-server requires an IP address, not a name", status: .usage)
    }
    self.init(address: address, port: place.port ?? 53)
  }

  init(address: IPAddress, port: UInt16) {
    self.address = address
    self.port = port
  }

  /// As `--dns-server` and c-ares take it.
  var text: String { address.family == .v4 ? "\(address.text):\(port)" : "[\(address.text)]:\(port)" }
}
