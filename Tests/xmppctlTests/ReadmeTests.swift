import Foundation
import TestSupport
import Testing

/// What the README shows, done as it is printed there.
@Suite(.serialized) struct ReadmeTests {
  private let readme: Readme

  init() throws { readme = try Readme() }

  // MARK: Screens

  @Test("the screen of features is what features prints")
  func features() throws {
    let scene = try ExampleScene()
    let (line, output) = try readme.session("xmppctl features")
    let outcome = try scene.run(line)
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    // The server says them in an order of its own each time.
    let (lines, shown) = (outcome.output.split(separator: "\n"), output.split(separator: "\n"))
    func words(_ lines: [Substring]) -> [[Substring]] {
      lines.sorted().map { $0.split(separator: " ").sorted() }
    }
    #expect(words(lines) == words(shown))
    for heading in ["before TLS", "after TLS", "after login"] {
      #expect(lines.firstIndex { $0.hasPrefix(heading) } == shown.firstIndex { $0.hasPrefix(heading) })
    }
  }

  @Test("the screens of listen and send are what they print")
  func listenAndSend() throws {
    let scene = try ExampleScene()
    let (line, output) = try readme.session("xmppctl listen")
    let listening = try scene.start(line, environment: ["XMPPCTL_ACCOUNT": "bob"])
    for said in output.split(separator: "\n") {
      let parts = try #require(said.wholeMatch(of: #/\["([a-z]+@example\.org\/[a-z]+)","(.*)"\]/#)).output
      let outcome = try scene.run(
        "xmppctl send -j \(parts.1) -m \"$1\" bob@example.org", String(parts.2),
        environment: ExampleScene.login)
      #expect(outcome.status == 0, "\(outcome.error)")
    }
    try listening.awaitOutput(output, within: .seconds(60))

    let (sending, told) = try readme.session("echo 'disk full' | xmppctl send")
    let outcome = try scene.run(sending)
    #expect(outcome.status == 0 && outcome.output == told, "\(outcome.error)")
    try listening.awaitOutput("robot@example.org", within: .seconds(60))
  }

  // MARK: Recipes

  /// What others may have put into a log: a line of a megabyte and control characters.
  private static let hostileLog = "head -c 1000000 /dev/zero | tr '\\0' x; printf '\\033[31m\\001\\377\\n'"

  @Test("V35: cron: the output of a job that failed comes as a message, whatever is in it")
  func cron() throws {
    let scene = try ExampleScene()
    try scene.tool("backup", "\(Self.hostileLog); echo no space left; exit 1")
    let lines = try readme.only("crontab", below: "An alert from cron").split(separator: "\n")
    let job = try #require(lines.last?.firstMatch(of: #/^[0-9*]+ [0-9*]+ [0-9*]+ [0-9*]+ [0-9*]+ +(.*)$/#))
      .output.1
    #expect(lines.first == "PATH=/usr/local/bin:/usr/bin:/bin" && !job.contains("%"))
    let outcome = try scene.run(String(job))
    #expect(outcome.status == 0 && outcome.error.isEmpty, "\(outcome.error)")
    let message = try scene.message(scene.listener())
    #expect("\(message["body"])".contains("x\u{FFFD}[31m\u{FFFD}\u{FFFD}"), "\(message)")
    #expect("\(message["body"])".contains("no space left") && message["subject"] == .string("backup failed"))
    #expect("\(message["from"])".contains("robot@example.org"))
    // A job that succeeds says nothing.
    try scene.tool("backup", "exit 0")
    #expect(try scene.run(String(job) + "; [ ! -s backup.log ]").status == 0)
  }

  @Test("V35: systemd: a unit that failed tells so, whatever it has logged")
  func systemd() throws {
    let scene = try ExampleScene()
    try scene.tool("systemctl", "printf 'x %s \\001 failed\\n' \"$3\"; \(Self.hostileLog); exit 3")
    let unit = try readme.only("ini", below: "When a systemd unit fails")
    let command = try #require(unit.firstMatch(of: #/\nExecStart=(.*)$/#)).output.1
    let outcome = try scene.run(command.replacingOccurrences(of: "%i", with: "backup.service"))
    #expect(outcome.status == 0, "\(outcome.error)")
    let message = try scene.message(scene.listener())
    #expect(message["subject"] == .string("backup.service failed"))
    #expect("\(message["body"])".contains("x backup.service \u{FFFD} failed"), "\(message)")
    #expect(unit.contains("\n[Service]\nType=oneshot\nEnvironment=XMPPCTL_CONFIG=/etc/xmppctl.json5\n"))
  }

  @Test("V35: a webhook becomes a message, be it Grafana's or Uptime Kuma's, whatever is in it")
  func webhook() throws {
    let scene = try ExampleScene()
    let line = try readme.only("sh", below: "A webhook of Grafana or Uptime Kuma")
    let grafana = """
      {"receiver": "xmpp", "status": "firing", "alerts": [{"labels": {"alertname": "Disk"}}],
       "title": "[FIRING:1] Disk", "message": "**Firing**\\n\\nDisk is full: \\"/\\""}
      """
    let kuma = """
      {"heartbeat": {"status": 0, "msg": "timeout"}, "monitor": {"name": "web"}, "msg": "[web] [Down] timeout"}
      """
    let listener = try scene.listener()
    for (request, body) in [
      (grafana, "**Firing**\n\nDisk is full: \"/\""), (kuma, "[web] [Down] timeout"),
      ("{\"msg\": \"a\\u001b\\u0000b\", \"to\": \"eve@evil.test\"}", "a\u{FFFD}\u{FFFD}b"),
    ] {
      let outcome = try scene.run(line, input: request)
      #expect(outcome.status == 0, "\(outcome.error)")
      #expect(try scene.message(listener)["body"] == .string(body))
    }
    // Nothing to send is an error that the sender of the webhook sees.
    #expect(try scene.run(line, input: "{}").status == 65)
  }

  @Test("V35: CI: the room hears it, whatever the job is called")
  func continuousIntegration() throws {
    let scene = try ExampleScene()
    let occupant = try scene.occupant()
    let script = try readme.only("yaml", below: "The CI tells a room")
    let line = try #require(script.firstMatch(of: #/\n  - '([^']*)'$/#), "YAML takes it as one string").output
      .1
    let outcome = try scene.run(
      String(line),
      environment: [
        "XMPPCTL_JID": "robot@example.org", "XMPPCTL_PASSWORD": "secret",
        "CI_JOB_NAME": "te\u{1}st", "CI_COMMIT_SHORT_SHA": "ec9be9a", "CI_JOB_STATUS": "failed",
      ])
    #expect(outcome.status == 0, "\(outcome.error)")
    let messages = try scene.said(to: occupant)
    #expect(messages.map(\.from) == ["team@rooms.example.org/ci"])
    #expect(messages.map(\.body) == ["te\u{FFFD}st ec9be9a: failed"])
  }

  @Test("a check of a certificate: 0, 1, 2 and 3, with a line for each")
  func certificate() throws {
    let days = 86400
    let all = try Certificates.shared
    var peers: [ScriptedPeer] = []
    var routes: [String: UInt16] = [:]
    for (domain, left) in [("fresh", 60), ("soon", 10), ("now", 2), ("gone", -1)] {
      let name = "\(domain).example"
      let certificate = try all.issue(
        .init([.dns(name)], validFrom: -90 * days, validTo: left * days + 3600))
      let header = Dialogue.header("id='s1' from='\(name)' version='1.0'")
      let script: [ScriptedPeer.Step] =
        [
          .expectHeader, .send(header + Dialogue.features(Dialogue.startTLS)), .expectElement,
          .send(Dialogue.proceed),
        ]
        + (left < 0
          ? [.tls(TestTLSServer(certificate)), .silence]
          : [.tls(TestTLSServer(certificate)), .expectHeader, .send(header), .silence])
      let peer = try ScriptedPeer(scripts: Array(repeating: script, count: 2))
      peers.append(peer)
      routes["\(name):5222"] = peer.port
    }
    routes["closed.example:5222"] = try FreePort.take(1)[0]
    let scene = try ExampleScene(routes: routes, trusting: [all.authorityFile])
    let check = try readme.only("bash", below: "Watch a certificate")
    try scene.home.write("bin/check_xmpp_certificate", check, mode: 0o700)
    for (arguments, status, line) in [
      ("fresh.example", 0, #/OK: 60 days left \| days=60\n/#),
      ("soon.example", 1, #/WARNING: 10 days left \| days=10\n/#),
      ("now.example", 2, #/CRITICAL: 2 days left \| days=2\n/#),
      ("fresh.example 100 30", 1, #/WARNING: 60 days left \| days=60\n/#),
      ("gone.example", 2, #/CRITICAL: the certificate expired on .*\n/#),
      ("closed.example", 3, #/UNKNOWN: .*\n/#), ("", 3, #/UNKNOWN: .*\n/#),
    ] as [(String, Int32, Regex<Substring>)] {
      let outcome = try scene.run("check_xmpp_certificate \(arguments)")
      #expect(outcome.status == status, "\(arguments): \(outcome.output)\(outcome.error)")
      #expect(outcome.output.wholeMatch(of: line) != nil, "\(arguments): \(outcome.output)")
    }
    withExtendedLifetime(peers) {}
  }

  @Test("the bot answers")
  func bot() throws {
    let scene = try ExampleScene()
    let bot = try scene.start(try readme.only("bash", below: "A bot"))
    // What is said before the bot is there comes late and is not answered. An answer goes to the resource that asked, which
    // is gone by then, and so to the account.
    let outcome = try scene.run(
      """
      xmppctl listen --json --type chat --count 1 --max-time 50 --jid alice@example.org >answer & listener=$!
      while kill -0 "$listener" 2>/dev/null; do
        xmppctl send -j alice@example.org/desk -m time robot@example.org
        sleep 1
      done
      cat answer
      """, environment: ExampleScene.login)
    #expect(outcome.error.isEmpty, "\(outcome.error)")
    let answer = try JSON(Data(outcome.outputBytes))
    #expect("\(answer["body"])".contains(#/\d{4}-\d\d-\d\dT/#), "\(answer)\(bot.errorSoFar)")
    bot.signal(SIGTERM)
    #expect(try bot.wait().status == 143)
  }

  @Test("a room is followed: first what was said, then what is said")
  func room() throws {
    let scene = try ExampleScene()
    let occupant = try scene.occupant()
    let say = "xmppctl send -j bob@example.org --room -m \"$1\" team@rooms.example.org"
    #expect(try scene.run(say, "before", environment: ExampleScene.login).status == 0)
    let follower = try scene.start(try readme.only("sh", below: "Follow a room"))
    try follower.awaitOutput("before\n", within: .seconds(60))
    #expect(try scene.run(say, "behind", environment: ExampleScene.login).status == 0)
    try follower.awaitOutput("behind\n", within: .seconds(60))
    let lines = follower.outputSoFar.split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.contains("team@rooms.example.org/bob") }, "\(lines)")
    #expect(try scene.said(to: occupant, 2).map(\.body) == ["before", "behind"])
  }

  @Test("a client certificate logs in, made as the README says")
  func clientCertificate() throws {
    let scene = try ExampleScene()
    let (request, login) = try {
      let blocks = try readme.code("sh", below: "Log in with a client certificate")
      try #require(blocks.count == 2)
      return (blocks[0], blocks[1])
    }()
    let authority = URL(fileURLWithPath: scene.server.caFile).deletingPathExtension().path
    let sign = """
      openssl x509 -req -in bob.csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial -days 30 \
      -copy_extensions copy -out bob.pem
      """
    let made = try scene.run("\(request) && \(sign)")
    #expect(made.status == 0, "\(made.error)")
    let outcome = try scene.run(login)
    #expect(outcome.status == 0 && outcome.output.hasPrefix("bob@staff.example.org/"), "\(outcome.error)")
  }

  @Test("over Tor: the proxy is asked for the onion alone, and the certificate is for the domain")
  func tor() throws {
    let scene = try ExampleScene()
    let line = try readme.only("sh", below: "Over Tor")
    #expect(line.contains("socks5h://127.0.0.1:9050 "))
    let outcome = try scene.run(
      line.replacingOccurrences(of: "127.0.0.1:9050", with: "127.0.0.1:\(scene.proxy.port)"),
      environment: ["ALL_PROXY": "socks5h://127.0.0.1:1"])
    #expect(outcome.status == 0 && outcome.output.hasPrefix("bob@example.org/"), "\(outcome.error)")
    #expect(scene.proxy.requests == ["xmppexampleonionaddress.onion:5222"])
  }
}
