import XMPP

extension JSONWriter {
  /// Writes a stanza as one object, as xmppctl-json(5) describes it.
  ///
  /// Nothing that was on the wire is missing. A child that has a key of its own is either shown there whole or stands in
  /// `payload`:
  /// - `subject`, `body`, `status`: texts that carry at most an `xml:lang`. The key shows the first without a language, else
  ///   the first; where there are several, or one has a language, `subjects`, `bodies`, `statuses` list them all.
  /// - `thread`, `show`, `priority`: the first, where it has no attributes; a priority only as a plain number.
  /// - `delay`: the first (XEP-0203), its words as `reason`.
  /// - `error`: the first, of a stanza of type `error`; what is not shown in it is in its own `attrs`, `payload`
  ///   and `other_text`.
  ///
  /// Attributes of the stanza without a key stand in `attrs`. Text directly in the stanza, which should have none, is
  /// `text`; white space between its children is dropped.
  mutating func stanza(_ stanza: Stanza, _ envelope: StanzaEnvelope) {
    object { json in
      let parts = StanzaParts(stanza)
      json.header(stanza, parts)
      json.way(parts, envelope)
      if let reason = stanza.skipped {
        json.key(literal: "skipped")
        json.value(reason.description)
      }
      json.texts("subject", "subjects", parts.subjects)
      json.texts("body", "bodies", parts.bodies)
      json.text("thread", parts.thread)
      json.text("show", parts.show)
      json.texts("status", "statuses", parts.statuses)
      if let priority = parts.priority {
        json.key(literal: "priority")
        json.value(priority.number)
      }
      if let error = parts.error {
        json.key(literal: "error")
        json.stanzaError(error.element)
      }
      if parts.hasText {
        json.key(literal: "text")
        json.value(stanza.element.text)
      }
      json.key(literal: "payload")
      json.array { json in
        guard parts.hasPayload else { return }
        var place = 0
        for child in stanza.element.elements {
          if !parts.shows(child, at: place, envelope) { json.element(child) }
          place += 1
        }
      }
    }
  }

  private mutating func header(_ stanza: Stanza, _ parts: borrowing StanzaParts) {
    key(literal: "stanza")
    switch stanza.kind {
    case .message: value(literal: "message")
    case .presence: value(literal: "presence")
    case .iq: value(literal: "iq")
    }
    if parts.type != nil {
      attribute("type", parts.type)
    } else if stanza.kind != .iq {
      key(literal: "type")
      value(stanza.defaultType)
    }
    attribute("id", parts.id)
    attribute("from", parts.from)
    attribute("to", parts.to)
    attribute("lang", parts.language)
    if parts.hasOtherAttributes {
      attributes(stanza.element.attributes) { StanzaParts.isOwn($0) }
    }
  }

  private mutating func way(_ parts: borrowing StanzaParts, _ envelope: StanzaEnvelope) {
    key(literal: "time")
    value(moment: envelope.time)
    key(literal: "received")
    value(moment: envelope.received)
    if let delay = envelope.delay ?? parts.delay.flatMap({ Delay($0.element) }) {
      key(literal: "delay")
      object { json in
        json.member("stamp", delay.stamp)
        json.member("from", delay.from)
        json.member("reason", delay.reason)
      }
    }
    member("carbon", envelope.carbon?.rawValue)
    if let archive = envelope.archive {
      key(literal: "archive")
      object { $0.member("id", archive) }
    }
  }

  private mutating func attribute(_ name: StaticString, _ attribute: Attribute?) {
    guard let attribute else { return }
    key(literal: name)
    attribute.withUTF8 { value(utf8: $0) }
  }

  private mutating func text(_ name: StaticString, _ part: StanzaParts.Single?) {
    guard let part else { return }
    key(literal: name)
    text(of: part.element)
  }

  private mutating func texts(_ name: StaticString, _ all: StaticString, _ texts: StanzaParts.Texts) {
    guard let shown = texts.shown else { return }
    key(literal: name)
    text(of: shown)
    guard texts.needsList else { return }
    key(literal: all)
    array { json in
      for element in texts.list {
        json.object { json in
          json.member("lang", element.language)
          json.key(literal: "text")
          json.text(of: element)
        }
      }
    }
  }

  /// The text of an element that has nothing else in it.
  private mutating func text(of element: Element) {
    for case .text(let text) in element.children { return text.withUTF8 { value(utf8: $0) } }
    value(literal: "")
  }

  private mutating func stanzaError(_ element: Element) {
    let parts = StanzaErrorParts(element)
    object { json in
      json.member("type", element.attribute("type"))
      json.member("condition", parts.condition)
      if let text = parts.text {
        json.key(literal: "text")
        json.text(of: text)
        json.member("lang", text.language)
      }
      json.member("by", element.attribute("by"))
      if parts.hasOtherAttributes {
        json.attributes(element.attributes) { StanzaErrorParts.isOwn($0) }
      }
      if parts.hasText { json.member("other_text", element.text) }
      guard parts.hasPayload else { return }
      json.key(literal: "payload")
      json.array { json in
        for (place, child) in element.elements.enumerated() where !parts.shown.contains(place) {
          json.element(child)
        }
      }
    }
  }
}

// MARK: - Any element

extension JSONWriter {
  /// How deep elements are shown in elements; beyond that their XML is. Readers give up on JSON that is too deep (jq 1.6 at
  /// 256 levels), and a stranger should not be able to make them.
  private static let deepest = 50

  /// Writes an element as `{"name", "namespace", "attrs"}` and its content: `text` where that is text alone, `children`
  /// where there are elements, text among them as strings.
  mutating func element(_ element: Element, depth: Int = 1) {
    object { json in
      json.key(literal: "name")
      json.value(element.name)
      json.key(literal: "namespace")
      json.value(element.namespace)
      guard depth < JSONWriter.deepest else {
        json.key(literal: "xml")
        json.value(element.xml)
        return
      }
      json.attributes(element.attributes) { _ in false }
      var content = element.children
      guard let first = content.next() else { return }
      if case .text(let text) = first, content.next() == nil {
        json.key(literal: "text")
        text.withUTF8 { json.value(utf8: $0) }
        return
      }
      json.key(literal: "children")
      json.array { json in
        for child in element.children {
          switch child {
          case .element(let element): json.element(element, depth: depth + 1)
          case .text(let text): text.withUTF8 { json.value(utf8: $0) }
          }
        }
      }
    }
  }

  /// Writes `attrs`: the keys are a stranger's, `xml:lang` and `{namespace}name` where they are in a namespace. No XML name
  /// has these characters.
  private mutating func attributes(_ attributes: Attributes, except isShown: (Attribute) -> Bool) {
    key(literal: "attrs")
    object { json in
      for attribute in attributes where !isShown(attribute) {
        let name = attribute.name
        let namespace = attribute.namespace
        if namespace.isEmpty {
          json.key(name)
        } else if namespace.utf8.elementsEqual(Namespace.xml.utf8) {
          json.key("xml:" + name)
        } else {
          json.key("{" + namespace + "}" + name)
        }
        attribute.withUTF8 { json.value(utf8: $0) }
      }
    }
  }
}
