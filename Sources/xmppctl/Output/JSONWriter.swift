/// JSON text, written straight into bytes, keys in the order they are given (RFC 8259).
///
/// Our own because a line must never carry a raw control, bidirectional control or line separator, and because keys
/// keep their order from one run to the next.
struct JSONWriter {
  /// What was written so far and is not drained yet.
  private(set) var bytes: [UInt8] = []
  /// Takes what was written whenever that has become much.
  private let drain: (([UInt8]) -> Void)?
  private static let much = 64 << 10
  /// Whether each member stands on a line of its own.
  private let indents: Bool
  private var depth = 0
  private var position = Position.first

  /// Where the next value stands.
  private enum Position {
    case first, afterKey, afterValue
  }

  /// - Parameters:
  ///   - indents: for a person at a terminal.
  ///   - drain: takes what was written, all but the rest, so that a long text is never in memory as a whole.
  init(indents: Bool = false, drain: (([UInt8]) -> Void)? = nil) {
    self.indents = indents
    self.drain = drain
  }

  /// Writes an object; `members` writes its members.
  mutating func object(_ members: (inout JSONWriter) -> Void) { nest("{", "}", members) }

  /// Writes an array; `elements` writes its elements.
  mutating func array(_ elements: (inout JSONWriter) -> Void) { nest("[", "]", elements) }

  /// Writes an array of one element for each value.
  mutating func array<Value>(_ values: [Value], _ element: (inout JSONWriter, Value) -> Void) {
    array { json in for value in values { element(&json, value) } }
  }

  /// Writes a member's name; its value must follow. Names are ours, or a stranger's attribute names.
  mutating func key(_ name: String) {
    separate()
    quoted(name)
    bytes.append(UInt8(ascii: ":"))
    if indents { bytes.append(UInt8(ascii: " ")) }
    position = .afterKey
  }

  /// Writes a member's name that needs no escaping; its value must follow.
  mutating func key(literal name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    if indents { bytes.append(UInt8(ascii: " ")) }
    position = .afterKey
  }

  /// Writes a string given as UTF-8.
  mutating func value(utf8 text: UnsafeBufferPointer<UInt8>) {
    separate()
    quoted(text)
    position = .afterValue
  }

  /// Writes a moment, milliseconds since 1970.
  mutating func value(moment: Int64) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    Timestamp.append(milliseconds: moment, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
    position = .afterValue
  }

  /// Writes a string.
  mutating func value(_ text: String) {
    separate()
    quoted(text)
    position = .afterValue
  }

  /// Writes a string that needs no escaping.
  mutating func value(literal text: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
    position = .afterValue
  }

  /// Writes a whole number.
  mutating func value(_ number: Int) { raw(String(number)) }

  /// Writes true or false.
  mutating func value(_ truth: Bool) { raw(truth ? "true" : "false") }

  /// Writes a number with one digit behind the point, as milliseconds are.
  mutating func value(tenths number: Double) {
    let tenths = Int((number * 10).rounded())
    raw(tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)")
  }

  /// Writes a member where there is a value.
  mutating func member(_ name: String, _ text: String?) {
    guard let text else { return }
    key(name)
    value(text)
  }

  /// Writes a member where there is a value.
  mutating func member(_ name: String, _ number: Int?) {
    guard let number else { return }
    key(name)
    value(number)
  }

  /// Writes a member where there is a value.
  mutating func member(_ name: String, _ truth: Bool?) {
    guard let truth else { return }
    key(name)
    value(truth)
  }

  /// Writes a member that is an array of strings.
  mutating func member(_ name: String, _ texts: [String]) {
    key(name)
    array(texts) { $0.value($1) }
  }

  /// Ends the line.
  mutating func endLine() {
    bytes.append(UInt8(ascii: "\n"))
    position = .first
  }

  /// Forgets the text and keeps the memory, unless that has become much.
  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    position = .first
  }

  private mutating func nest(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ body: (inout JSONWriter) -> Void
  ) {
    separate()
    bytes.append(UInt8(ascii: open))
    depth += 1
    position = .first
    body(&self)
    depth -= 1
    if position == .afterValue { newline() }
    bytes.append(UInt8(ascii: close))
    position = .afterValue
  }

  private mutating func raw(_ text: String) {
    separate()
    bytes.append(contentsOf: text.utf8)
    position = .afterValue
  }

  private mutating func drainMuch() {
    guard let drain, bytes.count >= JSONWriter.much else { return }
    drain(bytes)
    bytes.removeAll(keepingCapacity: true)
  }

  private mutating func separate() {
    drainMuch()
    switch position {
    case .afterKey: return
    case .afterValue: bytes.append(UInt8(ascii: ","))
    case .first: break
    }
    if depth > 0 { newline() }
  }

  private mutating func newline() {
    guard indents else { return }
    bytes.append(UInt8(ascii: "\n"))
    for _ in 0..<depth { bytes.append(contentsOf: "  ".utf8) }
  }

  private mutating func quoted(_ text: String) {
    var text = text
    text.withUTF8 { quoted($0) }
  }

  /// Writes UTF-8 as a string: runs of harmless bytes are copied whole.
  private mutating func quoted(_ text: UnsafeBufferPointer<UInt8>) {
    bytes.append(UInt8(ascii: "\""))
    var start = 0
    var index = 0
    while true {
      index = Hazard.skipPlain(text, from: index)
      guard index < text.count else { break }
      let byte = text[index]
      let hazard = Hazard.at(index, in: text)
      guard hazard != nil || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
        index += 1
        continue
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start..<index]))
      if let hazard {
        escape(hazard.scalar)
        index += hazard.length
        drainMuch()
      } else {
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
        index += 1
      }
      start = index
    }
    bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[start...]))
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func escape(_ scalar: UInt32) {
    switch scalar {
    case 0x09: bytes.append(contentsOf: "\\t".utf8)
    case 0x0A: bytes.append(contentsOf: "\\n".utf8)
    case 0x0D: bytes.append(contentsOf: "\\r".utf8)
    default: Hazard.escape(scalar, into: &bytes)
    }
  }
}
