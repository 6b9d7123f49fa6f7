import Foundation
import TestSupport
import Testing

/// Logins by the executable to the real servers.
@Suite struct RealLoginTests {
  /// The options that lead to a server.
  private static func way(_ port: UInt16, _ caFile: String) -> [String] {
    ["--connect-to", "127.0.0.1:\(port)", "--cacert", caFile, "--max-time", "20"]
  }

  private static func prosody() throws -> [String] { try way(Prosody.shared.port, Prosody.shared.caFile) }

  private static func ejabberd(_ listener: Ejabberd.Listener = .startTLS) throws -> [String] {
    try way(Ejabberd.shared.port(listener), Ejabberd.shared.caFile)
  }

  private func run(
    _ jid: String, _ options: [String], password: String? = "secret", command: String = "bind",
    at place: SourceLocation = #_sourceLocation
  ) throws -> Row {
    let environment = password.map { ["XMPPCTL_PASSWORD": $0] } ?? [:]
    let outcome = try Program.xmppctl.run(
      [command, "--json", "--jid", jid] + options, environment: environment)
    return try Row(outcome, command: command, at: place)
  }

  @Test("every mechanism of the servers logs in by name, and refuses a wrong password")
  func mechanisms() throws {
    let ways: [(jid: String, way: [String], mechanisms: [String])] = [
      ("alice@example.test", try RealLoginTests.prosody(), ["SCRAM-SHA-1", "PLAIN"]),
      ("alice@hashed256.test", try RealLoginTests.prosody(), ["SCRAM-SHA-256", "PLAIN"]),
      ("alice@tls12.test", try RealLoginTests.prosody(), ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]),
      ("alice@sasl2.test", try RealLoginTests.prosody(), ["SCRAM-SHA-256", "PLAIN"]),
      (
        "alice@ejabberd.test", try RealLoginTests.ejabberd(),
        ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "DIGEST-MD5", "PLAIN"]
      ),
      (
        "alice@ejabberd.test", try RealLoginTests.ejabberd(.tls12),
        ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512-PLUS"]
      ),
    ]
    for (jid, way, mechanisms) in ways {
      for mechanism in mechanisms {
        let good = try run(jid, way + ["--mechanism", mechanism])
        good.succeeds()
        #expect((good["jid"] ?? "").hasPrefix(jid + "/") && good["auth.mechanism"] == mechanism)
        #expect(good["auth.channel_binding"] == (mechanism.hasSuffix("-PLUS") ? "tls-unique" : nil))
        let bad = try run(jid, way + ["--mechanism", mechanism], password: "wrong")
        #expect(
          bad.outcome.status == 77 && bad["error.condition"] == "not-authorized", "\(bad.outcome.error)")
      }
    }
  }

  @Test("the certificate of the client logs in by EXTERNAL; another's, and another authority's, do not")
  func external() throws {
    let folder = try TemporaryFolder()
    for (domain, way, caFile) in [
      ("ejabberd.test", try RealLoginTests.ejabberd(.external), try Ejabberd.shared.caFile),
      ("external.test", try RealLoginTests.prosody(), try Prosody.shared.caFile),
    ] {
      let jid = "alice@\(domain)"
      func client(_ name: String, _ address: String, by caFile: String) throws -> [String] {
        let issuer = URL(fileURLWithPath: caFile).deletingLastPathComponent().path
        let base = folder.path("\(domain)-\(name)")
        try openssl([
          "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
          base + ".key", "-out", base + ".csr", "-subj", "/CN=Client of the tests",
        ])
        let ext = try folder.write(
          "\(domain)-\(name).ext",
          "basicConstraints = CA:FALSE\nsubjectAltName = otherName:1.3.6.1.5.5.7.8.5;UTF8:\(address)\n")
        try openssl([
          "x509", "-req", "-in", base + ".csr", "-CA", "\(issuer)/ca.pem", "-CAkey", "\(issuer)/ca.key",
          "-set_serial", "\(Int.random(in: 1...Int(Int32.max)))", "-days", "30", "-extfile", ext, "-out",
          base + ".pem",
        ])
        return ["--cert", base + ".pem", "--key", base + ".key", "--mechanism", "EXTERNAL"]
      }
      let own = try run(jid, way + client("own", jid, by: caFile), password: nil)
      own.succeeds()
      #expect((own["jid"] ?? "").hasPrefix(jid + "/") && own["auth.mechanism"] == "EXTERNAL")
      #expect(own["auth.server_authenticated"] == false)

      let other = try run(jid, way + client("other", "bob@\(domain)", by: caFile), password: nil)
      #expect(other.outcome.status == 77 && other["error.stage"] == "auth", "\(other.outcome.error)")

      let stranger = try TemporaryFolder()
      let strange = try TestAuthority(in: stranger).caFile
      let foreign = try run(jid, way + client("foreign", jid, by: strange), password: nil)
      #expect(foreign.outcome.status == 77 && foreign["error.stage"] == "auth", "\(foreign.outcome.error)")
    }
    let without = try run(
      "alice@ejabberd.test", RealLoginTests.ejabberd(.external) + ["--mechanism", "EXTERNAL"])
    #expect(without.outcome.status == 77 && without["error.condition"] == "no-mechanism")
  }

  private func openssl(_ arguments: [String]) throws {
    let outcome = try Program("/usr/bin/openssl").run(arguments)
    guard outcome.status == 0 else { throw SupportFailure(outcome.error) }
  }

  @Test("zlib carries the session where it is asked for, and says how much it saved")
  func compression() throws {
    let row = try run("alice@ejabberd.test", RealLoginTests.ejabberd(.compression) + ["--compress"])
    row.succeeds()
    #expect(row.each("stages", "stage") == ["plain", "tls", "authenticated", "compressed"])
    #expect(row["compression.method"] == "zlib")
    #expect((row["compression.ratio"] as Double? ?? 0) > 1)
  }

  @Test("--register makes the account, once; a second time is a conflict")
  func registration() throws {
    for (jid, way) in [
      ("new.one@plain.test", try RealLoginTests.prosody()),
      ("new.one@ejabberd.test", try RealLoginTests.ejabberd()),
    ] {
      let before = try run(jid, way)
      #expect(before.outcome.status == 77, "\(before.outcome.error)")
      let made = try run(jid, way + ["--register"])
      made.succeeds()
      #expect((made["jid"] ?? "").hasPrefix(jid + "/"))
      try run(jid, way).succeeds()
      let again = try run(jid, way + ["--register"], password: "another")
      #expect(again.outcome.status == 1 && again["error.condition"] == "conflict", "\(again.outcome.error)")
      try run(jid, way).succeeds()
    }
    let closed = try run("new.one@example.test", RealLoginTests.prosody() + ["--register"])
    #expect(closed.outcome.status == 77 && closed["error.condition"] == "register-missing")
  }

  @Test("an address without a localpart logs in by ANONYMOUS")
  func anonymous() throws {
    for (domain, way) in [
      ("anon.test", try RealLoginTests.prosody()), ("anon.ejabberd.test", try RealLoginTests.ejabberd()),
    ] {
      let row = try run(domain, way, password: nil)
      row.succeeds()
      #expect(row["auth.mechanism"] == "ANONYMOUS")
      #expect((row["jid"] ?? "").wholeMatch(of: try Regex("[^@/]+@\(domain)/.+")) != nil)
    }
  }

  @Test("features with an account shows what is behind the login")
  func features() throws {
    for (jid, way) in [
      ("alice@example.test", try RealLoginTests.prosody()),
      ("alice@sasl2.test", try RealLoginTests.prosody()),
      ("alice@ejabberd.test", try RealLoginTests.ejabberd()),
    ] {
      let row = try run(jid, way, command: "features")
      row.succeeds()
      #expect(row.each("stages", "stage") == ["plain", "tls", "authenticated"])
      #expect((row.each("stages.2.features", "name") as [String]).contains("bind"))
      #expect(!row.has("jid") && row.has("auth.mechanism"))
    }
  }

  @Test("two logins with one resource: the server settles it, and both know what they got")
  func sameResource() throws {
    for (user, way) in [
      ("alice@example.test", try RealLoginTests.prosody()),
      ("alice@ejabberd.test", try RealLoginTests.ejabberd()),
    ] {
      let rows = try [1, 2].map { _ in try run(user + "/shared", way) }
      for row in rows {
        row.succeeds()
        #expect(row["jid"] == user + "/shared")
      }
    }
  }

  @Test("an account of the configuration logs in by the password its command prints")
  func configuredAccount() throws {
    let folder = try TemporaryFolder()
    let prosody = try Prosody.shared
    let file = try folder.write(
      "config.json5",
      """
      {accounts: {work: {jid: 'alice@example.test/desk', password_command: 'echo secret',
        connect_to: '127.0.0.1:\(prosody.port)', cacert: '\(prosody.caFile)'}}}
      """)
    let outcome = try Program.xmppctl.run(["bind", "--account", "work", "--config", file])
    #expect(outcome.status == 0 && outcome.output == "alice@example.test/desk\n", "\(outcome.error)")
  }
}
