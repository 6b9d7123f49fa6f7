import Testing
import XMPP

@testable import TestSupport

/// The runner of transcripts sees what a client does otherwise than written.
@Suite struct TranscriptRunnerTests {
  private let text = """
    # a comment
    C: <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='a'
         version='1.0'>
    S: <stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1'>

    C: <iq id='{id}'>
         <q xmlns='x'>{text}</q>
       </iq>
    S: <iq id='{id}'/>
    C: <iq id='{id}'/>
    C: </stream:stream>
    """

  private func departure(_ sent: String) throws -> String? {
    var connection = ScriptedPeer.Connection()
    connection.bytes = Array(
      ("<?xml version='1.0'?><stream:stream version=\"1.0\" to=\"a\" xmlns:stream='http://etherx.jabber.org/streams'"
        + " xmlns=\"jabber:client\">" + sent).utf8)
    return try Transcript(text: text).departure(of: connection)
  }

  @Test func aDialogueAsWrittenIsNoDeparture() throws {
    #expect(try departure("<iq id='7'><q xmlns='x'>y</q></iq> <iq id=\"8\"></iq></stream:stream>\n") == nil)
  }

  @Test(arguments: [
    "", "<iq id='7'><q xmlns='x'>y</q></iq>", "<iq id='7'><q xmlns='x'>y</q></iq></stream:stream>",
    "<iq id='7'><q xmlns='x'/></iq><iq id='7'/></stream:stream>",
    "<iq id='7'><q>y</q></iq><iq id='7'/></stream:stream>",
    "<iq id=''><q xmlns='x'>y</q></iq><iq id='7'/></stream:stream>",
    "<iq id='7' to='a'><q xmlns='x'>y</q></iq><iq id='7'/></stream:stream>",
    "<iq id='7'><q xmlns='x'>y</q><r/></iq><iq id='7'/></stream:stream>",
    "<message id='7'><q xmlns='x'>y</q></message><iq id='7'/></stream:stream>",
    "<iq id='7'><q xmlns='x'>y</q></iq><iq id='7'/><iq/></stream:stream>",
    "<iq id='7'><q xmlns='x'>y</q></iq><iq id='7'/></stream:stream><more/>",
  ])
  func whateverElseIsOne(sent: String) throws { #expect(try departure(sent) != nil) }

  @Test(arguments: [" goes on with nothing", "X: <a/>", "TLS\n and more", "C:<a/>"])
  func refusesWhatIsNoTranscript(text: String) {
    #expect(throws: SupportFailure.self) { _ = try Transcript(text: text) }
  }

  @Test func aServerAnswersWithWhatItWasTold() throws {
    let certificate = try TestCertificates().leaf("a")
    let peer = try ScriptedPeer(try Transcript(text: text).script(tls: TestTLSServer(certificate)))
    let header =
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='a' version='1.0'>"
    let received = try PlainStream.converse(
      peer.port,
      [(header, "id='1'>"), ("<iq id='q7'><q xmlns='x'>y</q></iq>", "<iq id='q7'/>")])
    #expect(received.hasSuffix("<iq id='q7'/>"))
    #expect(throws: ScriptedPeer.ScriptFailure.self) { try peer.finish() }
  }
}
