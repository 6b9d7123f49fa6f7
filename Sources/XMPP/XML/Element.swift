/// An XML element with all that is in it: a cheap view into shared, immutable storage.
///
/// Two elements are equal when they are the same XML: the same names, attributes in any order, and the same content,
/// compared byte for byte.
public struct Element: Sendable, Equatable {
  let tape: Tape
  /// The place of its cell.
  let index: Int

  /// A piece of content.
  public enum Node: Sendable, Equatable {
    case element(Element)
    case text(Text)
  }

  /// The local name.
  public var name: String { tape.names[Int(cell.name)] }
  /// The namespace; empty for none.
  public var namespace: String { tape.names[Int(cell.namespace)] }

  /// Whether this is the element of that name in that namespace, byte for byte.
  public func `is`(_ name: String, _ namespace: String) -> Bool {
    let cell = cell
    return tape.names[Int(cell.name)].isSame(as: name)
      && tape.names[Int(cell.namespace)].isSame(as: namespace)
  }

  /// The value of an attribute; one without a prefix is in no namespace.
  public func attribute(_ name: String, _ namespace: String = "") -> String? {
    attributes.first { $0.is(name, namespace) }?.value
  }

  /// Its own `xml:lang`.
  public var language: String? { attribute("lang", Namespace.xml) }

  /// The attributes in the order they were written, without namespace declarations.
  public var attributes: Attributes { Attributes(tape: tape, first: index + 1, count: Int(cell.first)) }
  /// Child elements and text in document order. Text next to text is always one piece.
  public var children: Children {
    Children(tape: tape, first: index + 1 + Int(cell.first), end: end)
  }
  /// The child elements in document order.
  public var elements: Elements { Elements(children: children) }
  /// The first child of that name in that namespace.
  public func child(_ name: String, _ namespace: String) -> Element? {
    elements.first { $0.is(name, namespace) }
  }

  /// The element's own text, without that of its children.
  public var text: String {
    var text = ""
    for case .text(let part) in children { text += part.string }
    return text
  }

  /// The element as XML that stands by itself, all its namespaces declared.
  public var xml: String {
    var writer = XMLWriter()
    writer.copy(self)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  /// Bytes of memory that keeping the element keeps, roughly: those of the whole tree it is a view into.
  public var footprint: Int { tape.bytes.count + tape.cells.count * MemoryLayout<Tape.Cell>.stride }

  /// Whether both are the same XML.
  public static func == (left: Element, right: Element) -> Bool {
    left.is(right.name, right.namespace) && left.attributes.isSame(as: right.attributes)
      && left.children.elementsEqual(right.children)
  }

  var cell: Tape.Cell { tape.cells[index] }
  /// The place behind its last cell.
  var end: Int { Int(cell.second) }
}

/// A run of text.
public struct Text: Sendable, Equatable {
  let tape: Tape
  let index: Int

  /// The text.
  public var string: String { withUTF8 { String(decoding: $0, as: UTF8.self) } }

  /// Reads the UTF-8 bytes in place.
  public func withUTF8<R, E: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try tape.withBytes(of: tape.cells[index], body)
  }

  /// Whether both have the same bytes.
  public static func == (left: Text, right: Text) -> Bool {
    left.withUTF8 { left in right.withUTF8 { left.elementsEqual($0) } }
  }
}

/// An attribute.
public struct Attribute: Sendable, Equatable {
  let tape: Tape
  let index: Int

  /// The local name.
  public var name: String { tape.names[Int(tape.cells[index].name)] }
  /// The namespace; empty for none, which is what an attribute without a prefix has.
  public var namespace: String { tape.names[Int(tape.cells[index].namespace)] }
  /// The value, unescaped.
  public var value: String { withUTF8 { String(decoding: $0, as: UTF8.self) } }

  /// Whether this is the attribute of that name in that namespace, byte for byte.
  public func `is`(_ name: String, _ namespace: String = "") -> Bool {
    let cell = tape.cells[index]
    return tape.names[Int(cell.name)].isSame(as: name)
      && tape.names[Int(cell.namespace)].isSame(as: namespace)
  }

  /// Reads the value's UTF-8 bytes in place.
  public func withUTF8<R, E: Error>(
    _ body: (UnsafeBufferPointer<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    try tape.withBytes(of: tape.cells[index], body)
  }

  /// Whether both have the same name, namespace and value, byte for byte.
  public static func == (left: Attribute, right: Attribute) -> Bool {
    left.is(right.name, right.namespace)
      && left.withUTF8 { left in right.withUTF8 { left.elementsEqual($0) } }
  }
}

/// The attributes of an element.
public struct Attributes: RandomAccessCollection, Sendable {
  let tape: Tape
  let first: Int
  /// How many there are.
  public let count: Int

  /// Always 0.
  public var startIndex: Int { 0 }
  /// Their number.
  public var endIndex: Int { count }
  /// One of them, in the order they were written.
  public subscript(position: Int) -> Attribute { Attribute(tape: tape, index: first + position) }

  /// Whether both have the same attributes, in any order.
  func isSame(as other: Attributes) -> Bool {
    // Those of a pair written alike stand in the same order; others are few unless somebody wants them to be many.
    count == other.count && (elementsEqual(other) || ordered.elementsEqual(other.ordered))
  }

  /// By namespace, name and value, byte for byte.
  private var ordered: [Attribute] {
    sorted { left, right in
      let (mine, theirs) = ([left.namespace, left.name], [right.namespace, right.name])
      for (mine, theirs) in zip(mine, theirs) where !mine.isSame(as: theirs) {
        return mine.utf8.lexicographicallyPrecedes(theirs.utf8)
      }
      return left.withUTF8 { left in right.withUTF8 { left.lexicographicallyPrecedes($0) } }
    }
  }
}

/// The content of an element.
public struct Children: Sequence, IteratorProtocol, Sendable {
  let tape: Tape
  var first: Int
  let end: Int

  /// The next piece of content.
  public mutating func next() -> XMPP.Element.Node? {
    guard first < end else { return nil }
    let index = first
    let cell = tape.cells[index]
    if cell.kind == .text {
      first += 1
      return .text(Text(tape: tape, index: index))
    }
    first = Int(cell.second)
    return .element(XMPP.Element(tape: tape, index: index))
  }
}

/// The child elements of an element.
public struct Elements: Sequence, IteratorProtocol, Sendable {
  var children: Children

  /// The next child element.
  public mutating func next() -> XMPP.Element? {
    while let node = children.next() {
      if case .element(let element) = node { return element }
    }
    return nil
  }
}
