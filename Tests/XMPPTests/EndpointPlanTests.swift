import TestSupport
import Testing

@testable import XMPP

@Suite struct EndpointPlanTests {
  private static func srv(_ priority: UInt16, _ weight: UInt16, _ target: String, port: UInt16 = 5222)
    -> ServiceRecord
  {
    ServiceRecord(priority: priority, weight: weight, port: port, target: target)
  }

  private static let down = Failure(.dns, "servfail", "", status: .noHost)

  private func plan(
    _ direct: ServiceAnswer, _ starttls: ServiceAnswer, isKnown: Bool = false, seed: UInt64 = 1
  ) throws -> [Endpoint] {
    var random = SeededGenerator(seed: seed)
    return try EndpointPlan(domain: "a.test", service: .client, tls: .auto)
      .endpoints([(.directTLS, direct), (.starttls, starttls)], isKnown: isKnown, using: &random)
  }

  @Test("the names asked for, and the fallback, of each mode and service")
  func names() {
    func names(_ service: XMPPService, _ tls: TLSMode) -> [String] {
      let plan = EndpointPlan(domain: "a.test", service: service, tls: tls)
      return plan.methods.map(plan.serviceName) + ["\(plan.fallback.port) \(plan.fallback.method.rawValue)"]
    }
    #expect(
      names(.client, .auto) == ["_xmpps-client._tcp.a.test", "_xmpp-client._tcp.a.test", "5222 starttls"])
    #expect(names(.client, .direct) == ["_xmpps-client._tcp.a.test", "5223 direct-tls"])
    #expect(names(.client, .starttls) == ["_xmpp-client._tcp.a.test", "5222 starttls"])
    #expect(names(.client, .none) == ["_xmpp-client._tcp.a.test", "5222 plain"])
    #expect(
      names(.server, .auto) == ["_xmpps-server._tcp.a.test", "_xmpp-server._tcp.a.test", "5269 starttls"])
    #expect(names(.server, .direct) == ["_xmpps-server._tcp.a.test", "5270 direct-tls"])
  }

  @Test("both names form one list by priority (XEP-0368)")
  func merged() throws {
    let found = try plan(
      .records([Self.srv(10, 0, "b", port: 443), Self.srv(30, 0, "d", port: 443)]),
      .records([Self.srv(20, 0, "c"), Self.srv(5, 0, "a")]))
    #expect(found.map(\.host) == ["a", "b", "c", "d"])
    #expect(found.map(\.method) == [.starttls, .directTLS, .starttls, .directTLS])
  }

  @Test("D1: what . means alone, on one side, on both, and beside a target")
  func root() throws {
    let dot = ServiceAnswer.records([Self.srv(0, 0, ".", port: 0)])
    for (direct, starttls) in [(dot, dot), (dot, .none), (.none, dot)] as [(ServiceAnswer, ServiceAnswer)] {
      let failure = #expect(throws: Failure.self) { try plan(direct, starttls) }
      #expect(failure?.condition == "not-offered" && failure?.status == .noHost)
    }
    #expect(try plan(dot, .records([Self.srv(0, 0, "x")])).map(\.host) == ["x"])
    #expect(try plan(.records([Self.srv(0, 0, "x")]), dot).map(\.host) == ["x"])
    #expect(try plan(.none, .records([Self.srv(0, 0, "."), Self.srv(1, 0, "x")])).map(\.host) == ["x"])
  }

  @Test("D7: the domain itself is in the plan only where no record exists")
  func fallback() throws {
    #expect(try plan(.none, .none).map(\.source) == [.fallback])
    let found = try plan(.none, .records([Self.srv(0, 0, "x"), Self.srv(0, 0, "y")]))
    #expect(found.map(\.source) == [.srv, .srv])
    #expect(found.allSatisfy { $0.host != "a.test" })
  }

  @Test("a failed lookup is not an answer of none, but does not hide the other name's targets")
  func failed() throws {
    for other in [ServiceAnswer.none, .failed(Self.down), .records([Self.srv(0, 0, ".")])] {
      #expect(#expect(throws: Failure.self) { try plan(.failed(Self.down), other) } == Self.down)
    }
    #expect(try plan(.failed(Self.down), .records([Self.srv(0, 0, "x")])).map(\.host) == ["x"])
  }

  @Test(
    "N1: without an answer, the domain itself is tried if it needs no DNS, or if DNS answers for addresses alone"
  )
  func withoutAnswer() throws {
    let refused = ServiceAnswer.unsupported(Self.down)
    let dot = ServiceAnswer.records([Self.srv(0, 0, ".")])
    for (direct, starttls) in [(refused, refused), (refused, .none), (.none, refused)] {
      #expect(try plan(direct, starttls).map(\.source) == [.fallback])
    }
    #expect(try plan(refused, .records([Self.srv(0, 0, "x")])).map(\.host) == ["x"])
    for other in [.failed(Self.down), dot] {
      #expect(#expect(throws: Failure.self) { try plan(refused, other) } == Self.down)
    }
    #expect(try plan(.failed(Self.down), .failed(Self.down), isKnown: true).map(\.source) == [.fallback])
    #expect(#expect(throws: Failure.self) { try plan(.failed(Self.down), dot, isKnown: true) } == Self.down)
  }

  @Test("the same place is tried once, with another method or port it is another place")
  func duplicates() throws {
    let found = try plan(
      .records([Self.srv(0, 0, "x")]),
      .records([Self.srv(1, 0, "x"), Self.srv(2, 5, "x"), Self.srv(3, 0, "x", port: 1)]))
    #expect(found.map(\.priority) == [0, 1, 3])
  }

  @Test("D3: 200 targets come by priority, each once, at every seed")
  func many() throws {
    let records = (0..<200).map { (number: Int) -> ServiceRecord in
      let priority = UInt16(number / 4 * 7 % 50)
      return Self.srv(priority, UInt16(number % 4), "h\(number)")
    }
    for seed in UInt64(0)..<20 {
      let found = try plan(.none, .records(records.reversed()), seed: seed)
      #expect(found.count == 200 && Set(found.map(\.host)).count == 200)
      let priorities = found.compactMap(\.priority)
      #expect(priorities == priorities.sorted())
    }
  }

  @Test("D3: a domain does not decide how many are tried: of thousands, the first 256 stay")
  func tooMany() throws {
    let records = (0..<3000).map { Self.srv(UInt16($0), 0, "h\($0)") }
    #expect(try plan(.none, .records(records.reversed())).map(\.host) == (0..<256).map { "h\($0)" })
  }

  @Test("D3: the first is drawn in the ratio of the weights (RFC 2782)")
  func distribution() throws {
    var random = SeededGenerator(seed: 2782)
    let endpoints = [("a", 10), ("b", 30), ("c", 60)].map { host, weight in
      Endpoint(host: host, port: 1, method: .starttls, source: .srv, priority: 0, weight: weight)
    }
    var first: [String: Int] = [:]
    var second: [String: Int] = [:]
    for _ in 0..<20_000 {
      let order = EndpointPlan.ordered(endpoints, using: &random).map(\.host)
      first[order[0], default: 0] += 1
      second[order[1], default: 0] += 1
    }
    // Expected 2000, 6000, 12000; a deviation of 5 % is far beyond chance.
    #expect((1800...2300).contains(first["a"] ?? 0))
    #expect((5700...6300).contains(first["b"] ?? 0))
    #expect((11_500...12_400).contains(first["c"] ?? 0))
    // Drawn again from what is left: a 0.3·10/70 + 0.6·10/40.
    #expect((3500...4250).contains(second["a"] ?? 0))
  }

  @Test("D3: weight 0 has a small chance beside others, and an equal one among its like")
  func weightZero() throws {
    var random = SeededGenerator(seed: 0)
    func firsts(_ weights: [UInt16]) -> [String: Int] {
      let endpoints = weights.enumerated().map { index, weight in
        Endpoint(host: "h\(index)", port: 1, method: .starttls, source: .srv, priority: 0, weight: weight)
      }
      var result: [String: Int] = [:]
      for _ in 0..<10_000 {
        result[EndpointPlan.ordered(endpoints, using: &random)[0].host, default: 0] += 1
      }
      return result
    }
    // The number 0 of 0...9 draws it.
    #expect((850...1150).contains(firsts([9, 0])["h1"] ?? 0))
    let equals = firsts([0, 0, 0, 0])
    #expect(equals.count == 4 && equals.values.allSatisfy { (2300...2700).contains($0) })
    #expect(firsts([.max, .max]).count == 2)
  }

  @Test("N8: --connect-to: the port of the mode; with auto the port says which method comes first")
  func connectTo() throws {
    func endpoint(_ text: String, _ tls: TLSMode, _ service: XMPPService = .client) throws -> String {
      let place = try HostAndPort(parsing: text, for: "--connect-to")
      let endpoints = Endpoint.named(place, service: service, tls: tls)
      #expect(endpoints.allSatisfy { $0.source == .option })
      return endpoints.map { "\($0.host) \($0.port) \($0.method.rawValue)" }.joined(separator: ", ")
    }
    #expect(try endpoint("h", .auto) == "h 5222 starttls, h 5222 direct-tls")
    #expect(try endpoint("h:5223", .auto) == "h 5223 direct-tls, h 5223 starttls")
    #expect(try endpoint("h:443", .auto) == "h 443 direct-tls, h 443 starttls")
    #expect(try endpoint("h:80", .auto) == "h 80 starttls, h 80 direct-tls")
    #expect(try endpoint("h", .direct) == "h 5223 direct-tls")
    #expect(try endpoint("h:5223", .starttls) == "h 5223 starttls")
    #expect(try endpoint("h", .none) == "h 5222 plain")
    #expect(try endpoint("[::1]:1", .direct) == "::1 1 direct-tls")
    #expect(try endpoint("::1", .auto) == "::1 5222 starttls, ::1 5222 direct-tls")
    #expect(try endpoint("h", .direct, .server) == "h 5270 direct-tls")
    for bad in ["", ":1", "h:", "h:0", "h:65536", "h:+1", "h:1:2", "[::1", "[h]:1", "a b", "a/b", "h\n"] {
      #expect(#expect(throws: Failure.self) { try endpoint(bad, .auto) }?.status == .usage, "\(bad)")
    }
  }
}
