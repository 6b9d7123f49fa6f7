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
  ///   - isBound: whether a resource was bound.
  ///   - name: as whom the server answered, where it did.
  func failure(domain: String, isBound: Bool = false, answeringAs name: String? = nil) -> Failure {
    var message = "the server closed the stream: \(condition)"
    if let text, !text.isEmpty { message += " (“\(text)”)" }
    if let applicationCondition { message += ", \(applicationCondition)" }
    if let otherHost { message += " “\(otherHost)”" }
    return .protocolViolation(condition, message, remedy: remedy(domain, isBound, name))
  }

  private func remedy(_ domain: String, _ isBound: Bool, _ name: String?) -> Remedy? {
    switch condition {
    case "host-unknown", "host-gone": StreamError.servedDomain(domain, name).map { .domain($0, place: nil) }
    case "conflict": isBound && isOfResource ? .resource : nil
    case "resource-constraint", "system-shutdown": .laterAttempt
    default: nil
    }
  }

  /// Whether a conflict is one of resources. ejabberd reports by the same condition that the account was removed, or that it has
  /// too many sessions; then its text says so.
  private var isOfResource: Bool {
    guard let text, !text.isEmpty else { return true }
    let lowercase = text.utf8.prefix(1024).map { 0x41...0x5A ~= $0 ? $0 + 0x20 : $0 }
    return ["replaced", "resource", "new connection"].contains { lowercase.contains(Array($0.utf8)) }
  }

  /// What to name in place of a domain that is not served: as whom the server answered, or what the domain may be a host of.
  private static func servedDomain(_ domain: String, _ name: String?) -> String? {
    if let name, let other = try? JID(parsing: name), other.domainpart.utf8.elementsEqual(name.utf8),
      !name.utf8.elementsEqual(domain.utf8)
    {
      return name
    }
    guard IPAddress(domain) == nil, domain.utf8.first != UInt8(ascii: "[") else { return nil }
    let parent = domain.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1).dropFirst().first
    return parent.flatMap { $0.contains(UInt8(ascii: ".")) ? String(decoding: $0, as: UTF8.self) : nil }
  }
}
