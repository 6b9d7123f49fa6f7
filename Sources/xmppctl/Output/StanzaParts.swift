import XMPP

/// Which attributes and children of a stanza have a key of their own in its line. One walk over the stanza finds them.
///
/// Not copyable, for a copy would count references up and down for each of its parts.
struct StanzaParts: ~Copyable {
  /// A child shown by itself, and its place among the elements.
  struct Single {
    let element: Element
    let place: Int
  }

  /// The texts of one name, which may be in several languages.
  struct Texts {
    /// The one to be shown alone.
    private(set) var shown: Element?
    /// All of them, where one is not the whole story.
    private(set) var list: [Element] = []
    /// Whether they must be listed.
    private(set) var needsList = false
    private var shownHasLanguage = false

    fileprivate mutating func add(_ element: Element) {
      let hasLanguage = !element.attributes.isEmpty
      if let shown {
        if !needsList { list = [shown] }
        list.append(element)
        needsList = true
        if shownHasLanguage, !hasLanguage {
          self.shown = element
          shownHasLanguage = false
        }
      } else {
        shown = element
        shownHasLanguage = hasLanguage
        if hasLanguage {
          list = [element]
          needsList = true
        }
      }
    }
  }

  private(set) var type: Attribute?
  private(set) var id: Attribute?
  private(set) var from: Attribute?
  private(set) var to: Attribute?
  private(set) var language: Attribute?
  /// Whether it has other attributes.
  private(set) var hasOtherAttributes = false

  private(set) var subjects = Texts()
  private(set) var bodies = Texts()
  private(set) var statuses = Texts()
  private(set) var thread: Single?
  private(set) var show: Single?
  private(set) var priority: (number: Int, place: Int)?
  private(set) var delay: Single?
  private(set) var error: Single?
  /// Whether there are children that may have no key of their own.
  private(set) var hasPayload = false
  /// Whether there is text between the children other than white space.
  private(set) var hasText = false

  private let kind: Stanza.Kind

  init(_ stanza: Stanza) {
    kind = stanza.kind
    for attribute in stanza.element.attributes {
      switch (attribute.commonName, attribute.commonNamespace) {
      case (.from, .empty): from = attribute
      case (.to, .empty): to = attribute
      case (.id, .empty): id = attribute
      case (.type, .empty): type = attribute
      case (.lang, .xml): language = attribute
      default: hasOtherAttributes = true
      }
    }
    let isError = type?.withUTF8 { $0.elementsEqual("error".utf8) } ?? false
    var place = 0
    for child in stanza.element.children {
      switch child {
      case .element(let element):
        add(element, at: place, isError: isError)
        place += 1
      case .text(let text):
        hasText = hasText || text.isMoreThanSpace
      }
    }
  }

  /// Whether an attribute of a stanza has a key of its own.
  static func isOwn(_ attribute: Attribute) -> Bool {
    switch (attribute.commonName, attribute.commonNamespace) {
    case (.from, .empty), (.to, .empty), (.id, .empty), (.type, .empty), (.lang, .xml): true
    default: false
    }
  }

  /// Whether the child at a place among the elements is shown whole elsewhere than in `payload`.
  func shows(_ child: Element, at place: Int, _ envelope: StanzaEnvelope) -> Bool {
    switch role(of: child) {
    case .subject, .body, .status: true
    case .thread: thread?.place == place
    case .show: show?.place == place
    case .priority: priority?.place == place
    case .delay: delay?.place == place && envelope.delay == nil
    case .error: error?.place == place
    case .payload: false
    }
  }

  private enum Role {
    case subject, body, thread, show, status, priority, error, delay, payload
  }

  private mutating func add(_ child: Element, at place: Int, isError: Bool) {
    let single = Single(element: child, place: place)
    switch role(of: child) {
    case .subject: subjects.add(child)
    case .body: bodies.add(child)
    case .status: statuses.add(child)
    case .thread where thread == nil: thread = single
    case .show where show == nil: show = single
    case .priority where priority == nil:
      if let number = StanzaParts.number(child) { priority = (number, place) } else { hasPayload = true }
    case .error where error == nil && isError: error = single
    case .delay:
      if delay == nil { delay = single }
      // The envelope may know better; then this one is payload.
      hasPayload = true
    case .thread, .show, .priority, .error, .payload: hasPayload = true
    }
  }

  /// What a child can be, by its name and form.
  private func role(of child: Element) -> Role {
    guard child.commonNamespace == .client else {
      return child.commonNamespace == .delay && child.isWholeDelay ? .delay : .payload
    }
    return switch (child.commonName, kind) {
    case (.body, .message): child.isText(inLanguage: true) ? .body : .payload
    case (.subject, .message): child.isText(inLanguage: true) ? .subject : .payload
    case (.thread, .message): child.isText(inLanguage: false) ? .thread : .payload
    case (.show, .presence): child.isText(inLanguage: false) ? .show : .payload
    case (.status, .presence): child.isText(inLanguage: true) ? .status : .payload
    case (.priority, .presence): child.isText(inLanguage: false) ? .priority : .payload
    case (.error, _): .error
    default: .payload
    }
  }

  /// A priority, where its text is just how the number is written.
  private static func number(_ element: Element) -> Int? {
    let text = element.text
    guard text.utf8.count <= 11, let number = Int(text), String(number).utf8.elementsEqual(text.utf8) else {
      return nil
    }
    return number
  }
}

/// What of an `<error/>` has a key of its own.
struct StanzaErrorParts {
  /// The condition by its name; the first one, or `undefined-condition`.
  private(set) var condition = "undefined-condition"
  /// The element with the words.
  private(set) var text: Element?
  /// The places of the elements that are shown whole.
  private(set) var shown: [Int] = []
  /// Whether others are not.
  private(set) var hasPayload = false
  /// Whether it has attributes without a key.
  let hasOtherAttributes: Bool
  /// Whether there is text between the children other than white space.
  let hasText: Bool

  init(_ element: Element) {
    hasText = element.children.contains {
      if case .text(let text) = $0 { text.isMoreThanSpace } else { false }
    }
    hasOtherAttributes = !element.attributes.allSatisfy(StanzaErrorParts.isOwn)
    var found = false
    for (place, child) in element.elements.enumerated() {
      if child.is("text", Namespace.stanzaErrors), text == nil, child.isText(inLanguage: true) {
        text = child
        shown.append(place)
      } else if child.namespace.utf8.elementsEqual(Namespace.stanzaErrors.utf8),
        !child.is("text", Namespace.stanzaErrors), !found
      {
        found = true
        condition = child.name
        var content = child.children
        // Some conditions have content, as where a room has gone.
        if child.attributes.isEmpty, content.next() == nil { shown.append(place) } else { hasPayload = true }
      } else {
        hasPayload = true
      }
    }
  }

  /// Whether an attribute of an error has a key of its own.
  static func isOwn(_ attribute: Attribute) -> Bool { attribute.is("type") || attribute.is("by") }
}

extension Text {
  fileprivate var isMoreThanSpace: Bool { withUTF8 { !$0.allSatisfy { $0 == 0x20 || 0x09...0x0D ~= $0 } } }
}

extension Element {
  /// Whether there is nothing in it but text, nor on it but perhaps a language.
  fileprivate func isText(inLanguage: Bool) -> Bool {
    for attribute in attributes {
      guard inLanguage, attribute.commonName == .lang, attribute.commonNamespace == .xml else { return false }
    }
    return hasNoElements
  }

  fileprivate var isWholeDelay: Bool {
    guard self.is("delay", Namespace.delay) else { return false }
    var hasStamp = false
    for attribute in attributes {
      if attribute.is("stamp") { hasStamp = true } else if !attribute.is("from") { return false }
    }
    return hasStamp && hasNoElements
  }

  private var hasNoElements: Bool {
    for case .element in children { return false }
    return true
  }
}
