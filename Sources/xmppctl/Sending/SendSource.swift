import Glibc
import XMPP

/// Where the stanzas of a run come from: the options alone, or standard input, read as it comes.
final class SendSource {
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

  /// Whether everything was read and taken.
  private(set) var isAtEnd = false
  /// Bad input that was passed over.
  private(set) var passedOver = 0

  private let form: Form
  private let template: SendTemplate
  private let text: InputText
  private let keepsGoing: Bool
  private var lines = InputLines()
  private var stanzas = InputStanzas()
  private var body: [UInt8] = []
  private var xml: [UInt8] = []
  private var usedXML = 0
  private var ready: [SendItem] = []
  private var taken = 0
  private var inputEnded = false
  private var stanzaCount = 0

  /// Stanzas read from standard input.
  init(_ form: Form, _ template: SendTemplate, replacesInvalid: Bool, keepsGoing: Bool) {
    self.form = form
    self.template = template
    text = InputText(replacesInvalid: replacesInvalid)
    self.keepsGoing = keepsGoing
  }

  /// One body that is known already.
  ///
  /// - Throws: where XML cannot carry it.
  init(body: String, _ template: SendTemplate, replacesInvalid: Bool) throws(Failure) {
    form = .body
    self.template = template
    text = InputText(replacesInvalid: replacesInvalid)
    keepsGoing = false
    inputEnded = true
    ready = template.items(body: try text.text(Array(body.utf8), in: "the message"))
  }

  /// Whether more can come from standard input.
  var wantsInput: Bool { !inputEnded && taken == ready.count }

  /// The next stanza; `nil` when more input is needed, or none is left.
  func next() throws(Failure) -> SendItem? {
    while taken == ready.count {
      ready.removeAll(keepingCapacity: true)
      taken = 0
      guard try readItem() else {
        isAtEnd = inputEnded
        return nil
      }
    }
    taken += 1
    return ready[taken - 1]
  }

  /// Reads what standard input has; call when it is readable.
  ///
  /// - Throws: where it cannot be read.
  func read() throws(Failure) {
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    let count = buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
    guard count >= 0 else {
      if errno == EINTR || errno == EAGAIN { return }
      throw Failure(
        .input, "read-failed", "standard input: \(String(cString: strerror(errno)))", status: .noInput)
    }
    if count == 0 { return try end() }
    buffer[..<count].withUnsafeBytes { bytes in
      switch form {
      case .body: body.append(contentsOf: bytes)
      case .lines, .ndjson: lines.feed(bytes)
      case .xml:
        xml.removeFirst(usedXML)
        usedXML = 0
        xml.append(contentsOf: bytes)
      }
    }
    guard body.count <= 4 << 20 else { throw .input("too-large", "the message has more than 4 MiB") }
  }

  /// Reads and checks beforehand what is small enough to hold and comes at once: a whole body, a file, a short pipe.
  ///
  /// - Throws: the first thing in it that is wrong.
  func prepare(_ waiter: Waiter) throws(Failure) {
    var items: [SendItem] = []
    let start = Deadline.now
    var size = 0
    var waits = Deadline.after(seconds: 0.1)
    while !inputEnded {
      var ready = [pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)]
      let moment = form == .body ? .never : waits
      guard try waiter.wait(for: &ready, until: moment, doing: "reading standard input") > 0 else { break }
      try read()
      while let item = try next() {
        items.append(item)
        size += 1
      }
      guard form == .body || size < 16_384, start.nanoseconds > 0 else { break }
      waits = .after(seconds: 0.05)
    }
    while let item = try next() { items.append(item) }
    (ready, taken) = (items, 0)
    isAtEnd = inputEnded && items.isEmpty
  }

  private func end() throws(Failure) {
    inputEnded = true
    switch form {
    case .xml: try stanzas.end()
    case .body:
      // A text's last line end is not part of what it says.
      if body.last == UInt8(ascii: "\n") { body.removeLast() }
      guard !body.isEmpty else { throw .input("empty", "the message is empty") }
    case .lines, .ndjson: break
    }
  }

  /// Reads one thing of the input into `ready`; `false` when there is none yet.
  private func readItem() throws(Failure) -> Bool {
    switch form {
    case .body:
      guard inputEnded, !body.isEmpty else { return false }
      ready = template.items(body: try text.text(body, in: "the message"))
      body = []
      return true
    case .xml:
      guard let stanza = try stanzas.next(xml, &usedXML) else { return false }
      stanzaCount += 1
      ready = try template.items(.stanza(stanza), place: "stanza \(stanzaCount)")
      return true
    case .lines, .ndjson:
      guard let line = try lines.next() ?? (inputEnded ? lines.end() : nil) else { return false }
      do throws(Failure) {
        ready = try items(line)
      } catch {
        guard keepsGoing else { throw error }
        passedOver += 1
        Printer.diagnostic("xmppctl: send: input: \(error.message.shown)")
      }
      return true
    }
  }

  private func items(_ line: InputLines.Line) throws(Failure) -> [SendItem] {
    guard form == .ndjson else {
      let body = try text.text(line.bytes, in: "line \(line.number)")
      return body.isEmpty ? [] : template.items(body: body)
    }
    if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return [] }
    return try template.items(InputItem(ndjson: line, check: text), place: "line \(line.number)")
  }
}
