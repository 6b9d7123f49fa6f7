import CLibXML2
import TestSupport

@testable import XMPP

/// The bytes of a stream: however they are cut, the same comes out, and that is what libxml2 reads in the whole document; what
/// comes out can be written and is read back the same; tighter limits only end it sooner.
@Sendable func checkStream(_ input: [UInt8]) throws {
  // A byte that may stand nowhere, so that every stream ends with a failure.
  let bytes = input + [0]
  let inside = ["<?", "<s", " "].contains { input.starts(with: $0.utf8) } ? nil : Namespace.client
  let cuttings = cuttings(bytes)
  let outcomes = cuttings.map { read($0, inside: inside, Limits()) }
  for outcome in outcomes {
    try hold(outcome.events == outcomes[0].events, "the cutting changes what is read")
    try hold(outcome.failure != nil, "NUL is read")
  }
  for case .element(let element) in outcomes[0].events.prefix(8) { try checkWriting(element) }

  let document = inside == nil ? input : Array(header.utf8) + input + Array("</stream:stream>".utf8)
  let whole = read([document[...]], Limits())
  if whole.events.last == .end, whole.failure == nil {
    try hold(firstLevelElements(document) == elements(whole.events), "libxml2 reads something else")
  }

  let tight = Limits(elementBytes: 300, tagBytes: 100, attributes: 4, nodes: 12, depth: 4)
  let cut = cuttings.map { read($0, inside: inside, tight) }
  for outcome in cut {
    try hold(outcome.events == cut[0].events, "the cutting changes what is read within tight limits")
    try hold(outcomes[0].events.starts(with: outcome.events), "tight limits change what is read")
  }
}

/// What was read of a stream, and how it ended.
struct StreamOutcome {
  var events: [StreamParser.Event] = []
  var failure: Failure?
}

/// Reads a stream in pieces.
func read(_ pieces: [ArraySlice<UInt8>], inside namespace: String? = nil, _ limits: Limits) -> StreamOutcome {
  var outcome = StreamOutcome()
  var parser =
    if let namespace { StreamParser(limits: limits, insideStreamOf: namespace) } else {
      StreamParser(limits: limits)
    }
  for piece in pieces {
    var used = 0
    reading: while outcome.failure == nil {
      var event: Result<StreamParser.Event?, Failure> = .success(nil)
      piece.withUnsafeBytes { bytes in
        event = Result { () throws(Failure) in try parser.next(bytes, &used) }
      }
      switch event {
      case .success(let event?): outcome.events.append(event)
      case .success(nil): break reading
      case .failure(let failure): outcome.failure = failure
      }
    }
  }
  return outcome
}

/// The header of a stream.
let header = "<stream:stream xmlns='jabber:client' xmlns:stream='\(Namespace.stream)'>"

/// The elements of an input that stands inside a stream, up to the first fault.
func elements(_ input: [UInt8], _ limits: Limits = Limits()) -> [Element] {
  elements(read([input[...]], inside: Namespace.client, limits).events)
}

private func elements(_ events: [StreamParser.Event]) -> [Element] {
  events.compactMap { if case .element(let element) = $0 { element } else { nil } }
}

/// An element that was written, by itself, inside a stream, or as a line, is read back the same.
func checkWriting(_ element: Element) throws {
  // The writer declares the namespace of an attribute with each attribute anew, which may be more than is read.
  guard !hasManyForeignAttributes(element) else { return }
  for (inside, style) in [("", XMLWriter.Style.line), (Namespace.client, .plain)] {
    var writer = XMLWriter(inside: inside, style: style)
    writer.copy(element)
    let isLine = style == .line
    if isLine { try hold(isHarmless(writer.bytes), "a line of XML is not harmless") }
    // A name cannot be escaped.
    if isLine, element.xml.unicodeScalars.contains("\u{61C}") { continue }
    let outcome = read([writer.bytes[...]], inside: inside, Limits())
    try hold(
      outcome.failure == nil && outcome.events == [.element(element)],
      "written and read again: \(element.xml.debugDescription) as \(String(decoding: writer.bytes, as: UTF8.self))"
    )
  }
}

private func hasManyForeignAttributes(_ element: Element) -> Bool {
  element.attributes.count { !$0.namespace.isEmpty } > 32
    || element.elements.contains(where: hasManyForeignAttributes)
}

/// The first-level elements of a document as libxml2's own tree has them; `nil` where it cannot read it.
private func firstLevelElements(_ document: [UInt8]) -> [Element]? {
  let options = [XML_PARSE_NOENT, XML_PARSE_NONET, XML_PARSE_HUGE, XML_PARSE_NOERROR, XML_PARSE_NOWARNING]
  let tree = document.withUnsafeBytes { bytes in
    xmlReadMemory(
      bytes.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count), nil, "UTF-8",
      Int32(options.reduce(0) { $0 | $1.rawValue }))
  }
  guard let tree else { return nil }
  defer { xmlFreeDoc(tree) }
  return nodes(xmlDocGetRootElement(tree)?.pointee.children).compactMap {
    if case .element(let element) = $0 { element } else { nil }
  }
}

/// A list of nodes, text next to text being one.
private func nodes(_ first: xmlNodePtr?) -> [Element.Node] {
  var nodes: [Element.Node] = []
  var text = ""
  var next = first
  func endText() {
    if !text.isEmpty { nodes.append(.text(Text(text))) }
    text = ""
  }
  while let node = next {
    next = node.pointee.next
    switch node.pointee.type {
    case XML_TEXT_NODE, XML_CDATA_SECTION_NODE: text += string(node.pointee.content)
    case XML_ELEMENT_NODE:
      endText()
      nodes.append(.element(element(node)))
    default: break
    }
  }
  endText()
  return nodes
}

private func element(_ node: xmlNodePtr) -> Element {
  var attributes: [Attribute] = []
  var next = node.pointee.properties
  while let attribute = next {
    next = attribute.pointee.next
    let value = string(attribute.pointee.children?.pointee.content)
    attributes.append(
      Attribute(string(attribute.pointee.name), string(attribute.pointee.ns?.pointee.href), value))
  }
  return Element(
    string(node.pointee.name), string(node.pointee.ns?.pointee.href), attributes: attributes,
    nodes: nodes(node.pointee.children))
}

private func string(_ bytes: UnsafePointer<UInt8>?) -> String { bytes.map { String(cString: $0) } ?? "" }
