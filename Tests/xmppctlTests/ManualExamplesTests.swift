import Foundation
import TestSupport
import Testing

/// The examples of the manual, each run as it is printed.
@Suite(.serialized) struct ManualExamplesTests {
  /// Runs a page's examples in their order.
  ///
  /// - Parameter expected: what each prints; an example that is not here fails the test.
  private func run(
    _ page: String, in scene: ExampleScene, _ expected: [Regex<Substring>],
    at place: SourceLocation = #_sourceLocation
  ) throws {
    let commands = try ManualPage(page).commands
    #expect(commands.count == expected.count, sourceLocation: place)
    for (command, expected) in zip(commands, expected) {
      let outcome = try scene.run(command)
      #expect(
        outcome.status == 0 && outcome.error.isEmpty, "\(command): \(outcome.error)", sourceLocation: place)
      #expect(
        outcome.output.wholeMatch(of: expected) != nil, "\(command): \(outcome.output)", sourceLocation: place
      )
    }
  }

  private func send(_ body: String, to: String, in scene: ExampleScene) throws {
    let outcome = try scene.run(
      "xmppctl send -j alice@example.org/pda -m \"$1\" \"$2\"", body, to, environment: ExampleScene.login)
    #expect(outcome.status == 0, "\(outcome.error)")
  }

  @Test("xmppctl(1)")
  func main() throws {
    let scene = try ExampleScene()
    try scene.home.write("secret", "secret\n")
    try run("xmppctl.1", in: scene, [#/[0-9]+\n/#, #//#])
    try scene.home.write("secret", "wrong\n")
    let check = try #require(try ManualPage("xmppctl.1").commands.last)
    #expect(try scene.run(check).output == "status 77\n")
  }

  @Test("xmppctl-connect(1)")
  func connect() throws {
    let scene = try ExampleScene()
    let commands = try ManualPage("xmppctl-connect.1").commands
    try #require(commands.count == 3)
    let watch = commands[0]
    let quiet = try scene.run(watch)
    #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.error.isEmpty, "\(quiet.error)")
    // The certificate is for 30 days.
    let warned = try scene.run(watch.replacingOccurrences(of: "14", with: "40"))
    #expect(
      warned.status == 0 && warned.output == "check the certificate of example.org\n", "\(warned.output)")

    let new = try scene.run(commands[1])
    #expect(new.status == 0 && new.output.contains("\n  new.example.net:5222, STARTTLS [option] ok\n"))
    #expect(scene.proxy.requests.last == "new.example.net:5222")

    let pin = try scene.run(commands[2])
    #expect(pin.output.wholeMatch(of: #/sha256\/\/[A-Za-z0-9+\/]{43}=\n/#) != nil, "\(pin.output)")
    let pinned = "xmppctl connect example.org --pin"
    #expect(try scene.run("\(pinned) \(pin.output)").status == 0)
    #expect(try scene.run("\(pinned) sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").status == 80)
  }

  @Test("xmppctl-features(1)")
  func features() throws {
    try run(
      "xmppctl-features.1", in: try ExampleScene(),
      [#/(?:"PLAIN"\n"SCRAM-SHA-1"|"SCRAM-SHA-1"\n"PLAIN")\n/#, #/true\n/#])
  }

  @Test("xmppctl-bind(1)")
  func bind() throws {
    try run("xmppctl-bind.1", in: try ExampleScene(), [#/"SCRAM-SHA-1"\n/#, #/bob@example\.org\/desk\n/#])
  }

  @Test("xmppctl-send(1)")
  func send() throws {
    let scene = try ExampleScene()
    try scene.home.write(
      "messages.ndjson",
      """
      {"to": "bob@example.org", "id": "m1", "body": "one"}
      {"to": "nobody@example.org", "id": "m2", "body": "two"}
      {"to": "bob@example.org", "id": "m3", "body": "three"}

      """)
    let occupant = try scene.occupant()
    let commands = try ManualPage("xmppctl-send.1").commands
    try #require(commands.count == 4)
    for command in commands[0...1] {
      let outcome = try scene.run(command)
      #expect(outcome.status == 0 && outcome.output.isEmpty && outcome.error.isEmpty, "\(outcome.error)")
    }
    #expect(try scene.said(to: occupant).map(\.body) == ["build 42 is green"])

    let many = try scene.run(commands[2])
    #expect(many.status == 1 && many.output == "\"m2\"\n", "\(many.output)\(many.error)")
    let listener = try scene.listener()
    for body in ["disk full", "one", "three"] {
      #expect(try scene.message(listener)["body"] == .string(body))
    }

    let version = try scene.run(commands[3])
    #expect(version.status == 0 && version.output.contains("<name>Prosody</name>"), "\(version.error)")
  }

  @Test("xmppctl-listen(1)")
  func listen() throws {
    let scene = try ExampleScene()
    let commands = try ManualPage("xmppctl-listen.1").commands
    try #require(commands.count == 3)
    try send("an answer", to: "robot@example.org", in: scene)
    let answer = try scene.run(commands[1])
    #expect(answer.status == 0 && answer.output == "\"an answer\"\n", "\(answer.output)\(answer.error)")

    // Within a run and between two, a message comes once.
    let first = try scene.run(commands[2])
    #expect(first.status == 0, "\(first.error)")
    try send("meanwhile", to: "robot@example.org", in: scene)
    let second = try scene.run(commands[2])
    #expect(second.status == 0 && second.output.hasSuffix("meanwhile\n"), "\(second.output)\(second.error)")
    #expect(second.output.split(separator: "\n").count == 1)

    // The session that was kept would get what comes for the account, so this one is elsewhere.
    let elsewhere = try ExampleScene()
    let endless = try elsewhere.start(commands[0])
    try send("who says what", to: "robot@example.org", in: elsewhere)
    try endless.awaitOutput("[\"alice@example.org/pda\",\"who says what\"]\n", within: .seconds(60))
  }

  @Test("xmppctl-json(5)")
  func json() throws {
    let scene = try ExampleScene()
    try send("good morning", to: "robot@example.org", in: scene)
    try run(
      "xmppctl-json.5", in: scene,
      [
        #/[0-9]+\n/#, #/null\n/#, #/(?:"PLAIN"\n"SCRAM-SHA-1"|"SCRAM-SHA-1"\n"PLAIN")\n/#,
        #/"SCRAM-SHA-1"\n(?:"[-a-z]+"|null)\n/#, #/"\S+"\n/#,
        #/\["alice@example\.org\/pda","good morning"\]\n/#,
      ])
  }
}
