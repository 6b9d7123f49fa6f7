import Glibc
import TestSupport
import Testing

@testable import XMPP

@Suite struct DialerTests {
  private let waiter = Waiter(seconds: 20)
  private let dialer = Dialer(resolver: Resolver())

  private func endpoint(_ port: UInt16, _ host: String = "host.test") -> Endpoint {
    Endpoint(host: host, port: port, method: .starttls, source: .srv)
  }

  private func connect(
    _ port: UInt16, _ addresses: [String], within seconds: Double = 10, _ record: inout DialRecord
  ) throws(Failure) -> Socket {
    try dialer.connect(
      to: endpoint(port), at: addresses.compactMap(IPAddress.init), waiter: waiter,
      until: .after(seconds: seconds), record: &record)
  }

  @Test("D6: the families take turns, IPv6 first (RFC 8305)")
  func interleaved() {
    func order(_ addresses: [String]) -> [String] {
      Dialer.interleaved(addresses.compactMap(IPAddress.init)).map(\.text)
    }
    #expect(
      order(["1.1.1.1", "2.2.2.2", "3.3.3.3", "::1", "::2"]) == [
        "::1", "1.1.1.1", "::2", "2.2.2.2", "3.3.3.3",
      ])
    #expect(order(["::3", "1.1.1.1", "::1", "::2"]) == ["::3", "1.1.1.1", "::1", "::2"])
    #expect(order([]) == [])
  }

  @Test("D6: an address that is a black hole costs one pause")
  func blackHole() throws {
    let hole = try LoopbackPort(.blackHole, host: "::1")
    let open = try LoopbackPort(.silent, host: "127.0.0.1", port: hole.port)
    var record = DialRecord()
    let began = Deadline.now
    _ = try connect(open.port, ["127.0.0.1", "::1"], &record)
    let spent = Deadline.now.milliseconds(since: began)
    #expect(spent > 200 && spent < 1000)
    #expect(record.address == "127.0.0.1")
    #expect(record.tried.map(\.address) == ["::1", "127.0.0.1"])
    #expect(record.tried.allSatisfy { $0.error == nil })
    #expect(record.tcp ?? 0 >= 200)
  }

  @Test("D5: one that refuses is followed at once, one that hangs after a pause")
  func refusesHangsWorks() throws {
    let open = try LoopbackPort(.silent, host: "127.0.0.1")
    let hole = try LoopbackPort(.blackHole, host: "127.0.0.2", port: open.port)
    var record = DialRecord()
    let socket = try connect(open.port, ["127.0.0.3", hole.host, "127.0.0.1"], &record)
    #expect(socket.descriptor >= 0)
    #expect(record.address == "127.0.0.1")
    #expect(record.tried.map { $0.error?.condition } == ["connection-refused", nil, nil])
  }

  @Test("D9: when every address refuses, the failure names host, port and addresses")
  func refused() throws {
    let port = try LoopbackPort(.refusing).port
    var record = DialRecord()
    let failure = #expect(throws: Failure.self) { try connect(port, ["127.0.0.1", "127.0.0.2"], &record) }
    #expect(failure?.stage == .tcp && failure?.condition == "connection-refused")
    #expect(failure?.status == .noConnection && failure?.hint != nil)
    for part in ["host.test", "port \(port)", "127.0.0.1", "127.0.0.2"] {
      #expect(failure?.message.contains(part) == true)
    }
    #expect(record.tried.count == 2 && record.address == nil)
  }

  @Test("D9: no way there says less than a refusal")
  func telling() throws {
    let port = try LoopbackPort(.refusing).port
    var record = DialRecord()
    let failure = #expect(throws: Failure.self) {
      try connect(port, ["127.0.0.1", "255.255.255.255"], &record)
    }
    #expect(failure?.condition == "connection-refused")
    #expect(record.tried.count == 2)
  }

  @Test("an endpoint's own limit is no-connection, the run's is a timeout")
  func limits() throws {
    let hole = try LoopbackPort(.blackHole)
    var record = DialRecord()
    let failure = #expect(throws: Failure.self) { try connect(hole.port, [hole.host], within: 0.3, &record) }
    #expect(failure?.condition == "connect-timeout" && failure?.status == .noConnection)
    #expect(record.tried.first?.error?.condition == "connect-timeout")
    let late = #expect(throws: Failure.self) {
      try dialer.connect(
        to: endpoint(hole.port), at: [#require(IPAddress(hole.host))], waiter: Waiter(seconds: 0.3),
        until: .after(seconds: 5), record: &record)
    }
    #expect(late?.condition == "max-time" && late?.status == .timeout)
    #expect(record.tried.count == 2, "what was tried is known on every way out")
    let past = #expect(throws: Failure.self) { try connect(hole.port, [hole.host], within: -1, &record) }
    #expect(past?.condition == "connect-timeout")
  }

  @Test("the host is resolved first, and the time of each part is known")
  func resolves() throws {
    let open = try LoopbackPort(.silent)
    let server = try FakeDNSServer()
    server.answer("host.test", .a, .delayed(0.1, .records([.address("127.0.0.1")])))
    let dialer = Dialer(
      resolver: Resolver(server: try NameServer(parsing: server.address), families: .v4))
    var record = DialRecord()
    _ = try dialer.connect(
      to: endpoint(open.port), waiter: waiter, until: .after(seconds: 9), record: &record)
    #expect(record.dns ?? 0 >= 99)
    #expect(record.address == "127.0.0.1" && record.tcp != nil)
    let failure = #expect(throws: Failure.self) {
      try dialer.connect(
        to: endpoint(1, "gone.test"), waiter: waiter, until: .after(seconds: 9), record: &record)
    }
    #expect(failure?.condition == "nxdomain")
  }

  @Test("D9: end of stream and reset are told apart; nothing there is neither")
  func reading() throws {
    var bytes = [UInt8](repeating: 0, count: 64)
    var record = DialRecord()
    func until(_ socket: Socket) throws -> Int {
      while true {
        if let count = try socket.read(into: &bytes) { return count }
        _ = try socket.wait(for: POLLIN, waiter, doing: "reading")
      }
    }
    let ended = try LoopbackPort(.greeting([1, 2, 3], then: .fin))
    let first = try connect(ended.port, [ended.host], &record)
    #expect(try until(first) == 3 && bytes.prefix(3) == [1, 2, 3])
    #expect(try until(first) == 0)
    let reset = try LoopbackPort(.greeting([], then: .reset))
    // The reset may come before the connection is known to stand, or after.
    let failure = #expect(throws: Failure.self) { try until(connect(reset.port, [reset.host], &record)) }
    #expect(failure?.condition == "connection-reset" && failure?.status == .noConnection)
    let silent = try LoopbackPort(.silent)
    #expect(try connect(silent.port, [silent.host], &record).read(into: &bytes) == nil)
  }

  @Test("D9: writing to a closed connection is an error, no signal; a full one takes nothing")
  func writing() throws {
    let (ours, theirs) = try Loopback.pair()
    let socket = Socket(adopting: ours)
    let block = [UInt8](repeating: 7, count: 65_536)
    var taken = 0
    while let count = try socket.write(block[...]), taken < 1 << 28 { taken += count }
    #expect(taken > 0 && taken < 1 << 28)
    close(theirs)
    let failure = #expect(throws: Failure.self) { try socket.write(block[...]) }
    #expect(failure?.condition == "connection-reset")
  }

  @Test("a socket closes its descriptor with itself, and no child inherits it")
  func owner() throws {
    let (ours, theirs) = try Loopback.pair()
    defer { close(theirs) }
    var socket: Socket? = Socket(adopting: ours)
    #expect(fcntl(ours, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(ours, F_GETFL) & O_NONBLOCK != 0)
    #expect(socket?.descriptor == ours)
    socket = nil
    var byte: UInt8 = 0
    #expect(read(theirs, &byte, 1) == 0)
  }
}
