import Glibc

/// An IPv4 or IPv6 address.
public struct IPAddress: Sendable, Hashable {
  /// The two kinds there are.
  public enum Family: Sendable, Hashable { case v4, v6 }

  /// Which kind it is.
  public let family: Family
  /// Its 4 or 16 bytes in network order.
  let bytes: [UInt8]
  /// The interface of a link-local IPv6 address; 0 where it has none.
  let scope: UInt32

  /// Reads `192.0.2.1`, `2001:db8::1` or `fe80::1%eth0`; `nil` when it is not an address.
  public init?(_ text: String) {
    guard !text.utf8.contains(0) else { return nil }
    let parts = text.utf8.split(separator: UInt8(ascii: "%"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16)
    if parts.count == 1, inet_pton(AF_INET, text, &bytes) == 1 {
      self.init(v4: Array(bytes.prefix(4)))
      return
    }
    guard inet_pton(AF_INET6, String(decoding: first, as: UTF8.self), &bytes) == 1 else { return nil }
    var scope: UInt32 = 0
    if parts.count == 2 {
      let zone = String(decoding: parts[1], as: UTF8.self)
      scope = UInt32(zone) ?? if_nametoindex(zone)
      guard scope != 0 else { return nil }
    }
    self.init(v6: bytes, scope: scope)
  }

  /// An IPv4 address of exactly 4 bytes.
  init?(v4 bytes: [UInt8]) {
    guard bytes.count == 4 else { return nil }
    (family, self.bytes, scope) = (.v4, bytes, 0)
  }

  /// An IPv6 address of exactly 16 bytes.
  init?(v6 bytes: [UInt8], scope: UInt32 = 0) {
    guard bytes.count == 16 else { return nil }
    (family, self.bytes, self.scope) = (.v6, bytes, scope)
  }

  /// The address of a socket address; `nil` if it is of another family.
  init?(_ address: UnsafePointer<sockaddr>) {
    let raw = UnsafeRawPointer(address)
    switch Int32(address.pointee.sa_family) {
    case AF_INET:
      let v4 = raw.loadUnaligned(as: sockaddr_in.self)
      self.init(v4: withUnsafeBytes(of: v4.sin_addr) { Array($0) })
    case AF_INET6:
      let v6 = raw.loadUnaligned(as: sockaddr_in6.self)
      self.init(v6: withUnsafeBytes(of: v6.sin6_addr) { Array($0) }, scope: v6.sin6_scope_id)
    default: return nil
    }
  }

  /// As people write it, without brackets.
  public var text: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(domain, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
    let address = buffer.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map(String.init(cString:)) ?? ""
    }
    return scope == 0 ? address : "\(address)%\(scope)"
  }

  /// Whether its first `prefix` bits are those of a network (CIDR, RFC 4632 §3.1).
  public func isWithin(_ network: IPAddress, prefix: Int) -> Bool {
    guard family == network.family, (0...bytes.count * 8).contains(prefix) else { return false }
    for (index, (own, other)) in zip(bytes, network.bytes).enumerated() {
      let bits = min(max(prefix - index * 8, 0), 8)
      guard (own ^ other) >> (8 - bits) == 0 else { return false }
    }
    return true
  }

  /// `AF_INET` or `AF_INET6`.
  var domain: Int32 { family == .v4 ? AF_INET : AF_INET6 }

  /// Lends the address with a port as what the socket calls take.
  func withSocketAddress<Value>(
    port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
  ) -> Value {
    var storage = sockaddr_storage()
    let length: Int
    switch family {
    case .v4:
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      withUnsafeMutableBytes(of: &address.sin_addr) { $0.copyBytes(from: bytes) }
      length = MemoryLayout<sockaddr_in>.size
      withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: sockaddr_in.self) }
    case .v6:
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      address.sin6_scope_id = scope
      withUnsafeMutableBytes(of: &address.sin6_addr) { $0.copyBytes(from: bytes) }
      length = MemoryLayout<sockaddr_in6>.size
      withUnsafeMutableBytes(of: &storage) { $0.storeBytes(of: address, as: sockaddr_in6.self) }
    }
    return withUnsafePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
    }
  }
}
