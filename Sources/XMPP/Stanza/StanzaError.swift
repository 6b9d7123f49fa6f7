/// Why a stanza was refused (RFC 6120 §8.3).
public struct StanzaError: Sendable, Equatable {
  /// What the sender may do: `auth`, `cancel`, `continue`, `modify`, `wait`; `nil` where none was given.
  public var type: String?
  /// The defined condition by its element name; `undefined-condition` where none was given.
  public var condition: String
  /// The refusing side's own words.
  public var text: String?
  /// The language of the text.
  public var language: String?
  /// Who found the error, as written.
  public var by: String?
  /// An application-specific condition, as `{namespace}name` (RFC 6120 §8.3.4).
  public var applicationCondition: String?

  /// An error to be sent.
  public init(_ type: String, _ condition: String, text: String? = nil) {
    self.type = type
    self.condition = condition
    self.text = text
  }

  /// What RFC 6120 §8.4 demands where nobody serves a request.
  public static let serviceUnavailable = StanzaError("cancel", "service-unavailable")

  /// The error of a stanza of type `error`; `nil` of any other type. Where the error element is missing, the condition
  /// is `undefined-condition`.
  public init?(of stanza: Stanza) {
    guard stanza.isType("error") else { return nil }
    self.init(stanza.element.child("error", Namespace.client))
  }

  /// Reads `<error/>`.
  init(_ element: Element?) {
    condition = "undefined-condition"
    type = element?.attribute("type")
    by = element?.attribute("by")
    guard let element else { return }
    var found = false
    for child in element.elements {
      if !child.namespace.isSame(as: Namespace.stanzaErrors) {
        applicationCondition = applicationCondition ?? "{\(child.namespace)}\(child.name)"
      } else if child.is("text", Namespace.stanzaErrors) {
        text = child.text
        language = child.language
      } else if !found {
        found = true
        condition = child.name
      }
    }
  }

  /// The error as an element.
  public var element: Element {
    var content = [Element(condition, Namespace.stanzaErrors)]
    if let text {
      content.append(Element("text", Namespace.stanzaErrors, ["xml:lang": language], text))
    }
    return Element("error", Namespace.client, ["type": type, "by": by], content)
  }

  /// What it means for a run, its exit status being "refused".
  ///
  /// - Parameter subject: what was refused, to begin the sentence: `the message m1 to bob@example.org`.
  public func failure(_ subject: String, hint: String? = nil) -> Failure {
    var message = "\(subject) was refused: \(condition)"
    if let text, !text.isEmpty { message += " (“\(text)”)" }
    if let applicationCondition { message += ", \(applicationCondition)" }
    if let by { message += ", by \(by)" }
    return Failure(.stanza, condition, message, hint: hint, status: .refused)
  }
}
