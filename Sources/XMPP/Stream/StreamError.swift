/// A stream error as it came (RFC 6120 §4.9): always the end of the stream.
public struct StreamError: Sendable, Equatable {
  /// The defined condition by its element name; `undefined-condition` where none was given.
  public var condition: String
  /// The server's own words.
  public var text: String?
  /// The language of the text.
  public var language: String?
  /// An application-specific condition, as `{namespace}name` (RFC 6120 §4.9.4).
  public var applicationCondition: String?
  /// Where `<see-other-host/>` points to (RFC 6120 §4.9.3.19), as it was written.
  public var otherHost: String?

  /// Reads `<stream:error/>`.
  init(_ element: Element) {
    condition = "undefined-condition"
    var found = false
    for child in element.elements {
      if !child.namespace.utf8.elementsEqual(Namespace.streamErrors.utf8) {
        applicationCondition = applicationCondition ?? "{\(child.namespace)}\(child.name)"
      } else if child.name.isSame(as: "text") {
        text = child.text
        language = child.language
      } else if !found {
        found = true
        condition = child.name
        if condition.isSame(as: "see-other-host") { otherHost = child.text }
      }
    }
  }

  /// The failure it means for a run.
  ///
  /// - Parameters:
  ///   - domain: what the stream was opened to.
  ///   - host: where it was opened.
  ///   - name: as whom the server answered, where it did.
  func failure(domain: String, host: String? = nil, answeringAs name: String? = nil) -> Failure {
    var message = "the server closed the stream: \(condition)"
    if let text, !text.isEmpty { message += " (“\(text)”)" }
    if let applicationCondition { message += ", \(applicationCondition)" }
    if let otherHost { message += " “\(otherHost)”" }
    return .protocolViolation(condition, message, hint: StreamError.hint(condition, domain, host, name))
  }

  private static func hint(_ condition: String, _ domain: String, _ host: String?, _ name: String?) -> String?
  {
    switch condition {
    case "host-unknown", "host-gone": unknownHost(domain, host, name)
    case "see-other-host": "go there yourself with --connect-to"
    case "conflict": "another session took the same resource; choose another with --resource"
    case "policy-violation", "resource-constraint", "system-shutdown": "try again later"
    default: nil
    }
  }

  /// What to name in place of a domain that is not served: as whom the server answered, or, where the domain is that of a
  /// host, what it may be the host of.
  private static func unknownHost(_ domain: String, _ host: String?, _ name: String?) -> String {
    let parent = domain.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1).dropFirst().first
    var served = name.flatMap { $0.isEmpty || $0.utf8.elementsEqual(domain.utf8) ? nil : $0 }
    if served == nil, let parent, parent.contains(UInt8(ascii: ".")), domain.utf8.first != UInt8(ascii: "[") {
      served = IPAddress(domain) == nil ? String(decoding: parent, as: UTF8.self) : nil
    }
    let start = "“\(domain)” is not served there: name the domain of the addresses (what follows the @)"
    guard let served else { return start + ", and the host with --connect-to" }
    return "\(start): \(served) --connect-to \(host ?? domain)"
  }
}
