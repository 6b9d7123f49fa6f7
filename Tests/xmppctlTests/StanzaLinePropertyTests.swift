import Foundation
import TestSupport
import Testing
import XMPP

@testable import xmppctl

@Suite struct StanzaLinePropertyTests {
  @Test("C1, I4, X15: from the line of any stanza the stanza can be made again, and nothing in it is raw")
  func nothingIsLost() throws {
    var lines = StanzaLine(.json)
    var text = StanzaLine(.text)
    var xml = StanzaLine(.xml)
    for seed in 0..<1500 as Range<UInt64> {
      var random = RandomStanza(seed: seed)
      let made = try random.stanza()
      let stanza = try #require(try stanzas(made.element.xml).first)
      try #require(stanza == made, "seed \(seed)")
      let line = lines.line(stanza, received)
      #expect(isHarmlessLine(line), "seed \(seed)")
      #expect(isHarmlessTextLine(text.line(stanza, received)), "seed \(seed)")
      let rebuilt = StanzaForm(line: try #require(StrictJSON(line)))
      #expect(
        rebuilt == StanzaForm(stanza),
        "seed \(seed): \(made.element.xml) \(String(decoding: line, as: UTF8.self))")

      let raw = xml.line(stanza, received)
      #expect(isHarmlessLine(raw), "seed \(seed)")
      #expect(try stanzas(String(decoding: raw, as: UTF8.self)) == [stanza], "seed \(seed)")
    }
  }

  @Test func whatIsDeepIsShownAsXML() throws {
    let deep = 200
    let tree =
      "<message>" + String(repeating: "<a xmlns='urn:a'>", count: deep) + "x"
      + String(repeating: "</a>", count: deep)
      + "</message>"
    var lines = StanzaLine(.json)
    let line = lines.line(try #require(try stanzas(tree).first), received)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
    var levels = 0
    var next = (object["payload"] as? [Any])?.first as? [String: Any]
    while let element = next {
      levels += 1
      if let xml = element["xml"] as? String {
        #expect(levels == 50 && xml.components(separatedBy: "<a").count - 1 == deep - 49)
      }
      next = (element["children"] as? [Any])?.first as? [String: Any]
    }
    #expect(levels == 50)
  }
}

/// Stanzas as strange as XML allows, the same for each seed.
private struct RandomStanza {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  mutating func stanza() throws -> Stanza {
    let kind = pick(Stanza.Kind.allCases)
    let isError = chance(4)
    var attributes: [Attribute] = []
    if isError {
      attributes.append(Attribute("type", "error"))
    } else if chance(2) {
      attributes.append(Attribute("type", word()))
    }
    for name in ["id", "from", "to", "xml:lang", "foo"] where chance(2) {
      attributes.append(Attribute(name, word()))
    }
    if chance(5) { attributes.append(Attribute("type", "urn:p", word())) }
    var nodes: [Element.Node] = []
    for _ in 0..<Int.random(in: 0...6, using: &random) {
      if chance(6) { nodes.append(.text(Text(word()))) }
      nodes.append(.element(child()))
    }
    if isError { nodes.append(.element(error())) }
    let element = make(kind.rawValue, Namespace.client, attributes, nodes)
    return try #require(Stanza(element))
  }

  private mutating func child() -> Element {
    switch Int.random(in: 0..<8, using: &random) {
    case 0..<4:
      let name = pick(["body", "subject", "thread", "show", "status", "priority"])
      var attributes: [Attribute] = []
      if chance(3) { attributes.append(Attribute("xml:lang", word())) }
      if chance(8) { attributes.append(Attribute("x", word())) }
      let content = name == "priority" ? pick(["0", "-1", "127", "+5", "05", "-0", "", "300", " 1"]) : word()
      var nodes: [Element.Node] = content.isEmpty ? [] : [.text(Text(content))]
      if chance(10) { nodes.append(.element(tree(1))) }
      return make(name, chance(10) ? "urn:x" : Namespace.client, attributes, nodes)
    case 4:
      var attributes = [Attribute("stamp", word())]
      if chance(2) { attributes.append(Attribute("from", word())) }
      if chance(5) { attributes.append(Attribute("x", word())) }
      if chance(5) { attributes.removeFirst() }
      return make(
        "delay", Namespace.delay, attributes, chance(2) ? [.text(Text(pick(["why", "\u{202E}"])))] : [])
    default: return tree(3)
    }
  }

  private mutating func error() -> Element {
    var nodes: [Element.Node] = [
      .element(
        make(
          pick(["gone", "conflict"]), Namespace.stanzaErrors, [], chance(3) ? [.text(Text("xmpp:a@b"))] : []))
    ]
    if chance(2) {
      nodes.append(
        .element(
          make(
            "text", Namespace.stanzaErrors, chance(2) ? [Attribute("xml:lang", "en")] : [],
            [.text(Text("why"))])))
    }
    if chance(3) { nodes.append(.element(tree(2))) }
    return make(
      "error", Namespace.client, chance(2) ? [Attribute("type", word()), Attribute("code", "1")] : [], nodes)
  }

  private mutating func tree(_ depth: Int) -> Element {
    var attributes: [Attribute] = []
    if chance(2) { attributes.append(Attribute("a", word())) }
    if chance(4) { attributes.append(Attribute("xml:lang", word())) }
    if chance(4) { attributes.append(Attribute("a", "urn:\u{E9}\u{202E}", word())) }
    var nodes: [Element.Node] = []
    for _ in 0..<Int.random(in: 0...3, using: &random) where depth > 0 {
      // Text next to text is one piece.
      if chance(2) { nodes.append(.text(Text(word() + "."))) }
      nodes.append(.element(tree(depth - 1)))
    }
    if nodes.isEmpty, chance(2) { nodes.append(.text(Text(word() + "."))) }
    return make(
      pick(["x", "body", "q\u{E9}"]), pick(["urn:x", "urn:\u{2028}y", Namespace.client]), attributes, nodes)
  }

  private func make(
    _ name: String, _ namespace: String, _ attributes: [Attribute], _ nodes: [Element.Node]
  ) -> Element {
    Element(name, namespace, attributes: attributes, nodes: nodes)
  }

  private static let pieces = [
    "", "a", "e\u{301}", "\u{E9}", "<\u{301}", "'\u{338}", "\"\u{338}", "\\", "\"", "&", "]]>", "\n", "\r\n",
    "\r", "\t",
    "\u{7F}", "\u{85}", "\u{9B}", "\u{61C}", "\u{200E}", "\u{200F}", "\u{2028}", "\u{2029}", "\u{202A}",
    "\u{202E}",
    "\u{2066}", "\u{2069}", "\u{2027}", "\u{202F}", "\u{A0}", "\u{1F600}", "\u{FFFD}", "\u{FEFF}", "\u{212A}",
    " ",
    "a longer piece of harmless text", "\u{10FFFF}", "\u{D8}\u{C2}\u{E2}",
  ]

  private mutating func word() -> String {
    (0..<Int.random(in: 1...4, using: &random)).map { _ in pick(RandomStanza.pieces) }.joined()
  }

  private mutating func pick<T>(_ values: [T]) -> T {
    values[Int.random(in: 0..<values.count, using: &random)]
  }

  private mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
}
