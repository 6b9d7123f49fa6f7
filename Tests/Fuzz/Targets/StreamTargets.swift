import TestSupport

@testable import XMPP

/// The bytes of a stream: however they are cut, the same comes out; what comes out can be written and is read back the
/// same; tighter limits only end it sooner.
@Sendable func checkStream(_ input: [UInt8]) throws {
  // A byte that may stand nowhere, so that every stream ends with a failure.
  let bytes = input + [0]
  let inside = ["<?", "<s", " "].contains { input.starts(with: $0.utf8) } ? nil : Namespace.client
  let cuttings = cuttings(bytes)
  let outcomes = cuttings.map { read($0, inside: inside, Limits()) }
  for outcome in outcomes {
    try hold(outcome.events == outcomes[0].events, "the cutting changes what is read")
    try hold(outcome.failure != nil, "NUL is read")
  }
  for case .element(let element) in outcomes[0].events.prefix(8) { try checkWriting(element) }

  let tight = Limits(elementBytes: 300, tagBytes: 100, attributes: 4, nodes: 12, depth: 4)
  let cut = cuttings.map { read($0, inside: inside, tight) }
  for outcome in cut {
    try hold(outcome.events == cut[0].events, "the cutting changes what is read within tight limits")
    try hold(outcomes[0].events.starts(with: outcome.events), "tight limits change what is read")
  }
}

/// What was read of a stream, and how it ended.
struct StreamOutcome {
  var events: [StreamParser.Event] = []
  var failure: Failure?
}

/// Reads a stream in pieces.
func read(_ pieces: [ArraySlice<UInt8>], inside namespace: String? = nil, _ limits: Limits) -> StreamOutcome {
  var outcome = StreamOutcome()
  var parser =
    if let namespace { StreamParser(limits: limits, insideStreamOf: namespace) } else {
      StreamParser(limits: limits)
    }
  for piece in pieces {
    var used = 0
    reading: while outcome.failure == nil {
      var event: Result<StreamParser.Event?, Failure> = .success(nil)
      piece.withUnsafeBytes { bytes in
        event = Result { () throws(Failure) in try parser.next(bytes, &used) }
      }
      switch event {
      case .success(let event?): outcome.events.append(event)
      case .success(nil): break reading
      case .failure(let failure): outcome.failure = failure
      }
    }
  }
  return outcome
}

/// The elements of an input that stands inside a stream, up to the first fault.
func elements(_ input: [UInt8], _ limits: Limits = Limits()) -> [Element] {
  read([input[...]], inside: Namespace.client, limits).events.compactMap {
    if case .element(let element) = $0 { element } else { nil }
  }
}

/// An element that was written, by itself, inside a stream, or as a line, is read back the same.
func checkWriting(_ element: Element) throws {
  // The writer declares the namespace of an attribute with each attribute anew, which may be more than is read.
  guard !hasManyForeignAttributes(element) else { return }
  for (inside, style) in [("", XMLWriter.Style.line), (Namespace.client, .plain)] {
    var writer = XMLWriter(inside: inside, style: style)
    writer.copy(element)
    let isLine = style == .line
    if isLine { try hold(isHarmless(writer.bytes), "a line of XML is not harmless") }
    // A name cannot be escaped.
    if isLine, element.xml.unicodeScalars.contains("\u{61C}") { continue }
    let outcome = read([writer.bytes[...]], inside: inside, Limits())
    try hold(
      outcome.failure == nil && outcome.events == [.element(element)],
      "written and read again: \(element.xml.debugDescription) as \(String(decoding: writer.bytes, as: UTF8.self))"
    )
  }
}

private func hasManyForeignAttributes(_ element: Element) -> Bool {
  element.attributes.count { !$0.namespace.isEmpty } > 32
    || element.elements.contains(where: hasManyForeignAttributes)
}
