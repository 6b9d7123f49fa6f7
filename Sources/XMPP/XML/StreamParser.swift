/// Cuts the bytes of one XML stream into its header, its first-level elements and its end.
///
/// It does no I/O and holds no more than one element. What XMPP forbids in XML is refused the moment it can be told
/// (RFC 6120 §11.1), and once something was refused, nothing is parsed any more: there is no way to get back in step.
///
/// The end of an element can still be found if the element exceeds a limit, or if only its namespaces are wrong. If `skips` is
/// set, the parser discards such an element's content and continues after it.
public struct StreamParser: ~Copyable {
  /// What a stream consists of.
  public enum Event: Sendable, Equatable {
    /// The start tag of the stream root: name, namespace and attributes.
    case header(Element)
    /// A whole first-level element.
    case element(Element)
    /// A first-level element that was skipped: its start tag, as far as it could be parsed, and why.
    case skipped(Element, SkipReason)
    /// The end tag of the stream root.
    case end
  }

  /// Whether elements are skipped that would otherwise end the stream. For streams on which stanzas are exchanged.
  public var skips = false
  private let limits: Limits
  private var scanner: ByteScanner
  private var tree: TreeBuilder
  /// The start tag of the root, for a parser that takes over.
  private var rootTag: [UInt8] = []
  /// Bytes of something incomplete, which the XML parser has not seen yet.
  private var pending: [UInt8] = []
  private var isInCDATA = false
  /// Whether the root was empty, so that its end follows its header.
  private var endIsDue = false
  private var failure: Failure?
  /// The element that is being skipped: its start tag, and why.
  private var skipped: (startTag: Element, reason: SkipReason)?

  /// A parser for a stream from its first byte on.
  public init(limits: Limits = Limits()) {
    self.limits = limits
    scanner = ByteScanner(limits: limits)
    tree = TreeBuilder(limits: limits)
  }

  /// A parser for first-level elements alone, as if the header of a stream with that content namespace had come before.
  public init(limits: Limits = Limits(), insideStreamOf namespace: String) {
    self.limits = limits
    var header = XMLWriter()
    header.openStream(content: namespace)
    rootTag = Array(header.bytes.drop { $0 != UInt8(ascii: ">") }.dropFirst())
    scanner = ByteScanner(limits: limits, inside: true)
    tree = TreeBuilder(limits: limits, rootTag: rootTag)
  }

  /// The namespace that the header declared for the stream's content, `jabber:client` as a rule (RFC 6120 §4.8.2).
  public var contentNamespace: String { tree.contentNamespace }

  /// Whether the bytes so far ended with a whole header, element or stream, but for whitespace.
  public var isBetweenElements: Bool { scanner.isBetweenElements || scanner.hasEnded }

  /// Whether the element that is being read will be skipped.
  var isSkipping: Bool { skipped != nil }

  /// Reads on from `bytes[used...]` up to the end of the first event, and not a byte further.
  ///
  /// - Parameter used: advanced over the bytes that were read.
  /// - Returns: the event, or `nil` when the bytes are used up.
  /// - Throws: what the peer did wrong, with a condition of RFC 6120 §4.9.3 or `not-xml`; from then on always the same.
  public mutating func next(
    _ bytes: UnsafeRawBufferPointer, _ used: inout Int
  ) throws(Failure) -> Event? {
    if let failure { throw failure }
    do {
      return try read(bytes, &used)
    } catch {
      failure = error
      throw error
    }
  }

  private mutating func read(
    _ bytes: UnsafeRawBufferPointer, _ used: inout Int
  ) throws(Failure) -> Event? {
    if endIsDue {
      endIsDue = false
      return .end
    }
    while used < bytes.count {
      scanner.skipWhitespace(bytes, &used)
      let start = used
      let stop = scanner.scan(bytes, &used)
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<used])
      if skipped == nil, let event = try parse(piece, to: stop) { return event }
      if skipped != nil, let event = try skip(to: stop) { return event }
    }
    return nil
  }

  /// Parses a piece that the scanner has read up to `stop`, and begins to skip if it does not fit.
  private mutating func parse(
    _ piece: UnsafeRawBufferPointer, to stop: ByteScanner.Stop
  ) throws(Failure) -> Event? {
    if let excess = scanner.excess {
      // What stands before it may be wrong by itself, and then that came first.
      try feed(piece, keeping: min(scanner.unfinished, pending.count + piece.count))
      if skipped == nil { try beginSkipping(excess) }
      return nil
    }
    switch stop {
    case .exhausted:
      try feed(piece, keeping: scanner.unfinished)
    case .declaration:
      pending.append(contentsOf: piece)
      try XMLDeclaration.check(pending)
      pending.removeAll()
    case .header:
      rootTag = pending + piece
      try feed(piece)
      endIsDue = scanner.hasEnded
      return .header(try tree.header(at: scanner.elementStart))
    case .element:
      try feed(piece)
      guard skipped == nil else { return nil }
      let element = try tree.element(at: scanner.elementStart)
      if tree.isFull { tree = TreeBuilder(limits: limits, rootTag: rootTag) }
      return .element(element)
    case .end:
      try feed(piece)
      try tree.end(at: scanner.elementStart)
      return .end
    case .openCDATA:
      try feed(piece, keeping: scanner.tokenLength)
      pending.removeAll(keepingCapacity: true)
      isInCDATA = true
    case .closeCDATA:
      try feed(piece, keeping: scanner.tokenLength)
      pending.removeAll(keepingCapacity: true)
      isInCDATA = false
    case .exceeded: break
    case .violation(let failure):
      // What stands before it may be wrong by itself, and then that came first.
      try feed(piece, keeping: min(scanner.unfinished, pending.count + piece.count))
      throw failure
    }
    return nil
  }

  /// Stops parsing the current element; only its end is looked for from now on.
  ///
  /// - Throws: the failure for that limit or namespace, if elements must not be skipped.
  private mutating func beginSkipping(_ reason: SkipReason) throws(Failure) {
    guard skips, !rootTag.isEmpty else { throw scanner.failure(reason) }
    skipped = (tree.startTag ?? partialStartTag, reason)
    pending = []
    isInCDATA = false
    // The old one stands in the middle of the element.
    tree = TreeBuilder(limits: limits, rootTag: rootTag)
  }

  private mutating func skip(to stop: ByteScanner.Stop) throws(Failure) -> Event? {
    switch stop {
    case .element:
      guard let (startTag, reason) = skipped else { return nil }
      skipped = nil
      scanner.clearExcess()
      return .skipped(startTag, reason)
    case .violation(let failure): throw failure
    case .exhausted, .declaration, .header, .end, .openCDATA, .closeCDATA, .exceeded: return nil
    }
  }

  /// The start tag that `pending` begins with, too long or with too many attributes, up to the last attribute of those that
  /// are whole and fit.
  private var partialStartTag: Element {
    var quote: UInt8?
    var (end, count) = (0, 0)
    for (index, byte) in pending.enumerated() where count <= limits.attributes {
      if byte == quote {
        (quote, end, count) = (nil, index + 1, count + 1)
      } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
        quote = byte
      }
    }
    let name = pending.dropFirst().prefix {
      !isWhitespace($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ">")
    }
    let partial = TreeBuilder(limits: limits, rootTag: rootTag)
    (Array(pending[..<max(end, name.count + 1)]) + Array("/>".utf8)).withUnsafeBytes { partial.feed($0) }
    return partial.startTag ?? Element(String(decoding: name.prefix(64), as: UTF8.self), contentNamespace)
  }

  /// Hands bytes to the XML parser, save the last `keeping` of them, which wait for more.
  private mutating func feed(_ piece: UnsafeRawBufferPointer, keeping: Int = 0) throws(Failure) {
    if pending.isEmpty && !isInCDATA {
      let ready = piece.count - keeping
      tree.feed(UnsafeRawBufferPointer(rebasing: piece[..<ready]))
      pending.append(contentsOf: piece[ready...])
    } else {
      pending.append(contentsOf: piece)
      let ready = pending.count - keeping
      guard ready > 0 else { return }
      if isInCDATA {
        let text = StreamParser.escaped(pending[..<ready])
        text.withUnsafeBytes { tree.feed($0) }
      } else {
        pending.withUnsafeBytes { tree.feed(UnsafeRawBufferPointer(rebasing: $0[..<ready])) }
      }
      pending.removeSubrange(..<ready)
    }
    if let failure = tree.failure(at: scanner.elementStart) { throw failure }
    guard let reason = tree.skipReason else { return }
    if !skips || rootTag.isEmpty, let failure = tree.refusal(at: scanner.elementStart) { throw failure }
    try beginSkipping(reason)
  }

  /// A piece of a CDATA section as ordinary text. The XML parser never sees such sections, so that text may be cut
  /// anywhere.
  private static func escaped(_ section: ArraySlice<UInt8>) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(section.count)
    for byte in section {
      switch byte {
      case UInt8(ascii: "&"): text.append(contentsOf: "&amp;".utf8)
      case UInt8(ascii: "<"): text.append(contentsOf: "&lt;".utf8)
      case UInt8(ascii: ">"): text.append(contentsOf: "&gt;".utf8)
      default: text.append(byte)
      }
    }
    return text
  }
}
