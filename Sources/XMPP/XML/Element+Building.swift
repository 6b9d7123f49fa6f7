/// Elements made by hand, to be sent.
extension Element {
  /// An element with child elements.
  ///
  /// - Parameters:
  ///   - attributes: those that are `nil` are left out; `xml:lang` is the one name that may have a prefix.
  ///   - content: the child elements.
  public init(
    _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?> = [:],
    _ content: [Element] = []
  ) {
    self.init(name, namespace, attributes) { tape in
      for element in content { tape.copy(element) }
    }
  }

  /// An element with text.
  public init(
    _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?> = [:],
    _ text: String
  ) {
    self.init(name, namespace, attributes) { $0.text(text) }
  }

  /// An element with child elements and no attributes.
  public init(_ name: String, _ namespace: String, _ content: [Element]) {
    self.init(name, namespace, [:], content)
  }

  /// An element with text and no attributes.
  public init(_ name: String, _ namespace: String, _ text: String) {
    self.init(name, namespace, [:], text)
  }

  /// An element of any content.
  public init(
    _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?> = [:],
    nodes: [Node]
  ) {
    self.init(name, namespace, attributes) { $0.append(nodes) }
  }

  /// An element of any content and any attributes, no two of which have the same name.
  public init(_ name: String, _ namespace: String, attributes: [Attribute], nodes: [Node] = []) {
    let tape = Tape()
    tape.openElement(tape.intern(name), tape.intern(namespace), attributes: attributes.count)
    for attribute in attributes { tape.attribute(attribute) }
    tape.append(nodes)
    tape.closeElement()
    self.init(tape: tape, index: 0)
  }

  /// The same element with an attribute in no namespace set, or without it.
  public func setting(_ name: String, to value: String?) -> Element {
    var attributes = attributes.filter { !$0.is(name) }
    if let value { attributes.append(Attribute(name, value)) }
    return Element(self.name, namespace, attributes: attributes, nodes: Array(children))
  }

  /// The same element with other values in it.
  ///
  /// - Parameter replacement: asked for each cell of the element in document order, with the bytes of an attribute or a text,
  ///   without any for an element; gives what takes their place, or `nil` to keep them.
  func replacingValues(_ replacement: (Int, UnsafeBufferPointer<UInt8>) -> [UInt8]?) -> Element {
    let copy = Tape()
    copy.names = tape.names
    copy.copy(self, replacement)
    return Element(tape: copy, index: 0)
  }

  /// The same element with other names and namespaces; `replacement` gives `nil` for those to be kept.
  func replacingNames(_ replacement: (String) -> String?) -> Element {
    let copy = Tape()
    copy.names = tape.names
    copy.copy(self) { _, _ in nil }
    var known: [UInt32: UInt32] = [:]
    func place(_ old: UInt32) -> UInt32 {
      if old < CommonName.strings.count { return old }
      if let place = known[old] { return place }
      let new = replacement(tape.names[Int(old)]).map(copy.intern) ?? old
      known[old] = new
      return new
    }
    for index in copy.cells.indices {
      copy.cells[index].name = place(copy.cells[index].name)
      copy.cells[index].namespace = place(copy.cells[index].namespace)
    }
    return Element(tape: copy, index: 0)
  }

  /// An element whose content is written piece by piece, so that many pieces are never there as elements of their own.
  init<E: Error>(
    _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?>,
    content: (Tape) throws(E) -> Void
  ) throws(E) {
    let present = attributes.compactMap { name, value in value.map { Attribute(name, $0) } }
    let tape = Tape()
    tape.openElement(tape.intern(name), tape.intern(namespace), attributes: present.count)
    for attribute in present { tape.attribute(attribute) }
    try content(tape)
    tape.closeElement()
    self.init(tape: tape, index: 0)
  }
}

extension Text {
  /// Text to be put in an element.
  public init(_ string: String) {
    let tape = Tape()
    tape.openElement(0, 0, attributes: 0)
    tape.text(string)
    if string.isEmpty {
      tape.cells.append(Tape.Cell(kind: .text, name: 0, namespace: 0, first: 0, second: 0))
    }
    self.init(tape: tape, index: 1)
  }
}

extension Attribute {
  /// An attribute in no namespace, or `xml:lang` and its like.
  public init(_ name: String, _ value: String) {
    let prefix = "xml:"
    if name.utf8.starts(with: prefix.utf8) {
      self.init(String(name.dropFirst(prefix.count)), Namespace.xml, value)
    } else {
      self.init(name, "", value)
    }
  }

  /// An attribute in a namespace.
  public init(_ name: String, _ namespace: String, _ value: String) {
    let tape = Tape()
    let name = tape.intern(name)
    let namespace = tape.intern(namespace)
    var value = value
    value.withUTF8 { tape.attribute(name, namespace, $0) }
    self.init(tape: tape, index: 0)
  }
}

extension Tape {
  fileprivate func text(_ string: String) {
    var string = string
    string.withUTF8 { text($0) }
  }

  fileprivate func append(_ nodes: [Element.Node]) {
    for node in nodes {
      switch node {
      case .element(let element): copy(element)
      case .text(let text): text.withUTF8 { self.text($0) }
      }
    }
  }

  fileprivate func attribute(_ other: Attribute) {
    let name = intern(other.name)
    let namespace = intern(other.namespace)
    other.withUTF8 { attribute(name, namespace, $0) }
  }
}
