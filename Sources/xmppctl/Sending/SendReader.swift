import XMPP

/// Turns the bytes of standard input into stanzas, in the form the options name. No I/O.
struct SendReader: ~Copyable {
  /// How standard input is to be read.
  enum Form {
    /// All of it is one body.
    case body
    /// Each line is a body.
    case lines
    /// Each line is a JSON object.
    case ndjson
    /// It is stanzas.
    case xml
  }

  /// What one thing of the input is.
  enum Event {
    /// The stanzas for it, one for each recipient; none for an empty line.
    case items([SendItem])
    /// It cannot be sent; what stands behind it can.
    case bad(Failure)
  }

  /// The largest body.
  static let bodyLimit = 3 << 19

  private let form: Form
  private let template: SendTemplate
  private let text: InputText
  private var lines = InputLines()
  private var stanzas = InputStanzas()
  private var count = 0
  /// The body so far, or XML of which `used` bytes were read.
  private var bytes: [UInt8] = []
  private var used = 0
  private var isEnded = false
  private var isBehindDeclaration = false

  init(_ form: Form, _ template: SendTemplate, _ text: InputText) {
    self.form = form
    self.template = template
    self.text = text
  }

  /// Adds bytes as they were read.
  mutating func feed(_ more: UnsafeRawBufferPointer) {
    switch form {
    case .lines, .ndjson: lines.feed(more)
    case .body, .xml:
      bytes.removeFirst(used)
      used = 0
      bytes.append(contentsOf: more)
    }
  }

  /// Says that no more will come.
  mutating func end() { isEnded = true }

  /// The next thing; `nil` where more bytes are needed, or none is left.
  ///
  /// - Throws: what is wrong with the input where nothing behind it can be read.
  mutating func next() throws(Failure) -> Event? {
    switch form {
    case .body: try body()
    case .lines, .ndjson: try line()
    case .xml: try stanza()
    }
  }

  private mutating func body() throws(Failure) -> Event? {
    guard bytes.count <= SendReader.bodyLimit else {
      throw .input("too-large", "the message has more than \(SendReader.bodyLimit) bytes")
    }
    guard isEnded, count == 0 else { return nil }
    count = 1
    // The end of a text's last line is not part of what it says.
    if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
    return .items(try template.items(body: text.text(bytes, in: "the message")))
  }

  private mutating func stanza() throws(Failure) -> Event? {
    guard skipDeclaration() else { return nil }
    do throws(Failure) {
      guard let stanza = try stanzas.next(bytes, &used) else {
        if isEnded { try stanzas.end() }
        return nil
      }
      count += 1
      return .items(try template.items(.stanza(stanza), place: "stanza \(count)"))
    } catch {
      guard error.condition == "not-a-stanza" else { throw error }
      return .bad(error)
    }
  }

  /// Passes over an XML declaration at the very beginning, which files have.
  ///
  /// - Returns: whether what comes next can be read.
  private mutating func skipDeclaration() -> Bool {
    guard !isBehindDeclaration else { return true }
    let start = Array("<?xml".utf8)
    guard bytes.starts(with: start) || !isEnded && start.starts(with: bytes) else {
      isBehindDeclaration = true
      return true
    }
    guard let end = bytes.firstIndex(of: UInt8(ascii: ">")) else { return isEnded }
    used = end + 1
    isBehindDeclaration = true
    return true
  }

  private mutating func line() throws(Failure) -> Event? {
    guard let line = try lines.next() ?? (isEnded ? lines.end() : nil) else { return nil }
    do throws(Failure) {
      return .items(try items(line))
    } catch {
      return .bad(error)
    }
  }

  private func items(_ line: InputLines.Line) throws(Failure) -> [SendItem] {
    if form == .ndjson {
      if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return [] }
      return try template.items(InputItem(ndjson: line, check: text), place: "line \(line.number)")
    }
    return line.bytes.isEmpty
      ? [] : try template.items(body: text.text(line.bytes, in: "line \(line.number)"))
  }
}
