import Foundation
import TestSupport
import Testing

@Suite struct ServersTests {
  @Test func prosodyDemandsTLSAndKnowsItsAccounts() throws {
    let prosody = try Prosody.shared
    let features = try PlainStream.converse(
      prosody.port, [(PlainStream.header(prosody.domain), "</stream:features>")])
    #expect(features.contains("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"))
    for user in ["alice", "bob"] {
      for domain in [prosody.domain, prosody.sha256Domain, prosody.tls12Domain, prosody.sasl2Domain] {
        let account = Account(user: user, domain: domain, password: "secret")
        #expect(try logsIn(account, port: prosody.port, caFile: prosody.caFile))
      }
    }
    let stranger = Account(user: "alice", domain: prosody.domain, password: "wrong")
    #expect(try !logsIn(stranger, port: prosody.port, caFile: prosody.caFile))
  }

  @Test(arguments: [
    ("anon.test", "<mechanism>ANONYMOUS</mechanism>"),
    ("tls12.test", "<mechanism>SCRAM-SHA-256-PLUS</mechanism>"),
    ("hashed256.test", "<mechanism>SCRAM-SHA-256</mechanism>"),
    ("external.test", "<mechanisms"),
    ("sasl2.test", "urn:xmpp:bind:0"),
  ])
  func prosodyOffersWhatEachDomainIsFor(domain: String, offer: String) throws {
    let prosody = try Prosody.shared
    let stream = try secured(domain, prosody.port, caFile: prosody.caFile)
    try stream.write(PlainStream.header(domain))
    try stream.awaitOutput("</stream:features>")
    #expect(stream.outputSoFar.contains(offer))
  }

  @Test func prosodyTakesNewAccountsAndRegistrationsWhileItRuns() throws {
    let prosody = try Prosody.shared
    let account = try prosody.account("émile+1.o_", password: "p\"\\ä'", on: prosody.plainDomain)
    #expect(try logsInPlainly(account, port: prosody.port))
    let registered = Account(user: "newcomer", domain: prosody.plainDomain, password: "s3cret")
    try register(registered, port: prosody.port)
    #expect(try logsInPlainly(registered, port: prosody.port))
  }

  @Test func prosodyComesBackAfterACrashWithItsPortsAndAccounts() throws {
    let prosody = try Prosody()
    prosody.kill()
    #expect(!PlainStream.accepts(prosody.port))
    try prosody.restart()
    let alice = Account(user: "alice", domain: prosody.plainDomain, password: "secret")
    #expect(try logsInPlainly(alice, port: prosody.port))
    prosody.stop()
    #expect(!PlainStream.accepts(prosody.port))
  }

  @Test func ejabberdOffersOnEachPortWhatItIsFor() throws {
    let ejabberd = try Ejabberd.shared
    func features(_ listener: Ejabberd.Listener) throws -> String {
      try PlainStream.converse(
        ejabberd.port(listener), [(PlainStream.header(ejabberd.domain), "</stream:features>")])
    }
    let demanded = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
    for listener in [Ejabberd.Listener.startTLS, .compression, .external, .tls12] {
      #expect(try features(listener).contains(demanded))
    }
    #expect(try features(.optionalTLS).contains("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"))
    #expect(try features(.plain).contains("<mechanism>DIGEST-MD5</mechanism>"))
    #expect(try !features(.plain).contains("<starttls"))
  }

  @Test func ejabberdKnowsItsAccountsAndTakesNewOnes() throws {
    let ejabberd = try Ejabberd.shared
    for user in ["alice", "bob"] {
      for domain in [ejabberd.domain, ejabberd.scramDomain] {
        let account = Account(user: user, domain: domain, password: "secret")
        #expect(try logsIn(account, port: ejabberd.port, caFile: ejabberd.caFile))
      }
    }
    let stranger = Account(user: "alice", domain: ejabberd.domain, password: "wrong")
    #expect(try !logsIn(stranger, port: ejabberd.port, caFile: ejabberd.caFile))
    let account = try ejabberd.account("émile", password: "p\"\\ä'")
    #expect(try logsInPlainly(account, port: ejabberd.port(.plain)))
    let registered = Account(user: "newcomer", domain: ejabberd.domain, password: "s3cret")
    try register(registered, port: ejabberd.port(.plain))
    #expect(try logsInPlainly(registered, port: ejabberd.port(.plain)))
  }

  @Test func ejabberdComesBackAfterACrashWithItsPortsAndAccounts() throws {
    let ejabberd = try Ejabberd()
    ejabberd.kill()
    #expect(!PlainStream.accepts(ejabberd.port))
    try ejabberd.restart()
    let alice = Account(user: "alice", domain: ejabberd.domain, password: "secret")
    #expect(try logsInPlainly(alice, port: ejabberd.port(.plain)))
    ejabberd.stop()
    #expect(!PlainStream.accepts(ejabberd.port))
  }

  // MARK: - A client in a few lines, so that the servers are not judged by the program under test

  /// A connection by STARTTLS whose certificate was verified.
  private func secured(_ domain: String, _ port: UInt16, caFile: String) throws -> RunningProgram {
    try Program("/usr/bin/openssl").start([
      "s_client", "-quiet", "-connect", "127.0.0.1:\(port)", "-starttls", "xmpp", "-xmpphost", domain,
      "-servername", domain, "-CAfile", caFile, "-verify_return_error", "-verify_hostname", domain,
    ])
  }

  private func logsIn(_ account: Account, port: UInt16, caFile: String) throws -> Bool {
    let stream = try secured(account.domain, port, caFile: caFile)
    try stream.write(PlainStream.header(account.domain))
    try stream.awaitOutput("</stream:features>")
    try stream.write(login(account))
    try stream.awaitOutput(":xmpp-sasl'", after: "</stream:features>")
    return stream.outputSoFar.contains("<success")
  }

  private func logsInPlainly(_ account: Account, port: UInt16) throws -> Bool {
    try PlainStream.converse(
      port,
      [(PlainStream.header(account.domain), "</stream:features>"), (login(account), ":xmpp-sasl'")]
    ).contains("<success")
  }

  private func login(_ account: Account) -> String {
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(account.plain)</auth>"
  }

  private func register(_ account: Account, port: UInt16) throws {
    let request =
      "<iq type='set' id='r1'><query xmlns='jabber:iq:register'><username>\(account.user)</username>"
      + "<password>\(account.password)</password></query></iq>"
    let answer = try PlainStream.converse(
      port, [(PlainStream.header(account.domain), "</stream:features>"), (request, "id='r1'")])
    #expect(answer.contains("type='result'"))
  }
}
