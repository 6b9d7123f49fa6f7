import Testing

@testable import XMPP

@Suite struct CertificateNameTests {
  private func matches(_ name: CertificateName, _ reference: String, _ service: XMPPService = .client) -> Bool
  {
    name.matches(reference, for: service)
  }

  @Test("T7: a DNS-ID names the domain in any case")
  func dns() {
    #expect(matches(CertificateName(.dns, "example.org"), "example.org"))
    #expect(matches(CertificateName(.dns, "EXAMPLE.org"), "example.ORG"))
    #expect(!matches(CertificateName(.dns, "example.org"), "example.com"))
    #expect(!matches(CertificateName(.dns, "xmpp.example.org"), "example.org"))
    #expect(!matches(CertificateName(.dns, "example.org"), "xmpp.example.org"))
    #expect(!matches(CertificateName(.dns, ""), ""))
    #expect(!matches(CertificateName(.dns, "example.org."), "example.org"))
  }

  @Test("T7: an SRV-ID names the domain for its service alone")
  func srv() {
    let client = CertificateName(.srv, "_xmpp-client.example.org")
    let server = CertificateName(.srv, "_xmpp-server.example.org")
    #expect(matches(client, "example.org"))
    #expect(matches(CertificateName(.srv, "_XMPP-Client.Example.org"), "example.org"))
    #expect(!matches(client, "example.org", .server))
    #expect(matches(server, "example.org", .server))
    #expect(!matches(server, "example.org"))
    #expect(!matches(client, "example.com"))
    #expect(!matches(CertificateName(.srv, "_imap.example.org"), "example.org"))
    #expect(!matches(CertificateName(.srv, "example.org"), "example.org"))
    #expect(!matches(CertificateName(.srv, "_xmpp-client.*.org"), "example.org"))
    #expect(!matches(CertificateName(.srv, "_xmpp-client"), ""))
  }

  @Test func anXMPPAddressNamesTheBareDomain() {
    #expect(matches(CertificateName(.xmppAddress, "example.org"), "example.org"))
    #expect(!matches(CertificateName(.xmppAddress, "bob@example.org"), "example.org"))
    #expect(!matches(CertificateName(.xmppAddress, "example.org/r"), "example.org"))
    #expect(!matches(CertificateName(.xmppAddress, "*.example.org"), "a.example.org"))
  }

  @Test("T22: a name constraint is a subtree of whole labels")
  func subtrees() throws {
    for (constraint, domain, isInside) in [
      ("example.org", "example.org", true), ("example.org", "EXAMPLE.org", true),
      ("example.org", "a.b.example.org", true), ("example.org", "notexample.org", false),
      ("example.org", "example.com", false), ("example.org", "org", false), ("", "example.org", true),
      (".example.org", "a.example.org", true), (".example.org", "example.org", false),
      ("org", "example.org", true), ("example.org", "example.org\0.evil.test", false),
    ] {
      let subtree = try #require(DomainSubtree(constraint))
      #expect(subtree.contains(domain) == isInside, "\(domain) in \(constraint)")
    }
    for constraint in ["example.org.", "a..b", "..a", "exämple.org", "a\0.b", "a b"] {
      #expect(DomainSubtree(constraint) == nil, "\(constraint)")
    }
  }

  @Test("T8: a wildcard stands for exactly one whole left-most label")
  func wildcards() {
    #expect(matches(CertificateName(.dns, "*.example.org"), "im.example.org"))
    for (name, reference) in [
      ("*.example.org", "example.org"), ("*.example.org", "a.b.example.org"), ("*.org", "example.org"),
      ("*", "example"), ("*", "example.org"), ("x*.example.org", "xy.example.org"),
      ("*x.example.org", "yx.example.org"), ("a.*.org", "a.example.org"), ("*.*.org", "a.example.org"),
      ("**.example.org", "a.example.org"), ("*.example.org", ".example.org"),
    ] {
      #expect(!matches(CertificateName(.dns, name), reference), "\(name) for \(reference)")
    }
  }

  @Test("T8: a name with NUL, space or anything beyond ASCII matches nothing")
  func strangeBytes() {
    for name in [
      "example.org\0.evil.com", "example.org\0", "ex\u{E4}mple.org", "example.org ", "example\u{3002}org",
      "example.org\n", "e\u{301}xample.org", "\u{212A}.org",
    ] {
      #expect(!matches(CertificateName(.dns, name), "example.org"))
      #expect(!matches(CertificateName(.dns, name), name))
    }
    #expect(!matches(CertificateName(.dns, "\u{212A}.org"), "k.org"))
  }

  @Test func anAddressIsNamedByAnAddressAlone() {
    #expect(matches(CertificateName(.ip, "127.0.0.1"), "127.0.0.1"))
    #expect(matches(CertificateName(.ip, "2001:db8::1"), "2001:DB8:0::1"))
    #expect(!matches(CertificateName(.dns, "127.0.0.1"), "127.0.0.1"))
    #expect(!matches(CertificateName(.ip, "127.0.0.1"), "example.org"))
    #expect(!matches(CertificateName(.ip, "127.0.0.2"), "127.0.0.1"))
  }

  @Test("Names that were mutated at random never trap, and match only what they equal")
  func mutations() {
    var random = SplitMix(seed: 6125)
    let seeds = [
      "example.org", "*.example.org", "_xmpp-client.example.org", "127.0.0.1", "[::1]", "..", "*.", "\0",
    ]
    let kinds: [CertificateName.Kind] = [.dns, .srv, .xmppAddress, .ip]
    for _ in 0..<20_000 {
      var bytes = Array(seeds[Int.random(in: 0..<seeds.count, using: &random)].utf8)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 1 where place < bytes.count: bytes.remove(at: place)
        default: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
        }
      }
      let name = String(decoding: bytes, as: UTF8.self)
      for kind in kinds where matches(CertificateName(kind, name), "im.example.org") {
        let lowered = name.lowercased()
        #expect(["im.example.org", "*.example.org", "_xmpp-client.im.example.org"].contains(lowered))
      }
    }
  }
}

/// Repeatable random numbers.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
