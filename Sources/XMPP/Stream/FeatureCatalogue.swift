/// What is known of stream features: a table from name and namespace to title, document, and where the values stand.
enum FeatureCatalogue {
  /// One known feature.
  struct Entry {
    let name: String
    let namespace: String
    let title: String
    let specification: String
    var values: Values = .nothing
  }

  /// Where a feature keeps what it offers.
  enum Values: Equatable {
    /// It is there or it is not.
    case nothing
    /// The element's own text.
    case text
    /// Text of the children of this name.
    case children(String)
    /// `<mechanism/>`, in the feature's own namespace.
    case mechanisms
    /// An attribute of the children of this name.
    case childAttribute(String, String)
    /// `name=value` of these attributes.
    case attributes([String])
    /// `name=text` of every child.
    case pairs
    /// The name of every child but `required` and `optional`.
    case childNames
    /// The attribute `var` of the element itself.
    case variable
  }

  /// What the table knows of an element; `nil` for a feature it has never heard of.
  static func entry(_ element: Element) -> Entry? {
    // A SASL2 or Bind 2 inline feature names itself by its `var`.
    if element.name.isSame(as: "feature"), let variable = element.attribute("var") {
      let known = table.first { $0.namespace.utf8.elementsEqual(variable.utf8) }
      return Entry(
        name: element.name, namespace: element.namespace, title: known?.title ?? variable,
        specification: known?.specification ?? "XEP-0386", values: .variable)
    }
    return table.first { element.is($0.name, $0.namespace) }
  }

  /// The features that an element holds within: those of its `<inline/>` (XEP-0388 §2.3.2, XEP-0386), and known ones of
  /// other namespaces, such as the host name among the mechanisms (XEP-0233).
  static func inline(in element: Element) -> [Element] {
    element.elements.flatMap { child -> [Element] in
      if child.is("inline", element.namespace) { return Array(child.elements) }
      guard !child.namespace.utf8.elementsEqual(element.namespace.utf8), entry(child) != nil else {
        return []
      }
      return [child]
    }
  }

  /// The values an element offers, read as the table says; white space around them is none of theirs.
  static func values(of element: Element, as kind: Values) -> [String] {
    switch kind {
    case .nothing: []
    case .text: [trimmed(element.text)]
    case .children(let name): element.elements.filter { $0.name.isSame(as: name) }.map { trimmed($0.text) }
    case .mechanisms:
      element.elements.filter { $0.is("mechanism", element.namespace) }.map { trimmed($0.text) }
    case .childAttribute(let name, let attribute):
      element.elements.filter { $0.name.isSame(as: name) }.compactMap { $0.attribute(attribute) }
    case .attributes(let names):
      names.compactMap { name in element.attribute(name).map { "\(name)=\($0)" } }
    case .pairs: element.elements.map { "\($0.name)=\(trimmed($0.text))" }
    case .childNames:
      element.elements.map(\.name).filter { !$0.isSame(as: "required") && !$0.isSame(as: "optional") }
    case .variable: element.attribute("var").map { [$0] } ?? []
    }
  }

  /// Those mechanisms that belong to one company and have no public specification to log in by.
  static func proprietary(among mechanisms: [String]) -> [(mechanism: String, owner: String)] {
    mechanisms.compactMap { mechanism in
      owners.first { $0.mechanism.isSame(as: mechanism) }
        ?? (mechanism.utf8.starts(with: "X-".utf8) ? (mechanism, "unregistered") : nil)
    }
  }

  private static let owners: [(mechanism: String, owner: String)] = [
    ("X-GOOGLE-TOKEN", "Google"), ("X-OAUTH2", "Google"), ("X-FACEBOOK-PLATFORM", "Facebook"),
    ("X-MESSENGER-OAUTH2", "Microsoft"), ("X-OPENFIRE-TOKEN", "Openfire"),
  ]

  private static func trimmed(_ text: String) -> String {
    let isSpace = { (byte: UInt8) in byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
    let bytes = text.utf8.drop(while: isSpace)
    guard let last = bytes.lastIndex(where: { !isSpace($0) }) else { return "" }
    return String(decoding: bytes[...last], as: UTF8.self)
  }

  private static let table: [Entry] = [
    Entry(name: "starttls", namespace: Namespace.tls, title: "STARTTLS", specification: "RFC 6120"),
    Entry(
      name: "mechanisms", namespace: Namespace.sasl, title: "SASL mechanisms", specification: "RFC 6120",
      values: .mechanisms),
    Entry(
      name: "authentication", namespace: "urn:xmpp:sasl:2", title: "Extensible SASL profile (SASL2)",
      specification: "XEP-0388", values: .mechanisms),
    Entry(
      name: "sasl-channel-binding", namespace: "urn:xmpp:sasl-cb:0", title: "SASL channel-binding types",
      specification: "XEP-0440", values: .childAttribute("channel-binding", "type")),
    Entry(name: "bind", namespace: Namespace.bind, title: "Resource binding", specification: "RFC 6120"),
    Entry(name: "bind", namespace: "urn:xmpp:bind:0", title: "Bind 2", specification: "XEP-0386"),
    Entry(name: "session", namespace: Namespace.session, title: "Session", specification: "RFC 3921"),
    Entry(
      name: "compression", namespace: "http://jabber.org/features/compress", title: "Stream compression",
      specification: "XEP-0138", values: .children("method")),
    Entry(
      name: "register", namespace: "http://jabber.org/features/iq-register", title: "In-band registration",
      specification: "XEP-0077"),
    Entry(
      name: "register", namespace: "urn:xmpp:invite", title: "Registration by invitation",
      specification: "XEP-0401"),
    Entry(
      name: "register", namespace: "urn:xmpp:ibr-token:0", title: "Pre-authenticated registration",
      specification: "XEP-0445"),
    Entry(
      name: "auth", namespace: "http://jabber.org/features/iq-auth", title: "Non-SASL authentication",
      specification: "XEP-0078"),
    Entry(name: "sm", namespace: "urn:xmpp:sm:2", title: "Stream management 2", specification: "XEP-0198"),
    Entry(name: "sm", namespace: "urn:xmpp:sm:3", title: "Stream management", specification: "XEP-0198"),
    Entry(
      name: "csi", namespace: "urn:xmpp:csi:0", title: "Client state indication", specification: "XEP-0352"),
    Entry(
      name: "ver", namespace: "urn:xmpp:features:rosterver", title: "Roster versioning",
      specification: "RFC 6121"),
    Entry(
      name: "c", namespace: "http://jabber.org/protocol/caps", title: "Entity capabilities",
      specification: "XEP-0115", values: .attributes(["hash", "node", "ver", "ext"])),
    Entry(
      name: "sub", namespace: "urn:xmpp:features:pre-approval", title: "Subscription pre-approval",
      specification: "RFC 6121"),
    Entry(
      name: "dialback", namespace: "urn:xmpp:features:dialback", title: "Server dialback",
      specification: "XEP-0220", values: .childNames),
    Entry(
      name: "bidi", namespace: "urn:xmpp:features:bidi", title: "Bidirectional server streams",
      specification: "XEP-0288"),
    Entry(
      name: "limits", namespace: "urn:xmpp:stream-limits:0", title: "Stream limits",
      specification: "XEP-0478", values: .pairs),
    Entry(
      name: "amp", namespace: "http://jabber.org/features/amp", title: "Advanced message processing",
      specification: "XEP-0079"),
    Entry(
      name: "fast", namespace: "urn:xmpp:fast:0", title: "Fast authentication (FAST)",
      specification: "XEP-0484", values: .mechanisms),
    Entry(
      name: "upgrade", namespace: Namespace.saslUpgrade, title: "SASL upgrade", specification: "XEP-0480",
      values: .text),
    Entry(
      name: "isr", namespace: Namespace.instantResumption, title: "Instant stream resumption",
      specification: "XEP-0397"),
    Entry(name: "carbons", namespace: "urn:xmpp:carbons:2", title: "Carbons", specification: "XEP-0280"),
    Entry(
      name: "hostname", namespace: "urn:xmpp:domain-based-name:1", title: "Domain-based service name",
      specification: "XEP-0233", values: .text),
    Entry(
      name: "c", namespace: Namespace.capabilities2, title: "Entity capabilities 2",
      specification: "XEP-0390",
      values: .childAttribute("hash", "algo")),
    Entry(
      name: "ver", namespace: "urn:xmpp:entityver:0", title: "Entity versioning", specification: "XEP-0366"),
    Entry(
      name: "bidi", namespace: "urn:xmpp:bidi", title: "Bidirectional server streams",
      specification: "XEP-0288"),
    Entry(
      name: "pipelining", namespace: "urn:xmpp:features:pipelining", title: "Pipelining",
      specification: "XEP-0305"),
    Entry(
      name: "register", namespace: "urn:xmpp:register:0", title: "Extensible in-band registration",
      specification: "XEP-0389"),
    Entry(
      name: "recovery", namespace: "urn:xmpp:register:0", title: "Account recovery", specification: "XEP-0389"
    ),
    Entry(
      name: "x509-register", namespace: "urn:xmpp:x509:0", title: "Registration of certificates",
      specification: "XEP-0417"),
    Entry(
      name: "mux", namespace: "urn:xmpp:mux:0", title: "Stream multiplexing", specification: "XEP-0451",
      values: .children("host")),
    Entry(
      name: "bind", namespace: "urn:xmpp:component:0", title: "Component binding", specification: "XEP-0225"),
    Entry(name: "mam", namespace: Namespace.archive, title: "Message archive", specification: "XEP-0313"),
    Entry(
      name: "push", namespace: "p1:push", title: "ProcessOne push", specification: "proprietary"),
    Entry(
      name: "rebind", namespace: "p1:rebind", title: "ProcessOne rebind", specification: "proprietary"),
    Entry(name: "ack", namespace: "p1:ack", title: "ProcessOne ack", specification: "proprietary"),
  ]
}
