import Foundation
import TestSupport
import Testing
import XMPP

/// What somebody does who can send stanzas to us, and no more.
@Suite struct StrangerRowsTests {
  @Test("I2: a roster push from a stranger, or another resource's, is refused and changes nothing")
  func rosterPush() throws {
    let scene = try ListenScene(
      ["--xml", "--count", "5"],
      .new { talk in
        let push = "<query xmlns='jabber:iq:roster'><item jid='eve@example.net' subscription='both'/></query>"
        let strangers = ["eve@example.net/x", "example.net", "bob@example.net", "bob@example.org/phone"]
        for from in strangers {
          try talk.send("<iq type='set' id='r' from='\(from)'>\(push)</iq>")
          let answer = try talk.await("<iq ")
          guard answer.contains("service-unavailable"), answer.contains("to='\(from)'") else {
            throw SupportFailure("a push of \(from) was answered with \(answer)")
          }
        }
        for from in ["", " from='bob@example.org'"] {
          try talk.send("<iq type='set' id='own'\(from)>\(push)</iq>")
          guard try talk.await("<iq ").contains("type='result'") else {
            throw SupportFailure("the own account's push is refused")
          }
        }
        try talk.send(ListenScene.messages(1...1))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    // The strangers' are lines; the own account's are not.
    #expect(outcome.output.split(separator: "\n").count == 5 && !outcome.output.contains("own"))
    try scene.peer.finish()
  }

  @Test("I3: ids are fresh in each run")
  func freshIDs() throws {
    var ids: [String] = []
    for _ in 0..<2 {
      var scene = try LoginScene("SCRAM-SHA-256")
      scene.sasl.bindsChannels = false
      let login = try scene.play()
      login.binds()
      ids += login.sent.matches(of: #/<iq [^>]*id='([^']*)'/#).map { String($0.1) }
      ids += login.firstMessage.matches(of: #/r=([^,]*)/#).map { String($0.1) }
    }
    #expect(ids.count == 4 && Set(ids).count == 4, "\(ids)")
    #expect(ids.allSatisfy { $0.utf8.count >= 20 }, "\(ids)")
  }

  @Test(
    "I5: while the archive is read, another sender's result is a message like any other, and one of another query has no line"
  )
  func archive() throws {
    let scene = try ListenScene(
      ["--json", "--since", "2020-01-01", "--count", "10"],
      .raw { talk in
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        for last in ["a1", nil] {
          let question = try talk.await("urn:xmpp:mam:2")
          let query = question.firstMatch(of: #/queryid='([^']*)'/#).map { String($0.1) } ?? ""
          func result(_ from: String, _ query: String, _ body: String) -> String {
            "<message\(from)><result xmlns='urn:xmpp:mam:2' id='\(body)' queryid='\(query)'>"
              + "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@example.org/x'>"
              + "<body>\(body)</body></message></forwarded></result></message>"
          }
          for from in ["eve@example.net/x", "example.org", "bob@example.org/phone", "bob@example.net"] {
            try talk.send(result(" from='\(from)'", query, "forged"))
          }
          for guess in ["", "1", query.uppercased(), String(query.dropLast())] {
            try talk.send(result(" from='bob@example.org'", guess, "forged"))
          }
          if last != nil { try talk.send(result("", query, "a1")) }
          try talk.send(
            "<iq type='result' id='\(LoginScene.id(of: question))'><fin xmlns='urn:xmpp:mam:2' complete='true'>"
              + "<set xmlns='http://jabber.org/protocol/rsm'>\(last.map { "<last>\($0)</last>" } ?? "")</set>"
              + "</fin></iq>")
        }
        try talk.send(ListenScene.messages(1...1))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    let strangers = Array(repeating: "-", count: 4)
    #expect(try ListenScene.bodies(outcome.output) == strangers + ["a1"] + strangers + ["text 1"])
    try scene.peer.finish()
  }

  @Test("I12: a receipt from somebody else confirms nothing")
  func receipt() throws {
    var scene = try LoginScene("SCRAM-SHA-256")
    scene.command = "send"
    scene.sasl.bindsChannels = false
    scene.options = ["-m", "hi", "--id", "m1", "--confirm", "receipt", "bob@example.org", "--max-time", "3"]
    scene.after = LoginScene.binds(then: { talk in
      try talk.await("<message")
      let ping = LoginScene.id(of: try talk.await("urn:xmpp:ping"))
      for from in ["eve@example.net/x", "bob@example.net", "example.org", "bob@example.org.evil.test"] {
        try talk.send("<message from='\(from)'><received xmlns='urn:xmpp:receipts' id='m1'/></message>")
      }
      for id in ["m2", "M1", ""] {
        try talk.send(
          "<message from='bob@example.org/x'><received xmlns='urn:xmpp:receipts' id='\(id)'/></message>")
      }
      try talk.send("<iq type='result' id='\(ping)' from='example.org'/>")
    })
    let started = try scene.start()
    let outcome = try started.program.finish()
    #expect(outcome.status == 75, "\(outcome.error)")
    #expect(try outcome.statuses["m1"] != "received")
    try started.peer.finish()
  }

  @Test("I10: parts of 1,024 bytes and a false xn-- from the user; such senders are shown, and nobody's")
  func addresses() throws {
    let part = String(repeating: "a", count: 1024)
    let domain = String(repeating: "a", count: 64) + ".org"
    for address in [
      "\(part)@example.org", "a@example.org/\(part)", "a@\(domain)", "a@xn--\u{E9}.org", "xn--a-",
    ] {
      let outcome = try Program.xmppctl.run(
        ["send", "-m", "x", "--jid", "alice@example.org", "--connect-to", "127.0.0.1:1", address],
        environment: ListenScene.environment)
      #expect(outcome.status == 65 && outcome.output.isEmpty, "\(address.prefix(20)) \(outcome.error)")
    }
    let longest = String(part.dropLast())
    let senders = [
      "\(part)@example.org", "eve@xn--a-/x", "@example.org", "a@b/c@d", "\(longest)@example.org",
    ]
    let scene = try ListenScene(
      ["--json", "--carbons", "--count", "\(senders.count)"],
      .new { talk in
        for (number, from) in senders.enumerated() {
          try talk.send("<message from='\(from)' id='m'><body>text \(number + 1)</body></message>")
        }
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try outcome.results.map { $0["from"] } == senders.map { JSON.string($0) })
    try scene.peer.finish()
  }
}
