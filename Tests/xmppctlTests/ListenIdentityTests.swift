import Foundation
import TestSupport
import Testing

/// Who says something to `listen`, and who only seems to.
@Suite struct ListenIdentityTests {
  @Test("I3: an answer with a guessed id or from somebody else is none, and our ids are random")
  func answers() throws {
    let scene = try ListenScene(
      ["--json", "--type", "message", "--since", "5", "--count", "1"],
      .raw { talk in
        try ListenScene.Part.bind(talk)
        try ListenScene.Part.enable(talk)
        let question = try talk.await("urn:xmpp:mam:2")
        let id = String(LoginScene.id(of: question))
        guard id.wholeMatch(of: #/[0-9a-f]{32}/#) != nil else { throw SupportFailure("a poor id: \(id)") }
        func fin(_ id: String, _ from: String?) -> String {
          "<iq type='result' id='\(id)'\(from.map { " from='\($0)'" } ?? "")><fin xmlns='urn:xmpp:mam:2' complete='true'>"
            + "<set xmlns='http://jabber.org/protocol/rsm'/></fin></iq>"
        }
        let others = ["eve@example.net/x", "bob@example.net", "example.net", "bob@example.org/other", "org"]
        for from in others { try talk.send(fin(id, from)) }
        for guess in ["1", "", id.uppercased(), id + "0", String(id.dropLast()), "\u{FEFF}" + id] {
          try talk.send(fin(guess, "bob@example.org"))
        }
        // Until all of it is dealt with there is neither a presence nor another question.
        var next = ""
        while !next.contains("h='\(others.count + 6)'") {
          try talk.send(ListenScene.request)
          next = try talk.element()
          guard next.contains("<a ") else {
            throw SupportFailure("a forgery is taken for the answer: \(next)")
          }
        }
        try talk.send(fin(id, "bob@example.org"))
        // The last messages are counted first, then read.
        for _ in 0..<2 {
          let question = try talk.await("urn:xmpp:mam:2")
          try talk.send(fin(String(LoginScene.id(of: question)), nil))
        }
        try talk.send(ListenScene.messages(1...1))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ["text 1"])
    try scene.peer.finish()
  }

  @Test("I4: ids and senders that are only canonically equal are different")
  func canonical() throws {
    let (composed, decomposed) = ("\u{E9}", "e\u{301}")
    let scene = try ListenScene(
      ["--json", "--receipts", "--type", "message", "--count", "3"],
      .new { talk in
        for (number, id) in [composed, decomposed].enumerated() {
          try talk.send(
            "<message from='alice@example.org/\(id)' type='chat' id='\(id)'><body>text \(number + 1)</body>"
              + "<stanza-id xmlns='urn:xmpp:sid:0' id='\(id)' by='bob@example.org'/>"
              + "<request xmlns='urn:xmpp:receipts'/></message>")
          let receipt = try talk.await("<received ")
          guard Array(receipt.utf8).firstRange(of: Array("id='\(id)'/".utf8)) != nil else {
            throw SupportFailure("another id is received: \(receipt)")
          }
        }
        try talk.send(ListenScene.messages(3...3))
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0, "\(outcome.error)")
    #expect(try ListenScene.bodies(outcome.output) == ListenScene.texts(1...3))
    try scene.peer.finish()
  }

  @Test("I6: an event of somebody else's is a line and nothing else")
  func event() throws {
    let event = "<event xmlns='http://jabber.org/protocol/pubsub#event'>"
    let scene = try ListenScene(
      ["--xml", "--receipts", "--carbons", "--count", "3"],
      .new { talk in
        for item in [
          "<items node='urn:xmpp:bookmarks:1'><item id='den@rooms.example.org'><conference"
            + " xmlns='urn:xmpp:bookmarks:1' autojoin='true'/></item></items>",
          "<items node='http://jabber.org/protocol/nick'><item><nick xmlns='http://jabber.org/protocol/nick'>x"
            + "</nick></item></items>", "<configuration node='urn:x'/>",
        ] {
          try talk.send("<message from='eve@example.net' id='e'>\(event)\(item)</event></message>")
        }
        try talk.awaitHandled(3)
      })
    let outcome = try scene.program.wait()
    #expect(outcome.status == 0 && outcome.output.split(separator: "\n").count == 3)
    let sent = try #require(try scene.peer.finish().first).text
    let behind = try #require(sent.range(of: "<presence")).upperBound
    #expect(!sent[behind...].contains("<message") && !sent[behind...].contains("<iq"))
    #expect(!sent[behind...].contains("<presence to"))
  }
}
