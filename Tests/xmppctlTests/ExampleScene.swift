import Foundation
import TestSupport
import Testing

/// The world that the manual and the README speak of, so that their examples run in it as they are printed: `example.org`
/// with its rooms on a Prosody of its own, a proxy in place of the network, a home with the README's configuration, `pass`.
struct ExampleScene {
  let server: Prosody
  /// Everything that is asked for by name; an example sees no other host.
  let proxy: FakeSOCKSServer
  let home: TemporaryFolder
  private var environment: [String: String]

  /// - Parameters:
  ///   - routes: where `HOST:PORT` leads besides the Prosody.
  ///   - authorities: files of certificates that are trusted besides the Prosody's.
  init(routes: [String: UInt16] = [:], trusting authorities: [String] = []) throws {
    server = try Prosody()
    for user in ["robot", "alice", "bob"] { try server.account(user, on: "example.org") }
    var behaviour = FakeSOCKSServer.Behaviour()
    behaviour.routes = routes
    for domain in ["example.org", "staff.example.org"] { behaviour.routes["\(domain):5222"] = server.port }
    for host in ["new.example.net", "xmppexampleonionaddress.onion"] {
      behaviour.routes["\(host):5222"] = server.port
    }
    proxy = try FakeSOCKSServer(behaviour)

    home = try TemporaryFolder()
    let configuration = try Readme().only("json5", below: "An account")
    try home.write(".config/xmppctl/config.json5", configuration)
    try home.write(".config/xmppctl/robot.password", "secret\n")
    let trusted = try ([server.caFile] + authorities).map { try String(contentsOfFile: $0, encoding: .utf8) }
    environment = [
      "PATH": "\(home.path("bin")):/usr/local/bin:/usr/bin:/bin",
      "ALL_PROXY": "socks5h://127.0.0.1:\(proxy.port)",
      "SSL_CERT_FILE": try home.write("authorities.pem", trusted.joined()), "LC_ALL": "C.UTF-8",
    ]
    try tool("pass", "[ \"$*\" = 'show xmpp' ] && echo secret")
    try FileManager.default.createSymbolicLink(
      atPath: home.path("bin/xmppctl"), withDestinationPath: Program.xmppctl.path)
  }

  /// Puts a program of that name in the way of the real one.
  func tool(_ name: String, _ script: String) throws {
    try home.write("bin/\(name)", "#!/bin/sh\n\(script)\n", mode: 0o700)
  }

  /// Runs a script to its end, in the home.
  func run(
    _ script: String, _ arguments: String..., input: String = "", environment more: [String: String] = [:]
  ) throws -> Outcome {
    let running = try start(script, arguments, environment: more)
    return try running.finish(input, within: .seconds(60))
  }

  /// Starts a script.
  func start(
    _ script: String, _ arguments: [String] = [], environment more: [String: String] = [:]
  ) throws -> RunningProgram {
    try Program("/bin/bash").start(
      ["-o", "pipefail", "-c", script, "example"] + arguments, environment: environment.merging(more) { $1 },
      folder: home)
  }

  /// Starts a script in a terminal; what it reads is what is typed there.
  func start(
    inTerminal columns: Int, _ script: String, environment more: [String: String] = [:], input: Int32? = nil,
    output: Int32? = nil
  ) throws -> InTerminal {
    try PseudoTerminal(columns: columns).start(
      ["/bin/bash", "-c", script],
      environment: environment.merging(["HOME": home.path, "TERM": "xterm"]) { $1 }.merging(more) { $1 },
      folder: home, input: input, output: output)
  }

  /// What comes for an account, a line of JSON each, also what came before this began.
  func listener(_ jid: String = "bob@example.org", _ options: String...) throws -> RunningProgram {
    let options = options.joined(separator: " ")
    return try start(
      "exec xmppctl listen --json --type message --max-time 120 --jid \(jid) \(options)",
      environment: Self.login)
  }

  /// Makes the room, and stays in it: somebody who does so with another client.
  func occupant(of room: String = "team@rooms.example.org") throws -> Receiver {
    let account = try server.account("warden", on: server.plainDomain)
    let occupant = try Receiver(account, port: server.port)
    try occupant.ask(
      "<presence to='\(room)/warden'><x xmlns='http://jabber.org/protocol/muc'/></presence>", "110")
    return occupant
  }

  /// What is said in the room, as far as it is text.
  func said(to occupant: Receiver, _ count: Int = 1) throws -> [Receiver.Message] {
    // The room's subject comes first.
    try occupant.messages(count + 1).filter { $0.body != nil }
  }

  /// The next line of a listener.
  func message(_ listener: RunningProgram) throws -> JSON {
    guard let line = try listener.line(within: .seconds(60)) else {
      throw SupportFailure("no message came\n\(listener.errorSoFar)\n\(server.log)")
    }
    return try JSON(Data(line.utf8))
  }

  /// For logins that the configuration knows nothing of.
  static let login = ["XMPPCTL_PASSWORD": "secret"]
}
