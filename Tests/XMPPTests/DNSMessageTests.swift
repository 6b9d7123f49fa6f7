import TestSupport
import Testing

@testable import XMPP

@Suite struct DNSMessageTests {
  private static func name(_ text: String) throws -> DNSName { try #require(DNSName(text)) }

  private static let head: [UInt8] = [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
  private static let asked: [UInt8] = FakeDNSServer.wire("_xmpp-client._tcp.example.org") + [0, 33, 0, 1]
  /// Owner by pointer, one SRV record whose target ends in a pointer to `example.org` of the question.
  private static let record: [UInt8] =
    [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 13, 0, 5, 0, 7, 0x14, 0x66, 4, 0x58, 0x6D, 0x70, 0x70]
    + [0xC0, 30]
  private static let whole = head + asked + record

  private static func question() throws -> DNSQuestion {
    DNSQuestion(name: try name("_xmpp-client._tcp.Example.ORG."), type: .srv)
  }

  private static func read(_ bytes: [UInt8]) throws -> DNSReply {
    DNSReply(bytes[...], to: try question(), id: 0x1234)
  }

  @Test("a name is read in any case, with or without its final dot, within the limits of RFC 1035")
  func names() throws {
    #expect(try Self.name("Example.ORG.") == Self.name("example.org"))
    #expect(try Self.name("Example.ORG").text == "example.org")
    for bad in ["", ".", "a..b", ".a", "ä.example", "a b", "a\\.b", String(repeating: "a", count: 64)] {
      #expect(DNSName(bad) == nil, "\(bad)")
    }
    let label = String(repeating: "a", count: 63)
    #expect(DNSName([label, label, label, String(label.dropLast(2))].joined(separator: ".")) != nil)
    #expect(DNSName([label, label, label, String(label.dropLast(1))].joined(separator: ".")) == nil)
  }

  @Test("a question asks for recursion and says what fits")
  func question() throws {
    let question = DNSQuestion(name: try Self.name("a.b"), type: .aaaa)
    #expect(
      question.message(id: 0xABCD, edns: false)
        == [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 1, 0x62, 0, 0, 28, 0, 1])
    #expect(question.message(id: 1, edns: true).suffix(11) == [0, 0, 41, 4, 0xD0, 0, 0, 0, 0, 0, 0])
    #expect(question.message(id: 1, edns: true)[11] == 1)
  }

  @Test("an answer is read, its names put together from pointers")
  func answer() throws {
    let target = ServiceRecord(priority: 5, weight: 7, port: 5222, target: "xmpp.example.org")
    let record = DNSRecord(owner: try Self.question().name, content: .service(target))
    #expect(try Self.read(Self.whole) == .answer(code: 0, [record]))
  }

  @Test("an answer with another id, another question or that is none is foreign")
  func foreign() throws {
    for index in [0, 1, 2, 5, 13, 40, Self.head.count + Self.asked.count - 3] {
      var bytes = Self.whole
      bytes[index] ^= index == 2 ? 0x80 : 0x01
      #expect(try Self.read(bytes) == .foreign, "byte \(index)")
    }
  }

  @Test("D4: an answer that ends at any byte is never taken for a whole one")
  func truncated() throws {
    for count in 0..<Self.whole.count {
      let reply = try Self.read(Array(Self.whole.prefix(count)))
      let early = count < Self.head.count + Self.asked.count
      #expect(reply == (early ? .foreign : .malformed), "\(count) bytes")
    }
    var cut = Self.whole
    cut[2] |= 0x02
    #expect(try Self.read(cut) == .truncated)
  }

  @Test("D4: pointers to themselves, to each other, forwards and beyond the end are refused")
  func compressionLoops() throws {
    let at = UInt8(Self.head.count + Self.asked.count)
    let rest: [UInt8] = [0, 33, 0, 1, 0, 0, 0, 60, 0, 0]
    let owners: [[UInt8]] = [
      [0xC0, at], [0xC0, at + 1], [0xC0, at + 2, 0xC0, at], [0xFF, 0xFF], [1, 0x61, 0xC0, at], [0x40, 0],
      [0x80, 0], [0xC0],
    ]
    for owner in owners {
      #expect(try Self.read(Self.head + Self.asked + owner + rest) == .malformed, "\(owner)")
    }
  }

  @Test("D4: a name made longer than 255 bytes by pointers is refused")
  func longNames() throws {
    let label = [UInt8(63)] + [UInt8](repeating: 0x61, count: 63)
    let start = Self.head.count + Self.asked.count
    var bytes = Self.head + Self.asked
    bytes[7] = 2
    // A TXT record, which is passed over, holds the labels; the next record's owner points to them.
    let text = label + label + label + [0xC0, 12]
    bytes += [0, 0, 16, 0, 1, 0, 0, 0, 0, 0, UInt8(text.count)] + text
    let inside = start + 11
    bytes += label + [0xC0, UInt8(inside)] + [0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4]
    #expect(try Self.read(bytes) == .malformed)
  }

  @Test("a label that holds a dot does not read as two")
  func dotsInLabels() throws {
    var bytes = Self.whole
    bytes[bytes.count - 4] = UInt8(ascii: ".")
    guard case .answer(_, let records) = try Self.read(bytes),
      case .service(let service)? = records.first?.content
    else {
      Issue.record("not read")
      return
    }
    #expect(service.target == "xm\\046p.example.org")
    #expect(DNSName(service.target) == nil)
  }

  @Test("record data of a wrong length is broken; other types and classes are passed over")
  func recordData() throws {
    let question = DNSQuestion(name: try Self.name("a"), type: .a)
    let head: [UInt8] = [0, 1, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0x61, 0, 0, 1, 0, 1]
    func read(_ type: UInt8, _ kind: UInt8, _ data: [UInt8]) -> DNSReply {
      let record = [0xC0, 12, 0, type, 0, kind, 0, 0, 0, 0, 0, UInt8(data.count)] + data
      return DNSReply((head + record)[...], to: question, id: 1)
    }
    #expect(read(1, 1, [1, 2, 3]) == .malformed)
    #expect(read(1, 1, [1, 2, 3, 4, 5]) == .malformed)
    #expect(read(28, 1, [1, 2, 3, 4]) == .malformed)
    #expect(read(5, 1, [0, 0]) == .malformed)
    #expect(read(16, 1, [9]) == .answer(code: 0, []))
    #expect(read(1, 3, [1]) == .answer(code: 0, []))
  }

  @Test("D4: no change of bytes makes the reader trap or hang")
  func mutations() throws {
    var random = SeededGenerator(seed: 4)
    var outcomes: [String: Int] = [:]
    for _ in 0..<20_000 {
      var bytes = Self.whole
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let start = Bool.random(using: &random) ? 0 : Self.head.count + Self.asked.count
        switch Int.random(in: 0...2, using: &random) {
        case 0 where start < bytes.count:
          bytes[Int.random(in: start..<bytes.count, using: &random)] = .random(in: 0...255, using: &random)
        case 1: bytes.removeLast(Int.random(in: 0...min(3, bytes.count), using: &random))
        default: bytes.append(.random(in: 0...255, using: &random))
        }
      }
      switch try Self.read(bytes) {
      case .answer: outcomes["answer", default: 0] += 1
      case .foreign: outcomes["foreign", default: 0] += 1
      case .malformed: outcomes["malformed", default: 0] += 1
      case .truncated: outcomes["truncated", default: 0] += 1
      }
    }
    #expect(outcomes.count == 4, "every outcome was met: \(outcomes)")
  }

  @Test("the hosts file: comments, tabs, several names a line, case, final dots")
  func hostsFile() throws {
    let file = HostsFile(
      Array("# 192.0.2.9 a\n192.0.2.1\tone ALIAS # two\r\n2001:db8::1 one.\n192.0.2.1 one\njunk one\n".utf8))
    #expect(file.addresses(of: try Self.name("One")).map(\.text) == ["192.0.2.1", "2001:db8::1"])
    #expect(file.addresses(of: try Self.name("alias")).map(\.text) == ["192.0.2.1"])
    #expect(file.addresses(of: try Self.name("two")).isEmpty)
    #expect(HostsFile(path: "/nonexistent/hosts").addresses(of: try Self.name("a")).isEmpty)
  }

  @Test("addresses: both families, zones, and what only looks like one")
  func addresses() {
    #expect(IPAddress("192.0.2.1")?.text == "192.0.2.1")
    #expect(IPAddress("2001:DB8:0:0::1")?.text == "2001:db8::1")
    #expect(IPAddress("fe80::1%1")?.scope == 1)
    for bad in [
      "", "192.0.2", "192.0.2.1\0.evil.example", "192.0.2.1%1", "::1%", "fe80::1%nosuchif", "[::1]",
    ] {
      #expect(IPAddress(bad) == nil, "\(bad)")
    }
  }
}
