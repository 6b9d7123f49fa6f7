/// The only maker of XML text: every byte that stands for data is escaped here, and every namespace declared.
///
/// Elements are written without prefixes, each declaring its namespace where it differs from the one around it. What XML
/// cannot carry (C0 controls other than TAB, LF and CR, U+FFFE, U+FFFF) becomes U+FFFD; whoever must not lose it checks
/// before. Names are written as they are.
public struct XMLWriter: Sendable {
  /// What of the text is escaped beyond the need of XML.
  public enum Style: Sendable {
    /// Nothing.
    case plain
    /// Line ends, TAB and every other `UnsafeCharacter`.
    case line
  }

  /// What was written so far.
  public private(set) var bytes: [UInt8] = []
  private let style: Style
  /// The default namespaces in force, the innermost last.
  private var defaults: [String]
  /// The namespaces of attributes that have a prefix here, `ns0` the first, and their numbers.
  private var prefixes: [String.UTF8Key] = []
  private var prefixNumbers: [String.UTF8Key: Int] = [:]
  /// Whether the last start tag still lacks its `>`.
  private var tagIsOpen = false

  /// - Parameter namespace: the default namespace in force where the text will stand, `jabber:client` in a stream.
  public init(inside namespace: String = "", style: Style = .plain) {
    defaults = [namespace]
    self.style = style
  }

  /// Forgets the text and keeps the memory.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// Ends the line, between elements.
  public mutating func endLine() { put("\n") }

  /// Writes an element; `content` writes what is in it.
  ///
  /// - Parameter attributes: those that are `nil` are left out; `xml:lang` is the one name that may have a prefix.
  public mutating func element<E: Error>(
    _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?> = [:],
    content: (inout XMLWriter) throws(E) -> Void
  ) throws(E) {
    open(name, namespace)
    for (name, value) in attributes {
      if let value { attribute(name, value) }
    }
    try content(&self)
    close(name, namespace)
  }

  /// Writes an element without content.
  public mutating func element(
    _ name: String, _ namespace: String, _ attributes: KeyValuePairs<String, String?> = [:]
  ) {
    element(name, namespace, attributes) { _ in }
  }

  /// Writes text.
  public mutating func text(_ text: String) {
    var text = text
    text.withUTF8 { self.text(utf8: $0) }
  }

  /// Writes text given as UTF-8.
  public mutating func text(utf8 text: UnsafeBufferPointer<UInt8>) {
    guard !text.isEmpty else { return }
    endTag()
    escape(text, inAttribute: false)
  }

  /// Writes an element with all that is in it, however deep that is.
  public mutating func copy(_ element: Element) {
    var level = open(element)
    var outer: [Level] = []
    while true {
      switch level.content.next() {
      case .text(let text): text.withUTF8 { self.text(utf8: $0) }
      case .element(let child):
        outer.append(level)
        level = open(child)
      case nil:
        for _ in 0..<level.prefixes { prefixNumbers[prefixes.removeLast()] = nil }
        close(level.element.name, level.element.namespace)
        guard let last = outer.popLast() else { return }
        level = last
      }
    }
  }

  /// An element that is being copied: the rest of its content, and how many prefixes its tag declares.
  private struct Level {
    let element: Element
    var content: Children
    var prefixes: Int
  }

  /// Writes a start tag. Declares the namespace of an attribute on the first element that needs it; the elements inside reuse
  /// the prefix, so the copy never has more declarations than the original.
  private mutating func open(_ element: Element) -> Level {
    open(element.name, element.namespace)
    let known = prefixes.count
    for attribute in element.attributes {
      let namespace = attribute.namespace
      if namespace.isEmpty {
        put(" \(shown(attribute.name))='")
      } else if namespace.isSame(as: Namespace.xml) {
        put(" xml:\(shown(attribute.name))='")
      } else {
        put(" ns\(prefix(namespace)):\(shown(attribute.name))='")
      }
      attribute.withUTF8 { escape($0, inAttribute: true) }
      put("'")
    }
    return Level(element: element, content: element.children, prefixes: prefixes.count - known)
  }

  /// The number in the prefix of an attribute's namespace, which is declared in the open tag if it is new.
  private mutating func prefix(_ namespace: String) -> Int {
    let key = String.UTF8Key(namespace)
    if let number = prefixNumbers[key] { return number }
    let number = prefixes.count
    put(" xmlns:ns\(number)='")
    escape(namespace, inAttribute: true)
    put("'")
    prefixes.append(key)
    prefixNumbers[key] = number
    return number
  }

  /// Writes the header of a stream (RFC 6120 §4.7); what follows stands inside it.
  public mutating func openStream(
    content namespace: String, _ attributes: KeyValuePairs<String, String?> = [:]
  ) {
    put("<?xml version='1.0'?><stream:stream xmlns='")
    escape(namespace, inAttribute: true)
    put("' xmlns:stream='\(Namespace.stream)'")
    for (name, value) in attributes {
      if let value { attribute(name, value) }
    }
    put(">")
    defaults = [namespace]
  }

  /// Writes the end of a stream.
  public mutating func closeStream() { put("</stream:stream>") }

  // MARK: Parts of tags

  private mutating func open(_ name: String, _ namespace: String) {
    endTag()
    tagIsOpen = true
    // The namespace of xml: cannot be a default.
    if namespace.isSame(as: Namespace.xml) {
      put("<xml:\(shown(name))")
      defaults.append(defaults.last ?? "")
      return
    }
    put("<")
    put(shown(name))
    if !namespace.isSame(as: defaults.last ?? "") { attribute("xmlns", namespace) }
    defaults.append(namespace)
  }

  private mutating func close(_ name: String, _ namespace: String) {
    defaults.removeLast()
    if tagIsOpen {
      tagIsOpen = false
      return put("/>")
    }
    put(namespace.isSame(as: Namespace.xml) ? "</xml:" : "</")
    put(shown(name))
    put(">")
  }

  private mutating func endTag() {
    if tagIsOpen { put(">") }
    tagIsOpen = false
  }

  private mutating func attribute(_ name: String, _ value: String) {
    put(" ")
    put(name)
    put("='")
    escape(value, inAttribute: true)
    put("'")
  }

  /// A name as it may stand on a line. A name has no character references, so what must not be seen raw becomes U+FFFD.
  private func shown(_ name: String) -> String {
    guard style == .line, name.utf8.contains(where: { $0 >= 0x80 }) else { return name }
    var name = name
    return name.withUTF8 { bytes in
      var shown: [UInt8] = []
      var index = 0
      while index < bytes.count {
        let unsafe = UnsafeCharacter.at(index, in: bytes)
        if unsafe == nil { shown.append(bytes[index]) } else { shown.append(contentsOf: "\u{FFFD}".utf8) }
        index += unsafe?.length ?? 1
      }
      return String(decoding: shown, as: UTF8.self)
    }
  }

  private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

  // MARK: Escaping

  private mutating func escape(_ text: String, inAttribute: Bool) {
    var text = text
    text.withUTF8 { escape($0, inAttribute: inAttribute) }
  }

  private mutating func escape(_ text: UnsafeBufferPointer<UInt8>, inAttribute: Bool) {
    // Room that is not used is no memory; growing again and again would have a large text twice.
    if text.count > 1 << 18 { bytes.reserveCapacity(bytes.count + 3 * text.count) }
    var written = 0
    var index = 0
    while index < text.count {
      let byte = text[index]
      // Most bytes stand for themselves.
      if byte > 0x3E && byte < 0x7F || byte == 0x20 || byte > 0x27 && byte < 0x3C {
        index += 1
        continue
      }
      guard let (length, replacement) = replacement(text, index, inAttribute: inAttribute) else {
        index += 1
        continue
      }
      bytes.append(contentsOf: text[written..<index])
      put(replacement)
      index += length
      written = index
    }
    bytes.append(contentsOf: text[written...])
  }

  /// What is written for the character that begins here, and its length; `nil` for the character itself.
  private func replacement(
    _ whole: UnsafeBufferPointer<UInt8>, _ index: Int, inAttribute: Bool
  ) -> (length: Int, text: String)? {
    let text = UnsafeBufferPointer(rebasing: whole[index...])
    switch text[0] {
    case UInt8(ascii: "&"): return (1, "&amp;")
    case UInt8(ascii: "<"): return (1, "&lt;")
    case UInt8(ascii: ">"): return (1, "&gt;")
    case UInt8(ascii: "'"): return inAttribute ? (1, "&apos;") : nil
    case UInt8(ascii: "\""): return inAttribute ? (1, "&quot;") : nil
    case 0x0D: return (1, "&#13;")
    case 0x0A: return inAttribute || style == .line ? (1, "&#10;") : nil
    case 0x09: return inAttribute || style == .line ? (1, "&#9;") : nil
    case 0..<0x20: return (1, "\u{FFFD}")
    case 0x7F: return style == .line ? (1, "&#127;") : nil
    case 0xEF where text.count > 2 && text[1] == 0xBF && text[2] >= 0xBE: return (3, "\u{FFFD}")
    default:
      guard style == .line, let unsafe = UnsafeCharacter.at(index, in: whole) else { return nil }
      return (unsafe.length, "&#\(unsafe.scalar);")
    }
  }
}
