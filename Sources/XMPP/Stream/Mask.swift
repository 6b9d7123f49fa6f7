/// What a trace shows in place of elements that carry secrets: the element itself, its secrets as `***`.
enum Mask {
  /// The masked form; `nil` where there is nothing to hide.
  static func text(for element: Element) -> String? { hides(element) ? masked(element, all: false).xml : nil }

  /// Whether an element or one inside it carries a secret: SASL data, passwords, tokens.
  private static func hides(_ element: Element) -> Bool {
    isSecret(element) || element.elements.contains(where: hides)
  }

  private static func isSecret(_ element: Element) -> Bool {
    switch element.name {
    case "auth", "challenge", "response", "success", "initial-response", "additional-data", "password",
      "token",
      "digest":
      true
    case "field":
      element.attribute("type") == "text-private" || element.attribute("var") == "password"
    default: false
    }
  }

  private static func masked(_ element: Element, all: Bool) -> Element {
    let secret = all || isSecret(element)
    let nodes = element.children.map { node -> Element.Node in
      switch node {
      case .element(let child): .element(masked(child, all: secret))
      case .text(let text): .text(secret ? Text("***") : text)
      }
    }
    return element.attributes.reduce(Element(element.name, element.namespace, nodes: nodes)) {
      result, attribute in
      guard attribute.namespace.isEmpty else { return result }
      return result.setting(attribute.name, to: attribute.name == "token" ? "***" : attribute.value)
    }
  }
}
