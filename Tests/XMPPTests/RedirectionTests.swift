import Testing

@testable import XMPP

/// Which addresses a redirection may lead to.
@Suite struct RedirectionTests {
  private func permits(_ origin: String?, _ target: String) throws -> Bool {
    let origin = try origin.map { try #require(IPAddress($0)) }
    return RedirectionRule(from: origin).permits(try #require(IPAddress(target)))
  }

  private static let machine = ["127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"]
  private static let link = ["169.254.169.254", "fe80::1", "febf::1", "64:ff9b::169.254.0.1"]
  private static let site = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "198.18.0.1",
    "192.0.0.9", "fc00::1", "fdff::1", "fec0::1", "::ffff:10.0.0.1", "2002:0a00:0001::1",
  ]
  private static let everywhere = [
    "203.0.113.7", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "192.0.2.1",
    "223.255.255.255", "2001:db8::1", "2a00::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:0808:0808::1",
  ]
  private static let none = [
    "0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1",
    "::ffff:0.0.0.0", "::ffff:224.0.0.1",
  ]

  @Test("S13: from a public address, or an unknown one, a redirection leads to public addresses only")
  func fromOutside() throws {
    for origin in Self.everywhere + [nil] {
      for target in Self.everywhere { #expect(try permits(origin, target), "\(origin ?? "") to \(target)") }
      for target in Self.machine + Self.link + Self.site + Self.none {
        #expect(try !permits(origin, target), "\(origin ?? "") to \(target)")
      }
    }
  }

  @Test("S13: from within, it never leads to what is nearer")
  func fromWithin() throws {
    let ranks = [Self.machine, Self.link, Self.site, Self.everywhere]
    for (rank, origins) in ranks.enumerated() {
      for origin in origins {
        for (other, targets) in ranks.enumerated() {
          for target in targets {
            #expect(try permits(origin, target) == (other >= rank), "\(origin) to \(target)")
          }
        }
        for target in Self.none { #expect(try !permits(origin, target), "\(origin) to \(target)") }
      }
    }
  }
}
