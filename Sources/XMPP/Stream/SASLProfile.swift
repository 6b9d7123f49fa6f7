/// The elements that carry SASL over a stream: RFC 6120 §6 or its successor, XEP-0388. No I/O and no decisions.
enum SASLProfile {
  /// RFC 6120 §6.
  case classic
  /// XEP-0388, with what is asked for in the same exchange, such as a resource (XEP-0386).
  case sasl2(inline: [Element])

  /// What a server's element says.
  enum Answer {
    case challenge([UInt8])
    case success(additionalData: [UInt8]?, Element)
    case failure(SASLFailure)
    /// Another task before success (XEP-0388 §2.6.4).
    case continued(tasks: [String])
    /// Nothing of SASL.
    case other
  }

  private var namespace: String {
    switch self {
    case .classic: Namespace.sasl
    case .sasl2: Namespace.sasl2
    }
  }

  /// The element that begins a login.
  func start(_ mechanism: String, _ initialResponse: [UInt8]?) -> Element {
    switch self {
    case .classic:
      Element("auth", namespace, ["mechanism": mechanism], initialResponse.map(SASLProfile.encoded) ?? "")
    case .sasl2(let inline):
      Element(
        "authenticate", namespace, ["mechanism": mechanism],
        (initialResponse.map { [Element("initial-response", namespace, [:], SASLProfile.encoded($0))] } ?? [])
          + inline)
    }
  }

  /// The element that answers a challenge.
  func response(_ data: [UInt8]) -> Element {
    Element("response", namespace, [:], data.isEmpty ? "" : SASLProfile.encoded(data))
  }

  /// What an element of the server means.
  ///
  /// - Throws: `incorrect-encoding` for what is no base64.
  func answer(_ element: Element) throws(Failure) -> Answer {
    guard element.namespace.utf8.elementsEqual(namespace.utf8) else { return .other }
    switch element.name {
    case "challenge": return .challenge(try SASLProfile.decoded(element) ?? [])
    case "success":
      guard case .sasl2 = self else {
        return .success(additionalData: try SASLProfile.decoded(element), element)
      }
      guard let data = element.child("additional-data", namespace) else {
        return .success(additionalData: nil, element)
      }
      return .success(additionalData: try SASLProfile.decoded(data) ?? [], element)
    case "failure": return .failure(SASLProfile.failure(element))
    case "continue":
      let tasks = element.child("tasks", namespace)?.elements.map(\.text) ?? []
      return .continued(tasks: tasks)
    default: return .other
    }
  }

  /// A `<failure/>` (RFC 6120 §6.5). The conditions of XEP-0388 are in the namespace of RFC 6120 too.
  private static func failure(_ element: Element) -> SASLFailure {
    let condition = element.elements.first {
      !$0.name.isSame(as: "text") && $0.namespace.utf8.elementsEqual(Namespace.sasl.utf8)
    }
    let text = element.elements.first { $0.name.isSame(as: "text") }?.text
    return SASLFailure(condition: condition?.name ?? "undefined-condition", text: text)
  }

  /// Base64, or `=` for no bytes at all, which is not the same as no data (RFC 6120 §6.4.2).
  private static func encoded(_ bytes: [UInt8]) -> String {
    bytes.isEmpty ? "=" : String(decoding: Base64.encode(bytes), as: UTF8.self)
  }

  /// The base64 that one step of a login may have; bytes. No mechanism needs a thousandth of it.
  private static let mostEncoded = 64 << 10

  /// The data of an element; `nil` where it has none.
  ///
  /// - Throws: `challenge-too-long`, before anything is made of it.
  private static func decoded(_ element: Element) throws(Failure) -> [UInt8]? {
    let size = element.children.reduce(0) { size, node in
      if case .text(let text) = node { size + text.withUTF8(\.count) } else { size }
    }
    guard size <= mostEncoded else {
      throw .authentication(
        "challenge-too-long", "the server's <\(element.name)> has more than \(mostEncoded) bytes")
    }
    let text = element.text
    if text.isEmpty { return nil }
    if text == "=" { return [] }
    guard let bytes = Base64.decode(Array(text.utf8)) else {
      throw .authentication("incorrect-encoding", "the server's <\(element.name)> is not base64")
    }
    return bytes
  }
}
