import CLibXML2

/// libxml2's push parser and the tape its callbacks write: bytes in, one element at a time out.
///
/// The bytes it is fed were scanned before, and are cut only where no tag, reference or character is.
final class TreeBuilder {
  // libxml2 calls back for every tag and every piece of text; no access here can overlap another.
  @exclusivity(unchecked) private var parser: xmlParserCtxtPtr?
  @exclusivity(unchecked) private var tape = Tape()
  @exclusivity(unchecked) private var names = NameTable()
  @exclusivity(unchecked) private var depth = 0
  /// The first error that ends the stream: a condition and libxml2's words.
  @exclusivity(unchecked) private var problem: (condition: String, text: String)?
  /// Why the current first-level element is not kept, although its end can be found, and the failure it is if it must not be
  /// skipped.
  @exclusivity(unchecked) private var refusal: (reason: SkipReason, condition: String, text: String)?
  /// Whether the start tag of the current first-level element is on the tape.
  @exclusivity(unchecked) private var hasStartTag = false
  /// The default namespace of the root.
  private(set) var contentNamespace = ""
  /// Bytes of all names of one first-level element, each with its namespace written out: few bytes on the wire could make
  /// lines of any length otherwise.
  @exclusivity(unchecked) private var nameBytes = 0
  /// Prefixes that are declared at this place, which libxml2 searches one by one, and how many of them at which depth.
  @exclusivity(unchecked) private var prefixes = 0
  @exclusivity(unchecked) private var prefixCounts: [(depth: Int, count: Int)] = []
  /// Whether the tag being parsed makes the namespace of `xml:` the default one. Namespaces in XML forbids it and libxml2
  /// ignores the declaration, but servers forward `<xml:foo/>` that way.
  @exclusivity(unchecked) private var declaresXMLAsDefault = false
  /// From the first such tag of an element on: the depths at which the default changes, and whether to that namespace.
  @exclusivity(unchecked) private var defaults: [(depth: Int, isXML: Bool)] = []
  private let limits: Limits

  /// - Parameter rootTag: the root's start tag, when it was read before.
  init(limits: Limits, rootTag: [UInt8] = []) {
    self.limits = limits
    var handler = TreeBuilder.handler
    let user = Unmanaged.passUnretained(self).toOpaque()
    parser = xmlCreatePushParserCtxt(&handler, user, nil, 0, nil)
    let options = XML_PARSE_NOENT.rawValue | XML_PARSE_NONET.rawValue | XML_PARSE_HUGE.rawValue
    xmlCtxtUseOptions(parser, Int32(options | XML_PARSE_IGNORE_ENC.rawValue))
    // libxml2 does not begin before it has four bytes, and a root may have three.
    [UInt8(ascii: " ")].withUnsafeBytes { feed($0) }
    rootTag.withUnsafeBytes { feed($0) }
  }

  deinit { xmlFreeParserCtxt(parser) }

  /// Parses more bytes.
  func feed(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, !bytes.isEmpty, problem == nil else { return }
    guard let parser else { return fail("internal-server-error", "no memory for a parser") }
    let code = xmlParseChunk(
      parser, base.assumingMemoryBound(to: CChar.self), Int32(clamping: bytes.count), 0)
    if problem == nil, parser.pointee.wellFormed == 0 { fail("not-well-formed", "XML error \(code)") }
  }

  /// What went wrong so far in the element that begins at `offset`.
  func failure(at offset: Int) -> Failure? {
    guard let problem else { return nil }
    return .protocolViolation(
      problem.condition,
      "the server sent bad XML in the element at byte \(offset) of the stream: \(problem.text)")
  }

  /// Why the current first-level element is to be skipped.
  var skipReason: SkipReason? { refusal?.reason }

  /// The failure of a stream whose element, which begins at `offset`, must not be skipped.
  func refusal(at offset: Int) -> Failure? {
    guard let refusal else { return nil }
    return .protocolViolation(
      refusal.condition,
      "the server sent bad XML in the element at byte \(offset) of the stream: \(refusal.text)")
  }

  /// The start tag of the current first-level element, once it was parsed, as an element without content.
  var startTag: Element? {
    guard hasStartTag, tape.cells.first?.kind == .element else { return nil }
    tape.names = names.strings
    let element = Element(tape: tape, index: 0)
    return Element(element.name, element.namespace, attributes: Array(element.attributes))
  }

  /// The root's start tag, which must have been read.
  func header(at offset: Int) throws(Failure) -> Element { try whole(at: offset) }

  /// The first-level element that must have been completed.
  func element(at offset: Int) throws(Failure) -> Element { try whole(at: offset) }

  /// Checks that the root was closed.
  func end(at offset: Int) throws(Failure) {
    guard depth == 0 else { throw unbalanced(offset) }
  }

  /// Whether libxml2, which never forgets a name, has seen so many that a new parser should take over.
  var isFull: Bool {
    guard let dictionary = parser?.pointee.dict else { return false }
    return xmlDictSize(dictionary) > 1 << 12 || xmlDictGetUsage(dictionary) > 1 << 19
  }

  private func whole(at offset: Int) throws(Failure) -> Element {
    guard depth <= 1, tape.isComplete else { throw unbalanced(offset) }
    tape.names = names.strings
    hasStartTag = false
    return Element(tape: tape, index: 0)
  }

  private func unbalanced(_ offset: Int) -> Failure {
    .protocolViolation(
      "not-well-formed",
      "the server sent tags that do not match in the element at byte \(offset) of the stream")
  }

  private func fail(_ condition: String, _ text: String) {
    if problem == nil { problem = (condition, text) }
  }

  private func refuse(_ reason: SkipReason, _ condition: String = "policy-violation", _ text: String? = nil) {
    if refusal == nil { refusal = (reason, condition, text ?? reason.description) }
  }

  // MARK: What libxml2 calls

  private typealias Bytes = UnsafePointer<UInt8>

  private func start(
    _ name: Bytes?, _ prefix: Bytes?, _ namespace: Bytes?, namespaces: UnsafeMutablePointer<Bytes?>?,
    count: Int,
    attributes: UnsafeMutablePointer<Bytes?>?, attributeCount: Int
  ) {
    // Of an element that is to be skipped, the start tag is wanted all the same.
    guard problem == nil, refusal == nil || depth <= 1 && !hasStartTag else { return }
    if depth <= 1 {
      beginTape()
      nameBytes = 0
      hasStartTag = false
    }
    if count > 0 || declaresXMLAsDefault { declare(namespaces, count) }
    let isXML = !defaults.isEmpty && prefix == nil && defaults[defaults.count - 1].isXML
    if attributeCount > limits.attributes { refuse(.attributes(limits.attributes)) }
    let attributeCount = min(attributeCount, limits.attributes)
    depth += 1
    tape.openElement(
      counted(name), isXML ? CommonName.xml.rawValue : counted(namespace), attributes: attributeCount)
    if let attributes {
      for place in 0..<attributeCount {
        // Five pointers each: name, prefix, namespace, begin and end of the value.
        let attribute = attributes + 5 * place
        guard let begin = attribute[3], let end = attribute[4] else { continue }
        tape.attribute(
          counted(attribute[0]), counted(attribute[2]),
          UnsafeBufferPointer(start: begin, count: end - begin))
      }
    }
    if depth == 2 { hasStartTag = true }
    if nameBytes > limits.nameBytes { refuse(.names(limits.nameBytes)) }
    // Of the root, only the tag: what follows are elements of their own.
    if depth == 1 { tape.closeElement() }
  }

  /// Notes the namespaces that a tag declares: pairs of prefix and name, no prefix for the default.
  private func declare(_ namespaces: UnsafeMutablePointer<Bytes?>?, _ count: Int) {
    var prefixed = count
    if let namespaces {
      for pair in 0..<count where namespaces[2 * pair] == nil {
        prefixed -= 1
        if depth == 0 { contentNamespace = namespaces[2 * pair + 1].map { String(cString: $0) } ?? "" }
        if !defaults.isEmpty { defaults.append((depth, false)) }
      }
    }
    if declaresXMLAsDefault {
      defaults.append((depth, true))
      declaresXMLAsDefault = false
    }
    if prefixed > 0 {
      prefixes += prefixed
      prefixCounts.append((depth, prefixed))
      if prefixes > limits.prefixes { refuse(.prefixes(limits.prefixes)) }
    }
  }

  /// The place of a name that stands somewhere, which is counted.
  @inline(__always) private func counted(_ name: Bytes?) -> UInt32 {
    let place = names.place(name)
    nameBytes += names.lengths[Int(place)]
    return place
  }

  private func end() {
    guard refusal == nil else { return }
    depth -= 1
    if let last = defaults.last, last.depth == depth { defaults.removeLast() }
    if let last = prefixCounts.last, last.depth == depth {
      prefixCounts.removeLast()
      prefixes -= last.count
    }
    if depth > 0 { tape.closeElement() }
  }

  private func text(_ bytes: Bytes?, _ count: Int) {
    guard depth > 1, problem == nil, refusal == nil else { return }
    tape.text(UnsafeBufferPointer(start: bytes, count: count))
  }

  private func report(_ error: xmlError) {
    // A namespace name that is no URI breaks no rule that a parser checks.
    guard error.level == XML_ERR_ERROR || error.level == XML_ERR_FATAL,
      error.code != Int32(XML_WAR_NS_URI.rawValue)
    else { return }
    let text = error.message.map { String(cString: $0) } ?? "XML error \(error.code)"
    let line = String(text.prefix { !$0.isNewline })
    if error.domain == Int32(XML_FROM_NAMESPACE.rawValue), parser?.pointee.wellFormed != 0 {
      // libxml2 has one code for this and its like. If its words were others, the element would be skipped.
      if error.code == Int32(XML_NS_ERR_XML_NAMESPACE.rawValue), depth > 0,
        line.utf8.elementsEqual(
          TreeBuilder.xmlAsDefault.utf8)
      {
        declaresXMLAsDefault = true
        return
      }
      let isUndefined = error.code == Int32(XML_NS_ERR_UNDEFINED_NAMESPACE.rawValue)
      return refuse(.namespaces, isUndefined ? "bad-namespace-prefix" : "not-well-formed", line)
    }
    switch UInt32(bitPattern: error.code) {
    case XML_ERR_UNDECLARED_ENTITY.rawValue, XML_WAR_UNDECLARED_ENTITY.rawValue: fail("restricted-xml", line)
    default: fail("not-well-formed", line)
    }
  }

  private static let xmlAsDefault = "xml namespace URI cannot be the default namespace"

  private func beginTape() {
    if isKnownUniquelyReferenced(&tape) { tape.reset() } else { tape = Tape() }
  }

  private static func of(_ user: UnsafeMutableRawPointer?) -> TreeBuilder? {
    user.map { Unmanaged<TreeBuilder>.fromOpaque($0).takeUnretainedValue() }
  }

  private static var handler: xmlSAXHandler {
    var handler = xmlSAXHandler()
    handler.initialized = XML_SAX2_MAGIC
    handler.startElementNs = {
      user, name, prefix, namespace, count, namespaces, attributeCount, _, attributes in
      TreeBuilder.of(user)?.start(
        name, prefix, namespace, namespaces: namespaces, count: Int(count), attributes: attributes,
        attributeCount: Int(attributeCount))
    }
    handler.endElementNs = { user, _, _, _ in TreeBuilder.of(user)?.end() }
    handler.characters = { user, bytes, count in TreeBuilder.of(user)?.text(bytes, Int(count)) }
    handler.serror = { user, error in
      if let error { TreeBuilder.of(user)?.report(error.pointee) }
    }
    return handler
  }
}

/// The names of one parser as strings, found by the address libxml2 keeps each of them at.
private struct NameTable {
  private(set) var strings = CommonName.strings
  /// Their lengths in bytes.
  private(set) var lengths = CommonName.strings.map(\.utf8.count)
  /// A hash table whose size is a power of two; 0 is a free slot.
  private var slots = [(address: UInt, place: UInt32)](repeating: (0, 0), count: 256)
  private var used = 0

  mutating func place(_ name: UnsafePointer<UInt8>?) -> UInt32 {
    guard let name else { return 0 }
    let address = UInt(bitPattern: name)
    var slot = NameTable.slot(address, slots.count)
    while slots[slot].address != 0 {
      if slots[slot].address == address { return slots[slot].place }
      slot = (slot &+ 1) & (slots.count &- 1)
    }
    let string = String(cString: name)
    let common = CommonName.strings.firstIndex { $0.isSame(as: string) }
    let place = UInt32(clamping: common ?? strings.count)
    if common == nil {
      strings.append(string)
      lengths.append(string.utf8.count)
    }
    slots[slot] = (address, place)
    used += 1
    if used * 2 > slots.count { grow() }
    return place
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: (0, 0), count: old.count * 2)
    for entry in old where entry.address != 0 {
      var slot = NameTable.slot(entry.address, slots.count)
      while slots[slot].address != 0 { slot = (slot &+ 1) & (slots.count &- 1) }
      slots[slot] = entry
    }
  }

  @inline(__always) private static func slot(_ address: UInt, _ count: Int) -> Int {
    Int(truncatingIfNeeded: (address &* 0x9E37_79B9_7F4A_7C15) >> 32) & (count &- 1)
  }
}

extension TreeBuilder {
  /// The version of libxml2 in use, which has it as one number: 20914 is 2.9.14.
  static var libraryVersion: String {
    let text = String(cString: libxml2_version())
    guard let number = Int(text.prefix { $0.isNumber }) else { return text }
    return "\(number / 10_000).\(number / 100 % 100).\(number % 100)"
  }
}
