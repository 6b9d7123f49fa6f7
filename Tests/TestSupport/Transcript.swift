import Foundation
import XMPP

/// A whole dialogue, as a file of `Tests/XMPPTests/Transcripts` has it.
///
///     # what it is about
///     C: <starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
///     S: <proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>
///     TLS
///
/// `C:` is what the client must send, one stream header, element or closing tag each time; it is held against what
/// came as XML, so the order of attributes and the kind of quotes do not count. `S:` is what the server sends, as it
/// stands. Lines that are indented go on with the one before. Besides, a line may say what the server does: `TLS`
/// shakes hands, `TLS FAILS` closes the connection in place of that, `CLOSE` closes it.
///
/// `{name}` is a part that differs from run to run. In a line of the client it stands for a whole attribute or text
/// and remembers what was there; in a line of the server it stands for what was remembered.
public struct Transcript: Sendable {
  /// One line.
  public enum Line: Sendable, Equatable {
    case client(String)
    case server(String)
    case tls
    case tlsFails
    case close
  }

  /// The lines in their order, comments left out.
  public let lines: [Line]

  /// Reads a file by its name without `.txt`.
  ///
  /// - Throws: where it is not there or is written wrong.
  public init(_ name: String) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../XMPPTests/Transcripts/\(name).txt")
    try self.init(text: String(contentsOf: file, encoding: .utf8))
  }

  /// Reads its text.
  public init(text: String) throws {
    var lines: [Line] = []
    for (number, line) in text.components(separatedBy: "\n").enumerated() {
      switch line {
      case "TLS": lines.append(.tls)
      case "TLS FAILS": lines.append(.tlsFails)
      case "CLOSE": lines.append(.close)
      case _ where line.hasPrefix("C: "): lines.append(.client(String(line.dropFirst(3))))
      case _ where line.hasPrefix("S: "): lines.append(.server(String(line.dropFirst(3))))
      case _ where line.hasPrefix("#") || line.allSatisfy(\.isWhitespace): continue
      case _ where line.hasPrefix(" "):
        switch lines.popLast() {
        case .client(let text): lines.append(.client("\(text)\n\(line)"))
        case .server(let text): lines.append(.server("\(text)\n\(line)"))
        default: throw SupportFailure("line \(number + 1) goes on with nothing")
        }
      default: throw SupportFailure("line \(number + 1) is no line of a transcript: \(line)")
      }
    }
    self.lines = lines
  }

  private init(_ lines: [Line]) { self.lines = lines }

  /// One dialogue, and what follows it on the same connection.
  public static func + (first: Transcript, second: Transcript) -> Transcript {
    Transcript(first.lines + second.lines)
  }

  /// The same with some of its parts filled in.
  public func filling(_ values: [String: String]) -> Transcript {
    Transcript(
      lines.map { line in
        switch line {
        case .client(let text): .client(Transcript.filled(text, values))
        case .server(let text): .server(Transcript.filled(text, values))
        case .tls, .tlsFails, .close: line
        }
      })
  }

  /// The elements of one side, stream headers, errors and closing tags left out, for tests without a connection.
  public func elements(ofServer: Bool) throws -> [Element] {
    try lines.flatMap { line -> [Element] in
      switch line {
      case .client(let text) where !ofServer: try Transcript.elements(text)
      case .server(let text) where ofServer: try Transcript.elements(text)
      default: []
      }
    }
  }

  private static func elements(_ text: String) throws -> [Element] {
    try events(text, inStream: !text.contains("<stream:stream")).compactMap(\.element)
  }

  static func filled(_ text: String, _ values: [String: String]) -> String {
    values.reduce(text) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
  }
}

// MARK: - Playing the server

extension Transcript {
  /// The server's part as a script.
  ///
  /// - Parameters:
  ///   - tls: how the server shakes hands.
  ///   - compute: makes the value of a part that the server has to work out from what the client sent.
  public func script(
    tls: TestTLSServer,
    compute: @escaping @Sendable (String, [String: String]) throws -> String? = { _, _ in nil }
  ) -> [ScriptedPeer.Step] {
    let memory = Memory()
    var expected: String?
    return lines.flatMap { line -> [ScriptedPeer.Step] in
      switch line {
      case .client(let text):
        expected = text
        if text == "</stream:stream>" {
          expected = nil
          return [.expect(text)]
        }
        return [text.contains("<stream:stream") ? .expectHeader : .expectElement]
      case .server(let text):
        let question = expected
        expected = nil
        return [
          .reply { asked in
            if let question { memory.note(try Transcript.parts(of: question, in: asked)) }
            return try memory.fill(text, compute)
          }
        ]
      case .tls: return [.tls(tls)]
      // The first bytes of the client's ClientHello have come when the connection ends.
      case .tlsFails: return [.expectBytes(5), .end]
      case .close: return [.close]
      }
    }
  }

  /// What the placeholders stood for so far.
  private final class Memory: @unchecked Sendable {
    private let lock = NSLock()
    private var values: [String: String] = [:]

    func note(_ new: [String: String]) { lock.withLock { values.merge(new) { $1 } } }

    func fill(_ text: String, _ compute: (String, [String: String]) throws -> String?) throws -> String {
      let known = lock.withLock { values }
      return try Transcript.placeholders(in: text).reduce(text) { text, name in
        guard let value = try known[name] ?? compute(name, known) else {
          throw SupportFailure("what is {\(name)}?")
        }
        return Transcript.filled(text, [name: value])
      }
    }
  }

  private static func placeholders(in text: String) -> [String] {
    text.matches(of: #/\{([a-z]+)\}/#).map { String($0.output.1) }
  }
}

// MARK: - Holding the client to it

extension Transcript {
  /// Holds what a client sent against its lines.
  ///
  /// - Returns: where it first departs from them; `nil` where it does not.
  public func departure(of connection: ScriptedPeer.Connection) throws -> String? {
    var sent = connection.bytes[...]
    var parser = StreamParser()
    for line in lines {
      // What follows is a ClientHello, no XML.
      if line == .tlsFails { return nil }
      guard case .client(let text) = line else { continue }
      let isFresh = text.contains("<stream:stream")
      if isFresh { parser = StreamParser() }
      guard let event = try Transcript.next(&sent, &parser) else { return "nothing came for \(text)" }
      let wanted = try Transcript.events(text, inStream: !isFresh)
      guard wanted.count == 1, let first = wanted.first, first.matches(event) else {
        return "wanted \(text), but \(event.description) came"
      }
    }
    let rest = String(decoding: sent, as: UTF8.self)
    return rest.allSatisfy(\.isWhitespace) ? nil : "this came unasked: \(rest)"
  }

  /// What stands where an expected line has placeholders.
  private static func parts(of expected: String, in text: String) throws -> [String: String] {
    let isHeader = expected.contains("<stream:stream")
    guard let wanted = try events(expected, inStream: !isHeader).first,
      let came = try events(text, inStream: !isHeader).first
    else { return [:] }
    var parts: [String: String] = [:]
    _ = wanted.matches(came, &parts)
    return parts
  }

  private static func events(_ text: String, inStream: Bool) throws -> [StreamParser.Event] {
    var parser = StreamParser()
    var bytes = Array(text.utf8)[...]
    if inStream {
      var header = Array(PlainStream.header("example.com").utf8)[...]
      _ = try next(&header, &parser)
    }
    var events: [StreamParser.Event] = []
    while let event = try next(&bytes, &parser) { events.append(event) }
    return events
  }

  private static func next(
    _ bytes: inout ArraySlice<UInt8>, _ parser: inout StreamParser
  ) throws -> StreamParser.Event? {
    var used = 0
    let event = try bytes.withUnsafeBytes { try parser.next($0, &used) }
    bytes = bytes.dropFirst(used)
    return event
  }
}

extension StreamParser.Event {
  fileprivate var element: Element? { if case .element(let element) = self { element } else { nil } }

  fileprivate var description: String {
    switch self {
    case .header(let root): "the header \(root.xml)"
    case .element(let element): element.xml
    case .skipped(let startTag, let reason): "\(startTag.xml), skipped: \(reason.description)"
    case .end: "the end of the stream"
    }
  }

  fileprivate func matches(_ other: StreamParser.Event) -> Bool {
    var parts: [String: String] = [:]
    return matches(other, &parts)
  }

  fileprivate func matches(_ other: StreamParser.Event, _ parts: inout [String: String]) -> Bool {
    switch (self, other) {
    case (.header(let mine), .header(let theirs)), (.element(let mine), .element(let theirs)):
      mine.matches(theirs, &parts)
    case (.end, .end): true
    default: false
    }
  }
}

extension Element {
  /// Whether `other` is the same XML but for placeholders, and white space that lays this one out.
  fileprivate func matches(_ other: Element, _ parts: inout [String: String]) -> Bool {
    guard other.is(name, namespace), attributes.count == other.attributes.count else { return false }
    for mine in attributes {
      guard let value = other.attribute(mine.name, mine.namespace) else { return false }
      guard Element.matches(mine.value, value, &parts) else { return false }
    }
    let content = Array(children).filter { !$0.isBlank }
    let others = Array(other.children)
    guard content.count == others.count else { return false }
    for (mine, theirs) in zip(content, others) {
      switch (mine, theirs) {
      case (.element(let mine), .element(let theirs)):
        guard mine.matches(theirs, &parts) else { return false }
      case (.text(let mine), .text(let theirs)):
        guard Element.matches(mine.string, theirs.string, &parts) else { return false }
      default: return false
      }
    }
    return true
  }

  private static func matches(_ mine: String, _ theirs: String, _ parts: inout [String: String]) -> Bool {
    guard mine.hasPrefix("{"), mine.hasSuffix("}") else { return mine.utf8.elementsEqual(theirs.utf8) }
    let name = String(mine.dropFirst().dropLast())
    if let known = parts[name] { return known.utf8.elementsEqual(theirs.utf8) }
    parts[name] = theirs
    return !theirs.isEmpty
  }
}

extension Element.Node {
  fileprivate var isBlank: Bool {
    if case .text(let text) = self { text.string.allSatisfy(\.isWhitespace) } else { false }
  }
}
