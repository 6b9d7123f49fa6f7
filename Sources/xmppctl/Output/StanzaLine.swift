import XMPP

/// Stanzas as lines, one a stanza, in a buffer that is used again and again.
struct StanzaLine {
  /// The forms a line can have.
  enum Style {
    /// For people: TIME, FROM, TYPE and TEXT, separated by TAB.
    case text
    /// One JSON object.
    case json
    /// The stanza's XML as it stands by itself.
    case xml
  }

  private let style: Style
  private var text: [UInt8] = []
  private var json = JSONWriter()
  private var xml = XMLWriter(style: .line)

  init(_ style: Style) { self.style = style }

  /// The line of a stanza, with its end. Nothing a stranger wrote can end it earlier.
  ///
  /// The bytes are those of the buffer: whoever keeps them longer than until the next call pays for a copy.
  mutating func line(_ stanza: Stanza, _ envelope: StanzaEnvelope) -> [UInt8] {
    removeAll()
    append(stanza, envelope)
    return bytes
  }

  /// Adds the line of a stanza to those in the buffer.
  mutating func append(_ stanza: Stanza, _ envelope: StanzaEnvelope) {
    switch style {
    case .text:
      StanzaText(stanza, envelope).append(to: &text)
    case .json:
      json.stanza(stanza, envelope)
      json.endLine()
    case .xml:
      xml.copy(stanza.skipped.map { stanza.element.marked(skipped: $0) } ?? stanza.element)
      xml.endLine()
    }
  }

  /// The lines in the buffer.
  var bytes: [UInt8] {
    switch style {
    case .text: text
    case .json: json.bytes
    case .xml: xml.bytes
    }
  }

  /// Bytes in the buffer.
  var count: Int { bytes.count }

  /// Forgets the lines and keeps the memory, unless that has become much.
  mutating func removeAll() {
    switch style {
    case .text: text.removeAll(keepingCapacity: text.capacity <= 1 << 20)
    case .json: json.removeAll()
    case .xml: xml.removeAll()
    }
  }
}

extension Element {
  /// A start tag with a note in it of why its content was skipped. The note's namespace is this program's own.
  fileprivate func marked(skipped reason: SkipReason) -> Element {
    let note = Element("skipped", "urn:xmppctl:0", reason.description)
    return Element(name, namespace, attributes: Array(attributes), nodes: [.element(note)])
  }
}
