import Foundation
import TestSupport
import Testing

/// A run of `listen` against a scripted server of `example.org` that speaks direct TLS, one script a connection.
struct ListenScene {
  static let jid = "bob@example.org/desk"
  static let password = "0pen&Sesame/7"
  static let environment = ["XMPPCTL_PASSWORD": password]
  let peer: ScriptedPeer
  let program: RunningProgram

  /// Starts it; each connection logs in and is then in the hands of one of the parts.
  init(_ options: [String], folder: TemporaryFolder? = nil, output: String? = nil, _ parts: Part...) throws {
    peer = try ScriptedPeer(scripts: try parts.map { try $0.script })
    program = try Program.xmppctl.start(
      try ["listen"] + ListenScene.way(peer.port) + options,
      environment: ListenScene.environment, folder: folder, output: output)
  }

  /// The options that lead to a port of the loopback.
  static func way(_ port: UInt16) throws -> [String] {
    try ["--jid", jid, "--tls", "direct", "--connect-to", "127.0.0.1:\(port)"] + Certificates.trusted
  }

  /// What a server does behind the login.
  struct Part {
    /// The features behind the login besides binding; `nil` where there is no login.
    var features: String? = "<sm xmlns='urn:xmpp:sm:3'/>"
    var play: @Sendable (ScriptedPeer.Talk) throws -> Void
    var ending: [ScriptedPeer.Step]

    /// A new session, up to its presence, then this.
    static func new(
      managed: Bool = true, then ending: [ScriptedPeer.Step] = [.silence],
      _ play: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = { _ in }
    ) -> Part {
      raw(managed: managed, then: ending) { talk in
        try bind(talk)
        if managed { try enable(talk) }
        try talk.await("<presence")
        try play(talk)
      }
    }

    /// From behind the login on.
    static func raw(
      managed: Bool = true, then ending: [ScriptedPeer.Step] = [.silence],
      _ play: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void
    ) -> Part {
      Part(features: managed ? "<sm xmlns='urn:xmpp:sm:3'/>" : "", play: play, ending: ending)
    }

    /// The old session goes on, if it is asked for with this count; then this.
    static func resumed(
      handled: Int, then ending: [ScriptedPeer.Step] = [.silence],
      _ play: @escaping @Sendable (ScriptedPeer.Talk) throws -> Void = { _ in }
    ) -> Part {
      raw(then: ending) { talk in
        let request = try talk.element()
        guard request.contains("<resume "), request.contains("previd='s1'"),
          request.contains("h='\(handled)'")
        else { throw SupportFailure("no resumption from \(handled) on: \(request)") }
        try talk.send("<resumed xmlns='urn:xmpp:sm:3' previd='s1' h='1'/>")
        try play(talk)
      }
    }

    /// No XMPP at all.
    static let garbled = Part(features: nil, play: { try $0.send("HTTP/1.1 <<>>") }, ending: [.silence])

    static func bind(_ talk: ScriptedPeer.Talk) throws {
      try talk.send(LoginScene.bound(jid)(LoginScene.id(of: try talk.element())))
    }

    static func enable(_ talk: ScriptedPeer.Talk) throws {
      try talk.await("<enable ")
      try talk.send("<enabled xmlns='urn:xmpp:sm:3' id='s1' resume='true'/>")
    }

    var script: [ScriptedPeer.Step] {
      get throws {
        let play = play
        guard let features else {
          return [.tls(try Certificates.server), .expectHeader, .talk { try play($0) }] + ending
        }
        return [
          .tls(try Certificates.server), .expectHeader,
          .send(Dialogue.header() + Dialogue.features(Dialogue.plain)), .expectElement,
          .send("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"), .expectHeader,
          .send(Dialogue.header() + Dialogue.features(LoginScene.bindFeature + features)),
          .talk { try play($0) },
        ] + ending
      }
    }
  }

  /// Messages with these numbers.
  static func messages(_ numbers: ClosedRange<Int>) -> String {
    numbers.map {
      "<message from='alice@example.org/x' type='chat' id='m\($0)'><body>text \($0)</body></message>"
    }
    .joined()
  }

  static let request = "<r xmlns='urn:xmpp:sm:3'/>"

  /// The bodies of the lines.
  static func bodies(_ output: String) throws -> [String] {
    try output.split(separator: "\n").map { line in
      guard case .string(let body) = try JSON(Data(line.utf8))["body"] else { return "-" }
      return body
    }
  }

  static func texts(_ numbers: ClosedRange<Int>) -> [String] { numbers.map { "text \($0)" } }
}

extension ScriptedPeer.Talk {
  /// Serves a stream with stream management until the client closes it.
  ///
  /// - Parameter answer: what is said to each element that is not stream management's.
  func serveCounted(_ answer: (String) -> String) throws {
    var count = 0
    while true {
      let element = try element()
      if element.hasPrefix("</") { return }
      if element.hasPrefix("<enable ") {
        try send("<enabled xmlns='urn:xmpp:sm:3'/>")
      } else if element.hasPrefix("<r ") {
        try send("<a xmlns='urn:xmpp:sm:3' h='\(count)'/>")
      } else if !element.hasPrefix("<a ") {
        count += 1
        try send(answer(element))
      }
    }
  }

  /// Reads elements until one contains a text.
  @discardableResult
  func await(_ text: String) throws -> String {
    while true {
      let element = try element()
      if element.contains(text) { return element }
    }
  }

  /// Waits until somebody enters a room, and says that this has made it.
  func letIntoNewRoom() throws {
    try self.await("to='den@rooms.example.org/bot'")
    try send(
      "<presence from='den@rooms.example.org/bot'><x xmlns='http://jabber.org/protocol/muc#user'>"
        + "<status code='110'/><status code='201'/></x></presence>")
  }

  /// Sends white space for a second and a half and reads nothing meanwhile.
  ///
  /// - Throws: where the connection is taken away.
  func remainBusy() throws {
    for _ in 0..<15 {
      usleep(100_000)
      try send(" ")
    }
  }

  /// Asks how far the client is until it has handled so many.
  func awaitHandled(_ count: Int) throws {
    try send(ListenScene.request)
    try self.await("h='\(count)'")
  }
}
