import TestSupport

/// Payloads that are legal XML and that servers forward, whatever a client thinks of them.
enum OddStanza {
  private static let carbons = "urn:xmpp:carbons:2"
  private static let inner =
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='eve@evil.test'><body>f</body>"
    + "</message></forwarded>"

  /// One of each kind that is known. The content of a message, presence or iq.
  static let fixed: [String] = shallow + [nested(5000), nested(20_000)]
  /// Those that go through ejabberd 23.01, whose archive ends the whole server at some thousand levels.
  static let shallow: [String] = namespaces + nesting + attributes + sizes + characters + imitations

  /// What the payload of a stanza says that comes after each odd one.
  static let honest = "<body>honest</body>"

  private static func nested(_ count: Int, _ open: (Int) -> String = { _ in "<a>" }, _ close: String = "</a>")
    -> String
  {
    "<x xmlns='urn:x'>" + (0..<count).map(open).joined() + String(repeating: close, count: count) + "</x>"
  }

  private static let namespaces = [
    "<xml:foo/>",
    "<body>p</body><xml:foo a='b'>t<bar xmlns='urn:b'><c/></bar><xml:baz/><d/></xml:foo><e xmlns='urn:e'/>",
    "<x xmlns='urn:x'><xml:foo><y/><xml:foo/></xml:foo><z/></x>",
    "<x xmlns='urn:x' xml:lang='de' xml:space='preserve' xml:base='http://x/' xml:id='a'/>",
    "<x xmlns='urn:x' xml:space='odd' xml:lang='no language at all' xml:id='1 2'><y xml:id='1 2'/></x>",
    "<x xmlns='urn:x' xml:foo='bar'/>", "<p:a xmlns:p='urn:p' p:b='c' b='d'><p:e/></p:a>",
    "<p:a xmlns:p='urn:1'><p:a xmlns:p='urn:2'><p:a xmlns:p='urn:1'/></p:a></p:a>",
    "<x xmlns='urn:x' xmlns:p='urn:u' xmlns:q='urn:v' p:a='1' q:a='2' a='3'/>",
    "<x xmlns='urn:x' xmlns:p='urn:u' xmlns:q='urn:u' p:a='1' q:b='2'/>",
    "<x xmlns=''><y xmlns='urn:y'/></x>",
    "<x xmlns='not a uri at all'/>", "<x xmlns='urn:&quot;&apos;&lt;&amp;'/>", "<x xmlns='urn:&#10;&#9;x'/>",
    "<x xmlns='../relative'/>", "<x xmlns='urn:ünï'/>", "<x xmlns='urn:x' xmlns:unused='urn:unused'/>",
    "<x xmlns='http://www.w3.org/1999/xhtml'><xml xmlns='urn:x'/></x>",
  ]

  private static let nesting = [
    nested(260), nested(300), nested(900), nested(1100), nested(1500),
    nested(200, { "<p\($0):a xmlns:p\($0)='urn:\($0)' xmlns:q\($0)='urn:q\($0)' q\($0):b='c'>" }, "")
      .replacing("</x>", with: "")
      + (0..<200).reversed().map { "</p\($0):a>" }.joined() + "</x>",
    nested(300, { "<a xmlns='urn:\($0)'>" }), nested(1500, { "<a xmlns='urn:\($0)'>" }),
  ]

  private static let attributes =
    [260, 300, 1000, 1100, 3000].map { count in
      "<x xmlns='urn:x'" + (0..<count).map { " a\($0)='\($0)'" }.joined() + "/>"
    }
    + [100, 130, 300, 1500].map { count in
      "<x xmlns='urn:x'" + (0..<count).map { " xmlns:p\($0)='urn:\($0)' p\($0):a='b'" }.joined() + "/>"
    } + [
      "<x xmlns='urn:x'" + (0..<300).map { " xmlns:p\($0)='urn:\($0)'" }.joined() + ">"
        + "<y" + (0..<300).map { " p\($0):a='b'" }.joined() + "/></x>"
    ]

  private static let sizes = [
    "<x xmlns='urn:x'>" + String(repeating: "<a/>", count: 30_000) + "</x>",
    "<x xmlns='urn:x'>" + String(repeating: "<a/>", count: 70_000) + "</x>",
    "<x xmlns='urn:x'>" + (0..<5000).map { "<a xmlns='urn:\($0)'/>" }.joined() + "</x>",
    "<body>" + String(repeating: "x", count: 200_000) + "</body>",
    "<body>" + String(repeating: "&amp;", count: 20_000) + "</body>",
    "<body>" + String(repeating: "\u{85}", count: 20_000) + "</body>",
    "<x xmlns='urn:x' a='\(String(repeating: "v", count: 100_000))'/>",
    "<\(String(repeating: "n", count: 10_000)) xmlns='urn:x'/>",
    "<x xmlns='urn:\(String(repeating: "n", count: 9000))'>" + String(repeating: "<a/>", count: 2000)
      + "</x>",
    (0..<500).map { "<body xml:lang='l\($0)'>b</body>" }.joined(),
    (0..<500).map { _ in "<delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>" }.joined(),
    "<x xmlns='urn:x'>" + String(repeating: "a<b/>", count: 5000) + "</x>",
  ]

  private static let characters = [
    "<body>&#13;&#10;&#9; &#x9b;31m &#x202e;</body>", "<body><![CDATA[<&]]></body>", "<body>]]&gt;</body>",
    "<ä xmlns='urn:x' ö='ü'/>", "<a·b xmlns='urn:x'/>", "<名前 xmlns='urn:日本' 属性='値'>文字</名前>",
    "<a\u{301} xmlns='urn:x'/>", "<body>\u{FFFD}\u{10FFFF}\u{E000}</body>", "<body/>", "<body> </body>",
    "text <body>between</body> children", "<x xmlns='urn:x'>  \n  <y/>  </x>",
    "<x xmlns='urn:x' a='&#10;&#9;&#13;'/>", "<body>a\u{200B}b\u{2060}c\u{FEFF}d\u{AD}</body>",
  ]

  private static let imitations = [
    "<body>c</body><received xmlns='\(carbons)'>\(inner)</received>",
    "<body>c</body><sent xmlns='\(carbons)'/>",
    "<body>r</body><result xmlns='urn:xmpp:mam:2' queryid='x' id='y'/>",
    "<result xmlns='urn:xmpp:mam:2' id='y'>\(inner)</result>", inner,
    "<stanza-id xmlns='urn:xmpp:sid:0' by='bob@example.test' id='FORGED'/>",
    "<delay xmlns='urn:xmpp:delay' stamp='9999-99-99T99:99:99Z'/>",
    "<delay xmlns='urn:xmpp:delay' from='example.test' stamp='::::'/>",
    "<message xmlns='jabber:client'><body>m</body></message>",
    "<stream:error xmlns:stream='http://etherx.jabber.org/streams'/>",
    "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>x</gone></error>",
    "<a xmlns='urn:xmpp:sm:3' h='7'/>", "<skipped xmlns='urn:xmppctl:0'>forged</skipped>",
    "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/><status code='307'/></x>",
  ]

  /// A payload by chance, from a few bytes to some hundred kilobytes.
  static func random(_ random: inout SeededGenerator) -> String {
    let kind = Int.random(in: 0..<10, using: &random)
    if kind == 0 { return shallow.randomElement(using: &random) ?? "" }
    if kind == 1 {
      let depth = Int.random(in: 1...1500, using: &random)
      return nested(depth, { $0 % 7 == 0 ? "<a xmlns='urn:\($0 % 50)'>" : "<a b='\($0)'>" })
    }
    var text = ""
    tree(Int.random(in: 0...6, using: &random), &text, [], &random)
    return text
  }

  private static let names = ["a", "b", "body", "x", "ä", "名", "forwarded", "message", "result", "a.b-c_d"]
  private static let uris = [
    "urn:x", "urn:y", "", "jabber:client", "urn:xmpp:forward:0", "not a uri", "urn:ü",
    "http://www.w3.org/1999/xhtml",
  ]

  private static func tree(
    _ depth: Int, _ text: inout String, _ prefixes: [String], _ random: inout SeededGenerator
  ) {
    let name = names.randomElement(using: &random) ?? "a"
    var prefixes = prefixes
    var tag = ""
    var attributes = ""
    let kind = Int.random(in: 0..<12, using: &random)
    if kind == 0 {
      tag = "xml:" + name
    } else if kind < 4, let prefix = prefixes.randomElement(using: &random) {
      tag = "\(prefix):\(name)"
    } else {
      tag = name
      attributes += " xmlns='\(uris.randomElement(using: &random) ?? "")'"
    }
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      let prefix = "p\(prefixes.count)"
      prefixes.append(prefix)
      attributes += " xmlns:\(prefix)='urn:\(Int.random(in: 0..<1000, using: &random))'"
    }
    for number in 0..<Int.random(in: 0...(kind == 5 ? 400 : 3), using: &random) {
      let value = ["", "1", "&lt;&amp;&quot;", "ü", "&#10;"].randomElement(using: &random) ?? ""
      attributes += " a\(number)='\(value)'"
      if number == 0, let prefix = prefixes.last { attributes += " \(prefix):q='\(value)'" }
    }
    if Int.random(in: 0..<6, using: &random) == 0 { attributes += " xml:lang='de' xml:space='preserve'" }
    text += "<\(tag)\(attributes)>"
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        text += String(repeating: "é&amp;", count: Int.random(in: 0...(kind == 6 ? 5000 : 5), using: &random))
      case 1: text += "<![CDATA[<]>&]]>"
      default: if depth > 0 { tree(depth - 1, &text, prefixes, &random) }
      }
    }
    text += "</\(tag)>"
  }
}
