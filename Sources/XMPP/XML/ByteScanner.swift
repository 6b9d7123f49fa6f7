/// Walks over the bytes of a stream before the XML parser sees them: proves them UTF-8, refuses what XMPP forbids the
/// moment it can be told (RFC 6120 §11.1, §11.6), counts against the limits, and finds where each first-level element
/// ends. It knows tags, quotes and references, and no more of XML than that.
///
/// Every byte is looked at once, however the stream was cut into pieces.
struct ByteScanner {
  /// Why the scanner stopped.
  enum Stop {
    /// The bytes are used up.
    case exhausted
    /// Behind an XML declaration.
    case declaration
    /// Behind the start tag of the stream root.
    case header
    /// Behind a whole first-level element.
    case element
    /// Behind the end tag of the stream root.
    case end
    /// Behind `<![CDATA[`.
    case openCDATA
    /// Behind `]]>`.
    case closeCDATA
    /// At the byte that exceeds a limit, which `excess` names. Scanning can go on to the end of the element.
    case exceeded
    /// At a byte that must not be.
    case violation(Failure)
  }

  private enum State {
    /// Before the first byte; behind it and before the root; behind the root.
    case start, prolog, epilog
    /// Behind the first `<`; matching `<?xml`; in the declaration.
    case firstOpen, declarationName, declaration, declarationEnd
    /// Among the first-level elements; in the content of one.
    case between, content
    /// In content, behind `]`, behind `]]`, in `&…;`.
    case bracket, brackets, reference
    /// Behind `<`; in a start tag; behind its `/`; in a value; in an end tag.
    case open, tag, slash, doubleQuoted, singleQuoted, endTag
    /// Matching `<![CDATA[`; inside; behind `]`; behind `]]`.
    case bang, cdata, cdataBracket, cdataBrackets
  }

  let limits: Limits
  /// Bytes of the stream seen so far.
  private(set) var offset = 0
  private var state = State.start
  /// Elements that are open.
  private var depth = 0
  /// Where the current tag, reference, or what else cannot be cut, began.
  private var tokenStart = 0
  /// Where the current first-level element, or a tag of the root, began.
  private(set) var elementStart = 0
  private var attributes = 0
  private var nodes = 0
  /// The first limit that the current first-level element exceeds; the others are no longer checked then.
  private(set) var excess: SkipReason?
  /// Bytes of `<?xml` or `<![CDATA[` that matched.
  private var matched = 0
  private var character = UTF8Check()

  /// - Parameter inside: whether the stream root was opened already.
  init(limits: Limits, inside: Bool = false) {
    self.limits = limits
    if inside {
      state = .between
      depth = 1
    }
  }

  /// Whether no element is open but the root.
  var isBetweenElements: Bool { state == .between }

  /// How many of the bytes seen last belong to something that is not complete yet: part of a tag, a reference or a
  /// character. What is before them can go to the parser.
  var unfinished: Int {
    switch state {
    case .content, .cdata: character.seen
    case .start, .prolog, .between, .epilog: 0
    default: offset - tokenStart
    }
  }

  /// How many bytes ago the current, or just now completed, tag, reference or CDATA delimiter began.
  var tokenLength: Int { offset - tokenStart }

  /// Reads on from `bytes[index]` and advances `index` to where it stopped.
  mutating func scan(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> Stop {
    let origin = offset - index
    let stop = run(bytes, &index, origin)
    offset = origin + index
    if case .violation = stop { return stop }
    if isInElement || isElement(stop), offset - elementStart > limits.elementBytes {
      excess = excess ?? .elementBytes(limits.elementBytes)
    } else if isInTag, offset - tokenStart > limits.tagBytes {
      excess = excess ?? .tagBytes(limits.tagBytes)
    }
    return stop
  }

  /// The failure of a stream whose element exceeds a limit and must not be skipped.
  func failure(_ reason: SkipReason) -> Failure {
    let start =
      switch reason {
      case .elementBytes, .nodes, .names, .prefixes, .namespaces: elementStart
      case .tagBytes, .attributes, .depth: tokenStart
      }
    return .protocolViolation(
      "policy-violation", "the server sent \(reason.description) at byte \(start) of the stream")
  }

  /// Advances over whitespace that means nothing: before and behind the root and between first-level elements.
  mutating func skipWhitespace(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) {
    guard state == .start || state == .prolog || state == .between || state == .epilog else { return }
    let start = index
    while index < bytes.count, isWhitespace(bytes[index]) { index += 1 }
    offset += index - start
    if index > start, state == .start { state = .prolog }
  }

  private mutating func run(_ bytes: UnsafeRawBufferPointer, _ index: inout Int, _ origin: Int) -> Stop {
    guard let base = bytes.baseAddress else { return .exhausted }
    let end = bytes.count
    var i = index
    defer { index = i }

    while i < end {
      if character.seen > 0 {
        guard character.accept(bytes[i]) else { return badCharacter(bytes[i], at: origin + i) }
        i += 1
        continue
      }

      // The two states in which most bytes are met look at many at a time.
      switch state {
      case .content: i = plainText(base, i, end)
      case .doubleQuoted: i = plainValue(base, i, end, quote: UInt8(ascii: "\""))
      case .singleQuoted: i = plainValue(base, i, end, quote: UInt8(ascii: "'"))
      case .tag, .endTag: i = plainName(base, i, end)
      default: break
      }
      guard i < end else { break }

      let byte = bytes[i]
      let here = origin + i
      if state == .start || state == .prolog {
        if let stop = beforeRoot(byte, at: here, bytes, i) { return stop }
        i += 1
        continue
      }
      if byte >= 0x80 {
        if state == .open, let stop = openTag() { return stop }
        guard mayStartCharacter, character.accept(byte) else { return badCharacter(byte, at: here) }
        if state == .bracket || state == .brackets { state = .content }
        if state == .cdataBracket || state == .cdataBrackets { state = .cdata }
        i += 1
        continue
      }
      if byte < 0x20, !isWhitespace(byte) { return badCharacter(byte, at: here) }
      if let stop = step(byte, at: here) {
        switch stop {
        case .violation, .exceeded: return stop
        case .exhausted, .declaration, .header, .element, .end, .openCDATA, .closeCDATA: break
        }
        i += 1
        return stop
      }
      i += 1
    }
    return .exhausted
  }

  /// What one ASCII byte does.
  private mutating func step(_ byte: UInt8, at here: Int) -> Stop? {
    switch state {
    case .start, .prolog:
      return nil

    case .content, .bracket, .brackets:
      switch byte {
      case UInt8(ascii: "<"):
        state = .open
        tokenStart = here
      case UInt8(ascii: "&"):
        state = .reference
        tokenStart = here
      case UInt8(ascii: "]"):
        if state == .content {
          state = .bracket
          tokenStart = here
        } else {
          // Of three brackets the first is plain text.
          if state == .brackets { tokenStart += 1 }
          state = .brackets
        }
      case UInt8(ascii: ">") where state == .brackets:
        return violation("not-well-formed", "]]> in text", at: here)
      default:
        state = .content
      }

    case .reference:
      switch byte {
      case UInt8(ascii: ";"): state = .content
      case UInt8(ascii: "#"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: ":"):
        if here - tokenStart > 64 {
          return violation("restricted-xml", "an entity reference", at: tokenStart)
        }
      default: return violation("not-well-formed", "& that begins no reference", at: tokenStart)
      }

    case .between:
      if isWhitespace(byte) { return nil }
      guard byte == UInt8(ascii: "<") else {
        return violation("not-well-formed", "text between stanzas", at: here)
      }
      state = .open
      tokenStart = here

    case .epilog:
      if isWhitespace(byte) { return nil }
      return violation("not-well-formed", "more behind the end of the stream", at: here)

    case .firstOpen:
      guard byte == UInt8(ascii: "?") else {
        state = .open
        return opened(by: byte, at: here)
      }
      state = .declarationName
      matched = 2

    case .declarationName:
      let name = StaticString("<?xml")
      if matched < name.utf8CodeUnitCount {
        guard byte == name.utf8Start[matched] else { return restricted("a processing instruction") }
        matched += 1
      } else {
        guard isWhitespace(byte) else { return restricted("a processing instruction") }
        state = .declaration
      }

    case .declaration, .declarationEnd:
      if here - tokenStart > 256 {
        return violation("not-well-formed", "an XML declaration without an end", at: tokenStart)
      }
      if state == .declarationEnd, byte == UInt8(ascii: ">") {
        state = .prolog
        return .declaration
      }
      state = byte == UInt8(ascii: "?") ? .declarationEnd : .declaration

    case .open:
      return opened(by: byte, at: here)

    case .tag:
      switch byte {
      case UInt8(ascii: "\""): state = .doubleQuoted
      case UInt8(ascii: "'"): state = .singleQuoted
      case UInt8(ascii: "/"): state = .slash
      case UInt8(ascii: "="):
        // With the declarations of their namespaces, as the writer writes them.
        if attributes >= 2 * limits.attributes + 1, exceed(.attributes(limits.attributes)) {
          return .exceeded
        }
        if nodes >= limits.nodes, exceed(.nodes(limits.nodes)) { return .exceeded }
        attributes += 1
        nodes += 1
      case UInt8(ascii: ">"):
        return closeStartTag(at: here)
      case UInt8(ascii: "<"):
        return violation("not-well-formed", "< inside a tag", at: here)
      default: break
      }

    case .slash:
      guard byte == UInt8(ascii: ">") else {
        return violation("not-well-formed", "/ inside a tag", at: here)
      }
      return closeEmptyTag(at: here)

    case .doubleQuoted, .singleQuoted:
      if byte == UInt8(ascii: "<") {
        return violation("not-well-formed", "< inside an attribute value", at: here)
      }
      if byte == (state == .doubleQuoted ? UInt8(ascii: "\"") : UInt8(ascii: "'")) { state = .tag }

    case .endTag:
      if byte == UInt8(ascii: "<") { return violation("not-well-formed", "< inside a tag", at: here) }
      if byte == UInt8(ascii: ">") { return closeEndTag(at: here) }

    case .bang:
      let opening = StaticString("<![CDATA[")
      guard byte == opening.utf8Start[matched] else { return restricted("<! other than <![CDATA[") }
      matched += 1
      if matched == opening.utf8CodeUnitCount {
        state = .cdata
        return .openCDATA
      }

    case .cdata, .cdataBracket, .cdataBrackets:
      switch (byte, state) {
      case (UInt8(ascii: "]"), .cdata):
        state = .cdataBracket
        tokenStart = here
      case (UInt8(ascii: "]"), .cdataBracket):
        state = .cdataBrackets
      case (UInt8(ascii: "]"), _):
        tokenStart += 1
      case (UInt8(ascii: ">"), .cdataBrackets):
        state = .content
        return .closeCDATA
      default:
        state = .cdata
      }
    }
    return nil
  }

  /// Before the root: whitespace, an XML declaration at the very start, or the root.
  private mutating func beforeRoot(
    _ byte: UInt8, at here: Int, _ bytes: UnsafeRawBufferPointer, _ index: Int
  ) -> Stop? {
    if byte == UInt8(ascii: "<") {
      tokenStart = here
      state = state == .start ? .firstOpen : .open
      return nil
    }
    if here == 0, byte == 0xEF || byte == 0xFE || byte == 0xFF {
      return violation("unsupported-encoding", "a byte order mark", at: here)
    }
    let line = bytes[index...].prefix(60).prefix { $0 != 0x0A && $0 != 0x0D }
    return violation("not-xml", "\"\(String(decoding: line, as: UTF8.self))\", which is not XML,", at: here)
  }

  /// What follows `<`.
  private mutating func opened(by byte: UInt8, at here: Int) -> Stop? {
    switch byte {
    case UInt8(ascii: "/"):
      guard depth > 0 else {
        return violation("not-well-formed", "an end tag before any start tag", at: here)
      }
      if depth == 1 { elementStart = tokenStart }
      state = .endTag
    case UInt8(ascii: "!"):
      guard depth > 1 else { return restricted("<! outside an element") }
      state = .bang
      matched = 2
    case UInt8(ascii: "?"):
      return restricted("a processing instruction")
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
      UInt8(ascii: ":"):
      return openTag()
    default:
      return violation("not-well-formed", "< that begins no tag", at: here)
    }
    return nil
  }

  private mutating func openTag() -> Stop? {
    if depth <= 1 {
      elementStart = tokenStart
      nodes = 0
      excess = nil
    }
    if depth >= limits.depth, exceed(.depth(limits.depth)) { return .exceeded }
    if nodes >= limits.nodes, exceed(.nodes(limits.nodes)) { return .exceeded }
    state = .tag
    attributes = 0
    nodes += 1
    return nil
  }

  /// Clears `excess` after the end of the element that exceeded a limit.
  mutating func clearExcess() { excess = nil }

  /// Notes the first limit that is exceeded.
  ///
  /// - Returns: whether it is the first.
  private mutating func exceed(_ reason: SkipReason) -> Bool {
    guard excess == nil else { return false }
    excess = reason
    return true
  }

  /// Whether the tag that ends here is too long, which is found out once.
  private mutating func isTooLong(at here: Int) -> Bool {
    here - tokenStart >= limits.tagBytes && exceed(.tagBytes(limits.tagBytes))
  }

  private mutating func closeStartTag(at here: Int) -> Stop? {
    if isTooLong(at: here) { return .exceeded }
    depth += 1
    state = depth == 1 ? .between : .content
    return depth == 1 ? .header : nil
  }

  private mutating func closeEmptyTag(at here: Int) -> Stop? {
    if isTooLong(at: here) { return .exceeded }
    switch depth {
    case 0:
      state = .epilog
      return .header
    case 1:
      state = .between
      return .element
    default:
      state = .content
      return nil
    }
  }

  private mutating func closeEndTag(at here: Int) -> Stop? {
    if isTooLong(at: here) { return .exceeded }
    depth -= 1
    switch depth {
    case 0:
      state = .epilog
      return .end
    case 1:
      state = .between
      return .element
    default:
      state = .content
      return nil
    }
  }

  /// Whether the root was closed.
  var hasEnded: Bool { state == .epilog }

  /// Whether a character beyond ASCII may stand here.
  private var mayStartCharacter: Bool {
    switch state {
    case .content, .bracket, .brackets, .open, .tag, .doubleQuoted, .singleQuoted, .endTag: true
    case .cdata, .cdataBracket, .cdataBrackets: true
    default: false
    }
  }

  private var isInTag: Bool {
    switch state {
    case .tag, .slash, .doubleQuoted, .singleQuoted, .endTag: true
    default: false
    }
  }

  private var isInElement: Bool {
    switch state {
    case .tag, .slash, .doubleQuoted, .singleQuoted: depth > 0
    default: depth > 1
    }
  }

  private func isElement(_ stop: Stop) -> Bool {
    if case .element = stop { return true }
    return false
  }

  private func restricted(_ what: String) -> Stop { violation("restricted-xml", what, at: tokenStart) }

  private func badCharacter(_ byte: UInt8, at here: Int) -> Stop {
    let hex = String(byte, radix: 16, uppercase: true)
    let name = "byte 0x" + (hex.utf8.count < 2 ? "0" : "") + hex
    return violation(
      "not-well-formed",
      byte < 0x80 && character.seen == 0
        ? "\(name), a control character," : "\(name), which is not UTF-8 here,",
      at: here)
  }

  private func violation(_ condition: String, _ what: String, at offset: Int) -> Stop {
    .violation(.protocolViolation(condition, "the server sent \(what) at byte \(offset) of the stream"))
  }
}
