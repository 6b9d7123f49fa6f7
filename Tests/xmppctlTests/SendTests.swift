import Foundation
import TestSupport
import Testing
import XMPP

/// `send` against Prosody and ejabberd, seen from the receiving end.
@Suite struct SendTests {
  static let servers = ["Prosody", "ejabberd"]
  static let awkward =
    "Grüße, Ünïcödé 🦊👩‍👩‍👧 \u{0301}x ]]> <b>&amp;</b> \"q\" 'a'\n\tnext line \r end \u{202E}\u{2028}"

  @Test("one message, by --message and by stdin, arrives as it was given", arguments: servers)
  func one(name: String) throws {
    let scene = try SendScene(name)
    let first = try scene.send("-m", SendTests.awkward, "--id", "m<1", "--json", scene.to)
    #expect(first.status == 0 && first.error.isEmpty, "\(first.error)")
    #expect(
      try first.results == [["to": .string(scene.to), "id": "m<1", "status": "acknowledged"]],
      "\(first.output)")
    let second = try scene.send(scene.to, input: SendTests.awkward + "\n")
    #expect(second.status == 0 && second.output.isEmpty && second.error.isEmpty, "\(second.error)")
    let arrived = try scene.receiver.messages(2)
    #expect(
      arrived[0].id == "m<1" && arrived[0].type == "chat" && arrived[0].from.hasPrefix(scene.sender.jid))
    for message in arrived {
      #expect(message.body.map { Array($0.utf8) } == Array(SendTests.awkward.utf8), "\(message.xml)")
    }
  }

  @Test("subject, thread, language, type and link arrive, for every recipient")
  func parts() throws {
    let scene = try SendScene()
    let outcome = try scene.send(
      "--subject", "a & b", "--thread", "t1", "--lang", "de", "--type", "headline", "--oob-url",
      "https://x.test/?a=1&b=2",
      "-m", "hallo", "--json", scene.to, "xmpp:" + scene.to)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.results.count == 2)
    let arrived = try scene.receiver.messages(2)
    #expect(arrived[0].id != arrived[1].id)
    for message in arrived {
      #expect(message.type == "headline" && message.body == "hallo")
      for part in [
        "<subject>a &amp; b</subject>", "<thread>t1</thread>", "xml:lang='de'",
        "<url>https://x.test/?a=1&amp;b=2</url>",
      ] { #expect(message.xml.contains(part), "\(part) in \(message.xml)") }
    }
  }

  @Test(
    "to a user who does not exist: 1 and the condition, also where the server acknowledges first",
    arguments: servers)
  func nobody(name: String) throws {
    let scene = try SendScene(name)
    let nobody = "nobody@" + scene.sender.domain
    let outcome = try scene.send("-m", "hi", "--id", "m1", "--json", nobody)
    #expect(outcome.status == 1)
    let result = try outcome.results[0]
    #expect(result["status"] == "failed" && result["error"]["condition"] == "service-unavailable")
    #expect(
      outcome.error.hasPrefix(
        "xmppctl: send: stanza: the message m1 to \(nobody) was refused: service-unavailable"))
    #expect(outcome.error.filter { $0 == "\n" }.count == 1)
    let mixed = try scene.send("-m", "hi", "--json", nobody, scene.to, nobody)
    #expect(mixed.status == 1 && mixed.error.hasSuffix("2 stanzas of 3 refused\n"), "\(mixed.error)")
    #expect(try mixed.results.map { $0["status"] } == ["failed", "acknowledged", "failed"])
  }

  @Test("to a domain that cannot be reached: whoever waits for a receipt hears of it", arguments: servers)
  func unreachable(name: String) throws {
    let outcome = try SendScene(name).send("-m", "hi", "--confirm", "receipt", "x@unreachable.test")
    #expect(outcome.status == 1)
    #expect(outcome.error.contains("to x@unreachable.test was refused: remote-server-"), "\(outcome.error)")
  }

  @Test("a receipt is the recipient's word; where none comes, the deadline ends it", arguments: servers)
  func receipts(name: String) throws {
    let answering = try SendScene(name, answersReceipts: true)
    let good = try answering.send("-m", "hi", "--confirm", "receipt", "--json", answering.to)
    #expect(good.status == 0, "\(good.error)")
    #expect(try good.results[0]["status"] == "received")
    let silent = try SendScene(name)
    let bad = try silent.send(
      "-m", "hi", "--confirm", "receipt", "--json", "--id", "m1", silent.to, within: 3)
    #expect(bad.status == 75)
    #expect(try bad.results[0]["status"] == "acknowledged", "the server has it")
    #expect(bad.error.contains("no receipt, the server has it: m1 to \(silent.to)\n"), "\(bad.error)")
  }

  @Test("a message of 1 MB arrives whole where the server takes it; else the id is listed")
  func large() throws {
    let text = String(repeating: "0123456789abcdef", count: 65_536)
    let scene = try SendScene("ejabberd")
    let outcome = try scene.send(scene.to, input: text)
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try scene.receiver.messages()[0].body == text)
    let refusing = try SendScene().send("--id", "big", "bob@example.test", input: text)
    #expect(refusing.status == 76)
    #expect(refusing.error.contains("unconfirmed: big to bob@example.test\n"))
    #expect(refusing.error.contains("policy-violation"), "\(refusing.error)")
  }

  @Test("--lines and --ndjson: each in its order, results too; an empty line is none", arguments: servers)
  func lines(name: String) throws {
    let scene = try SendScene(name)
    let numbers = (1...200).map(String.init)
    let lines = try scene.send(
      "--lines", "--json", scene.to, input: numbers.joined(separator: "\n\n") + "\n\n")
    #expect(lines.status == 0, "\(lines.error)")
    #expect(try lines.results.count == 200)
    #expect(try scene.receiver.messages(200).map { $0.body ?? "" } == numbers)
    let objects = numbers.map {
      "{\"to\":\"\(scene.to)\",\"id\":\"n\($0)\",\"body\":\"\\ud83e\\udd8a \($0)\",\"type\":\"normal\"}\n"
    }
    let ndjson = try scene.send("--ndjson", "--json", input: objects.joined())
    #expect(ndjson.status == 0, "\(ndjson.error)")
    #expect(try ndjson.results.map { $0["id"] } == numbers.map { .string("n\($0)") })
    let arrived = try scene.receiver.messages(400)[200...]
    #expect(arrived.map(\.id) == numbers.map { "n\($0)" } && arrived.last?.body == "🦊 200")
  }

  @Test("--ndjson: many, all of them arrived, in little memory")
  func flood() throws {
    try SendFlood(count: 5000).run()
  }

  @Test(
    "S9: a server killed in the middle: every id is acknowledged and has arrived, or is listed",
    arguments: [true, false])
  func kill(restarts: Bool) throws { try SendFlood(count: 4000).runWithKill(restarts: restarts) }

  @Test(
    "--xml: ping, disco, version, publish; each answer with its iq, as XML and as JSON", arguments: servers)
  func xml(name: String) throws {
    let scene = try SendScene(name)
    let domain = scene.sender.domain
    let input = """
      <?xml version='1.0' encoding='UTF-8'?>
      <iq type='get' id='1' to='\(domain)'><ping xmlns='urn:xmpp:ping'/></iq>
      <iq type='get' id='2' to='\(domain)'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>
      <presence xmlns='jabber:client'/><iq type='get' id='3' to='\(domain)'><query xmlns='jabber:iq:version'/></iq>
      <message id='4' to='\(scene.to)'><body>by XML</body></message>
      <iq type='set' id='5'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:x:test'>\
      <item id='i1'><x xmlns='u:x'>1</x></item></publish></pubsub></iq>
      """
    let xml = try scene.send("--xml", input: input)
    #expect(xml.status == 0, "\(xml.error)")
    let replies = xml.output.split(separator: "\n")
    #expect(replies.count == 4 && replies.allSatisfy { $0.hasPrefix("<iq ") && $0.contains("type='result'") })
    #expect(
      replies[1].contains("<feature var='urn:xmpp:ping'/>")
        && replies[3].contains("publish node='urn:x:test'"))
    #expect(try scene.receiver.messages()[0].body == "by XML")

    let json = try scene.send("--xml", "--json", input: input)
    #expect(json.status == 0)
    let results = try json.results
    #expect(
      results.map { $0["status"] } == [
        "received", "received", "acknowledged", "received", "acknowledged", "received",
      ])
    #expect(results[0]["reply"]["stanza"] == "iq" && results[0]["reply"]["id"] == "1")
    #expect(results[3]["reply"]["payload"][0]["namespace"] == "jabber:iq:version")
    let refused = try scene.send(
      "--xml", "--json", input: "<iq type='get' id='9' to='\(domain)'><x xmlns='u:x'/></iq>")
    #expect(refused.status == 1)
    #expect(
      try refused.results[0]["reply"]["error"]["condition"] == "service-unavailable", "\(refused.output)")
  }

  @Test("as cron starts it: no terminal, an empty environment but HOME and PATH")
  func cron() throws {
    let scene = try SendScene()
    let folder = try TemporaryFolder()
    try folder.write("password", SendScene.password + "\n")
    let way = scene.way.map { "\"\($0)\"" }.joined(separator: ", ")
    #expect(way.contains("--cacert"))
    try folder.write(
      ".config/xmppctl/config.json5",
      """
      {default: "me", accounts: {me: {jid: "\(scene.sender.jid)", password_file: "\(folder.path("password"))",
        connect_to: "\(scene.way[1])", cacert: "\(scene.way[3])"}}}
      """, mode: 0o600)
    let outcome = try Program("/usr/bin/env").run([
      "-i", "HOME=\(folder.path)", "PATH=/usr/bin:/bin", "setsid", "-w", "/bin/sh", "-c",
      "echo hi | \(Program.xmppctl.path) send \(scene.to); echo $?",
    ])
    #expect(outcome.output == "0\n" && outcome.error.isEmpty, "\(outcome.error)")
    #expect(try scene.receiver.messages()[0].body == "hi")
  }
}
