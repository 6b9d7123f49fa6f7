import Foundation
import Synchronization

/// An ejabberd of the tests' own, on loopback, with every setting in `Tests/Servers/ejabberd.yml`.
///
/// It is one Erlang process without distribution, so there is no `epmd` and nothing that lives on after it.
public final class Ejabberd: Sendable {
  /// The instance that all tests of a process share, started by the first that asks for it.
  ///
  /// Other tests talk to it at the same time: have accounts of your own (`account`), and an instance of your own to
  /// stop, kill or restart.
  public static var shared: Ejabberd { get throws { try instance.get() } }
  private static let instance = Result { try Ejabberd() }

  /// What a port offers; each serves all domains.
  public enum Listener: String, Sendable, CaseIterable {
    /// STARTTLS demanded.
    case startTLS = "STARTTLS"
    /// Direct TLS.
    case directTLS = "DIRECT_TLS"
    /// STARTTLS offered beside a login without it.
    case optionalTLS = "OPTIONAL"
    /// No TLS.
    case plain = "PLAIN"
    /// STARTTLS demanded, XEP-0138 compression offered after the login.
    case compression = "ZLIB"
    /// STARTTLS demanded, a client certificate asked for, EXTERNAL offered.
    case external = "EXTERNAL"
    /// STARTTLS demanded, TLS 1.2 and no later.
    case tls12 = "TLS12"
    /// Other servers.
    case servers = "S2S"
  }

  /// How it manages streams (XEP-0198).
  public enum Sessions: Sendable {
    /// As most tests want it: what is unacknowledged when a session ends is sent again.
    case kept
    /// As ejabberd does without settings, except for how many stanzas may be unacknowledged; its default is 5,000.
    case stock(unacknowledged: Int)

    fileprivate var settings: String {
      switch self {
      case .kept: "    resume_timeout: 60\n    resend_on_timeout: if_offline\n"
      case .stock(let count): "    max_ack_queue: \(count)\n"
      }
    }
  }

  /// STARTTLS demanded.
  public var port: UInt16 { port(.startTLS) }
  /// Direct TLS.
  public var directTLSPort: UInt16 { port(.directTLS) }
  /// The authority that signed its certificate, and by which it judges client certificates.
  public let caFile: String

  /// Passwords kept as they are: DIGEST-MD5, PLAIN and all of SCRAM, with -PLUS under TLS.
  public let domain = "ejabberd.test"
  /// Passwords kept as SCRAM-SHA-256: no other SCRAM, no DIGEST-MD5.
  public let scramDomain = "scram.test"
  /// ANONYMOUS.
  public let anonymousDomain = "anon.ejabberd.test"
  /// Chat rooms, which anybody can make.
  public let roomsDomain = "rooms.ejabberd.test"

  private let sessions: Sessions
  private let ports: [Listener: UInt16]
  private let folder: TemporaryFolder
  private let process: Mutex<ServerProcess>

  /// Starts an instance and waits until it answers. `alice` and `bob` have accounts on `domain` and `scramDomain`,
  /// both with the password `secret`.
  public init(sessions: Sessions = .kept) throws {
    let folder = try TemporaryFolder()
    self.folder = folder
    self.sessions = sessions
    let authority = try TestAuthority(in: folder)
    caFile = authority.caFile
    let hosts = [domain, scramDomain, anonymousDomain]
    try authority.issue("server", domains: hosts + hosts.flatMap { ["rooms.\($0)", "pubsub.\($0)"] })
    try folder.write("server-and-key.pem", try folder.read("server.pem") + folder.read("server.key"))
    let listeners = { (ports: [UInt16]) in Dictionary(uniqueKeysWithValues: zip(Listener.allCases, ports)) }
    let (process, ports) = try ServerProcess.start(on: Listener.allCases.count) {
      try Ejabberd.start(folder, listeners($0), sessions)
    }
    self.ports = listeners(ports)
    self.process = Mutex(process)
    for domain in [domain, scramDomain] {
      try account("alice", on: domain)
      try account("bob", on: domain)
    }
  }

  /// The port of a listener.
  public func port(_ listener: Listener) -> UInt16 { ports[listener] ?? 0 }

  /// Makes an account.
  ///
  /// - Throws: when the server refuses; one that is there already is refused too.
  @discardableResult
  public func account(_ user: String, password: String = "secret", on domain: String? = nil) throws -> Account
  {
    let account = Account(user: user, domain: domain ?? self.domain, password: password)
    try process.withLock { process in
      let answer = "registered \(account.jid): "
      let known = try folder.read("console.log").utf8.count
      try process.write("\(user)\t\(account.domain)\t\(password)")
      var result = Substring()
      try process.await("an answer about \(account.jid)", log: "ejabberd.log") {
        let news = String(
          decoding: Array(try folder.read("console.log").utf8.dropFirst(known)), as: UTF8.self)
        guard let range = news.range(of: answer), let end = news[range.upperBound...].firstIndex(of: "\n")
        else { return false }
        result = news[range.upperBound..<end]
        return true
      }
      guard result == "ok" else { throw SupportFailure("account \(account.jid): \(result)") }
    }
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
      $0 = try Ejabberd.start(folder, ports, sessions)
    }
  }

  /// The end of its log, for the message of a test that failed.
  public var log: String { process.withLock { $0.story("ejabberd.log") } }

  private static func start(
    _ folder: TemporaryFolder, _ ports: [Listener: UInt16], _ sessions: Sessions
  ) throws -> ServerProcess {
    let templates = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Servers")
    var configuration = try String(
      contentsOf: templates.appendingPathComponent("ejabberd.yml"), encoding: .utf8)
    configuration = configuration.replacingOccurrences(of: "@FOLDER@", with: folder.path)
    configuration = configuration.replacingOccurrences(of: "@SESSIONS@\n", with: sessions.settings)
    for (listener, port) in ports {
      configuration = configuration.replacingOccurrences(of: "@\(listener.rawValue)_PORT@", with: "\(port)")
    }
    try folder.write("ejabberd.yml", configuration)
    try folder.write("console.log", "")
    let script = try String(contentsOf: templates.appendingPathComponent("ejabberd.erl"), encoding: .utf8)
    let process = try ServerProcess(
      [
        "/usr/bin/erl", "-noshell", "-mnesia", "dir", "\"\(folder.path("mnesia"))\"", "-s", "ejabberd",
        "-eval", script,
      ],
      environment: [
        "ERL_LIBS": try libraries(), "ERL_CRASH_DUMP_BYTES": "0",
        "EJABBERD_CONFIG_PATH": folder.path("ejabberd.yml"), "EJABBERD_LOG_PATH": folder.path("ejabberd.log"),
      ],
      folder: folder)
    try process.await("ejabberd is ready", log: "ejabberd.log") {
      try folder.read("console.log").contains("ready\n") && ports.values.allSatisfy(PlainStream.accepts)
    }
    return process
  }

  /// Where Debian put ejabberd: below the folder for libraries of this architecture.
  private static func libraries() throws -> String {
    for folder in try FileManager.default.contentsOfDirectory(atPath: "/usr/lib") {
      let path = "/usr/lib/\(folder)"
      let packages = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
      if packages.contains(where: { $0.hasPrefix("ejabberd-") }) { return path }
    }
    throw SupportFailure("ejabberd is not installed: scripts/install-dependencies.sh test")
  }
}
