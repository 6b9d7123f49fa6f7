/// How far an address reaches, from this machine alone to everywhere.
enum AddressScope: Int, Comparable {
  /// Loopback.
  case machine
  /// Link-local addresses, those of cloud metadata services among them.
  case link
  /// Private networks, and addresses that a provider shares among its customers.
  case site
  /// All others.
  case everywhere

  static func < (one: AddressScope, other: AddressScope) -> Bool { one.rawValue < other.rawValue }
}

extension IPAddress {
  /// How far it reaches (RFC 6890); `nil` if it is no address of one host: unspecified, multicast, broadcast, reserved.
  var reach: AddressScope? { family == .v4 ? IPAddress.reach(v4: bytes[...]) : reachV6 }

  private static func reach(v4 bytes: ArraySlice<UInt8>) -> AddressScope? {
    let parts = Array(bytes)
    switch (parts[0], parts[1]) {
    case (0, _), (224..., _): return nil
    case (127, _): return .machine
    case (169, 254): return .link
    case (10, _), (172, 16...31), (192, 168), (100, 64...127), (198, 18...19): return .site
    case (192, 0) where parts[2] == 0: return .site
    default: return .everywhere
    }
  }

  private var reachV6: AddressScope? {
    let isLow = bytes.prefix(10).allSatisfy { $0 == 0 }
    let tail = bytes[10...]
    if isLow, tail.dropLast().allSatisfy({ $0 == 0 }) {
      switch tail.last {
      case 0: return nil
      case 1: return .machine
      default: break
      }
    }
    // An IPv4 address in it: mapped, compatible, of NAT64 (RFC 6052) or of 6to4 (RFC 3056).
    if isLow, tail.starts(with: [0xFF, 0xFF]) || tail.starts(with: [0, 0]) {
      return IPAddress.reach(v4: bytes[12...])
    }
    if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]) { return IPAddress.reach(v4: bytes[12...]) }
    if bytes.starts(with: [0x20, 0x02]) { return IPAddress.reach(v4: bytes[2..<6]) }
    switch (bytes[0], bytes[1] & 0xC0) {
    case (0xFF, _): return nil
    case (0xFE, 0x80): return .link
    case (0xFE, 0xC0), (0xFC...0xFD, _): return .site
    default: return .everywhere
    }
  }
}
