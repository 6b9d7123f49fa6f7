import Foundation
import Synchronization

/// A Prosody of the tests' own, on loopback, with every setting in `Tests/Servers/prosody.cfg.lua`.
public final class Prosody: Sendable {
  /// The instance that all tests of a process share, started by the first that asks for it.
  ///
  /// Other tests talk to it at the same time: have accounts of your own (`account`), and an instance of your own to
  /// stop, kill or restart.
  public static var shared: Prosody { get throws { try instance.get() } }
  private static let instance = Result { try Prosody() }

  /// STARTTLS, for all domains.
  public let port: UInt16
  /// Direct TLS, for all domains.
  public let directTLSPort: UInt16
  /// Other servers.
  public let serverPort: UInt16
  /// The authority that signed its certificate.
  public let caFile: String

  /// TLS demanded; SCRAM-SHA-1 and PLAIN; stream management, archive, carbons, PEP.
  public let domain = "example.test"
  /// Login without TLS allowed; passwords stored as they are; in-band registration.
  public let plainDomain = "plain.test"
  /// ANONYMOUS.
  public let anonymousDomain = "anon.test"
  /// Passwords stored as SCRAM-SHA-256.
  public let sha256Domain = "hashed256.test"
  /// TLS 1.2 only, so that SCRAM-SHA-256-PLUS is offered.
  public let tls12Domain = "tls12.test"
  /// EXTERNAL.
  public let externalDomain = "external.test"
  /// SASL2 with Bind 2 beside the old SASL.
  public let sasl2Domain = "sasl2.test"
  /// Chat rooms, which anybody can make.
  public let roomsDomain = "rooms.example.test"
  /// The servers of the examples in the manual and the README: as `domain`, its rooms, EXTERNAL. Nobody has an account.
  public let exampleDomains = ["example.org", "rooms.example.org", "staff.example.org"]

  private let folder: TemporaryFolder
  private let process: Mutex<ServerProcess>

  /// Starts an instance and waits until it answers. `alice` and `bob` have accounts on `domain`, `plainDomain`,
  /// `sha256Domain`, `tls12Domain`, `externalDomain` and `sasl2Domain`, both with the password `secret`.
  public init() throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    let authority = try TestAuthority(in: folder)
    caFile = authority.caFile
    let accountDomains = [domain, plainDomain, sha256Domain, tls12Domain, externalDomain, sasl2Domain]
    let others = [anonymousDomain, roomsDomain, "pubsub.example.test"] + exampleDomains
    try authority.issue("server", domains: accountDomains + others)
    let domain = domain
    let (process, ports) = try ServerProcess.start(on: 3) { try Prosody.start(folder, $0, domain) }
    (port, directTLSPort, serverPort) = (ports[0], ports[1], ports[2])
    self.process = Mutex(process)
    for domain in accountDomains {
      try account("alice", on: domain)
      try account("bob", on: domain)
    }
  }

  /// Makes an account, or gives one another password. It works at once, without a word to the server.
  @discardableResult
  public func account(_ user: String, password: String = "secret", on domain: String? = nil) throws -> Account
  {
    let account = Account(user: user, domain: domain ?? self.domain, password: password)
    let quoted = password.utf8.map { byte in
      let digits = String(byte)
      return "\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
    }.joined()
    try folder.write(
      "data/\(Prosody.fileName(account.domain))/accounts/\(Prosody.fileName(user)).dat",
      "return { [\"password\"] = \"\(quoted)\"; };\n")
    return account
  }

  /// Stops it in good order.
  public func stop() { process.withLock { $0.stop() } }

  /// Kills it, as a crash would.
  public func kill() { process.withLock { $0.kill() } }

  /// Stops it, if it still runs, and starts it again on the same ports with the same accounts.
  public func restart() throws {
    try process.withLock {
      $0.stop()
      $0 = try Prosody.start(folder, [port, directTLSPort, serverPort], domain)
    }
  }

  /// The end of its log, for the message of a test that failed.
  public var log: String { process.withLock { $0.story("server.log") } }

  private static func start(
    _ folder: TemporaryFolder, _ ports: [UInt16], _ domain: String
  ) throws -> ServerProcess {
    let templates = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Servers").path
    try FileManager.default.createDirectory(
      atPath: folder.path("data"), withIntermediateDirectories: true)
    let process = try ServerProcess(
      ["/usr/bin/prosody", "-F", "--config", templates + "/prosody.cfg.lua"],
      environment: [
        "SERVER_FOLDER": folder.path, "PROSODY_MODULES": templates + "/prosody-modules",
        "C2S_PORT": "\(ports[0])", "DIRECT_TLS_PORT": "\(ports[1])",
        "S2S_PORT": "\(ports[2])",
      ],
      folder: folder)
    // It listens before all hosts are loaded, but answers only after that.
    try process.await("prosody answers", log: "server.log") {
      let hello = [(PlainStream.header(domain), "</stream:features>")]
      return ports.allSatisfy(PlainStream.accepts) && (try? PlainStream.converse(ports[0], hello)) != nil
    }
    return process
  }

  /// A name as Prosody's storage spells it.
  private static func fileName(_ name: String) -> String {
    name.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        return String(UnicodeScalar(byte))
      default:
        return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }.joined()
  }
}
