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
  /// The first error libxml2 reported: a condition and its words.
  @exclusivity(unchecked) private var problem: (condition: String, text: String)?
  /// The default namespace of the root.
  private(set) var contentNamespace = ""
  /// Bytes of all names of one first-level element, each with its namespace spelled out where it stands, and the most there
  /// may be: few bytes on the wire could make lines of any length otherwise.
  @exclusivity(unchecked) private var nameBytes = 0
  private let mostNameBytes: Int
  /// Namespace declarations that are in force may not be more than this; libxml2 searches them one by one.
  private static let namespacesInForce: Int32 = 256

  /// - Parameter rootTag: the root's start tag, when it was read before.
  init(limits: Limits, rootTag: [UInt8] = []) {
    mostNameBytes = limits.nameBytes
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

  // MARK: What libxml2 calls

  private typealias Bytes = UnsafePointer<UInt8>

  private func start(
    _ name: Bytes?, _ namespace: Bytes?, namespaces: UnsafeMutablePointer<Bytes?>?, count: Int,
    attributes: UnsafeMutablePointer<Bytes?>?, attributeCount: Int
  ) {
    guard problem == nil else { return }
    if let parser, parser.pointee.nsNr > 2 * TreeBuilder.namespacesInForce {
      return fail("policy-violation", "more than \(TreeBuilder.namespacesInForce) namespaces at once")
    }
    if depth <= 1 {
      beginTape()
      nameBytes = 0
    }
    if depth == 0, let namespaces {
      // Pairs of prefix and name; no prefix is the default.
      for pair in 0..<count where namespaces[2 * pair] == nil {
        contentNamespace = namespaces[2 * pair + 1].map { String(cString: $0) } ?? ""
      }
    }
    depth += 1
    tape.openElement(counted(name), counted(namespace), attributes: attributeCount)
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
    if nameBytes > mostNameBytes {
      fail("policy-violation", "names and namespaces of more than \(mostNameBytes) bytes")
    }
    // Of the root, only the tag: what follows are elements of their own.
    if depth == 1 { tape.closeElement() }
  }

  /// The place of a name that stands somewhere, which is counted.
  @inline(__always) private func counted(_ name: Bytes?) -> UInt32 {
    let place = names.place(name)
    nameBytes += names.lengths[Int(place)]
    return place
  }

  private func end() {
    depth -= 1
    if depth > 0 { tape.closeElement() }
  }

  private func text(_ bytes: Bytes?, _ count: Int) {
    guard depth > 1, problem == nil else { return }
    tape.text(UnsafeBufferPointer(start: bytes, count: count))
  }

  private func report(_ error: xmlError) {
    // A namespace name that is no URI breaks no rule that a parser checks.
    guard error.level == XML_ERR_ERROR || error.level == XML_ERR_FATAL,
      error.code != Int32(XML_WAR_NS_URI.rawValue)
    else { return }
    let condition =
      switch UInt32(bitPattern: error.code) {
      case XML_ERR_UNDECLARED_ENTITY.rawValue, XML_WAR_UNDECLARED_ENTITY.rawValue: "restricted-xml"
      case XML_NS_ERR_UNDEFINED_NAMESPACE.rawValue: "bad-namespace-prefix"
      default: "not-well-formed"
      }
    let text = error.message.map { String(cString: $0) } ?? "XML error \(error.code)"
    fail(condition, String(text.prefix { !$0.isNewline }))
  }

  private func beginTape() {
    if isKnownUniquelyReferenced(&tape) { tape.reset() } else { tape = Tape() }
  }

  private static func of(_ user: UnsafeMutableRawPointer?) -> TreeBuilder? {
    user.map { Unmanaged<TreeBuilder>.fromOpaque($0).takeUnretainedValue() }
  }

  private static var handler: xmlSAXHandler {
    var handler = xmlSAXHandler()
    handler.initialized = XML_SAX2_MAGIC
    handler.startElementNs = { user, name, _, namespace, count, namespaces, attributeCount, _, attributes in
      TreeBuilder.of(user)?.start(
        name, namespace, namespaces: namespaces, count: Int(count), attributes: attributes,
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
