import Foundation
import TestSupport
import Testing
import XMPP

/// What a server may not send, and what it may, seen from outside; without TLS, since nothing here depends on it.
@Suite struct XMLRowsTests {
  /// A server that says this at once and then keeps the connection open.
  private func answer(
    _ bytes: [UInt8], then ending: LoopbackPort.Ending = .silence, at place: SourceLocation = #_sourceLocation
  ) throws -> Row {
    let port = try LoopbackPort(.greeting(bytes, then: ending))
    let way = ["--connect-to", "127.0.0.1:\(port.port)", "--tls", "none", "--max-time", "15", "example.org"]
    let row = try Row(way, at: place)
    #expect(row.outcome.duration < .seconds(10), sourceLocation: place)
    return row
  }

  private func answer(_ text: String, at place: SourceLocation = #_sourceLocation) throws -> Row {
    try answer(Array(text.utf8), at: place)
  }

  /// The same, inside the stream features.
  private func inFeatures(_ bytes: [UInt8], at place: SourceLocation = #_sourceLocation) throws -> Row {
    try answer(Array((Dialogue.header() + "<stream:features>").utf8) + bytes, at: place)
  }

  private static let root =
    "<stream:stream xmlns='jabber:client' id='s' from='example.org' version='1.0' "
    + "xmlns:stream='http://etherx.jabber.org/streams'>"
  private static let bomb =
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;&b;'>]>"

  @Test(
    "X1: a document type or an entity ends it at once",
    arguments: [
      bomb + root, "<?xml version='1.0'?>" + bomb + root, "<!DOCTYPE html><html>", root + bomb,
      root + "<stream:features><!ENTITY a 'b'>", root + "<stream:features><a>&lol;</a>",
      root + "<stream:features><a b='&lol;'/>",
    ])
  func entities(text: String) throws { try answer(text).fails(.protocolViolation, .stream, "restricted-xml") }

  @Test(
    "X2: a comment or a processing instruction ends it at once",
    arguments: [
      "<!-- hello -->" + root, root + "<!-- hello -->", root + "<stream:features><!---->",
      root + "<?php echo ?>",
      root + "<stream:features><?x?>", "<?xml-stylesheet href='x'?>" + root,
    ])
  func restricted(text: String) throws {
    try answer(text).fails(.protocolViolation, .stream, "restricted-xml")
  }

  @Test("X3: UTF-8 alone, without a byte order mark")
  func encodings() throws {
    for encoding in ["UTF-16", "ISO-8859-1", "UTF-7", "EBCDIC-CP-US"] {
      try answer("<?xml version='1.0' encoding='\(encoding)'?>" + XMLRowsTests.root)
        .fails(.protocolViolation, .stream, "unsupported-encoding")
    }
    try answer("\u{FEFF}" + XMLRowsTests.root).fails(.protocolViolation, .stream, "unsupported-encoding")
    for (mark, encoding) in [([0xFF, 0xFE], .utf16LittleEndian), ([0xFE, 0xFF], .utf16BigEndian)]
      as [([UInt8], String.Encoding)]
    {
      let text = try #require(XMLRowsTests.root.data(using: encoding))
      try answer(mark + Array(text)).fails(.protocolViolation, .stream)
    }
    let row = try answer(
      "<?xml version='1.0' encoding='utf-8'?>" + XMLRowsTests.root + Dialogue.features(Dialogue.plain))
    row.succeeds()
  }

  @Test(
    "X4: what is no UTF-8, and what XML cannot carry, ends it",
    arguments: [
      [0xFF], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80], [0x00],
      [0x1B],
      [0xEF, 0xBF, 0xBE], [0xEF, 0xBF, 0xBF], Array("&#0;".utf8), Array("&#x1F;".utf8),
      Array("&#xFFFE;".utf8),
      Array("&#xD800;".utf8),
    ] as [[UInt8]])
  func characters(bytes: [UInt8]) throws {
    for (before, after) in [
      ("<a xmlns='b'>", "</a></stream:features>"), ("<a xmlns='", "'/></stream:features>"),
    ] {
      try inFeatures(Array(before.utf8) + bytes + Array(after.utf8)).fails(.protocolViolation, .stream)
    }
  }

  @Test(
    "X5: a prefix without a declaration ends it",
    arguments: ["<y:a/>", "<a y:b='c'/>", "<a><y:b xmlns:z='q'/></a>"])
  func prefixes(text: String) throws {
    try inFeatures(Array((text + "</stream:features>").utf8)).fails(.protocolViolation, .stream)
  }

  @Test("X6: 10,000 levels end it at the limit")
  func levels() throws {
    let text = String(repeating: "<a>", count: 10_000) + String(repeating: "</a>", count: 10_000)
    try inFeatures(Array((text + "</stream:features>").utf8))
      .fails(.protocolViolation, .stream, "policy-violation")
  }

  @Test("X7: of 200 MB of text no more than the limit is taken, in little memory")
  func endless() throws {
    let piece = ScriptedPeer.Step.sendBytes([UInt8](repeating: UInt8(ascii: "a"), count: 1 << 20))
    let start = Dialogue.header() + "<stream:features><x>"
    let peer = try ScriptedPeer(.opened(start) + Array(repeating: piece, count: 200) + [.silence])
    let command = ["-c", "ulimit -v 300000; exec \"$@\"", "sh", Program.xmppctl.path, "features", "--json"]
    let row = try Row(try Program("/bin/sh").run(command + peer.way("none")))
    row.fails(.protocolViolation, .stream, "policy-violation")
    // It left in the middle of the script.
    #expect(throws: ScriptedPeer.ScriptFailure.self) { try peer.finish() }
  }

  @Test("X7: 20,000 attributes, endless elements, a tag or a name that never ends: each ends at its limit")
  func limits() throws {
    // More than a tag may have, and less than an element may.
    let much = [UInt8](repeating: UInt8(ascii: "a"), count: 5 << 18)
    for before in ["<", "<x a='", "<x ", "</"] {
      let row = try inFeatures(Array(before.utf8) + much)
      row.fails(.protocolViolation, .stream, "policy-violation")
      #expect(row.message.contains("a tag of more than "), "\(row.message)")
    }
    let attributes = (0..<20_000).map { " a\($0)='b'" }.joined()
    try inFeatures(Array("<x\(attributes)/></stream:features>".utf8))
      .fails(.protocolViolation, .stream, "policy-violation")
    let elements = try inFeatures(Array(String(repeating: "<x/>", count: 66_000).utf8))
    elements.fails(.protocolViolation, .stream, "policy-violation")
    #expect(elements.message.contains("elements and attributes in one stanza"), "\(elements.message)")
    try answer(Array("<?xml version='1.0'".utf8) + [UInt8](repeating: 0x20, count: 2 << 20))
      .fails(.protocolViolation, .stream)
  }

  @Test("X7: 10,000 bytes always pass, whole")
  func enough() throws {
    let text = String(repeating: "x", count: 9_800)
    let row = try answer(Dialogue.header() + Dialogue.features("<a xmlns='urn:b'>\(text)</a>"))
    row.succeeds()
    #expect((row["stages.0.features.0.xml"] ?? "").contains(text))
  }

  @Test(
    "X10: after a broken element nothing is parsed any more",
    arguments: ["<a></b>", "<a b=c/>", "</a>", "<a", "<a b='<'/>", "<a b='1' b='2'/>", "<1/>", "]]>"])
  func broken(text: String) throws {
    let rest = "</stream:features>" + Dialogue.features(Dialogue.plain) + Dialogue.end
    let row = try inFeatures(Array((text + rest).utf8))
    row.fails(.protocolViolation, .stream)
    #expect(row.count("stages") == 1 && !row.has("stages.0.features"))
  }

  @Test("X11: one byte at a time, before TLS and in it, gives the same output")
  func bytewise() throws {
    let header = Dialogue.header("id='s' from='example.org' version='1.0' xml:lang='en'")
    let rich =
      "<a xmlns='urn:ä€😀' b=\"'&lt;&#x9b;\"><![CDATA[<&]]x]]></a>" + Dialogue.plain
      + "<e:f xmlns:e='urn:g'>&amp;\r\n</e:f>"
    let server = try Certificates.server
    func report(_ send: (String) -> ScriptedPeer.Step) throws -> Row {
      let peer = try ScriptedPeer([
        .expectHeader, send(header + Dialogue.features(Dialogue.startTLS + rich)), .expectElement,
        send(Dialogue.proceed), .tls(server), .expectHeader, send(header + Dialogue.features(rich)), .silence,
      ])
      let row = try Row(peer.way("starttls", try Certificates.trusted))
      try peer.finish()
      row.succeeds()
      return row
    }
    let whole = try report { .send($0) }
    let single = try report { .dribble(Array($0.utf8), count: 1, seconds: 0) }
    func stages(_ row: Row) throws -> Data {
      let stages: [Any] = try #require(row["stages"])
      return try JSONSerialization.data(withJSONObject: stages, options: .sortedKeys)
    }
    #expect(try stages(whole) == stages(single))
    #expect(whole.count("stages.1.features") == 3)
    #expect(single.outcome.processorTime < .seconds(5))
  }

  @Test("X11: a broken stream cut into single bytes fails in the same words")
  func bytewiseFailure() throws {
    let text = Dialogue.header() + "<stream:features><a>\u{FFFE}"
    let whole = try answer(text).message
    let peer = try ScriptedPeer([.expectHeader, .dribble(Array(text.utf8), count: 1, seconds: 0), .silence])
    let row = try Row(peer.way("none"))
    row.fails(.protocolViolation, .stream)
    #expect(row.message == whole)
    try peer.finish()
  }

  @Test("X15: a combining mark behind <, ' or \" from a server changes nothing")
  func combining() throws {
    for mark in ["\u{338}", "\u{301}", "\u{20D2}"] {
      let value = "&lt;\(mark)&apos;\(mark)&quot;\(mark)&gt;\(mark)&amp;\(mark)"
      let content =
        "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>\(value)</mechanism></mechanisms>"
        + "<a xmlns='urn:b' c='\(value)'/>"
      let row = try answer(Dialogue.header() + Dialogue.features(content))
      row.succeeds()
      let plain = "<\(mark)'\(mark)\"\(mark)>\(mark)&\(mark)"
      let shown: String = try #require(row["stages.0.features.0.values.0"])
      #expect(shown.utf8.elementsEqual(plain.utf8))
      let xml: String = try #require(row["stages.0.features.1.xml"])
      #expect(xml.utf8.filter { $0 == UInt8(ascii: "<") }.count == 1, "\(xml)")
      #expect(Data(xml.utf8).range(of: Data("&lt;\(mark)".utf8)) != nil)
    }
  }

  @Test("X15: a domain with markup in it is refused before anything is sent")
  func combiningDomain() throws {
    let port = try LoopbackPort(.silent)
    for domain in ["a<\u{321}", "'\u{338}'", "\"\u{301}", "a'/><b"] {
      let outcome = try Program.xmppctl.run([
        "features", "--connect-to", "127.0.0.1:\(port.port)", "--tls", "none", "--max-time", "5", domain,
      ])
      #expect(outcome.status == XMPP.ExitStatus.data.rawValue, "\(outcome.error)")
      expectHarmless(outcome)
    }
    #expect(port.accepted == 0)
  }
}
