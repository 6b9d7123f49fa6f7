import XMPP

/// The stanzas of `send --xml` as they come: any number of `<message/>`, `<presence/>`, `<iq/>` one after the other, in
/// `jabber:client` where they do not say otherwise.
struct InputStanzas: ~Copyable {
  private var parser: StreamParser
  private var count = 0

  init(limits: Limits = Limits()) { parser = StreamParser(limits: limits, insideStreamOf: Namespace.client) }

  /// Reads on from `bytes[used...]` up to the end of the next stanza.
  ///
  /// - Returns: `nil` when the bytes are used up.
  /// - Throws: `xml-malformed` and `not-a-stanza`; nothing can be read after it.
  mutating func next(_ bytes: UnsafeRawBufferPointer, _ used: inout Int) throws(Failure) -> Stanza? {
    let event: StreamParser.Event?
    do throws(Failure) {
      event = try parser.next(bytes, &used)
    } catch {
      throw malformed(InputStanzas.cause(error))
    }
    switch event {
    case nil: return nil
    case .element(let element):
      count += 1
      guard let stanza = Stanza(element) else {
        throw .input(
          "not-a-stanza",
          "element \(count) of the input, <\(element.name)/> in “\(element.namespace)”, is no stanza",
          hint: "use message, presence or iq in jabber:client")
      }
      return stanza
    case .header, .end, .skipped:
      throw malformed("a stream's own tags are not for the input")
    }
  }

  /// The same for bytes in an array.
  mutating func next(_ bytes: [UInt8], _ used: inout Int) throws(Failure) -> Stanza? {
    var result: Result<Stanza?, Failure> = .success(nil)
    bytes.withUnsafeBytes { bytes in
      result = Result { () throws(Failure) in try next(bytes, &used) }
    }
    return try result.get()
  }

  /// Checks that the input ended behind a whole stanza.
  func end() throws(Failure) {
    guard parser.isBetweenElements else { throw malformed("it ends inside a stanza") }
  }

  private func malformed(_ cause: String) -> Failure {
    .input("xml-malformed", "stanza \(count + 1) of the input cannot be read: \(cause)")
  }

  /// The parser's words, which take what it reads for a server's stream.
  private static func cause(_ failure: Failure) -> String {
    failure.message.replacing("the server sent ", with: "").replacing(" of the stream", with: "")
  }
}
