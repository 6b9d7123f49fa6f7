import Foundation
import TestSupport
import Testing

/// A login by the executable to a scripted server of `example.org` that speaks direct TLS, played once.
struct LoginScene {
  static let user = "alice"
  static let password = "Tr0ub4dor&3,=x"

  /// How the server speaks TLS.
  var tls: TestTLSServer
  /// How it plays its part of the login.
  var sasl = SASLServer(user: LoginScene.user, password: LoginScene.password)
  /// What it offers.
  var mechanisms: [String]
  /// The channel-binding types it lists (XEP-0440); `nil` lists none.
  var bindings: [String]?
  /// What it offers besides, as XML.
  var otherFeatures = ""
  /// What a login by SASL2 may carry along, as XML.
  var inline = "<bind xmlns='urn:xmpp:bind:0'/>"
  /// What it does on a connection before that of the login, after the features.
  var earlier: (@Sendable (ScriptedPeer.Talk) throws -> Void)?
  /// What it does before the login, and whether there will be one.
  var before: @Sendable (ScriptedPeer.Talk) throws -> Bool = { _ in true }
  /// What it does behind a login that succeeded.
  var after: @Sendable (ScriptedPeer.Talk) throws -> Void = LoginScene.binds()
  /// How it ends.
  var ending: [ScriptedPeer.Step] = [.silence]
  /// Options besides those that lead to it and give the password.
  var options: [String] = []
  /// The password given, which need not be the server's.
  var password = LoginScene.password
  /// Who logs in.
  var jid = "alice@example.org"
  /// What its data may take up, in bytes, before the system gives it no more.
  var mostMemory: Int?
  /// The command, with `--json`.
  var command = "bind"

  /// A server that offers these.
  init(_ mechanisms: String...) throws {
    self.mechanisms = mechanisms
    let certificate = try LoginScene.certificate.get()
    tls = TestTLSServer(certificate)
    sasl.certificate = certificate.der
  }

  private static let certificate = Result { try Certificates.shared.leaf("example.org") }

  /// Plays it, and checks what holds for every login: one try, and the password nowhere in the clear.
  func play(at place: SourceLocation = #_sourceLocation) throws -> PlayedLogin {
    let started = try start()
    return try started.finish(at: place)
  }

  /// Begins to play it.
  func start(_ environment: [String: String] = [:]) throws -> StartedLogin {
    let peer = try ScriptedPeer(
      scripts: (earlier.map { [opening + [.talk($0), .silence]] } ?? []) + [script])
    let folder = try TemporaryFolder()
    let secret = try folder.write("password", password + "\n")
    let login = [
      "--jid", jid, "--connect-to", "127.0.0.1:\(peer.port)", "--tls", "direct", "--password-file", secret,
      "--trace=\(folder.path("trace"))",
    ]
    let limit = options.contains("--max-time") ? [] : ["--max-time", "15"]
    let arguments = [command, "--json"] + login + limit + (try Certificates.trusted) + options
    let path = Program.xmppctl.path
    let program =
      try mostMemory.map {
        try Program("/usr/bin/prlimit").start(["--data=\($0)", path] + arguments, environment: environment)
      } ?? Program.xmppctl.start(arguments, environment: environment)
    return StartedLogin(program: program, peer: peer, folder: folder, command: command)
  }

  private var script: [ScriptedPeer.Step] {
    let (before, sasl, after) = (before, sasl, after)
    return opening + [
      .talk { talk in
        if try before(talk), try sasl.serve(talk) { try after(talk) }
      }
    ] + ending
  }

  private var opening: [ScriptedPeer.Step] {
    [.tls(tls), .expectHeader, .send(Dialogue.header() + Dialogue.features(features))]
  }

  private var features: String {
    let names = mechanisms.map { "<mechanism>\($0)</mechanism>" }.joined()
    let list = bindings.map { types in
      "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
        + types.map { "<channel-binding type='\($0)'/>" }.joined() + "</sasl-channel-binding>"
    }
    let offer =
      switch sasl.profile {
      case .classic: "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\(names)</mechanisms>"
      case .sasl2:
        "<authentication xmlns='urn:xmpp:sasl:2'>\(names)<inline>\(inline)</inline></authentication>"
      }
    return offer + (list ?? "") + otherFeatures
  }

  // MARK: What comes behind a login

  static let bindFeature = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
  static let fullJID = "alice@example.org/here"

  /// The answer that grants a resource.
  static func bound(_ jid: String = fullJID) -> @Sendable (String) -> String {
    { id in
      "<iq type='result' id='\(id)'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>\(jid)</jid></bind></iq>"
    }
  }

  /// Opens the stream behind the login, offers binding and what is given, and answers the request to bind.
  static func binds(
    _ features: String = "", answer: @escaping @Sendable (String) -> String = bound(),
    then: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = { _ in }
  ) -> @Sendable (ScriptedPeer.Talk) throws -> Void {
    { talk in
      // A client that closes the stream does not believe in the success.
      guard try talk.header().hasPrefix("<?xml") else { return }
      try talk.send(Dialogue.header() + Dialogue.features(bindFeature + features))
      try talk.send(answer(id(of: talk.element())))
      try then(talk)
    }
  }

  /// The id of a request.
  static func id(of request: String) -> String {
    request.firstMatch(of: #/ id=['"]([^'"]*)['"]/#).map { String($0.1) } ?? ""
  }
}

/// A login that goes on.
struct StartedLogin {
  let program: RunningProgram
  let peer: ScriptedPeer
  let folder: TemporaryFolder
  let command: String

  /// Waits for its end.
  func finish(at place: SourceLocation = #_sourceLocation) throws -> PlayedLogin {
    let row = try Row(program.finish(within: .seconds(20)), command: command, at: place)
    let connections = try peer.finish()
    let played = PlayedLogin(
      row: row, connection: try #require(connections.last), sent: connections.map(\.text).joined(),
      trace: try folder.read("trace"))
    expectSecret(
      LoginScene.password, nowhereIn: [row.outcome.output, row.outcome.error, played.trace], at: place)
    #expect(played.tries <= 1, sourceLocation: place)
    return played
  }
}

/// A login that has ended.
struct PlayedLogin {
  let row: Row
  /// The last connection.
  let connection: ScriptedPeer.Connection
  /// What the client sent, over all connections.
  let sent: String
  let trace: String

  /// How often the client began a login.
  var tries: Int { sent.matches(of: #/<auth(enticate)? /#).count }

  /// What the client said first, out of base64.
  var firstMessage: String {
    let text = sent.firstMatch(of: #/<(auth|initial-response)[ >][^<]*?>?([A-Za-z0-9+\/=]+)</#)
    return text.flatMap { Data(base64Encoded: String($0.2)) }.map { String(decoding: $0, as: UTF8.self) }
      ?? ""
  }

  /// Whether the client asked for nothing behind its one login, and closed the stream.
  var endsWithTheLogin: Bool {
    tries == 1 && !sent.contains("<iq") && sent.hasSuffix(Dialogue.end)
      && sent.matches(of: #/<stream:stream/#).count == 1
  }

  /// Expects a login that failed in just this way, with nothing behind it.
  func fails(
    _ status: Int32, _ condition: String, stage: String = "auth", at place: SourceLocation = #_sourceLocation
  ) {
    let found = "\(row.outcome.output)\(row.outcome.error)\(trace)"
    #expect(row.outcome.status == status, "\(found)", sourceLocation: place)
    #expect(row["error.stage"] == stage, "\(found)", sourceLocation: place)
    #expect(row["error.condition"] == condition, "\(found)", sourceLocation: place)
    #expect(endsWithTheLogin, "\(sent)", sourceLocation: place)
    #expect(!row.has("jid"), sourceLocation: place)
  }

  /// Expects a login that succeeded, and a failure in just this way behind it.
  func failsBehindTheLogin(
    _ status: Int32, _ condition: String, stage: String, at place: SourceLocation = #_sourceLocation
  ) {
    let found = "\(row.outcome.output)\(row.outcome.error)\(trace)"
    #expect(row.outcome.status == status, "\(found)", sourceLocation: place)
    #expect(row["error.stage"] == stage, "\(found)", sourceLocation: place)
    #expect(row["error.condition"] == condition, "\(found)", sourceLocation: place)
    #expect(row.has("auth.server_authenticated"), sourceLocation: place)
  }

  /// The requests the client made.
  var requests: Int { sent.matches(of: #/<iq /#).count }

  /// Expects that a resource was bound.
  func binds(_ jid: String = LoginScene.fullJID, at place: SourceLocation = #_sourceLocation) {
    row.succeeds(at: place)
    #expect(row["jid"] == jid, sourceLocation: place)
    #expect(sent.hasSuffix(Dialogue.end), sourceLocation: place)
  }
}

/// Expects a secret nowhere: neither as it is, nor in hexadecimal, nor in base64 wherever it may begin.
func expectSecret(_ secret: String, nowhereIn texts: [String], at place: SourceLocation = #_sourceLocation) {
  for text in texts {
    for form in forms(of: secret) {
      #expect(!text.lowercased().contains(form.lowercased()), "\(form) in \(text)", sourceLocation: place)
    }
  }
}
