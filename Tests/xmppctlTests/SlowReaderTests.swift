import Foundation
import TestSupport
import Testing

/// A reader of `listen` that pauses, and a server with the settings of ejabberd's own.
@Suite struct SlowReaderTests {
  @Test("S46: ejabberd ends the session of a reader that pauses; the rest is read from the archive")
  func pause() throws {
    let ejabberd = try Ejabberd(sessions: .stock(unacknowledged: 200))
    let ear = try ejabberd.account("ear")
    let mouth = try Receiver(ejabberd.account("mouth"), port: ejabberd.port(.plain))
    let total = 350
    let listener = try Program.xmppctl.start(
      [
        "listen", "--json", "--type", "chat", "--jid", "\(ear.jid)/desk", "--cacert", ejabberd.caFile,
        "--connect-to", "127.0.0.1:\(ejabberd.port)", "--count", "\(total)", "--verbose",
      ],
      environment: ["XMPPCTL_PASSWORD": ear.password])
    let ping = "<iq type='get' id='there' to='\(ear.jid)/desk'><ping xmlns='urn:xmpp:ping'/></iq>"
    try wait("it is there", within: .seconds(60)) {
      (try? mouth.ask(ping, "there", within: 2))?.contains("type='result'") == true
    }
    // More than a pipe and the listener take, and nobody reads.
    let padding = String(repeating: "x", count: 4000)
    for start in stride(from: 0, to: total, by: 50) {
      try mouth.send(
        (start..<start + 50).map {
          "<message to='\(ear.jid)' id='m\($0)' type='chat'><body>text \($0) \(padding)</body></message>"
        }.joined())
    }
    try wait("the session is ended", within: .seconds(120)) { ejabberd.log.contains("policy-violation") }
    let outcome = try listener.wait(within: .seconds(120))
    // The server resets the connection after its stream error, so the error itself may not be there to be read.
    #expect(outcome.status == 0 && outcome.error.contains("; connecting again"), "\(outcome.error)")
    let numbers = try ListenScene.bodies(outcome.output).map { $0.split(separator: " ")[1] }
    #expect(numbers.count == total && Set(numbers).count == total)
    mouth.close()
    ejabberd.stop()
  }
}
