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
      expectOneLine(line, "seed \(seed)")
      expectOneLine(text.line(stanza, received), "seed \(seed)")
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
      let rebuilt = Rebuilt(object)
      let wire = Rebuilt(stanza)
      #expect(rebuilt == wire, "seed \(seed): \(made.element.xml) \(String(decoding: line, as: UTF8.self))")

      let raw = xml.line(stanza, received)
      expectOneLine(raw, "seed \(seed)")
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

  private func expectOneLine(_ line: [UInt8], _ comment: Comment) {
    #expect(line.last == 0x0A, comment)
    let text = String(decoding: line.dropLast(), as: UTF8.self)
    #expect(text.utf8.elementsEqual(line.dropLast()), comment)
    let raw = text.unicodeScalars.first {
      switch $0.value {
      case 0..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
      default: false
      }
    }
    #expect(raw == nil, comment)
  }
}

/// A stanza in a form that can be compared: what stands in no order (attributes, children of the stanza) is sorted.
private struct Rebuilt: Equatable {
  var kind: String
  var attributes: [String]
  var children: [[UInt8]]
  var text: [UInt8]

  /// From the wire.
  init(_ stanza: Stanza) {
    kind = stanza.kind.rawValue
    var attributes = stanza.element.attributes.map { Rebuilt.attribute($0) }
    if stanza.element.attribute("type") == nil, stanza.kind != .iq {
      attributes.append("type=\(stanza.type)")
    }
    self.attributes = attributes.sorted()
    children = stanza.element.elements.map { Array(Rebuilt.canonical($0).utf8) }.sorted {
      $0.lexicographicallyPrecedes($1)
    }
    let text = stanza.element.text
    self.text = text.allSatisfy { " \t\n\r\r\n".contains($0) } ? [] : Array(text.utf8)
  }

  /// From the line.
  init(_ object: [String: Any]) {
    kind = object["stanza"] as? String ?? ""
    var attributes = Rebuilt.attributes(object["attrs"])
    for key in ["type", "id", "from", "to"] {
      if let value = object[key] as? String { attributes.append("\(key)=\(value)") }
    }
    if let value = object["lang"] as? String { attributes.append("xml:lang=\(value)") }
    self.attributes = attributes.sorted()

    var children: [String] = []
    func add(_ name: String, _ attributes: [String], _ text: String) {
      children.append(
        Rebuilt.form(name, Namespace.client, attributes, text.isEmpty ? [] : [Rebuilt.quoted(text)]))
    }
    for (key, list, name) in [
      ("subject", "subjects", "subject"), ("body", "bodies", "body"), ("status", "statuses", "status"),
    ] {
      if let all = object[list] as? [[String: String]] {
        for text in all { add(name, text["lang"].map { ["xml:lang=\($0)"] } ?? [], text["text"] ?? "") }
      } else if let text = object[key] as? String {
        add(name, [], text)
      }
    }
    for key in ["thread", "show"] {
      if let text = object[key] as? String { add(key, [], text) }
    }
    if let number = object["priority"] as? Int { add("priority", [], String(number)) }
    if let delay = object["delay"] as? [String: String] {
      let attributes = ["stamp", "from"].compactMap { key in delay[key].map { "\(key)=\($0)" } }
      children.append(
        Rebuilt.form("delay", Namespace.delay, attributes, delay["reason"].map { [Rebuilt.quoted($0)] } ?? [])
      )
    }
    if let error = object["error"] as? [String: Any] { children.append(Rebuilt.error(error)) }
    for element in object["payload"] as? [Any] ?? [] { children.append(Rebuilt.canonical(json: element)) }
    self.children = children.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    text = Array((object["text"] as? String ?? "").utf8)
  }

  private static func error(_ error: [String: Any]) -> String {
    var attributes = Rebuilt.attributes(error["attrs"])
    for key in ["type", "by"] {
      if let value = error[key] as? String { attributes.append("\(key)=\(value)") }
    }
    let payload = error["payload"] as? [[String: Any]] ?? []
    var children = payload.map { canonical(json: $0) }
    let condition = error["condition"] as? String ?? ""
    if !payload.contains(where: {
      $0["name"] as? String == condition && $0["namespace"] as? String == Namespace.stanzaErrors
    }) {
      children.append(form(condition, Namespace.stanzaErrors, [], []))
    }
    if let text = error["text"] as? String {
      let lang = error["lang"] as? String
      children.append(
        form(
          "text", Namespace.stanzaErrors, lang.map { ["xml:lang=\($0)"] } ?? [],
          text.isEmpty ? [] : [quoted(text)]))
    }
    return form("error", Namespace.client, attributes, children)
  }

  private static func canonical(_ element: Element) -> String {
    let children = element.children.map { child in
      switch child {
      case .element(let element): canonical(element)
      case .text(let text): quoted(text.string)
      }
    }
    return form(element.name, element.namespace, element.attributes.map { attribute($0) }, children)
  }

  private static func canonical(json: Any) -> String {
    if let text = json as? String { return quoted(text) }
    guard let element = json as? [String: Any] else { return "" }
    var children = (element["children"] as? [Any] ?? []).map { canonical(json: $0) }
    if let text = element["text"] as? String { children.append(quoted(text)) }
    return form(
      element["name"] as? String ?? "", element["namespace"] as? String ?? "", attributes(element["attrs"]),
      children)
  }

  private static func form(
    _ name: String, _ namespace: String, _ attributes: [String], _ children: [String]
  ) -> String {
    // The parts of an error have keys, and so no order.
    let children = name == "error" && namespace == Namespace.client ? children.sorted() : children
    return "(\(name) \(namespace) \(attributes.sorted()) \(children.joined()))"
  }

  private static func quoted(_ text: String) -> String { "«\(text)»" }

  private static func attribute(_ attribute: Attribute) -> String {
    switch attribute.namespace {
    case "": "\(attribute.name)=\(attribute.value)"
    case Namespace.xml: "xml:\(attribute.name)=\(attribute.value)"
    default: "{\(attribute.namespace)}\(attribute.name)=\(attribute.value)"
    }
  }

  private static func attributes(_ attributes: Any?) -> [String] {
    (attributes as? [String: String] ?? [:]).map { "\($0.key)=\($0.value)" }
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

  // U+FEFF is not among them, since Foundation's JSON reader drops it.
  private static let pieces = [
    "", "a", "e\u{301}", "\u{E9}", "<\u{301}", "'\u{338}", "\"\u{338}", "\\", "\"", "&", "]]>", "\n", "\r\n",
    "\r", "\t",
    "\u{7F}", "\u{85}", "\u{9B}", "\u{61C}", "\u{200E}", "\u{200F}", "\u{2028}", "\u{2029}", "\u{202A}",
    "\u{202E}",
    "\u{2066}", "\u{2069}", "\u{2027}", "\u{202F}", "\u{A0}", "\u{1F600}", "\u{FFFD}", "\u{212A}",
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
