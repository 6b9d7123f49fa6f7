import Glibc
import TestSupport
import Testing

@testable import XMPP

@Suite struct ProxyTests {
  private let waiter = Waiter(seconds: 20)
  private let names: FakeDNSServer

  init() throws { names = try FakeDNSServer() }

  /// Connects by the proxy and returns the socket; the resolver's questions would be seen by `names`.
  private func connect(
    _ server: FakeSOCKSServer, login: String = "", to host: String = "xmpp.test", _ port: UInt16 = 5222,
    within seconds: Double = 10, record: inout DialRecord
  ) throws -> Socket {
    let resolver = Resolver(server: try NameServer(parsing: names.address), families: .both)
    return try Dialer(resolver: resolver).connect(
      to: Endpoint(host: host, port: port, method: .starttls, source: .fallback),
      through: try Proxy(parsing: "socks5h://\(login)127.0.0.1:\(server.port)"), waiter: waiter,
      until: .after(seconds: seconds), record: &record)
  }

  private func condition(
    _ behaviour: FakeSOCKSServer.Behaviour, login: String = "", within seconds: Double = 10
  ) throws -> String? {
    let server = try FakeSOCKSServer(behaviour)
    var record = DialRecord()
    let failure = #expect(throws: Failure.self) {
      try connect(server, login: login, within: seconds, record: &record)
    }
    #expect(failure?.stage == .proxy && failure?.status == .noConnection)
    #expect(record.address == nil)
    return failure?.condition
  }

  private func read(_ count: Int, _ socket: Socket) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      var buffer = [UInt8](repeating: 0, count: count - bytes.count)
      let taken = try socket.read(into: &buffer)
      if taken == 0 { break }
      bytes += buffer.prefix(taken ?? 0)
      if taken == nil { _ = try socket.wait(for: POLLIN, waiter, doing: "reading") }
    }
    return bytes
  }

  private static let greeting = Array("hello".utf8)

  @Test("the proxy is given the name and connects; no question leaves this machine")
  func byName() throws {
    let far = try LoopbackPort(.greeting(Self.greeting, then: .fin))
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.routes = ["xmpp.test:5222": far.port]
    let server = try FakeSOCKSServer(behaviour)
    var record = DialRecord()
    let socket = try connect(server, record: &record)
    #expect(try read(5, socket) == Self.greeting)
    #expect(server.requests == ["xmpp.test:5222"] && server.addressTypes == [3])
    #expect(names.queries.isEmpty)
    #expect(record.address == nil && record.tried.map(\.address) == ["127.0.0.1"])
  }

  @Test("an address is given as one")
  func byAddress() throws {
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.tail = []
    let server = try FakeSOCKSServer(behaviour)
    var record = DialRecord()
    _ = try connect(server, to: "192.0.2.1", record: &record)
    _ = try connect(server, to: "2001:db8::1", record: &record)
    #expect(server.addressTypes == [1, 4])
    #expect(server.requests.first == "192.0.2.1:5222")
  }

  @Test(
    "replies a byte at a time, of each address type, leave what follows them unread",
    arguments: [
      [1, 10, 0, 0, 1], [4] + [UInt8](repeating: 9, count: 16), [3, 3, 0x61, 0x62, 0x63], [3, 0],
    ])
  func dribbles(bound: [UInt8]) throws {
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.login = "me:secret"
    behaviour.bound = bound
    behaviour.tail = Self.greeting
    for dribbles in [true, false] {
      behaviour.dribbles = dribbles
      let server = try FakeSOCKSServer(behaviour)
      var record = DialRecord()
      let socket = try connect(server, login: "me:secret@", record: &record)
      #expect(try read(5, socket) == Self.greeting)
    }
  }

  @Test("the login: right, wrong, wanted but not given, given but not wanted")
  func login() throws {
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.tail = []
    var record = DialRecord()
    _ = try connect(try FakeSOCKSServer(behaviour), login: "me:secret@", record: &record)
    behaviour.login = "a@b:p:w"
    _ = try connect(try FakeSOCKSServer(behaviour), login: "a%40b:p:w@", record: &record)
    #expect(try condition(behaviour, login: "a%40b:x@") == "auth-failed")
    #expect(try condition(behaviour) == "auth-required")
    behaviour.login = nil
    behaviour.raw = [5, 0xFF]
    #expect(try condition(behaviour, login: "me:secret@") == "auth-refused")
  }

  @Test("each reply has its own word (RFC 1928 §6)")
  func replies() throws {
    let words = [
      "general-failure", "not-allowed", "network-unreachable", "host-unreachable", "connection-refused",
      "ttl-expired", "command-not-supported", "address-type-not-supported", "reply-9",
    ]
    for (code, word) in zip(UInt8(1)..., words) {
      var behaviour = FakeSOCKSServer.Behaviour()
      behaviour.reply = code
      #expect(try condition(behaviour) == word)
    }
  }

  @Test(
    "answers that are not SOCKS5 are malformed",
    arguments: [
      [4, 0], [0x48, 0x54], [5, 1], [5, 2], [5, 0, 4, 0], [5, 0, 5, 0, 0, 9],
    ] as [[UInt8]])
  func malformed(raw: [UInt8]) throws {
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.raw = raw
    #expect(try condition(behaviour) == "malformed-reply")
  }

  @Test("an answer that ends at any byte is a closed connection")
  func cutOff() throws {
    let whole: [UInt8] = [5, 0, 5, 0, 0, 1, 1, 2, 3, 4, 0, 80]
    for count in 0..<whole.count {
      var behaviour = FakeSOCKSServer.Behaviour()
      behaviour.raw = Array(whole.prefix(count))
      #expect(try condition(behaviour) == "connection-closed", "\(count) bytes")
    }
  }

  @Test("silence at each step ends by the endpoint's limit", arguments: [0, 1, 2])
  func silence(turn: Int) throws {
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.login = "me:secret"
    behaviour.silentFrom = turn
    #expect(try condition(behaviour, login: "me:secret@", within: 0.3) == "connect-timeout")
  }

  @Test("a proxy that cannot be reached says so, by stage")
  func unreachable() throws {
    let refusing = try LoopbackPort(.refusing)
    var record = DialRecord()
    let dialer = Dialer(
      resolver: Resolver(server: try NameServer(parsing: names.address), families: .v4))
    for (proxy, condition) in [
      ("127.0.0.1:\(refusing.port)", "connection-refused"), ("gone.test", "nxdomain"),
    ] {
      let failure = #expect(throws: Failure.self) {
        try dialer.connect(
          to: Endpoint(host: "a.test", port: 1, method: .plain, source: .option),
          through: try Proxy(parsing: "socks5h://\(proxy)"), waiter: waiter, until: .after(seconds: 9),
          record: &record)
      }
      #expect(failure?.stage == .proxy && failure?.condition == condition)
    }
    #expect(names.queries.map(\.name) == ["gone.test"])
  }

  @Test("the URL: user, password, IPv6, the default port")
  func parsing() throws {
    let full = try Proxy(parsing: "socks5h://us%65r:p%3A%00%e4@proxy.test:99/")
    #expect(full.host == "proxy.test" && full.port == 99)
    #expect(
      full.credentials
        == Proxy.Credentials(user: Array("user".utf8), password: [0x70, 0x3A, 0x00, 0xE4]))
    let plain = try Proxy(parsing: "socks5h://[::1]")
    #expect(plain.host == "::1" && plain.port == 1080 && plain.credentials == nil)
    #expect(try Proxy(parsing: "socks5h://me@h").credentials?.password == [])
    let bare = try Proxy(parsing: "me:secret@h:3128")
    #expect("\(bare)" == "http://h:3128" && bare.credentials?.password == Array("secret".utf8))
  }

  @Test(
    "what is no proxy's URL is a usage error that does not repeat it",
    arguments: [
      "https://me:secret@h", "socks4://me:secret@h", "://me:secret@h", "http://me%3A:secret@h", "socks5h://",
      "socks5h:///",
      "socks5h://me:secret%@h", "socks5h://me:secret%g0@h", "socks5h://me:secret@", "socks5h://me:secret@h:0",
      "socks5h://me:secret@h/path", "socks5h://:secret@h", "socks5h://me:secret@[::1", "",
    ])
  func badURLs(url: String) throws {
    let failure = #expect(throws: Failure.self) { try Proxy(parsing: url) }
    #expect(failure?.status == .usage && failure?.condition == "bad-proxy")
    if url.hasPrefix("socks4") { #expect(failure?.message.contains("socks5h://") == true) }
    #expect(failure?.message.contains("secret") == false)
  }

  @Test("neither a description nor a dump shows the password")
  func hidden() throws {
    let proxy = try Proxy(parsing: "socks5h://me:secret@h")
    var dumped = ""
    dump(proxy, to: &dumped)
    for text in ["\(proxy)", String(reflecting: proxy), dumped] {
      #expect(!text.contains("secret") && !text.showsNumber(115), "\(text)")
    }
  }
}
