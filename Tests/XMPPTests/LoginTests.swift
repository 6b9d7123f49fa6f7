import TestSupport
import Testing

@testable import XMPP

/// Logins to the real servers, each mechanism forced by name.
@Suite struct LoginTests {
  /// One way to log in, as far as the servers offer it.
  struct Way: Sendable, CustomTestStringConvertible {
    var server: Server
    var domain: String
    var mechanism: String
    var listener = Ejabberd.Listener.startTLS
    var binding: ChannelBindingType?

    enum Server { case prosody, ejabberd }

    var testDescription: String { "\(mechanism) at \(domain) on \(server) \(listener)" }

    var port: UInt16 {
      get throws { server == .prosody ? try Prosody.shared.port : try Ejabberd.shared.port(listener) }
    }

    var caFile: String {
      get throws { server == .prosody ? try Prosody.shared.caFile : try Ejabberd.shared.caFile }
    }
  }

  static let ways: [Way] =
    ["SCRAM-SHA-1", "PLAIN"].map { Way(server: .prosody, domain: "example.test", mechanism: $0) }
    + [
      Way(server: .prosody, domain: "hashed256.test", mechanism: "SCRAM-SHA-256"),
      Way(server: .prosody, domain: "sasl2.test", mechanism: "PLAIN"),
      Way(server: .prosody, domain: "sasl2.test", mechanism: "SCRAM-SHA-256"),
    ]
    + ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "DIGEST-MD5", "PLAIN"].map {
      Way(server: .ejabberd, domain: "ejabberd.test", mechanism: $0)
    }
    + ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"].map {
      Way(server: .ejabberd, domain: "ejabberd.test", mechanism: $0, listener: .tls12, binding: .tlsUnique)
    }

  private func connection(
    _ way: Way, user: String = "alice", password: String = "secret",
    change: (inout XMPP.Account) -> Void = { _ in }
  ) throws -> (Connection, XMPP.Account) {
    let jid = try JID(parsing: "\(user)@\(way.domain)")
    var settings = ConnectionSettings(domain: jid)
    settings.connectTo = try HostAndPort(parsing: "127.0.0.1:\(way.port)", for: "test")
    settings.tls.trust = .authorities(try Trust.Authorities(file: way.caFile))
    var account = XMPP.Account(jid: jid) {
      var bytes = Array(password.utf8)
      return Secret(wiping: &bytes)
    }
    account.mechanisms = [way.mechanism]
    change(&account)
    return (Connection(settings, waiter: Waiter(seconds: 20)), account)
  }

  @Test("every mechanism the servers offer logs in and binds", arguments: ways)
  func logsIn(way: Way) throws {
    let (connection, account) = try connection(way)
    try connection.open(until: .bound, as: account)
    defer { connection.close() }
    #expect(connection.report.jid?.bare == account.jid)
    #expect(connection.report.authentication?.mechanism == way.mechanism)
    #expect(connection.report.authentication?.channelBinding == way.binding)
    #expect(connection.report.authentication?.isServerAuthenticated == (way.mechanism != "PLAIN"))
  }

  @Test("a wrong password is an authentication failure by every mechanism", arguments: ways)
  func refuses(way: Way) throws {
    let (connection, account) = try connection(way, password: "wrong")
    let failure = #expect(throws: Failure.self) { try connection.open(until: .bound, as: account) }
    #expect(failure?.status == .authentication)
    #expect(failure?.stage == .auth)
    #expect(connection.report.jid == nil)
  }

  @Test("zlib carries a session on ejabberd")
  func compresses() throws {
    let way = Way(
      server: .ejabberd, domain: "ejabberd.test", mechanism: "SCRAM-SHA-256", listener: .compression)
    let (connection, account) = try connection(way) { $0.compresses = true }
    try connection.open(until: .bound, as: account)
    #expect(connection.report.stages.map(\.kind) == [.plain, .tls, .authenticated, .compressed])
    #expect(connection.report.jid?.bare == account.jid)
    connection.close()
    #expect((connection.report.compressionRatio ?? 0) > 1)
  }

  @Test("the resource wished for is bound, and a second login with it is settled by the server")
  func bindsTheWish() throws {
    let way = Way(server: .prosody, domain: "example.test", mechanism: "SCRAM-SHA-1")
    let (first, account) = try connection(way) {
      $0.jid = (try? $0.jid.with(resourcepart: "probe")) ?? $0.jid
    }
    try first.open(until: .bound, as: account)
    defer { first.close() }
    #expect(first.report.jid?.resourcepart == "probe")
    let (second, _) = try connection(way)
    try second.open(until: .bound, as: account)
    defer { second.close() }
    #expect(second.report.jid?.bare == account.jid.bare)
  }

  @Test("anonymous logins get a JID of the server's making")
  func anonymous() throws {
    let prosody = try Prosody.shared
    var settings = ConnectionSettings(domain: try JID(parsing: prosody.anonymousDomain))
    settings.connectTo = try HostAndPort(parsing: "127.0.0.1:\(prosody.port)", for: "test")
    settings.tls.trust = .authorities(try Trust.Authorities(file: prosody.caFile))
    var account = XMPP.Account(jid: settings.domain) { () throws(Failure) in
      throw Failure(.auth, "no-password", "none", status: .authentication)
    }
    account.mechanisms = ["ANONYMOUS"]
    let connection = Connection(settings, waiter: Waiter(seconds: 20))
    try connection.open(until: .bound, as: account)
    #expect(connection.report.jid?.localpart != nil)
    connection.close()
  }

  @Test("SASL2 with Bind 2 logs in and binds in one exchange; without it the classic way works")
  func bindsInline() throws {
    let way = Way(server: .prosody, domain: "sasl2.test", mechanism: "SCRAM-SHA-256")
    let (modern, account) = try connection(way)
    try modern.open(until: .bound, as: account)
    defer { modern.close() }
    #expect(modern.report.authentication?.usesSASL2 == true)
    #expect(modern.report.timings[.bind] == nil)
    let (classic, old) = try connection(way) { $0.usesSASL2 = false }
    try classic.open(until: .bound, as: old)
    defer { classic.close() }
    #expect(classic.report.authentication?.usesSASL2 == false)
    #expect(classic.report.timings[.bind] != nil)
  }
}
